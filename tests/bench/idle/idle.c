// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle.c: how often the threads of a VMM wake up while its guest is idle.
 *
 *   bench_idle TEXT LIMIT SETTLE SECONDS COMMAND...
 *
 * Runs COMMAND until TEXT is on its standard output (LIMIT seconds at most),
 * lets it settle for SETTLE seconds, then counts for SECONDS. A thread that
 * has woken up waits again: that is a voluntary context switch. One JSON
 * object with the wakeups of each thread; the command is then killed.
 */
#include "child.h"
#include "procfs.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Threads are listed in the order they were made, so far as none ends. */
static void print_differences(const struct threads *before,
                              const struct threads *after)
{
    printf("{\"threads\": [");
    for (unsigned i = 0; i < after->n; i++) {
        const struct thread *a = &after->t[i], *b = &before->t[i];

        printf("%s{\"name\": \"%s\", \"wakeups\": %" PRIu64
               ", \"cpu_ns\": %" PRIu64 "}",
               i ? ", " : "", a->name, a->waits - b->waits,
               a->cpu_ns - b->cpu_ns);
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    struct threads before, after;
    struct child c;

    if (argc < 6)
        errx(2, "usage: bench_idle TEXT LIMIT SETTLE SECONDS COMMAND...");
    child_prepare(&c, argv + 5, CHILD_ERRORS_MERGED);
    child_release(&c);
    if (!child_wait_text(&c, argv[1], (unsigned)atoi(argv[2]) * 1000u))
        errx(1, "no '%s' within %s s", argv[1], argv[2]);
    sleep((unsigned)atoi(argv[3]));
    threads_read(c.pid, &before);
    sleep((unsigned)atoi(argv[4]));
    threads_read(c.pid, &after);
    if (!after.n || before.n != after.n)
        errx(1, "threads came or went while idle: %u, then %u", before.n,
             after.n);
    print_differences(&before, &after);
    child_end(&c);
    return 0;
}
