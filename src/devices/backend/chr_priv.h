/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chr_priv.h: what the files of the chr backend share; see chr.h.
 *
 * Everything is in one allocation made by chr_alloc; nothing is allocated
 * later. The big buffers come last and are reused from their start whenever
 * they run empty, so that a quiet console touches a page or two of them.
 */
#ifndef BACKEND_CHR_PRIV_H
#define BACKEND_CHR_PRIV_H

#include "devices/backend/chr.h"
#include "vmm/log.h"

#include <sys/types.h>
#include <sys/un.h>

#define CHR_IN_BUF   4096
#define CHR_TAIL_BUF 8192

/* When the loop was asked to look at the buffers; later ones are stronger. */
enum chr_kick {
    CHR_KICK_NONE,
    CHR_KICK_LATER, /* CHR_FLUSH_NS after it was set */
    CHR_KICK_NOW,
};

struct chr_output {
    int fd;        /* -1: nobody listens, everything is taken and gone */
    bool regular;  /* a file: an error costs the batch, not the console */
    bool blocking; /* could not be made non-blocking */
    bool dead;     /* the reader is gone for good */
    bool stalled;  /* full, and CHR_STALL_NS passed without progress */
    size_t head;   /* first byte not yet written */
    size_t n;
    uint64_t moved; /* bytes written so far */
    uint64_t mark;  /* moved when the stall timer was set */
    struct loop_op write;
    struct loop_op room;
    struct loop_op stall;
};

struct chr_input {
    int fd;          /* -1: there is no input */
    bool eof;        /* or an error: nothing more will come */
    bool more;       /* the last read did not find it empty */
    bool held;       /* chr_hold_input: leave the descriptor alone */
    bool again;      /* became readable while a read was in flight */
    bool wanted;     /* chr_want_input: call readable at the next wake */
    bool delivering; /* inside the front-end's readable callback */
    size_t head;     /* first byte not yet taken */
    size_t n;
    struct loop_op watch;
    struct loop_op read;
};

/* The socket clients attach to; see chr_sock.c. */
struct chr_sock {
    int fd;        /* owned: listens; -1: this chr is no socket */
    int peer;      /* owned: the client, as long as either direction is open */
    uint64_t lost; /* bytes nobody was there for, and not kept */
    dev_t dev;     /* what was made at the path, */
    ino_t ino;     /* to remove that and nothing else */
    struct loop_op watch; /* who wants to attach */
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 5];
};

/* The last bytes written, as a ring. */
struct chr_tail {
    size_t at; /* where the next byte goes */
    bool wrapped;
};

struct chr {
    const char *name;
    struct loop *loop; /* borrowed; NULL until chr_start */
    struct chr_front front;
    struct chr_filter filter;
    struct chr_stats stats;
    struct log_limit limit;
    int timer_fd; /* owned: how other threads wake the loop; -1 for null */
    enum chr_kick kick;
    struct loop_op wake;
    int own_fds[2]; /* owned: closed with the chr; -1 for none */
    bool tty;
    bool stderr_tty;
    struct chr_output out;
    struct chr_input in;
    struct chr_tail tail;
    struct chr_sock sock;
    unsigned char in_buf[CHR_IN_BUF];
    unsigned char tail_buf[CHR_TAIL_BUF];
    unsigned char out_buf[CHR_BUF];
};

/*
 * A chr that does I/O on these descriptors (-1: not in this direction), which
 * the caller puts into own_fds. NULL after logging.
 */
struct chr *chr_make(const char *name, int in_fd, int out_fd);

/* Ask the loop to look after the buffers. Any thread, board lock held. */
void chr_kick(struct chr *c, enum chr_kick when);

/* Begin a write if there is something to write and none in flight. */
void chr_flush(struct chr *c);

/* Set up the ops of one direction. */
void chr_output_init(struct chr *c, int fd);
void chr_input_init(struct chr *c, int fd);

/* End the ops in flight and write out what remains, bounded. */
void chr_output_close(struct chr *c);
void chr_input_close(struct chr *c);

/*
 * No more will come from fd, a socket: its input ends, and what it said so
 * far stays, up to the buffer's size.
 */
void chr_input_end(struct chr *c, int fd);

/* Read if there may be input and there is room for it. Loop thread. */
void chr_fill(struct chr *c);

/* Offer what is left to a front-end that asked for it. Loop thread. */
void chr_redeliver(struct chr *c);

/*
 * A socket's client: no more output reaches it; no more input comes, with the
 * read's result. True: this chr is a socket, and that was seen to.
 */
bool chr_sock_deaf(struct chr *c);
bool chr_sock_mute(struct chr *c, int res);

/* Begin to listen; stop, and remove the file. */
void chr_sock_start(struct chr *c);
void chr_sock_close(struct chr *c);

/* End the output's ops in flight; what was not written stays. */
void chr_output_stop(struct chr *c);

/* Remember bytes written, for chr_dump_tail. */
void chr_tail_add(struct chr *c, const unsigned char *bytes, size_t n);

#endif
