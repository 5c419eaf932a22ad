/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uds.h: streams between a guest's ports and programs of the host, with no
 * idea of what ring is in front of them.
 *
 * A program that wants the guest's port P connects to the unix socket PATH,
 * writes "CONNECT P\n" and, once the guest has taken it, reads "OK H\n", H
 * being the port the guest sees it as; then it is connected. A guest that
 * connects to the host's port P reaches the unix socket PATH_P.
 *
 * Connecting to a path is not for a process that runs a guest: a helper does
 * it, forked before the seal, that knows PATH and takes nothing but port
 * numbers; it passes back what it connected. See uds_connect.c.
 *
 * All streams are there from the start, nothing is allocated for one; what a
 * stream holds is in the kernel's socket buffer. Descriptors that the host
 * will not give refuse a stream, and nothing else.
 *
 * Thread: the loop's; open and close before and after it runs. SIGPIPE must
 * be ignored: a program may go away.
 */
#ifndef BACKEND_UDS_H
#define BACKEND_UDS_H

#include "vmm/loop.h"
#include "vmm/types.h"

#include <sys/types.h>
#include <sys/uio.h>

#define UDS_STREAMS 1023

/* Seconds a program may take to say which port it wants. */
#define UDS_HELLO_S 5

struct uds;
struct uds_stream;

/* What became of a stream: bits. */
#define UDS_READABLE 0x1u /* there are bytes, or their end */
#define UDS_WRITABLE 0x2u /* after uds_want_room */
#define UDS_HUNG_UP  0x4u /* nobody is at the other end any more */
#define UDS_LATE     0x8u /* after uds_deadline */

struct uds_front {
    /*
     * A program wants the guest's port: uds_accept or uds_end decides, now
     * or later. False: there is no guest, and the stream ends.
     */
    bool (*incoming)(void *owner, struct uds_stream *s, uint32_t port);
    /* The end of uds_connect: 0, or -errno and the stream has ended. */
    void (*connected)(void *owner, struct uds_stream *s, int result);
    /* UDS_* bits; a bit comes again only after something new happened. */
    void (*event)(void *owner, struct uds_stream *s, unsigned what);
    void *owner; /* borrowed */
};

/*
 * Make the socket PATH and the helper, which calls seal (may be NULL) before
 * its first request. NULL after logging. Before the seal, few threads.
 */
struct uds *uds_open(const char *path, int (*seal)(void));
/* Begin to listen on the loop (borrowed). 0 or -errno, logged. */
must_check int uds_start(struct uds *u, struct loop *loop);
/* Ends all streams and removes the socket; before loop_destroy. */
void uds_close(struct uds *u);

/* Put a front-end (copied) in front, or with NULL take it away: all streams
 * end, and programs are refused. */
void uds_attach(struct uds *u, const struct uds_front *front);

/* Connect to PATH_port. NULL: no stream is free, or the helper is gone. */
struct uds_stream *uds_connect(struct uds *u, uint32_t port);

/* The guest has taken an incoming stream, whose peer it sees at host_port. */
void uds_accept(struct uds_stream *s, uint32_t host_port);

/* Its place among all streams: 0 .. UDS_STREAMS-1. */
unsigned uds_index(const struct uds_stream *s);

/* Bytes moved, 0 (reading: the end), -EAGAIN, or -errno. Never waits. */
ssize_t uds_readv(struct uds_stream *s, const struct iovec *iov, int n);
ssize_t uds_writev(struct uds_stream *s, const struct iovec *iov, int n);

/* Say UDS_WRITABLE once there is room. */
void uds_want_room(struct uds_stream *s);

/* Say UDS_LATE in so many seconds, at most one late; 0: never. */
void uds_deadline(struct uds_stream *s, unsigned seconds);

/* shutdown(2). */
void uds_shutdown(struct uds_stream *s, int how);

/* The stream is gone at once, whatever its state. */
void uds_end(struct uds_stream *s);

#endif
