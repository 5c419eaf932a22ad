/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_client_priv.h: what the files of ctl_client*.c share. Nobody else. */
#ifndef VMM_CTL_CLIENT_PRIV_H
#define VMM_CTL_CLIENT_PRIV_H

#include "ctl_client.h"
#include "ctl_conn.h"
#include "rundir.h"

#include <jansson.h>

#define TEXT_MAX 128

/* A command line, parsed. */
struct request {
    const char *name; /* of the guest */
    const char *disk; /* of the guest's, by its id */
    const char *file; /* to be written */
    const char *text; /* to be typed */
    char **keys;      /* then these; or the words of an operation */
    unsigned n_keys;
    uint64_t size; /* what its balloon leaves it, 0 if not given */
    bool json;
    int timeout; /* seconds, -1 if not given */
};

struct command {
    struct ctl_command words;
    /*
     * n(ame), d(isk), s(ize), f(ile), k(eys), w(ords), j(son), t(imeout),
     * te(x)t
     */
    const char *options;
    int (*run)(const struct command *cmd, const struct request *req);
    /* For run_ask. Returns the exit status. */
    int (*show)(const struct command *cmd, const struct request *req,
                json_t *reply);
};

/* Connect and ask; NULL: the reason is logged. */
json_t *ctl_client_ask(const struct rundir_guest *g, struct ctl_conn *conn,
                       const char *verb, json_t *args);

/* The same on a connection that is open. */
json_t *ctl_client_ask_on(const struct rundir_guest *g, struct ctl_conn *conn,
                          const char *verb, json_t *args);

/* ctl_client_xs.c */
int ctl_client_xs(const struct command *cmd, const struct request *req);

/* ctl_client_seat.c */
json_t *ctl_client_typing(const struct request *req);
int ctl_client_show_screen(const struct command *cmd, const struct request *req,
                           json_t *reply);
int ctl_client_show_nothing(const struct command *cmd,
                            const struct request *req, json_t *reply);
int ctl_client_screenshot(const struct command *cmd, const struct request *req);

#endif
