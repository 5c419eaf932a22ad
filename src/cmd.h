/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd.h: the subcommands. Each takes the words behind its own name and
 * returns the exit status (vmm/exitcode.h).
 */
#ifndef VMM_CMD_H
#define VMM_CMD_H

int cmd_run(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_spectrum(int argc, char **argv);

#endif
