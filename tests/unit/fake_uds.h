/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_uds.h: stands in at link time for the streams to the host: programs
 * that do what the test says, at the moment it says it, and no sockets.
 */
#ifndef TESTS_FAKE_UDS_H
#define TESTS_FAKE_UDS_H

#include "devices/backend/uds.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

struct uds_stream {
    bool used;
    bool connecting;
    bool eof;
    uint32_t to_read; /* bytes a program has written */
    uint32_t room;    /* bytes its socket still takes */
    bool want_room;
};

static struct {
    struct uds_front front;
    bool attached;
    bool refuse; /* no stream is free */
    struct uds_stream streams[UDS_STREAMS];
} fake_uds;

void __wrap_uds_attach(struct uds *u, const struct uds_front *front);
struct uds_stream *__wrap_uds_connect(struct uds *u, uint32_t port);
void __wrap_uds_accept(struct uds_stream *s, uint32_t host_port);
unsigned __wrap_uds_index(const struct uds_stream *s);
ssize_t __wrap_uds_readv(struct uds_stream *s, const struct iovec *iov, int n);
ssize_t __wrap_uds_writev(struct uds_stream *s, const struct iovec *iov, int n);
void __wrap_uds_want_room(struct uds_stream *s);
void __wrap_uds_deadline(struct uds_stream *s, unsigned seconds);
void __wrap_uds_shutdown(struct uds_stream *s, int how);
void __wrap_uds_end(struct uds_stream *s);

static struct uds_stream *fake_take(bool connecting)
{
    for (unsigned i = 0; i < UDS_STREAMS && !fake_uds.refuse; i++) {
        struct uds_stream *s = &fake_uds.streams[i];

        if (s->used)
            continue;
        *s = (struct uds_stream){.used = true, .connecting = connecting};
        return s;
    }
    return NULL;
}

static unsigned fake_in_use(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < UDS_STREAMS; i++)
        n += fake_uds.streams[i].used;
    return n;
}

void __wrap_uds_attach(struct uds *u, const struct uds_front *front)
{
    (void)u;
    fake_uds.attached = front != NULL;
    if (front)
        fake_uds.front = *front;
    else
        memset(fake_uds.streams, 0, sizeof(fake_uds.streams));
}

struct uds_stream *__wrap_uds_connect(struct uds *u, uint32_t port)
{
    (void)u;
    (void)port;
    return fake_take(true);
}

void __wrap_uds_accept(struct uds_stream *s, uint32_t host_port)
{
    (void)host_port;
    BUG_ON(!s->used || s->connecting);
}

unsigned __wrap_uds_index(const struct uds_stream *s)
{
    return (unsigned)(s - fake_uds.streams);
}

ssize_t __wrap_uds_readv(struct uds_stream *s, const struct iovec *iov, int n)
{
    uint32_t done = 0;

    BUG_ON(!s->used || s->connecting);
    for (int i = 0; i < n && s->to_read; i++) {
        const uint32_t run =
            iov[i].iov_len < s->to_read ? (uint32_t)iov[i].iov_len : s->to_read;

        memset(iov[i].iov_base, 'h', run);
        s->to_read -= run;
        done += run;
    }
    if (done || s->eof)
        return done;
    return -EAGAIN;
}

/* A socket that takes what it has room for, in portions. */
ssize_t __wrap_uds_writev(struct uds_stream *s, const struct iovec *iov, int n)
{
    static unsigned char sink[64 * 1024];
    uint32_t done = 0;

    BUG_ON(!s->used || s->connecting);
    if (s->eof && !s->room)
        return -EPIPE;
    for (int i = 0; i < n && s->room; i++) {
        uint32_t run =
            iov[i].iov_len < s->room ? (uint32_t)iov[i].iov_len : s->room;

        run = run < sizeof(sink) ? run : (uint32_t)sizeof(sink);
        memcpy(sink, iov[i].iov_base, run);
        s->room -= run;
        done += run;
        if (run < iov[i].iov_len)
            break;
    }
    return done ? (ssize_t)done : -EAGAIN;
}

void __wrap_uds_want_room(struct uds_stream *s)
{
    BUG_ON(!s->used || s->connecting);
    s->want_room = true;
}

void __wrap_uds_deadline(struct uds_stream *s, unsigned seconds)
{
    (void)seconds;
    BUG_ON(!s->used);
}

void __wrap_uds_shutdown(struct uds_stream *s, int how)
{
    (void)how;
    BUG_ON(!s->used || s->connecting);
}

void __wrap_uds_end(struct uds_stream *s)
{
    BUG_ON(!s->used);
    *s = (struct uds_stream){.used = false};
}

#endif
