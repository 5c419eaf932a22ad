// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keymap.c: see keymap.h. Sources: IBM PS/2 Hardware Interface Technical
 * Reference, keyboard (scan codes); X11's keysymdef.h (numbers of keysyms). A
 * keysym below 0x80 is its character.
 */
#include "keymap.h"

#include <errno.h>
#include <string.h>

#define E0(code) (KEYMAP_EXTENDED | (code))

/* Rows of characters, in the order of their keys: plain, then shifted. */
static const struct {
    uint8_t first;
    const char *plain;
    const char *shifted;
} rows[] = {
    {0x02, "1234567890-=", "!@#$%^&*()_+"},
    {0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
    {0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
    {0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
    {0x39, " ", ""},
};

static const struct {
    const char *name;
    uint16_t key;
} names[] = {
    {"esc", 0x01},          {"escape", 0x01},
    {"minus", 0x0c},        {"equal", 0x0d},
    {"backspace", 0x0e},    {"tab", 0x0f},
    {"enter", 0x1c},        {"return", 0x1c},
    {"ctrl", 0x1d},         {"shift", 0x2a},
    {"rshift", 0x36},       {"kp-multiply", 0x37},
    {"alt", 0x38},          {"space", 0x39},
    {"capslock", 0x3a},     {"f1", 0x3b},
    {"f2", 0x3c},           {"f3", 0x3d},
    {"f4", 0x3e},           {"f5", 0x3f},
    {"f6", 0x40},           {"f7", 0x41},
    {"f8", 0x42},           {"f9", 0x43},
    {"f10", 0x44},          {"numlock", 0x45},
    {"scrolllock", 0x46},   {"kp-7", 0x47},
    {"kp-8", 0x48},         {"kp-9", 0x49},
    {"kp-minus", 0x4a},     {"kp-4", 0x4b},
    {"kp-5", 0x4c},         {"kp-6", 0x4d},
    {"kp-plus", 0x4e},      {"kp-1", 0x4f},
    {"kp-2", 0x50},         {"kp-3", 0x51},
    {"kp-0", 0x52},         {"kp-dot", 0x53},
    {"less", 0x56},         {"f11", 0x57},
    {"f12", 0x58},          {"kp-enter", E0(0x1c)},
    {"rctrl", E0(0x1d)},    {"kp-divide", E0(0x35)},
    {"print", E0(0x37)},    {"sysrq", 0x54},
    {"altgr", E0(0x38)},    {"home", E0(0x47)},
    {"up", E0(0x48)},       {"pageup", E0(0x49)},
    {"left", E0(0x4b)},     {"right", E0(0x4d)},
    {"end", E0(0x4f)},      {"down", E0(0x50)},
    {"pagedown", E0(0x51)}, {"insert", E0(0x52)},
    {"delete", E0(0x53)},   {"del", E0(0x53)},
    {"win", E0(0x5b)},      {"rwin", E0(0x5c)},
    {"menu", E0(0x5d)},     {"power", E0(0x5e)},
    {"sleep", E0(0x5f)},    {"pause", 0xe11d},
};

static const struct {
    uint16_t sym;
    uint16_t key;
} syms[] = {
    {0xff08, 0x0e},     {0xff09, 0x0f},     {0xfe20, 0x0f},
    {0xff0a, 0x1c},     {0xff0d, 0x1c},     {0xff13, 0xe11d},
    {0xff14, 0x46},     {0xff15, 0x54},     {0xff1b, 0x01},
    {0xff50, E0(0x47)}, {0xff51, E0(0x4b)}, {0xff52, E0(0x48)},
    {0xff53, E0(0x4d)}, {0xff54, E0(0x50)}, {0xff55, E0(0x49)},
    {0xff56, E0(0x51)}, {0xff57, E0(0x4f)}, {0xff61, E0(0x37)},
    {0xff63, E0(0x52)}, {0xff67, E0(0x5d)}, {0xff7e, E0(0x38)},
    {0xff7f, 0x45},     {0xff8d, E0(0x1c)}, {0xff95, 0x47},
    {0xff96, 0x4b},     {0xff97, 0x48},     {0xff98, 0x4d},
    {0xff99, 0x50},     {0xff9a, 0x49},     {0xff9b, 0x51},
    {0xff9c, 0x4f},     {0xff9d, 0x4c},     {0xff9e, 0x52},
    {0xff9f, 0x53},     {0xffaa, 0x37},     {0xffab, 0x4e},
    {0xffad, 0x4a},     {0xffae, 0x53},     {0xffaf, E0(0x35)},
    {0xffb0, 0x52},     {0xffb1, 0x4f},     {0xffb2, 0x50},
    {0xffb3, 0x51},     {0xffb4, 0x4b},     {0xffb5, 0x4c},
    {0xffb6, 0x4d},     {0xffb7, 0x47},     {0xffb8, 0x48},
    {0xffb9, 0x49},     {0xffbe, 0x3b},     {0xffbf, 0x3c},
    {0xffc0, 0x3d},     {0xffc1, 0x3e},     {0xffc2, 0x3f},
    {0xffc3, 0x40},     {0xffc4, 0x41},     {0xffc5, 0x42},
    {0xffc6, 0x43},     {0xffc7, 0x44},     {0xffc8, 0x57},
    {0xffc9, 0x58},     {0xffe1, 0x2a},     {0xffe2, 0x36},
    {0xffe3, 0x1d},     {0xffe4, E0(0x1d)}, {0xffe5, 0x3a},
    {0xffe7, 0x38},     {0xffe8, E0(0x38)}, {0xffe9, 0x38},
    {0xffea, E0(0x38)}, {0xffeb, E0(0x5b)}, {0xffec, E0(0x5c)},
    {0xfe03, E0(0x38)}, {0xffff, E0(0x53)},
};

static unsigned find_in(const char *row, unsigned char c, unsigned first)
{
    const char *at = c ? strchr(row, c) : NULL;

    return at ? first + (unsigned)(at - row) : 0;
}

unsigned keymap_char(unsigned char c, bool *shift)
{
    *shift = false;
    if (c == '\n' || c == '\r')
        return 0x1c;
    if (c == '\t')
        return 0x0f;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned key = find_in(rows[i].plain, c, rows[i].first);

        if (key)
            return key;
        key = find_in(rows[i].shifted, c, rows[i].first);
        *shift = key;
        if (key)
            return key;
    }
    return 0;
}

unsigned keymap_name(const char *name, size_t n)
{
    bool shift;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i].name) == n && strncmp(names[i].name, name, n) == 0)
            return names[i].key;
    /* A character by itself: the key it is on without shift. */
    if (n == 1 && *name > ' ') {
        const unsigned key = keymap_char((unsigned char)*name, &shift);

        return shift ? 0 : key;
    }
    return 0;
}

unsigned keymap_keysym(uint32_t sym)
{
    bool shift;

    if (sym >= ' ' && sym < 0x7f)
        return keymap_char((unsigned char)sym, &shift);
    for (size_t i = 0; i < ARRAY_LEN(syms); i++)
        if (syms[i].sym == sym)
            return syms[i].key;
    return 0;
}

/* The longest name that the text begins with and that ends at a dash. */
static size_t next_name(const char *text, unsigned *key)
{
    for (size_t n = strlen(text); n > 0; n--) {
        if (text[n] != '\0' && text[n] != '-')
            continue;
        *key = keymap_name(text, n);
        if (*key)
            return n;
    }
    return 0;
}

int keymap_chord(const char *name, struct key_stroke *out)
{
    unsigned keys[KEYMAP_CHORD];
    unsigned n = 0;

    for (;;) {
        const size_t len = n < KEYMAP_CHORD ? next_name(name, &keys[n]) : 0;

        if (len == 0)
            return -EINVAL;
        n++;
        if (name[len] == '\0')
            break;
        name += len + 1;
    }
    for (unsigned i = 0; i < n; i++) {
        out[i] = (struct key_stroke){(uint16_t)keys[i], true};
        out[2 * n - 1 - i] = (struct key_stroke){(uint16_t)keys[i], false};
    }
    return (int)(2 * n);
}

int keymap_type(unsigned char c, struct key_stroke *out)
{
    bool shift;
    const uint16_t key = (uint16_t)keymap_char(c, &shift);
    unsigned n = 0;

    if (!key)
        return -EINVAL;
    if (shift)
        out[n++] = (struct key_stroke){KEYMAP_SHIFT, true};
    out[n++] = (struct key_stroke){key, true};
    out[n++] = (struct key_stroke){key, false};
    if (shift)
        out[n++] = (struct key_stroke){KEYMAP_SHIFT, false};
    return (int)n;
}
