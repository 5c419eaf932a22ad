/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_blk.h: a disk in memory, in place of blk.c at link time (ld --wrap).
 * Requests end after the turn, or when the test says so and as it says.
 */
#ifndef TESTS_FAKE_BLK_H
#define TESTS_FAKE_BLK_H

#include "devices/backend/blk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DISK_BYTES (256u * 1024)

struct blk {
    struct blk_info info;
    struct loop *loop; /* borrowed */
    struct loop_op op;
    bool manual; /* requests wait for fake_end */
    int result;  /* what they end with */
    bool writethrough;
    struct blk_req *first; /* in flight, oldest first */
    unsigned in_flight;
    unsigned most; /* that were ever in flight */
    unsigned submitted[BLK_ZERO + 1];
    bool unmap; /* of the last BLK_ZERO */
    blk_resized_fn *resized;
    void *front;
    unsigned char data[DISK_BYTES];
};

const struct blk_info *__wrap_blk_info(const struct blk *blk);
void __wrap_blk_attach(struct blk *blk, blk_resized_fn *resized, void *owner);
void __wrap_blk_set_writethrough(struct blk *blk, bool on);
void __wrap_blk_submit(struct blk *blk, struct blk_req *req);
void __wrap_blk_drain(struct blk *blk);

const struct blk_info *__wrap_blk_info(const struct blk *blk)
{
    return &blk->info;
}

void __wrap_blk_attach(struct blk *blk, blk_resized_fn *resized, void *owner)
{
    blk->resized = resized;
    blk->front = owner;
}

void __wrap_blk_set_writethrough(struct blk *blk, bool on)
{
    blk->writethrough = on;
}

static int fake_check(const struct blk *blk, const struct blk_req *req)
{
    uint64_t end;

    if (req->op == BLK_FLUSH)
        return 0;
    if (req->op != BLK_READ && blk->info.read_only)
        return -EROFS;
    if ((req->offset | req->len) % blk->info.logical_block)
        return -EINVAL;
    if (__builtin_add_overflow(req->offset, req->len, &end) ||
        end > blk->info.size)
        return -EINVAL;
    return 0;
}

static void fake_move(struct blk *blk, const struct blk_req *req)
{
    unsigned char *at = blk->data + req->offset;

    if (req->op == BLK_DISCARD || req->op == BLK_ZERO)
        memset(at, 0, req->len);
    if (req->op != BLK_READ && req->op != BLK_WRITE)
        return;
    for (int i = 0; i < req->n_iov; i++) {
        if (req->op == BLK_READ)
            memcpy(req->iov[i].iov_base, at, req->iov[i].iov_len);
        else
            memcpy(at, req->iov[i].iov_base, req->iov[i].iov_len);
        at += req->iov[i].iov_len;
    }
}

/* End the oldest request. False if there is none. */
static bool fake_end(struct blk *blk, int result)
{
    struct blk_req *req = blk->first;

    if (!req)
        return false;
    blk->first = req->next;
    blk->in_flight--;
    req->result = result ? result : fake_check(blk, req);
    if (req->result == 0)
        fake_move(blk, req);
    req->done(req);
    return true;
}

static void fake_turn(struct loop_op *op, int res)
{
    struct blk *blk = op->owner;

    (void)res;
    while (!blk->manual && fake_end(blk, blk->result))
        ;
}

void __wrap_blk_submit(struct blk *blk, struct blk_req *req)
{
    struct blk_req **at = &blk->first;

    while (*at)
        at = &(*at)->next;
    *at = req;
    req->next = NULL;
    blk->submitted[req->op]++;
    blk->unmap = req->op == BLK_ZERO && req->unmap;
    if (++blk->in_flight > blk->most)
        blk->most = blk->in_flight;
    loop_post(blk->loop, &blk->op);
}

void __wrap_blk_drain(struct blk *blk)
{
    while (fake_end(blk, -ECANCELED))
        ;
}

static struct blk *fake_open(struct loop *loop)
{
    struct blk *blk = calloc(1, sizeof(*blk));

    blk->info = (struct blk_info){.size = DISK_BYTES,
                                  .logical_block = 512,
                                  .physical_block = 4096,
                                  .discard_align = 4096,
                                  .can_zero = true,
                                  .needs_flush = true};
    blk->loop = loop;
    blk->op = (struct loop_op){.fn = fake_turn, .owner = blk};
    return blk;
}

static inline void fake_close(struct blk *blk)
{
    loop_drain(blk->loop, &blk->op);
    free(blk);
}

/* Each sector of so many bytes holds its number, marked. */
static inline void fake_number(struct blk *blk, unsigned sector,
                               unsigned char mark)
{
    for (size_t i = 0; i < DISK_BYTES; i++)
        blk->data[i] = (unsigned char)(i / sector ^ mark);
}

#endif
