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
 * chr_write, chr_read, chr_room and chr_want_input. Open, start, close and the
 * rest belong to the loop thread. SIGPIPE must be ignored: a reader may go
 * away.
 */
#ifndef BACKEND_CHR_H
#define BACKEND_CHR_H

#include "vmm/loop.h"
#include "vmm/types.h"

struct chr;

/* What the front-end wants to be told; any may be NULL. Board lock held. */
struct chr_front {
    void (*readable)(void *owner); /* chr_read has bytes again */
    void (*writable)(void *owner); /* chr_room grew from 0 (or stalled) */
    void (*attached)(void *owner); /* chr_is_attached changed; on the loop */
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

#define CHR_BUF        (64 * 1024) /* output buffer, bytes */
#define CHR_STALL_NS   100000000ull
#define CHR_FLUSH_NS   2000000ull
#define CHR_TAIL_LINES 20
#define CHR_CLOSE_MS   500

/*
 * Each open returns NULL after logging why. The objects do no I/O until
 * chr_start gives them a loop.
 */
struct chr *chr_open_stdio(void);
struct chr *chr_open_pty(void); /* logs the name of the other side */
struct chr *chr_open_file(const char *path); /* O_APPEND, created 0600 */
struct chr *chr_open_null(void);
/*
 * Listen on a unix stream socket, made 0600, for one client at a time. What
 * is written while there is none is kept, the oldest dropped and counted; who
 * attaches gets it first. A socket that a dead process left is replaced; the
 * file goes with chr_close.
 */
struct chr *chr_open_unix(const char *path);

/*
 * Write out what is buffered, for as long as the reader takes something at
 * least every CHR_CLOSE_MS, and free. Before loop_destroy; outside loop_run.
 */
void chr_close(struct chr *c);

/* Is this the terminal vmm was started on (stdio, and stdin is a tty)? */
bool chr_is_tty(const struct chr *c);

/* Is somebody there to listen? Only a socket's client ever is not. */
bool chr_is_attached(const struct chr *c);

/* Begin I/O on the loop (borrowed). 0 or -errno, logged. */
must_check int chr_start(struct chr *c, struct loop *loop);

/* Attach or (NULL) detach the front-end; buffered input stays. */
void chr_attach(struct chr *c, const struct chr_front *front);
void chr_set_filter(struct chr *c, const struct chr_filter *filter);

/*
 * true: leave the input alone, it is typed for somebody else (a job in the
 * background); false: read on. A terminal's end of input is forgotten then:
 * a read that raced with the change of hands is refused with EIO. Loop
 * thread.
 */
void chr_hold_input(struct chr *c, bool hold);

/*
 * Bytes chr_write will take now. A stalled or lost reader takes (and loses)
 * any number: CHR_BUF, so that nobody waits for it.
 */
size_t chr_room(const struct chr *c);

/* Append n bytes; what does not fit is dropped and counted. */
void chr_write(struct chr *c, const void *buf, size_t n);

/* Take up to n bytes of input; 0 if there are none. */
size_t chr_read(struct chr *c, void *buf, size_t n);

/* Bytes of input that chr_read would give now, if asked for enough. */
size_t chr_pending(const struct chr *c);

/*
 * Call readable once more, at the latest CHR_FLUSH_NS from now, if there is
 * input left: for a front-end that takes it in portions.
 */
void chr_want_input(struct chr *c);

/* The last CHR_TAIL_LINES lines written, for a failure report; to stderr. */
void chr_dump_tail(const struct chr *c);

void chr_get_stats(const struct chr *c, struct chr_stats *out);

#endif
