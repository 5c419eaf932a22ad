/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seat.h: what a person in front of the guest sees and types, for the control
 * socket: its screen as text or as a picture, and its keyboard.
 *
 * Thread: loop, board lock held.
 */
#ifndef VMM_SEAT_H
#define VMM_SEAT_H

#include "board.h"
#include "ctl_verb.h"
#include "typist.h"

struct seat {
    struct board **board; /* borrowed: NULL while the guest reboots */
    struct typist typist;
};

/* board and loop are borrowed. */
void seat_init(struct seat *s, struct board **board, struct loop *loop);
void seat_end(struct seat *s);

/* As the functions of ctl_seat_ops. */
int seat_screen(struct seat *s, json_t *out);
int seat_picture(struct seat *s, struct ctl_picture *out);
int seat_type(struct seat *s, const struct key_stroke *strokes, unsigned n);

#endif
