// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ratelimit.c: see ratelimit.h.
 *
 * Levels are counted in nanotokens (a token is 10^9 of them): a bucket of
 * rate r gains exactly r of them each nanosecond, so that nothing is ever
 * rounded away. With rates up to 64 GiB/s a full bucket is 3.4 * 10^18
 * nanotokens, and the deepest debt a bounded charge of 4 GiB: both fit in 63
 * bits, and so does their difference.
 */
#include "devices/backend/ratelimit.h"

#define NANO       INT64_C(1000000000)
#define MAX_CHARGE (4 * GIB) /* tokens taken at once */

static void bucket_init(struct token_bucket *b, uint64_t rate, uint64_t now)
{
    *b = (struct token_bucket){.then = now};
    if (rate == 0 || rate > RATELIMIT_MAX_RATE)
        return;
    b->rate = rate;
    b->full = (int64_t)(rate * RATELIMIT_BURST_NS);
    if (b->full < NANO)
        b->full = NANO;
    b->level = b->full;
}

void ratelimit_init(struct ratelimit *limit, uint64_t ops_per_sec,
                    uint64_t bytes_per_sec, uint64_t now)
{
    bucket_init(&limit->ops, ops_per_sec, now);
    bucket_init(&limit->bytes, bytes_per_sec, now);
}

/* Nanoseconds until the bucket holds level, rounded up. */
static uint64_t time_to(const struct token_bucket *b, int64_t level)
{
    if (b->level >= level)
        return 0;
    return ((uint64_t)(level - b->level) + b->rate - 1) / b->rate;
}

static void bucket_fill(struct token_bucket *b, uint64_t now)
{
    const uint64_t passed = now - b->then;

    b->then = now;
    if (passed >= time_to(b, b->full))
        b->level = b->full;
    else
        b->level += (int64_t)(passed * b->rate);
}

/* How long until there is at least one token. */
static uint64_t bucket_wait(struct token_bucket *b, uint64_t now)
{
    if (!b->rate)
        return 0;
    bucket_fill(b, now);
    return time_to(b, NANO);
}

static void bucket_charge(struct token_bucket *b, uint64_t n)
{
    if (b->rate)
        b->level -= (int64_t)(n < MAX_CHARGE ? n : MAX_CHARGE) * NANO;
}

uint64_t ratelimit_take(struct ratelimit *limit, uint64_t n, uint64_t now)
{
    const uint64_t ops = bucket_wait(&limit->ops, now);
    const uint64_t bytes = n ? bucket_wait(&limit->bytes, now) : 0;

    if (ops || bytes)
        return ops > bytes ? ops : bytes;
    bucket_charge(&limit->ops, 1);
    bucket_charge(&limit->bytes, n);
    return 0;
}
