// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vmstat.c: what a guest's boot costs, counted.
 *
 *   bench_vmstat TEXT SECONDS COMMAND...
 *
 * Runs COMMAND, a VMM with its guest's console on standard output, until
 * TEXT appears there, and prints one JSON object of what was spent by then:
 * time since its exec, CPU time by thread (on a machine that counts
 * instructions as nanoseconds, instructions), KVM's exits and userspace exits
 * by reason, system calls, memory outside guest RAM. The VMM is then killed.
 * Exit status 1: TEXT did not come in time.
 */
#include "child.h"
#include "counters.h"
#include "procfs.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_threads(const struct threads *list)
{
    printf("\"threads\": [");
    for (unsigned i = 0; i < list->n; i++)
        printf("%s{\"name\": \"%s\", \"cpu_ns\": %" PRIu64 "}", i ? ", " : "",
               list->t[i].name, list->t[i].cpu_ns);
    printf("], ");
}

static void print_memory(pid_t pid)
{
    struct memory m;

    memory_read(pid, &m);
    printf("\"memory\": {\"private_kib\": %lu, \"anon_kib\": %lu, "
           "\"rss_kib\": %lu, \"guest_kib\": %lu}}\n",
           m.private_kib, m.anon_kib, m.rss_kib, m.guest_kib);
}

int main(int argc, char **argv)
{
    static struct counters counters;
    struct threads threads;
    struct child c;
    uint64_t wall;
    bool seen;

    if (argc < 4)
        errx(2, "usage: bench_vmstat TEXT SECONDS COMMAND...");
    child_prepare(&c, argv + 3, CHILD_ERRORS_MERGED);
    counters_open(&counters, c.pid);
    child_release(&c);
    seen = child_wait_text(&c, argv[1], (unsigned)atoi(argv[2]) * 1000u);
    /* First what changes by being looked at. */
    wall = now_ns() - child_exec_ns(&c);
    printf("{\"wall_ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 ", ", wall,
           child_cpu_ns(&c));
    threads_read(c.pid, &threads);
    counters_read(&counters);
    counters_print(&counters);
    print_threads(&threads);
    print_memory(c.pid);
    child_end(&c);
    return seen ? 0 : 1;
}
