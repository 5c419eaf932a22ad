/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_chr.h: byte streams in memory, in place of chr.c at link time: the
 * test says how much there is room for, what comes in, and who is there.
 */
#ifndef TESTS_FAKE_CHR_H
#define TESTS_FAKE_CHR_H

#include "devices/backend/chr.h"

#include <string.h>

#define FAKE_OUT (256u * 1024)
#define FAKE_IN  8192u

struct chr {
    struct chr_front front;
    size_t room; /* what it takes before it is full */
    bool absent;
    size_t lost;  /* what was written without room */
    size_t n_out; /* all that was written; FAKE_OUT are kept */
    unsigned char out[FAKE_OUT];
    size_t in_at, n_in;
    unsigned char in[FAKE_IN];
};

void __wrap_chr_attach(struct chr *c, const struct chr_front *front);
size_t __wrap_chr_room(const struct chr *c);
void __wrap_chr_write(struct chr *c, const void *buf, size_t n);
size_t __wrap_chr_read(struct chr *c, void *buf, size_t n);
size_t __wrap_chr_pending(const struct chr *c);
bool __wrap_chr_is_attached(const struct chr *c);

void __wrap_chr_attach(struct chr *c, const struct chr_front *front)
{
    c->front = front ? *front : (struct chr_front){0};
}

size_t __wrap_chr_room(const struct chr *c)
{
    return c->room;
}

void __wrap_chr_write(struct chr *c, const void *buf, size_t n)
{
    if (n > c->room) {
        c->lost += n - c->room;
        n = c->room;
    }
    c->room -= n;
    for (size_t i = 0; i < n; i++)
        c->out[(c->n_out + i) % FAKE_OUT] = ((const unsigned char *)buf)[i];
    c->n_out += n;
}

size_t __wrap_chr_read(struct chr *c, void *buf, size_t n)
{
    if (n > c->n_in - c->in_at)
        n = c->n_in - c->in_at;
    memcpy(buf, c->in + c->in_at, n);
    c->in_at += n;
    return n;
}

size_t __wrap_chr_pending(const struct chr *c)
{
    return c->n_in - c->in_at;
}

bool __wrap_chr_is_attached(const struct chr *c)
{
    return !c->absent;
}

/* The reader has taken something: there is room for n more. */
static inline void fake_drain(struct chr *c, size_t n)
{
    const bool was_full = !c->room;

    c->room += n;
    if (was_full && n && c->front.writable)
        c->front.writable(c->front.owner);
}

/* Somebody types n bytes; what does not fit is not typed. */
static inline void fake_type(struct chr *c, const void *bytes, size_t n)
{
    if (c->in_at == c->n_in)
        c->in_at = c->n_in = 0;
    if (n > FAKE_IN - c->n_in)
        n = FAKE_IN - c->n_in;
    memcpy(c->in + c->n_in, bytes, n);
    c->n_in += n;
    if (n && c->front.readable)
        c->front.readable(c->front.owner);
}

static inline void fake_presence(struct chr *c, bool there)
{
    c->absent = !there;
    if (c->front.attached)
        c->front.attached(c->front.owner);
}

#endif
