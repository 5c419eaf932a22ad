// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chr.c: the frame of the chr backend; see chr.h. The halves are chr_out.c
 * and chr_in.c, the ways to make one are in chr_open.c and chr_sock.c.
 *
 * vCPU threads cannot make the loop do anything by themselves, for only the
 * loop thread may use the ring. They set one timerfd that the loop watches:
 * at once, or CHR_FLUSH_NS from now so that a burst of bytes becomes one
 * write. A timer already set at least as soon is left alone, so a burst is
 * one system call too, and an idle console none.
 *
 * The timer is never read: the watch reports each expiry, and setting it
 * anew forgets the last one.
 */
#include "devices/backend/chr_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

void chr_kick(struct chr *c, enum chr_kick when)
{
    const struct itimerspec at = {
        .it_value.tv_nsec = when == CHR_KICK_NOW ? 1 : (long)CHR_FLUSH_NS};

    if (!c->loop || when <= c->kick)
        return;
    c->kick = when;
    BUG_ON(timerfd_settime(c->timer_fd, 0, &at, NULL) < 0);
}

static void on_wake(struct loop_op *op, int res)
{
    struct chr *c = op->owner;

    if (res < 0)
        return; /* cancelled */
    c->kick = CHR_KICK_NONE;
    chr_flush(c);
    chr_redeliver(c);
    chr_fill(c);
}

int chr_start(struct chr *c, struct loop *loop)
{
    if (c->timer_fd < 0)
        return 0; /* null: there is nothing to do, ever */
    c->loop = loop;
    c->wake = (struct loop_op){.fn = on_wake, .owner = c};
    loop_watch(loop, &c->wake, c->timer_fd);
    chr_sock_start(c);
    chr_flush(c);
    chr_fill(c);
    return 0;
}

void chr_attach(struct chr *c, const struct chr_front *front)
{
    c->front = front ? *front : (struct chr_front){0};
}

void chr_set_filter(struct chr *c, const struct chr_filter *filter)
{
    c->filter = filter ? *filter : (struct chr_filter){0};
}

void chr_get_stats(const struct chr *c, struct chr_stats *out)
{
    *out = c->stats;
}

bool chr_is_tty(const struct chr *c)
{
    return c->tty;
}

bool chr_is_attached(const struct chr *c)
{
    return c->sock.fd < 0 || c->out.fd >= 0;
}

void chr_close(struct chr *c)
{
    if (!c)
        return;
    chr_attach(c, NULL);
    if (c->loop)
        loop_drain(c->loop, &c->wake);
    chr_input_close(c);
    chr_output_close(c);
    chr_sock_close(c);
    if (c->timer_fd >= 0)
        close(c->timer_fd);
    for (size_t i = 0; i < ARRAY_LEN(c->own_fds); i++)
        if (c->own_fds[i] >= 0)
            close(c->own_fds[i]);
    free(c);
}
