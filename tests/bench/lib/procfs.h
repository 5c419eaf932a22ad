/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * procfs.h: what /proc tells of a process: memory and threads.
 *
 * Guest RAM is told from the program's own memory by its size: mappings of
 * 128 MiB and more are the guest's, and one of 2 MiB that ends where such a
 * one begins. Benches give guests 256 MiB.
 */
#ifndef BENCH_PROCFS_H
#define BENCH_PROCFS_H

#include <stdint.h>
#include <sys/types.h>

#define PROCFS_MAX_THREADS 64

/* In KiB, without guest RAM, but for the last. */
struct memory {
    unsigned long private_kib; /* Private_Clean + Private_Dirty */
    unsigned long anon_kib;    /* Anonymous */
    unsigned long rss_kib;
    unsigned long guest_kib; /* resident guest RAM */
};

struct thread {
    char name[32];
    uint64_t cpu_ns;
    uint64_t waits; /* voluntary context switches: each ended by a wakeup */
};

struct threads {
    unsigned n;
    struct thread t[PROCFS_MAX_THREADS];
};

/* Zeroes when the process is gone. */
void memory_read(pid_t pid, struct memory *m);

/* Those there are now; more than PROCFS_MAX_THREADS are left out. */
void threads_read(pid_t pid, struct threads *list);

#endif
