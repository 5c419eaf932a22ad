/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8254_counter.h: one counter of the 8254, as a state machine moved on by
 * clock pulses. Its owner (i8254.c) runs it up to now before anything else.
 * Thread: board lock held.
 */
#ifndef PLATFORM_I8254_COUNTER_H
#define PLATFORM_I8254_COUNTER_H

#include "vmm/types.h"

enum mode {
    TERMINAL_COUNT,
    ONE_SHOT,
    RATE,
    SQUARE,
    SOFT_STROBE,
    HARD_STROBE,
};

struct counter {
    uint8_t program; /* the control word's RW, mode and BCD */
    uint8_t rw;
    enum mode mode;
    bool bcd;
    uint16_t cr;
    uint32_t n;  /* CE's first value */
    uint32_t ce; /* SQUARE: pulses left of this half; else the count */
    bool gate;
    bool out;
    uint64_t rises;  /* of out, not yet told */
    bool has_count;  /* CR was written since the control word */
    bool null_count; /* CR was not yet loaded into CE */
    bool load;       /* the next pulse loads CE */
    bool counting;   /* CE was loaded since the control word */
    bool expiry;     /* not periodic: reaching 0 will mean something */
    bool strobe;     /* out is low for one pulse */
    bool halted;     /* TERMINAL_COUNT: between two bytes of a count */
    uint8_t lsb;     /* the first byte */
    bool write_msb;  /* the second is next */
    bool read_msb;
    bool count_latched;
    bool status_latched;
    uint16_t count_latch;
    uint8_t status_latch;
};

/* A control word for it, that is no latch command. */
void counter_program(struct counter *c, uint8_t v);

/* This many clock pulses go by. */
void counter_run(struct counter *c, uint64_t pulses);

/* Pulses until OUT rises by itself, or CLOCK_NEVER. */
uint64_t counter_to_rise(const struct counter *c);

/* Is it in a mode that repeats (rate generator, square wave)? */
bool counter_repeats(const struct counter *c);

/* The counter's port. */
void counter_write(struct counter *c, uint8_t v);
uint8_t counter_read(struct counter *c);

/* Hold the count (the status) until it is read. */
void counter_latch_count(struct counter *c);
void counter_latch_status(struct counter *c);

void counter_set_gate(struct counter *c, bool level);

#endif
