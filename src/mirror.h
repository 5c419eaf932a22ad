/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mirror.h: a guest's text screen on the operator's terminal (standard
 * output), with its colours and its cursor, and the terminal's keys on the
 * guest's keyboard: --display=text.
 *
 * A picture cannot be shown: a line says so, and how to get one.
 *
 * Thread: loop, board lock held; open and close outside loop_run.
 */
#ifndef VMM_MIRROR_H
#define VMM_MIRROR_H

#include "board.h"
#include "devices/backend/chr.h"
#include "vmm/loop.h"

struct mirror;

/* board is borrowed: NULL in it while the guest reboots. NULL after logging. */
struct mirror *mirror_open(const char *name, struct board **board);
/* 0 or -errno, logged. */
must_check int mirror_start(struct mirror *m, struct loop *loop);
/* Before loop_destroy; NULL is a no-op. */
void mirror_close(struct mirror *m);

/* The stream that leads to the terminal; borrowed from m. */
struct chr *mirror_chr(struct mirror *m);

#endif
