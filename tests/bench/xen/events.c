// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * events.c: timers and interrupts between CPUs, in the guest.
 *
 *   bench_events OP:COUNT...
 *
 * OP t sleeps for a millisecond COUNT times on the first CPU: a timer each. OP
 * i has a byte go to and fro between two CPUs, each of which sleeps until it
 * has it: COUNT wake-ups of another CPU. OP n does nothing. Before and after
 * each phase is a mark (mark.h).
 */
#include "mark.h"

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAP_NS 1000000

struct phase {
    char op; /* t, i, n */
    unsigned count;
};

static int there[2], back[2]; /* pipes */

static void stay_on(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        err(1, "CPU %u", cpu);
}

static void pass(int from, int to)
{
    char byte;

    if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
        err(1, "a pipe");
}

static void *other_cpu(void *arg)
{
    (void)arg;
    stay_on(1);
    for (;;)
        pass(there[0], back[1]);
    return NULL;
}

static void start_other_cpu(void)
{
    pthread_t thread;

    if (pipe(there) < 0 || pipe(back) < 0 ||
        pthread_create(&thread, NULL, other_cpu, NULL) != 0)
        err(1, "set-up");
}

static void nap(void)
{
    const struct timespec pause = {.tv_nsec = NAP_NS};

    nanosleep(&pause, NULL);
}

static void to_and_fro(void)
{
    char byte = 0;

    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
        err(1, "a pipe");
}

static void work(const struct phase *p)
{
    for (unsigned i = 0; p->op == 't' && i < p->count; i++)
        nap();
    for (unsigned i = 0; p->op == 'i' && i < p->count; i += 2)
        to_and_fro();
}

static bool parse(const char *text, struct phase *p)
{
    return sscanf(text, "%c:%u", &p->op, &p->count) == 2 &&
           strchr("tin", p->op);
}

int main(int argc, char **argv)
{
    struct phase phase;

    stay_on(0);
    start_other_cpu();
    to_and_fro();
    for (int i = 1; i < argc; i++) {
        if (!parse(argv[i], &phase))
            errx(2, "usage: bench_events OP:COUNT...");
        mark();
        work(&phase);
        mark();
    }
    return 0;
}
