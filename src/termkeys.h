/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * termkeys.h: from what a terminal sends for a key (ECMA-48, xterm's function
 * keys) to the keys of a PC's keyboard.
 */
#ifndef VMM_TERMKEYS_H
#define VMM_TERMKEYS_H

#include "keymap.h"

#define TERMKEYS_MAX 6 /* strokes of one key: alt, shift, key; all up */

/*
 * Take one key from the front of n bytes (n > 0). Returns how many bytes it
 * was, at least one; *n_strokes is 0 for what is no key. An escape at the end
 * of the bytes is the escape key.
 */
size_t termkeys_take(const char *in, size_t n,
                     struct key_stroke strokes[TERMKEYS_MAX],
                     unsigned *n_strokes);

#endif
