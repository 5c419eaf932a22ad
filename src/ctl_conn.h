/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_conn.h: the client's end of a control socket.
 */
#ifndef VMM_CTL_CONN_H
#define VMM_CTL_CONN_H

#include "vmm/types.h"

#include <jansson.h>
#include <sys/types.h>

struct ctl_conn {
    int fd;    /* owned; -1: closed */
    pid_t pid; /* of the process that listens, by the kernel's word */
};

/* 0 or -errno; bounded in time. Logs nothing. */
must_check int ctl_conn_open(struct ctl_conn *conn, const char *socket);

/*
 * Ask one verb with its arguments (borrowed; NULL: none). Returns 0 and a JSON
 * object of this protocol's version (owned by the caller), or -errno:
 * -ETIMEDOUT, -ECONNRESET for a hang-up, -EPROTO for anything else than an
 * answer. Bounded in time and size. Logs nothing.
 */
must_check int ctl_conn_ask(struct ctl_conn *conn, const char *verb,
                            json_t *args, json_t **reply);

/*
 * Read n bytes that follow an answer. 0 or -errno as ctl_conn_ask; bounded in
 * time.
 */
must_check int ctl_conn_read(struct ctl_conn *conn, void *buf, size_t n);

void ctl_conn_close(struct ctl_conn *conn);

#endif
