/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h: the process of one guest, shared by cmd_run.c (its stages) and
 * run_events.c (what reaches it while it runs). Nobody else includes it.
 */
#ifndef VMM_RUN_H
#define VMM_RUN_H

#include "board.h"
#include "config.h"
#include "ctl.h"
#include "mirror.h"
#include "rundir.h"
#include "seat.h"
#include "term.h"
#include "vnc.h"

struct run {
    struct config cfg;
    struct boot_config boot_cfg;
    pthread_mutex_t lock; /* the board lock */
    /* owned, made by the stages in this order */
    int signal_fd;
    struct loop_op signal_op;
    struct claim claim;
    bool claimed;
    struct term *term; /* NULL: the console is no terminal */
    struct term_ops term_ops;
    bool suspended; /* the board is paused because the process stops */
    struct loop_op disk_stop; /* a timer: the board is to be paused */
    int notify_fd;
    int kvm_fd;
    enum kvm_xen_accel xen; /* with --abi=xen: the engine */
    uint8_t uuid[16];       /* of the guest, the same after a reboot */
    struct boot *boot;
    struct loop *loop;
    struct chr *console;
    struct chr *stdio; /* borrowed: the one of them on the terminal, or NULL */
    struct hostdev dev;
    char *cmdline; /* what the guest's kernel is told */
    struct ctl *ctl;
    struct ctl_ops ctl_ops;
    struct seat seat;
    struct vnc *vnc;       /* NULL: nobody asked for one */
    struct mirror *mirror; /* as vnc */
    struct board *board;
    char how[RUNDIR_HOW_MAX + 1]; /* it ended, for those who wait */
};

/* Block and collect the signals that concern a guest. 0 or -errno, logged. */
must_check int run_signals_open(struct run *r);

/* Listen to signals, terminal keys and control socket on r->loop. */
void run_events_start(struct run *r);

/* board_host.first_entry: tell the service manager. ctx is the run. */
void run_first_entry(void *ctx);

#endif
