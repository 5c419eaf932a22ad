/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ratelimit.h: so many operations and so many bytes a second.
 *
 * Two token buckets that fill continuously. An operation passes when both
 * hold something, and may take a bucket below empty: what is bigger than a
 * bucket passes too, and is paid for by those that follow. A full bucket is
 * RATELIMIT_BURST_NS of its rate (at least one token), so that over any time
 * much longer than that the rate is the one asked for, and a timer that is
 * late by less costs nothing.
 *
 * Time is an argument, in nanoseconds of a clock that never goes back: a
 * pure state machine, tested with a clock of its own.
 *
 * Thread: the owner's.
 */
#ifndef BACKEND_RATELIMIT_H
#define BACKEND_RATELIMIT_H

#include "vmm/types.h"

#define RATELIMIT_BURST_NS 50000000u
#define RATELIMIT_MAX_RATE (64 * GIB) /* more is no limit on any host */

struct token_bucket {
    uint64_t rate; /* tokens a second; 0: no limit */
    int64_t full;  /* in nanotokens, as level */
    int64_t level; /* below 0: owed */
    uint64_t then; /* when level was right */
};

struct ratelimit {
    struct token_bucket ops;
    struct token_bucket bytes;
};

/* Both buckets full at now. A rate of 0, or over the maximum, is no limit. */
void ratelimit_init(struct ratelimit *limit, uint64_t ops_per_sec,
                    uint64_t bytes_per_sec, uint64_t now);

/* Is there a limit at all? If not, nobody needs to read a clock. */
static inline bool ratelimit_active(const struct ratelimit *limit)
{
    return limit->ops.rate || limit->bytes.rate;
}

/*
 * Let one operation of n bytes pass. 0: it has passed and is paid for; else
 * nothing was taken, and how many nanoseconds to wait before asking again.
 */
must_check uint64_t ratelimit_take(struct ratelimit *limit, uint64_t n,
                                   uint64_t now);

#endif
