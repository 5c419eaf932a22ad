// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iostat.c: what phases of a guest's work cost, counted.
 *
 *   bench_iostat PHASES SECONDS COMMAND...
 *
 * Runs COMMAND, a VMM with its guest's console on standard output, where
 * load.c prints MARK before and after each of its PHASES and pauses. For each
 * prints a JSON object of what came between the two: CPU time of all threads
 * and of the vCPU's (on a machine that counts instructions as nanoseconds,
 * instructions), exits, system calls, interrupts. The last object is of
 * memory. The VMM is then killed. Exit status 1: a mark did not come in time.
 */
#include "child.h"
#include "counters.h"
#include "procfs.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sample {
    uint64_t cpu_ns;
    uint64_t vcpu_ns;
};

static bool is_vcpu(const struct thread *t)
{
    /* as vmm, and as QEMU, name it */
    return strncmp(t->name, "vcpu", 4) == 0 || strncmp(t->name, "CPU ", 4) == 0;
}

static void take(const struct child *c, struct sample *s)
{
    struct threads threads;

    s->cpu_ns = child_cpu_ns(c);
    s->vcpu_ns = 0;
    threads_read(c->pid, &threads);
    for (unsigned i = 0; i < threads.n; i++)
        if (is_vcpu(&threads.t[i]))
            s->vcpu_ns += threads.t[i].cpu_ns;
}

/* The guest rests for longer than this; printing the mark has ended then. */
static bool wait_mark(struct child *c, unsigned seconds)
{
    const struct timespec settle = {.tv_nsec = 20000000};
    const bool seen = child_wait_text(c, "MARK", seconds * 1000);

    nanosleep(&settle, NULL);
    return seen;
}

static bool phase(struct child *c, struct counters *counters, unsigned seconds)
{
    struct sample begin, end;

    if (!wait_mark(c, seconds))
        return false;
    take(c, &begin);
    counters_read(counters);
    if (!wait_mark(c, seconds))
        return false;
    take(c, &end);
    counters_read(counters);
    printf("{");
    counters_print(counters);
    printf("\"cpu_ns\": %" PRIu64 ", \"vcpu_ns\": %" PRIu64 "}\n",
           end.cpu_ns - begin.cpu_ns, end.vcpu_ns - begin.vcpu_ns);
    return true;
}

static void print_memory(pid_t pid)
{
    struct memory m;

    memory_read(pid, &m);
    printf("{\"private_kib\": %lu, \"anon_kib\": %lu, \"rss_kib\": %lu}\n",
           m.private_kib, m.anon_kib, m.rss_kib);
}

int main(int argc, char **argv)
{
    static struct counters counters;
    struct child c;
    bool good = true;

    if (argc < 4)
        errx(2, "usage: bench_iostat PHASES SECONDS COMMAND...");
    child_prepare(&c, argv + 3, CHILD_ERRORS_MERGED);
    counters_open(&counters, c.pid);
    child_release(&c);
    for (int i = atoi(argv[1]); good && i > 0; i--)
        good = phase(&c, &counters, (unsigned)atoi(argv[2]));
    if (good)
        print_memory(c.pid);
    child_end(&c);
    return good ? 0 : 1;
}
