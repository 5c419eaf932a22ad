// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i8042.c: the keyboard controller; see i8042.h. Source: IBM PS/2 Hardware
 * Interface Technical Reference, keyboard and auxiliary device controller.
 *
 * One output buffer of one byte, filled from three places: answers of the
 * controller, the keyboard, the mouse; in this order. It is filled as soon
 * as it is empty; the interrupt of its filling is an edge that follows the
 * reading of the byte before. A device whose interface is disabled keeps
 * its bytes.
 *
 * Commands take effect before the write returns: the input buffer is always
 * empty. Answers nobody fetches are dropped when there are REPLIES of them.
 */
#include "devices/platform/i8042.h"
#include "vmm/log.h"

#include <stdlib.h>

#define STATUS_OBF      0x01u
#define STATUS_SYSTEM   0x04u
#define STATUS_COMMAND  0x08u
#define STATUS_UNLOCKED 0x10u
#define STATUS_AUX      0x20u

/* The command byte: byte 0 of the controller's RAM. */
#define CB_IRQ1      0x01u
#define CB_IRQ12     0x02u
#define CB_SYSTEM    0x04u
#define CB_NO_KBD    0x10u
#define CB_NO_AUX    0x20u
#define CB_TRANSLATE 0x40u

#define CMD_READ_RAM    0x20u /* and 31 more */
#define CMD_WRITE_RAM   0x60u /* and 31 more */
#define CMD_PASSWORD    0xa4u
#define CMD_NO_AUX      0xa7u
#define CMD_AUX         0xa8u
#define CMD_TEST_AUX    0xa9u
#define CMD_TEST        0xaau
#define CMD_TEST_KBD    0xabu
#define CMD_NO_KBD      0xadu
#define CMD_KBD         0xaeu
#define CMD_INPUT_PORT  0xc0u
#define CMD_OUTPUT_PORT 0xd0u
#define CMD_SET_OUTPUT  0xd1u
#define CMD_PUT_KBD     0xd2u
#define CMD_PUT_AUX     0xd3u
#define CMD_WRITE_AUX   0xd4u
#define CMD_A20_OFF     0xddu
#define CMD_A20_ON      0xdfu
#define CMD_TEST_LINES  0xe0u
#define CMD_PULSE       0xf0u /* and 15 more: the zeroes are pulsed */

#define REPLY_PASSED      0x55u
#define REPLY_OK          0x00u
#define REPLY_NO_PASSWORD 0xf1u
#define INPUT_UNLOCKED    0x80u

/* The output port. */
#define OUT_NO_RESET 0x01u
#define OUT_A20      0x02u
#define OUT_KBD_FULL 0x10u
#define OUT_AUX_FULL 0x20u
#define OUT_KEPT     (uint8_t) ~(OUT_KBD_FULL | OUT_AUX_FULL)

#define RAM_SIZE   32u
#define REPLIES    8u
#define CODE_BREAK 0xf0u

struct answer {
    uint8_t byte;
    bool aux;
};

struct i8042 {
    struct i8042_hooks hooks;
    struct intr *irq1;  /* borrowed */
    struct intr *irq12; /* borrowed */
    struct ps2_kbd kbd;
    struct ps2_mouse mouse;
    struct answer answers[REPLIES];
    unsigned n_answers;
    uint8_t ram[RAM_SIZE];
    uint8_t out; /* the output buffer */
    uint8_t port;
    uint8_t expect; /* the command whose argument is next, or 0 */
    bool full;      /* the output buffer */
    bool aux;       /* it is the mouse's */
    bool command;   /* the last write was one */
    bool released;  /* translation: the next code is a release */
};

struct i8042 *i8042_create(const struct i8042_hooks *hooks, struct intr *irq1,
                           struct intr *irq12)
{
    struct i8042 *c = calloc(1, sizeof(*c));

    if (!c) {
        log_error("i8042: out of memory");
        return NULL;
    }
    c->hooks = *hooks;
    c->irq1 = irq1;
    c->irq12 = irq12;
    c->ram[0] = CB_NO_KBD | CB_NO_AUX;
    c->port = OUT_NO_RESET | OUT_A20;
    ps2_kbd_init(&c->kbd);
    ps2_mouse_init(&c->mouse);
    return c;
}

void i8042_destroy(struct i8042 *c)
{
    free(c);
}

static void answer(struct i8042 *c, uint8_t v, bool aux)
{
    if (c->n_answers < REPLIES)
        c->answers[c->n_answers++] = (struct answer){v, aux};
}

static void fill(struct i8042 *c, uint8_t v, bool aux)
{
    c->out = v;
    c->aux = aux;
    c->full = true;
}

static void fill_answer(struct i8042 *c)
{
    fill(c, c->answers[0].byte, c->answers[0].aux);
    c->n_answers--;
    for (unsigned i = 0; i < c->n_answers; i++)
        c->answers[i] = c->answers[i + 1];
}

/* Set 2 has a byte for "released", set 1 a bit: it goes into the next one. */
static void fill_kbd(struct i8042 *c)
{
    uint8_t v;

    while (ps2_kbd_read(&c->kbd, &v)) {
        if (!(c->ram[0] & CB_TRANSLATE)) {
            fill(c, v, false);
            return;
        }
        if (v == CODE_BREAK) {
            c->released = true;
            continue;
        }
        v = (uint8_t)(ps2_translate(v) | (c->released ? 0x80u : 0u));
        c->released = false;
        fill(c, v, false);
        return;
    }
}

/* Fill the output buffer if it is empty, and drive the lines. */
static void update(struct i8042 *c)
{
    uint8_t v;

    if (!c->full && c->n_answers)
        fill_answer(c);
    if (!c->full && !(c->ram[0] & CB_NO_KBD))
        fill_kbd(c);
    if (!c->full && !(c->ram[0] & CB_NO_AUX) && ps2_mouse_read(&c->mouse, &v))
        fill(c, v, true);
    intr_set(c->irq1, c->full && !c->aux && (c->ram[0] & CB_IRQ1));
    intr_set(c->irq12, c->full && c->aux && (c->ram[0] & CB_IRQ12));
}

static void set_output(struct i8042 *c, uint8_t v)
{
    const uint8_t changed = c->port ^ v;

    c->port = v & OUT_KEPT;
    if (changed & OUT_A20)
        c->hooks.a20(c->hooks.ctx, v & OUT_A20);
    if (changed & OUT_NO_RESET && !(v & OUT_NO_RESET))
        c->hooks.reset(c->hooks.ctx);
}

static uint8_t output_port(const struct i8042 *c)
{
    uint8_t v = c->port;

    if (c->full)
        v |= c->aux ? OUT_AUX_FULL : OUT_KBD_FULL;
    return v;
}

static void self_test(struct i8042 *c)
{
    c->ram[0] |= CB_SYSTEM | CB_NO_KBD | CB_NO_AUX;
    c->n_answers = 0;
    c->full = false;
    answer(c, REPLY_PASSED, false);
}

/* The other commands: the upper bits say which, the lower what of. */
static void ranged_command(struct i8042 *c, uint8_t v)
{
    if (v >= CMD_READ_RAM && v < CMD_READ_RAM + RAM_SIZE)
        answer(c, c->ram[v - CMD_READ_RAM], false);
    else if (v >= CMD_WRITE_RAM && v < CMD_WRITE_RAM + RAM_SIZE)
        c->expect = v;
    else if (v >= CMD_PULSE && !(v & OUT_NO_RESET))
        c->hooks.reset(c->hooks.ctx);
}

static void do_command(struct i8042 *c, uint8_t v)
{
    switch (v) {
    case CMD_PASSWORD:
        answer(c, REPLY_NO_PASSWORD, false);
        break;
    case CMD_NO_AUX:
        c->ram[0] |= CB_NO_AUX;
        break;
    case CMD_AUX:
        c->ram[0] &= (uint8_t)~CB_NO_AUX;
        break;
    case CMD_TEST:
        self_test(c);
        break;
    case CMD_TEST_AUX:
    case CMD_TEST_KBD:
    case CMD_TEST_LINES:
        answer(c, REPLY_OK, false);
        break;
    case CMD_NO_KBD:
        c->ram[0] |= CB_NO_KBD;
        break;
    case CMD_KBD:
        c->ram[0] &= (uint8_t)~CB_NO_KBD;
        break;
    case CMD_INPUT_PORT:
        answer(c, INPUT_UNLOCKED, false);
        break;
    case CMD_OUTPUT_PORT:
        answer(c, output_port(c), false);
        break;
    case CMD_SET_OUTPUT:
    case CMD_PUT_KBD:
    case CMD_PUT_AUX:
    case CMD_WRITE_AUX:
        c->expect = v;
        break;
    case CMD_A20_OFF:
        set_output(c, c->port & (uint8_t)~OUT_A20);
        break;
    case CMD_A20_ON:
        set_output(c, c->port | OUT_A20);
        break;
    default:
        ranged_command(c, v);
        break;
    }
}

/* Sending to a device opens its interface. */
static void send_kbd(struct i8042 *c, uint8_t v)
{
    c->ram[0] &= (uint8_t)~CB_NO_KBD;
    c->released = false;
    ps2_kbd_write(&c->kbd, v);
}

static void do_argument(struct i8042 *c, uint8_t cmd, uint8_t v)
{
    switch (cmd) {
    case CMD_SET_OUTPUT:
        set_output(c, v);
        break;
    case CMD_PUT_KBD:
    case CMD_PUT_AUX:
        answer(c, v, cmd == CMD_PUT_AUX);
        break;
    case CMD_WRITE_AUX:
        c->ram[0] &= (uint8_t)~CB_NO_AUX;
        ps2_mouse_write(&c->mouse, v);
        break;
    default:
        c->ram[(cmd - CMD_WRITE_RAM) % RAM_SIZE] = v;
        break;
    }
}

/* The line falls with the reading, and rises with what comes next. */
static void data_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct i8042 *c = dev;

    (void)off;
    (void)n; /* one port: one byte */
    *(uint8_t *)data = c->out;
    c->full = false;
    intr_lower(c->irq1);
    intr_lower(c->irq12);
    update(c);
}

static void data_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct i8042 *c = dev;
    const uint8_t cmd = c->expect;
    const uint8_t v = *(const uint8_t *)data;

    (void)off;
    (void)n;
    c->command = false;
    c->expect = 0;
    if (cmd)
        do_argument(c, cmd, v);
    else
        send_kbd(c, v);
    update(c);
}

static void command_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct i8042 *c = dev;
    uint8_t v = STATUS_UNLOCKED;

    (void)off;
    (void)n;
    if (c->full)
        v |= STATUS_OBF | (c->aux ? STATUS_AUX : 0);
    if (c->ram[0] & CB_SYSTEM)
        v |= STATUS_SYSTEM;
    if (c->command)
        v |= STATUS_COMMAND;
    *(uint8_t *)data = v;
}

static void command_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct i8042 *c = dev;

    (void)off;
    (void)n;
    c->command = true;
    c->expect = 0;
    do_command(c, *(const uint8_t *)data);
    update(c);
}

const struct io_ops i8042_data_ops = {
    .name = "i8042",
    .read = data_read,
    .write = data_write,
};

const struct io_ops i8042_command_ops = {
    .name = "i8042 command",
    .read = command_read,
    .write = command_write,
};

void i8042_key(struct i8042 *c, unsigned key, bool down)
{
    ps2_kbd_key(&c->kbd, key, down);
    update(c);
}

void i8042_mouse(struct i8042 *c, int dx, int dy, int dz, unsigned buttons)
{
    ps2_mouse_move(&c->mouse, dx, dy, dz, buttons);
    update(c);
}

bool i8042_keys_taken(const struct i8042 *c)
{
    return c->kbd.keys.n == 0 && (!c->full || c->aux);
}

unsigned i8042_leds(const struct i8042 *c)
{
    return c->kbd.leds;
}
