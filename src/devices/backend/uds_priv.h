/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uds_priv.h: what uds.c and uds_connect.c share; see uds.h. */
#ifndef BACKEND_UDS_PRIV_H
#define BACKEND_UDS_PRIV_H

#include "devices/backend/uds.h"
#include "vmm/log.h"

#include <sys/un.h>

/* "_4294967295" goes behind a path, and a NUL behind that. */
#define UDS_PORT_CHARS 11
#define UDS_PATH_MAX   (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

enum uds_state {
    UDS_FREE,
    UDS_HELLO,      /* a program is here and has not said its port */
    UDS_OFFERED,    /* the front-end has it and has not taken it */
    UDS_CONNECTING, /* the helper was asked */
    UDS_OPEN,
};

struct uds_stream {
    struct uds *u; /* NULL until first used */
    enum uds_state state;
    int fd;           /* owned; -1: none yet */
    uint32_t cookie;  /* of the request to the helper */
    unsigned seconds; /* until its deadline; 0: none */
    struct loop_op watch;
    struct loop_op room;
};

/* The process that connects. */
struct uds_helper {
    int fd;    /* owned; -1: it is gone */
    pid_t pid; /* 0: none */
    struct loop_op watch;
    uint32_t next_cookie;
};

struct uds {
    struct loop *loop; /* borrowed; NULL until started */
    struct uds_front front;
    bool attached;
    int fd;       /* owned: the listening socket; -1: none */
    bool starved; /* a program waits for a descriptor of ours */
    struct loop_op watch;
    struct loop_op more; /* there may be more programs than one turn took */
    struct loop_op tick; /* once a second while somebody waits */
    struct log_limit limit;
    struct uds_helper helper;
    char path[UDS_PATH_MAX + 1];
    struct uds_stream streams[UDS_STREAMS];
};

/* A free stream in this state, or NULL. */
struct uds_stream *uds_take(struct uds *u, enum uds_state state);

/* Begin to watch a stream that has its descriptor. */
void uds_watch(struct uds_stream *s);

/* 0 or -errno, logged. */
must_check int uds_helper_start(struct uds *u, int (*seal)(void));
void uds_helper_watch(struct uds *u);
void uds_helper_end(struct uds *u);
/* 0 or -errno: it will not answer. */
must_check int uds_helper_ask(struct uds *u, uint32_t cookie, uint32_t port);

#endif
