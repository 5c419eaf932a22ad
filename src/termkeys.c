// SPDX-License-Identifier: GPL-2.0-or-later
/* termkeys.c: see termkeys.h. */
#include "termkeys.h"

#include <string.h>

#define ESC      '\x1b'
#define CTRL     0x1du
#define ALT      0x38u
#define KEY_ESC  0x01u
#define KEY_BACK 0x0eu

/* What follows the escape. */
static const struct {
    const char *text;
    const char *key;
} sequences[] = {
    {"[A", "up"},      {"[B", "down"},      {"[C", "right"},   {"[D", "left"},
    {"[H", "home"},    {"[F", "end"},       {"OA", "up"},      {"OB", "down"},
    {"OC", "right"},   {"OD", "left"},      {"OH", "home"},    {"OF", "end"},
    {"[1~", "home"},   {"[2~", "insert"},   {"[3~", "delete"}, {"[4~", "end"},
    {"[5~", "pageup"}, {"[6~", "pagedown"}, {"OP", "f1"},      {"OQ", "f2"},
    {"OR", "f3"},      {"OS", "f4"},        {"[11~", "f1"},    {"[12~", "f2"},
    {"[13~", "f3"},    {"[14~", "f4"},      {"[15~", "f5"},    {"[17~", "f6"},
    {"[18~", "f7"},    {"[19~", "f8"},      {"[20~", "f9"},    {"[21~", "f10"},
    {"[23~", "f11"},   {"[24~", "f12"},
};

/* Put n modifiers and a key: down in this order, up in the other. */
static unsigned put(struct key_stroke *s, const unsigned *keys, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        s[i] = (struct key_stroke){(uint16_t)keys[i], true};
        s[2 * n - 1 - i] = (struct key_stroke){(uint16_t)keys[i], false};
    }
    return 2 * n;
}

/* A character by itself; 0: no key has it. */
static unsigned take_char(unsigned char c, bool alt, struct key_stroke *s)
{
    unsigned keys[3], n = 0;
    bool shift = false, ctrl = false;
    unsigned key;

    if (c == 0x7f || c == '\b') {
        key = KEY_BACK;
    } else if (c == ESC) {
        key = KEY_ESC;
    } else if (c < ' ' && c != '\t' && c != '\r' && c != '\n') {
        ctrl = true;
        key = keymap_char((unsigned char)(c < 0x1b ? c | 0x60 : c | 0x40),
                          &shift);
    } else {
        key = keymap_char(c, &shift);
    }
    if (!key)
        return 0;
    if (alt)
        keys[n++] = ALT;
    if (ctrl)
        keys[n++] = CTRL;
    else if (shift)
        keys[n++] = KEYMAP_SHIFT;
    keys[n++] = key;
    return put(s, keys, n);
}

/* Bytes of an unknown control sequence, to be skipped as a whole. */
static size_t unknown(const char *in, size_t n)
{
    size_t i = 2;

    while (i < n && in[i] >= 0x20 && in[i] < 0x40)
        i++;
    return i < n ? i + 1 : n;
}

size_t termkeys_take(const char *in, size_t n,
                     struct key_stroke strokes[TERMKEYS_MAX],
                     unsigned *n_strokes)
{
    *n_strokes = 0;
    if (in[0] != ESC || n == 1) {
        *n_strokes = take_char((unsigned char)in[0], false, strokes);
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
        const size_t len = strlen(sequences[i].text);
        const char *key = sequences[i].key;
        const unsigned code = keymap_name(key, strlen(key));

        if (len < n && strncmp(in + 1, sequences[i].text, len) == 0) {
            *n_strokes = put(strokes, &code, 1);
            return 1 + len;
        }
    }
    if ((in[1] == '[' || in[1] == 'O') && n > 2)
        return unknown(in, n);
    if (in[1] == ESC) {
        *n_strokes = take_char(ESC, false, strokes);
        return 1;
    }
    *n_strokes = take_char((unsigned char)in[1], true, strokes);
    return 2;
}
