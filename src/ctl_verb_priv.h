/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_verb_priv.h: what the files of the verbs share. Nobody else. */
#ifndef VMM_CTL_VERB_PRIV_H
#define VMM_CTL_VERB_PRIV_H

#include "ctl_verb.h"

/*
 * Turn the reply into an error; whatever the handler put there is dropped.
 * Returns -1.
 */
int ctl_fail(json_t *reply, const char *fmt, ...) printf_like(2, 3);

/* Handlers of ctl_seat.c: fill reply; 0, or -1 after ctl_fail. */
int ctl_run_screen(struct ctl_guest *guest, const json_t *request,
                   json_t *reply);
int ctl_run_screenshot(struct ctl_guest *guest, const json_t *request,
                       json_t *reply);
int ctl_run_sendkey(struct ctl_guest *guest, const json_t *request,
                    json_t *reply);

/* The same of ctl_xs.c. */
int ctl_run_xs_read(struct ctl_guest *guest, const json_t *request,
                    json_t *reply);
int ctl_run_xs_write(struct ctl_guest *guest, const json_t *request,
                     json_t *reply);
int ctl_run_xs_rm(struct ctl_guest *guest, const json_t *request,
                  json_t *reply);
int ctl_run_xs_order(struct ctl_guest *guest, const json_t *request,
                     json_t *reply);
int ctl_run_xs_sysrq(struct ctl_guest *guest, const json_t *request,
                     json_t *reply);
int ctl_run_xs_walk(struct ctl_guest *guest, const json_t *request,
                    json_t *reply);

#endif
