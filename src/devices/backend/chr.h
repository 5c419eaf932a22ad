/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chr.h: a byte stream to the outside, with no idea of what UART or ring is
 * in front of it.
 *
 * Output: the front-end appends to a bounded buffer; the loop writes it out
 * in batches (at a newline, when half full, or a few milliseconds after the
 * first byte). A reader that stalls never blocks a vCPU: chr_room tells how
 * much fits; after CHR_STALL_NS without progress the buffer counts as
 * stalled, further bytes are dropped and counted until the reader moves.
 *
 * Input: read only as fast as the front-end takes it (chr_read), so that
 * nothing is lost under paste.
 *
 * Thread: all calls with the board lock held; vCPU threads may call
 * chr_write, chr_read and chr_room.
 */
#ifndef BACKEND_CHR_H
#define BACKEND_CHR_H

#include "vmm/loop.h"
#include "vmm/types.h"

struct chr;

/* What the front-end wants to be told; either may be NULL. Board lock held. */
struct chr_front {
    void (*readable)(void *owner); /* chr_read has bytes again */
    void (*writable)(void *owner); /* chr_room grew from 0 */
    void *owner;                   /* borrowed */
};

/* A filter on input from a person: the console's escape keys. */
struct chr_filter {
    /* Edit buf[0..n) in place; returns how many bytes remain. */
    size_t (*input)(void *ctx, unsigned char *buf, size_t n);
    void *ctx; /* borrowed */
};

struct chr_stats {
    uint64_t out_bytes;
    uint64_t out_dropped; /* bytes dropped on a stalled reader */
    uint64_t in_bytes;
};

#define CHR_BUF       (64 * 1024) /* output buffer, bytes */
#define CHR_STALL_NS  100000000ull
#define CHR_FLUSH_NS  2000000ull
#define CHR_TAIL_LINES 20

/*
 * Each open returns NULL after logging why. The objects do no I/O until
 * chr_start gives them a loop.
 */
struct chr *chr_open_stdio(void);
struct chr *chr_open_pty(void); /* logs the name of the other side */
struct chr *chr_open_file(const char *path); /* O_APPEND, created 0600 */
struct chr *chr_open_null(void);
void chr_close(struct chr *c); /* writes out what is buffered, bounded */

/* Begin I/O on the loop (borrowed). 0 or -errno, logged. */
must_check int chr_start(struct chr *c, struct loop *loop);

/* Attach or (NULL) detach the front-end; buffered input stays. */
void chr_attach(struct chr *c, const struct chr_front *front);
void chr_set_filter(struct chr *c, const struct chr_filter *filter);

/* Bytes chr_write will take now without dropping. */
size_t chr_room(const struct chr *c);

/* Append up to n bytes; what does not fit a stalled buffer is dropped. */
void chr_write(struct chr *c, const void *buf, size_t n);

/* Take up to n bytes of input; 0 if there are none. */
size_t chr_read(struct chr *c, void *buf, size_t n);

/* The last CHR_TAIL_LINES lines written, for a failure report; to stderr. */
void chr_dump_tail(const struct chr *c);

void chr_get_stats(const struct chr *c, struct chr_stats *out);

#endif
