// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ps2_mouse.c: a PS/2 mouse with a wheel; see ps2.h. Sources: IBM PS/2
 * Hardware Interface Technical Reference, mouse; the wheel as the
 * IntelliMouse has it: a driver that sets the rates 200, 100 and 80 in a row
 * finds device 3 and packets of four bytes.
 *
 * Movement is kept as a sum and becomes a packet when the last one was
 * fetched; a button is a packet at once, so that no click is lost.
 */
#include "devices/platform/ps2.h"

#define CMD_SCALE_1  0xe6u
#define CMD_SCALE_2  0xe7u
#define CMD_RES      0xe8u
#define CMD_STATUS   0xe9u
#define CMD_STREAM   0xeau
#define CMD_READ     0xebu
#define CMD_END_WRAP 0xecu
#define CMD_WRAP     0xeeu
#define CMD_REMOTE   0xf0u
#define CMD_ID       0xf2u
#define CMD_RATE     0xf3u
#define CMD_ENABLE   0xf4u
#define CMD_DISABLE  0xf5u
#define CMD_DEFAULT  0xf6u
#define CMD_RESEND   0xfeu
#define CMD_RESET    0xffu

#define REPLY_ACK    0xfau
#define REPLY_RESEND 0xfeu
#define REPLY_PASSED 0xaau

#define STATUS_REMOTE  0x40u
#define STATUS_ENABLED 0x20u
#define STATUS_SCALE_2 0x10u

#define PACKET_ONE    0x08u /* always set in the first byte */
#define PACKET_X_SIGN 0x10u
#define PACKET_Y_SIGN 0x20u
#define PACKET_MAX    4u

#define ID_PLAIN 0u
#define ID_WHEEL 3u

#define SUM_MAX 4096 /* movement that waits */

static void set_defaults(struct ps2_mouse *m)
{
    m->rate = 100;
    m->resolution = 2;
    m->double_scale = false;
    m->remote = false;
    m->reporting = false;
}

static void forget_movement(struct ps2_mouse *m)
{
    m->dx = m->dy = m->dz = 0;
    m->pending = false;
}

void ps2_mouse_init(struct ps2_mouse *m)
{
    *m = (struct ps2_mouse){.id = ID_PLAIN};
    set_defaults(m);
}

static void reply(struct ps2_mouse *m, uint8_t v)
{
    ps2_put(&m->replies, v);
}

static int clamp(int v, int low, int high)
{
    if (v < low)
        return low;
    return v > high ? high : v;
}

/* Scaling 2:1: small movements stay small. */
static int scaled(const struct ps2_mouse *m, int v)
{
    static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
    const unsigned size = (unsigned)(v < 0 ? -v : v);
    int out;

    if (!m->double_scale || m->remote)
        return v;
    out = size < ARRAY_LEN(small) ? small[size] : (int)(2 * size);
    return clamp(v < 0 ? -out : out, -255, 255);
}

/* Take as much of the sums as a packet can say. */
static void put_packet(struct ps2_mouse *m, struct ps2_queue *q)
{
    const int dx = clamp(m->dx, -255, 255);
    const int dy = clamp(m->dy, -255, 255);
    const int dz = clamp(m->dz, -8, 7);
    const int x = scaled(m, dx);
    const int y = scaled(m, -dy); /* up is positive on the wire */

    ps2_put(q, (uint8_t)(PACKET_ONE | m->buttons | (x < 0 ? PACKET_X_SIGN : 0) |
                         (y < 0 ? PACKET_Y_SIGN : 0)));
    ps2_put(q, (uint8_t)x);
    ps2_put(q, (uint8_t)y);
    if (m->id == ID_WHEEL)
        ps2_put(q, (uint8_t)dz);
    m->dx -= dx;
    m->dy -= dy;
    m->dz -= m->id == ID_WHEEL ? dz : m->dz;
    m->pending = m->dx || m->dy || m->dz;
}

static bool is_streaming(const struct ps2_mouse *m)
{
    return m->reporting && !m->remote && !m->wrap;
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz,
                    unsigned buttons)
{
    const uint8_t now =
        buttons & (PS2_BUTTON_LEFT | PS2_BUTTON_RIGHT | PS2_BUTTON_MIDDLE);
    const bool clicked = now != m->buttons;

    /* Clamped before they are added: the sums cannot overflow. */
    m->dx = clamp(m->dx + clamp(dx, -SUM_MAX, SUM_MAX), -SUM_MAX, SUM_MAX);
    m->dy = clamp(m->dy + clamp(dy, -SUM_MAX, SUM_MAX), -SUM_MAX, SUM_MAX);
    m->dz = clamp(m->dz + clamp(dz, -SUM_MAX, SUM_MAX), -SUM_MAX, SUM_MAX);
    m->buttons = now;
    m->pending = m->pending || clicked || dx || dy || dz;
    if (clicked && is_streaming(m) && ps2_room(&m->packets) >= PACKET_MAX)
        put_packet(m, &m->packets);
}

/* The knock at the wheel's door. */
static void set_rate(struct ps2_mouse *m, uint8_t v)
{
    m->rate = v;
    if (m->knock[0] == 200 && m->knock[1] == 100 && v == 80)
        m->id = ID_WHEEL;
    m->knock[0] = m->knock[1];
    m->knock[1] = v;
}

static bool is_rate(uint8_t v)
{
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};

    for (unsigned i = 0; i < ARRAY_LEN(rates); i++)
        if (rates[i] == v)
            return true;
    return false;
}

static void argument(struct ps2_mouse *m, uint8_t cmd, uint8_t v)
{
    if (cmd == CMD_RATE ? !is_rate(v) : v > 3) {
        reply(m, REPLY_RESEND);
        m->expect = cmd; /* and once more */
        return;
    }
    if (cmd == CMD_RATE)
        set_rate(m, v);
    else
        m->resolution = v;
    reply(m, REPLY_ACK);
}

static void put_status(struct ps2_mouse *m)
{
    uint8_t v = (m->buttons & PS2_BUTTON_RIGHT ? 1 : 0) |
                (m->buttons & PS2_BUTTON_MIDDLE ? 2 : 0) |
                (m->buttons & PS2_BUTTON_LEFT ? 4 : 0);

    if (m->remote)
        v |= STATUS_REMOTE;
    if (m->reporting)
        v |= STATUS_ENABLED;
    if (m->double_scale)
        v |= STATUS_SCALE_2;
    reply(m, v);
    reply(m, m->resolution);
    reply(m, m->rate);
}

static void reset(struct ps2_mouse *m)
{
    set_defaults(m);
    m->id = ID_PLAIN;
    m->knock[0] = m->knock[1] = 0;
    m->wrap = false;
    reply(m, REPLY_PASSED);
    reply(m, m->id);
}

/* Commands that change how the mouse works; false: it is not one. */
static bool mode_command(struct ps2_mouse *m, uint8_t v)
{
    switch (v) {
    case CMD_STREAM:
    case CMD_REMOTE:
        m->remote = v == CMD_REMOTE;
        break;
    case CMD_WRAP:
        m->wrap = true;
        break;
    case CMD_END_WRAP:
        break; /* out of wrap mode already */
    case CMD_ENABLE:
    case CMD_DISABLE:
        m->reporting = v == CMD_ENABLE;
        break;
    case CMD_DEFAULT:
        set_defaults(m);
        break;
    case CMD_RESET:
        reply(m, REPLY_ACK);
        reset(m);
        forget_movement(m);
        return true;
    default:
        return false;
    }
    forget_movement(m);
    reply(m, REPLY_ACK);
    return true;
}

static void command(struct ps2_mouse *m, uint8_t v)
{
    if (mode_command(m, v))
        return;
    if (v == CMD_RESEND) {
        reply(m, m->last);
        return;
    }
    switch (v) {
    case CMD_SCALE_1:
    case CMD_SCALE_2:
        m->double_scale = v == CMD_SCALE_2;
        reply(m, REPLY_ACK);
        break;
    case CMD_RES:
    case CMD_RATE:
        m->expect = v;
        reply(m, REPLY_ACK);
        break;
    case CMD_STATUS:
        reply(m, REPLY_ACK);
        put_status(m);
        break;
    case CMD_READ:
        reply(m, REPLY_ACK);
        put_packet(m, &m->replies);
        break;
    case CMD_ID:
        reply(m, REPLY_ACK);
        reply(m, m->id);
        break;
    default:
        reply(m, REPLY_RESEND);
        break;
    }
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t v)
{
    const uint8_t cmd = m->expect;

    m->expect = 0;
    ps2_clear(&m->replies);
    ps2_clear(&m->packets);
    if (m->wrap && v != CMD_END_WRAP && v != CMD_RESET) {
        reply(m, v);
        return;
    }
    m->wrap = false;
    if (cmd && v < CMD_SCALE_1)
        argument(m, cmd, v);
    else
        command(m, v);
}

bool ps2_mouse_read(struct ps2_mouse *m, uint8_t *v)
{
    if (!m->replies.n && !m->packets.n && m->pending && is_streaming(m))
        put_packet(m, &m->packets);
    if (m->replies.n)
        *v = ps2_take(&m->replies);
    else if (m->packets.n)
        *v = ps2_take(&m->packets);
    else
        return false;
    m->last = *v;
    return true;
}
