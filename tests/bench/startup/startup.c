// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * startup.c: from exec to the guest's first byte, and the memory that takes.
 *
 *   bench_startup ROUNDS NAME=COMMAND... (words of COMMAND split at blanks)
 *
 * Every round starts each command twice, one after the other, so that noise
 * hits all alike: once without any instrument, timed until the first byte
 * arrives here; once with a tracepoint, which tells when the guest wrote it
 * to COM1, before any other thread had to wake up. A command is ended at its
 * first byte. One JSON object a line: "memory" once for each command, then
 * "plain" and "traced" (microseconds); what cannot be observed is left out.
 */
#include "child.h"
#include "procfs.h"
#include "tracepoint.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SUBJECTS 8
#define MAX_ROUNDS   1000
#define MAX_WORDS    64
#define SETTLE_US    50000

struct subject {
    const char *name;
    char *argv[MAX_WORDS];
};

static void start(struct child *c, const struct subject *s)
{
    child_prepare(c, s->argv, CHILD_ERRORS_DROPPED);
}

static uint64_t run_to_byte(struct child *c, const struct subject *s)
{
    char byte;

    child_release(c);
    if (read(c->out, &byte, 1) != 1)
        errx(1, "%s: ended without a byte: run it by hand to see why", s->name);
    return now_ns();
}

static double since_exec_us(const struct child *c, uint64_t ns)
{
    return (double)(ns - child_exec_ns(c)) / 1e3;
}

static void measure_plain(const struct subject *s)
{
    struct child c;
    uint64_t end, cpu;

    start(&c, s);
    end = run_to_byte(&c, s);
    cpu = child_cpu_ns(&c);
    printf("{\"kind\": \"plain\", \"name\": \"%s\", \"byte\": %.1f", s->name,
           since_exec_us(&c, end));
    if (cpu)
        printf(", \"cpu\": %.1f", (double)cpu / 1e3);
    printf("}\n");
    child_end(&c);
}

static void measure_traced(const struct subject *s)
{
    struct first_hit out;
    struct child c;
    uint64_t ns;

    start(&c, s);
    if (first_hit_open(&out, "kvm/kvm_pio", "port == 0x3f8", c.pid)) {
        run_to_byte(&c, s);
        ns = first_hit_ns(&out);
        if (ns)
            printf("{\"kind\": \"traced\", \"name\": \"%s\", "
                   "\"guest\": %.1f}\n",
                   s->name, since_exec_us(&c, ns));
        first_hit_close(&out);
    }
    child_end(&c);
}

/* The first start of each also warms the page cache. */
static void measure_memory(const struct subject *s)
{
    struct threads threads;
    struct memory m;
    struct child c;

    start(&c, s);
    run_to_byte(&c, s);
    usleep(SETTLE_US);
    memory_read(c.pid, &m);
    threads_read(c.pid, &threads);
    printf("{\"kind\": \"memory\", \"name\": \"%s\", \"private_kib\": %lu, "
           "\"anon_kib\": %lu, \"rss_kib\": %lu, \"threads\": %u}\n",
           s->name, m.private_kib, m.anon_kib, m.rss_kib, threads.n);
    child_end(&c);
}

static void parse(struct subject *s, char *text)
{
    char *eq = strchr(text, '='), *save = NULL;
    int n = 0;

    if (!eq)
        errx(2, "%s: give NAME=COMMAND", text);
    *eq = '\0';
    s->name = text;
    for (char *w = strtok_r(eq + 1, " ", &save); w && n < MAX_WORDS - 1;
         w = strtok_r(NULL, " ", &save))
        s->argv[n++] = w;
    if (!n)
        errx(2, "%s: no command", text);
}

int main(int argc, char **argv)
{
    static struct subject subjects[MAX_SUBJECTS];
    const int n = argc - 2;
    const int rounds = argc > 1 ? atoi(argv[1]) : 0;

    if (n < 1 || n > MAX_SUBJECTS || rounds < 1 || rounds > MAX_ROUNDS)
        errx(2, "usage: bench_startup ROUNDS NAME=COMMAND...");
    for (int i = 0; i < n; i++) {
        parse(&subjects[i], argv[i + 2]);
        measure_memory(&subjects[i]);
    }
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < n; i++) {
            measure_plain(&subjects[i]);
            measure_traced(&subjects[i]);
        }
    return 0;
}
