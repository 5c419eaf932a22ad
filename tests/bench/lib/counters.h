/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.h: what a VMM costs its kernel, counted by tracepoints: KVM's
 * exits and userspace exits by reason, system calls, context switches,
 * injected interrupts. What this kernel cannot count is left out.
 */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdint.h>
#include <sys/types.h>

#define COUNTERS_MAX 40

struct counters {
    int fd[COUNTERS_MAX]; /* owned, or -1 */
    uint64_t last[COUNTERS_MAX];
    uint64_t value[COUNTERS_MAX]; /* between the last two readings */
};

/* Count for a process that waits at its gate (child.h); zeroed before. */
void counters_open(struct counters *c, pid_t pid);

/* Read all; the values are what came since the last reading. */
void counters_read(struct counters *c);

/* Print the values as JSON members, an object for each group, with commas. */
void counters_print(const struct counters *c);

#endif
