/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mark.h: in the guest, where a phase begins and ends: see io/iostat.c.
 */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

/*
 * Print a line "MARK", and do nothing for a while, for whoever counts to read
 * the counters.
 */
void mark(void);

#endif
