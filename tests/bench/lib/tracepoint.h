/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracepoint.h: the kernel's tracepoints, counted or timed for one process.
 *
 * Both forms follow the process's threads and begin with its exec
 * (perf_event_open(2)). They need tracefs, and permission: a tracepoint that
 * this kernel lacks or denies is no error, its figure is left out.
 */
#ifndef BENCH_TRACEPOINT_H
#define BENCH_TRACEPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACEPOINT_MAX_CPUS 64

/*
 * Count name ("kvm/kvm_exit"), only what passes filter (NULL: all), for a
 * process that waits at its gate. Returns a descriptor or -1.
 */
int tracepoint_count(const char *name, const char *filter, pid_t pid);

/* What was counted so far; fd is closed by the caller. */
uint64_t tracepoint_read(int fd);

/* When a tracepoint was first hit; one buffer a CPU. */
struct first_hit {
    unsigned n;
    int fd[TRACEPOINT_MAX_CPUS];     /* owned */
    void *ring[TRACEPOINT_MAX_CPUS]; /* owned */
};

/* As tracepoint_count. Returns whether it can be timed here. */
bool first_hit_open(struct first_hit *h, const char *name, const char *filter,
                    pid_t pid);

/* CLOCK_MONOTONIC of the first hit in nanoseconds, 0 for none. */
uint64_t first_hit_ns(const struct first_hit *h);

void first_hit_close(struct first_hit *h);

#endif
