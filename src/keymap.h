/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keymap.h: the keys of a PC's keyboard by name, by the character a US
 * keyboard has on them, and by X11's keysym. A key is its scan code of set 1,
 * with KEYMAP_EXTENDED if it sends E0 before it: as ps2_kbd_key takes it.
 */
#ifndef VMM_KEYMAP_H
#define VMM_KEYMAP_H

#include "vmm/types.h"

#define KEYMAP_EXTENDED 0xe000u
#define KEYMAP_SHIFT    0x2au
#define KEYMAP_CHORD    8 /* keys held at once, at most */

/* A key goes down or up. */
struct key_stroke {
    uint16_t key;
    bool down;
};

/* The key of a name such as "a", "enter", "left" or "f12"; 0: none. */
unsigned keymap_name(const char *name, size_t n);

/* The key of a character, *shift: with the shift key; 0: it is on none. */
unsigned keymap_char(unsigned char c, bool *shift);

/* The key of a keysym; 0: it is on none. */
unsigned keymap_keysym(uint32_t sym);

/*
 * Append the strokes of "ctrl-alt-delete": all down in order, then up. Returns
 * how many strokes, at most 2 * KEYMAP_CHORD, or -EINVAL.
 */
int keymap_chord(const char *name, struct key_stroke *out);

/* The strokes of a character, at most 4, or -EINVAL. */
int keymap_type(unsigned char c, struct key_stroke *out);

#endif
