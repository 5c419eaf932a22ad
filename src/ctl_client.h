/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_client.h: the commands that speak to running guests: vmm ps, status,
 * stop, kill, pause, resume, resize, balloon, screen, screenshot, sendkey,
 * mem, xs.
 */
#ifndef VMM_CTL_CLIENT_H
#define VMM_CTL_CLIENT_H

#include "vmm/types.h"

/* One command, for the help text and the dispatcher. */
struct ctl_command {
    const char *name;  /* as typed after "vmm" */
    const char *usage; /* its arguments */
    const char *help;  /* one line */
};

/* The command of that number, or NULL behind the last. */
const struct ctl_command *ctl_client_command(unsigned i);

/*
 * Run a command; argv[0] is its name. Prints to stdout, errors as one line
 * each to stderr. Returns the exit code of the process: 0 done, 1 it could
 * not be done, 2 wrong arguments. Needs no KVM and no loop.
 */
int ctl_client_main(int argc, char **argv);

#endif
