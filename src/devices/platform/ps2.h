/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ps2.h: the keyboard and the mouse at the other end of the two PS/2 wires.
 *
 * Each is a state machine that takes command bytes and gives bytes: answers
 * first, then what a person did. Both are embedded in the controller
 * (i8042.c), which asks for a byte when it has room. Answers belong to the
 * last command: the next one drops them, so that no queue can grow.
 *
 * Thread: board lock held.
 */
#ifndef PLATFORM_PS2_H
#define PLATFORM_PS2_H

#include "vmm/types.h"

#define PS2_QUEUE 64u

struct ps2_queue {
    uint8_t byte[PS2_QUEUE];
    unsigned head;
    unsigned n;
};

static inline void ps2_put(struct ps2_queue *q, uint8_t v)
{
    if (q->n < PS2_QUEUE)
        q->byte[(q->head + q->n++) % PS2_QUEUE] = v;
}

/* The queue is not empty. */
static inline uint8_t ps2_take(struct ps2_queue *q)
{
    const uint8_t v = q->byte[q->head];

    q->head = (q->head + 1) % PS2_QUEUE;
    q->n--;
    return v;
}

static inline void ps2_clear(struct ps2_queue *q)
{
    q->n = 0;
}

static inline unsigned ps2_room(const struct ps2_queue *q)
{
    return PS2_QUEUE - q->n;
}

/* Keys by their set 1 make code, as PC software knows them; and: */
#define PS2_KEY_EXTENDED 0xe000u /* | code: the key sends E0 before it */
#define PS2_KEY_PRINT    0xe037u
#define PS2_KEY_PAUSE    0xe11du

#define PS2_LED_SCROLL 0x1u
#define PS2_LED_NUM    0x2u
#define PS2_LED_CAPS   0x4u

struct ps2_kbd {
    struct ps2_queue replies;
    struct ps2_queue keys;
    uint8_t expect; /* the command whose argument is next, or 0 */
    uint8_t last;   /* the byte sent last */
    uint8_t leds;   /* PS2_LED_* */
    uint8_t set;    /* scan code set: 1 or 2 */
    bool scanning;
};

void ps2_kbd_init(struct ps2_kbd *k);

/* A byte from the computer. */
void ps2_kbd_write(struct ps2_kbd *k, uint8_t v);

/* A byte for the computer; false if there is none. */
bool ps2_kbd_read(struct ps2_kbd *k, uint8_t *v);

/*
 * A key (PS2_KEY_*, or a set 1 code) goes down, repeats, or goes up. What
 * does not fit into the queue is dropped whole; a release finds room longer
 * than a press. Unknown codes are ignored.
 */
void ps2_kbd_key(struct ps2_kbd *k, unsigned key, bool down);

/* The translation of scan code set 2 to set 1, as the 8042 does it. */
uint8_t ps2_translate(uint8_t v);

#define PS2_BUTTON_LEFT   0x1u
#define PS2_BUTTON_RIGHT  0x2u
#define PS2_BUTTON_MIDDLE 0x4u

struct ps2_mouse {
    struct ps2_queue replies;
    struct ps2_queue packets;
    uint8_t expect;
    uint8_t last;
    uint8_t buttons; /* PS2_BUTTON_* */
    uint8_t id;      /* 0, or 3 with a wheel */
    uint8_t rate;    /* samples in a second; 0 in mouse.knock: none */
    uint8_t resolution;
    uint8_t knock[2]; /* the rates set before this one */
    bool double_scale;
    bool remote;
    bool reporting;
    bool wrap;
    bool pending; /* something to report */
    int dx;       /* not yet reported; bounded */
    int dy;
    int dz;
};

void ps2_mouse_init(struct ps2_mouse *m);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t v);
bool ps2_mouse_read(struct ps2_mouse *m, uint8_t *v);

/*
 * The mouse moved (right, down and towards the person are positive) and its
 * buttons are these. Movement that the guest does not fetch adds up.
 */
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz,
                    unsigned buttons);

#endif
