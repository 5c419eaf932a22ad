/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h: a program under measurement.
 *
 * It is made in two steps, so that counters can be attached in between:
 * child_prepare forks a process that waits at a gate, child_release lets it
 * exec. It dies with the bench, however that ends. All functions end the
 * bench with a message when the host fails them.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int out;           /* owned; its standard output */
    int gate;          /* owned until released */
    uint64_t *exec_ns; /* owned; written by the child as its last act */
};

enum child_errors {
    CHILD_ERRORS_APART,  /* standard error stays the bench's */
    CHILD_ERRORS_MERGED, /* it goes where standard output goes */
    CHILD_ERRORS_DROPPED,
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);

/* Fork a process that waits to become argv[0]; its input is empty. */
void child_prepare(struct child *c, char *const argv[],
                   enum child_errors errors);

/* Let it exec. Call once. */
void child_release(struct child *c);

/* When it called exec, as now_ns counts. Valid after its first byte. */
uint64_t child_exec_ns(const struct child *c);

/*
 * Wait until text was seen in its output or limit_ms are over. Returns
 * whether it was seen; false also when the child ended without it.
 */
bool child_wait_text(struct child *c, const char *text, unsigned limit_ms);

/* CPU time of all its threads so far, ended ones too, in nanoseconds. */
uint64_t child_cpu_ns(const struct child *c);

/* Kill it, reap it and release what child_prepare made. */
void child_end(struct child *c);

#endif
