/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * step.h: an input as steps of eight bytes, and guest memory that changes after
 * it was fetched, for the targets with --wrap=fetch_copy (fetch_count.h).
 */
#ifndef FUZZ_STEP_H
#define FUZZ_STEP_H

#include <stddef.h>
#include <stdint.h>

#define STEP 8

struct step {
    uint8_t what, where;
    uint16_t a, b, c;
};

static inline struct step step_of(const uint8_t *s)
{
    return (struct step){
        .what = s[0],
        .where = s[1],
        .a = (uint16_t)(s[2] | s[3] << 8),
        .b = (uint16_t)(s[4] | s[5] << 8),
        .c = (uint16_t)(s[6] | s[7] << 8),
    };
}

static uint8_t poison; /* 0: memory holds still */

static inline void change(unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] ^= poison;
}

#endif
