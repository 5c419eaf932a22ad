// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ps2_kbd.c: a PS/2 keyboard; see ps2.h. Source: IBM PS/2 Hardware Interface
 * Technical Reference, keyboard (101/102 keys) and the 8042's translation
 * table.
 *
 * It knows scan code sets 2 and 1. Set 3, which nobody needs, is refused,
 * and with it the commands that exist for it alone. Repeated keys come from
 * whoever presses them: the typematic rate is accepted and does nothing.
 */
#include "devices/platform/ps2.h"

#define CMD_LEDS       0xedu
#define CMD_ECHO       0xeeu
#define CMD_SET        0xf0u
#define CMD_ID         0xf2u
#define CMD_TYPEMATIC  0xf3u
#define CMD_ENABLE     0xf4u
#define CMD_DISABLE    0xf5u
#define CMD_DEFAULT    0xf6u
#define CMD_ALL_LAST   0xfau /* 0xf7 on: all keys typematic, ... */
#define CMD_RESEND     0xfeu
#define CMD_RESET      0xffu
#define ARGUMENT_LIMIT 0x80u /* arguments are smaller, commands are not */

#define REPLY_ACK    0xfau
#define REPLY_RESEND 0xfeu
#define REPLY_PASSED 0xaau /* the basic assurance test */
#define REPLY_ID1    0xabu
#define REPLY_ID2    0x83u

#define CODE_EXTENDED 0xe0u
#define CODE_BREAK    0xf0u /* set 2: before the code */
#define SET1_BREAK    0x80u /* set 1: in the code */

/* Room that is kept for releases. */
#define RELEASE_ROOM 32u
#define LONGEST      8u

/* Set 2 to set 1; what is not in the table stays as it is. */
static const uint8_t set1_of[] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, /* 00 */
    0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, /* 08 */
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, /* 10 */
    0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, /* 18 */
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, /* 20 */
    0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, /* 28 */
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, /* 30 */
    0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, /* 38 */
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, /* 40 */
    0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, /* 48 */
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, /* 50 */
    0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, /* 58 */
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, /* 60 */
    0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, /* 68 */
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, /* 70 */
    0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, /* 78 */
    0x80, 0x81, 0x82, 0x41, 0x54,                   /* 80 */
};

uint8_t ps2_translate(uint8_t v)
{
    return v < ARRAY_LEN(set1_of) ? set1_of[v] : v;
}

/*
 * The set 2 code of a set 1 code, or 0. Two codes have two: the later ones,
 * of F7 and of SysRq, are those that keyboards send.
 */
static uint8_t set2_of(uint8_t set1)
{
    for (unsigned i = ARRAY_LEN(set1_of); i-- > 1;)
        if (set1_of[i] == set1)
            return (uint8_t)i;
    return 0;
}

static void set_defaults(struct ps2_kbd *k)
{
    k->set = 2;
    ps2_clear(&k->keys);
}

void ps2_kbd_init(struct ps2_kbd *k)
{
    *k = (struct ps2_kbd){.scanning = true};
    set_defaults(k);
}

static void reply(struct ps2_kbd *k, uint8_t v)
{
    ps2_put(&k->replies, v);
}

static void reset(struct ps2_kbd *k)
{
    set_defaults(k);
    k->leds = 0;
    k->scanning = true;
    reply(k, REPLY_PASSED);
}

static void command(struct ps2_kbd *k, uint8_t v)
{
    if (v == CMD_ECHO || v == CMD_RESEND) {
        reply(k, v == CMD_ECHO ? v : k->last);
        return;
    }
    if (v < CMD_LEDS || v == 0xef || v == 0xf1 ||
        (v > CMD_ALL_LAST && v < CMD_RESEND)) {
        reply(k, REPLY_RESEND);
        return;
    }
    reply(k, REPLY_ACK);
    switch (v) {
    case CMD_LEDS:
    case CMD_SET:
    case CMD_TYPEMATIC:
        k->expect = v;
        break;
    case CMD_ID:
        reply(k, REPLY_ID1);
        reply(k, REPLY_ID2);
        break;
    case CMD_ENABLE:
        ps2_clear(&k->keys);
        k->scanning = true;
        break;
    case CMD_DISABLE:
        set_defaults(k);
        k->scanning = false;
        break;
    case CMD_DEFAULT:
        set_defaults(k);
        break;
    case CMD_RESET:
        reset(k);
        break;
    default:
        break; /* up to CMD_ALL_LAST: they concern set 3 only */
    }
}

static void choose_set(struct ps2_kbd *k, uint8_t v)
{
    if (v > 2) {
        reply(k, REPLY_RESEND);
        return;
    }
    reply(k, REPLY_ACK);
    if (v == 0) {
        reply(k, k->set);
        return;
    }
    k->set = v;
    ps2_clear(&k->keys);
}

static void argument(struct ps2_kbd *k, uint8_t cmd, uint8_t v)
{
    if (cmd == CMD_SET) {
        choose_set(k, v);
        return;
    }
    if (cmd == CMD_LEDS)
        k->leds = v & (PS2_LED_SCROLL | PS2_LED_NUM | PS2_LED_CAPS);
    reply(k, REPLY_ACK);
}

void ps2_kbd_write(struct ps2_kbd *k, uint8_t v)
{
    const uint8_t cmd = k->expect;

    k->expect = 0;
    ps2_clear(&k->replies);
    if (cmd && v < ARGUMENT_LIMIT)
        argument(k, cmd, v);
    else
        command(k, v);
}

bool ps2_kbd_read(struct ps2_kbd *k, uint8_t *v)
{
    if (k->replies.n)
        *v = ps2_take(&k->replies);
    else if (k->keys.n)
        *v = ps2_take(&k->keys);
    else
        return false;
    k->last = *v;
    return true;
}

/* The bytes of a key that has one code, in either set. */
static unsigned one_code(const struct ps2_kbd *k, unsigned key, bool down,
                         uint8_t *out)
{
    const uint8_t set1 = key & 0x7f;
    const uint8_t set2 = set2_of(set1);
    unsigned n = 0;

    if (set1 == 0 || set2 == 0)
        return 0;
    if (key & PS2_KEY_EXTENDED)
        out[n++] = CODE_EXTENDED;
    if (k->set == 1) {
        out[n++] = (uint8_t)(set1 | (down ? 0 : SET1_BREAK));
        return n;
    }
    if (!down)
        out[n++] = CODE_BREAK;
    out[n++] = set2;
    return n;
}

/* Print Screen comes with a shift around it. */
static unsigned print_codes(const struct ps2_kbd *k, bool down, uint8_t *out)
{
    const unsigned shift = PS2_KEY_EXTENDED | 0x2au;
    unsigned n = one_code(k, down ? shift : PS2_KEY_PRINT, down, out);

    n += one_code(k, down ? PS2_KEY_PRINT : shift, down, out + n);
    return n;
}

/* Pause sends all it has when it goes down, and nothing when it goes up. */
static unsigned pause_codes(const struct ps2_kbd *k, bool down, uint8_t *out)
{
    static const uint8_t codes[2][LONGEST] = {
        {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5},
        {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77},
    };
    const unsigned n = k->set == 1 ? 6 : 8;

    for (unsigned i = 0; i < n; i++)
        out[i] = codes[k->set - 1][i];
    return down ? n : 0;
}

void ps2_kbd_key(struct ps2_kbd *k, unsigned key, bool down)
{
    uint8_t out[LONGEST];
    unsigned n;

    if (!k->scanning)
        return;
    if (key == PS2_KEY_PAUSE)
        n = pause_codes(k, down, out);
    else if (key == PS2_KEY_PRINT)
        n = print_codes(k, down, out);
    else if (key <= 0x7f || (key & ~0x7fu) == PS2_KEY_EXTENDED)
        n = one_code(k, key, down, out);
    else
        return;
    if (ps2_room(&k->keys) < n + (down ? RELEASE_ROOM : 0))
        return;
    for (unsigned i = 0; i < n; i++)
        ps2_put(&k->keys, out[i]);
}
