// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vmstat.c: what a guest's boot costs, counted.
 *
 *   bench_vmstat TEXT SECONDS COMMAND...
 *
 * Runs COMMAND, a VMM with its guest's console on standard output, until
 * TEXT appears there, and prints one JSON object of what was spent by then:
 * CPU time by thread (on a machine that counts instructions as nanoseconds,
 * instructions), KVM's exits and userspace exits by reason, system calls,
 * memory outside guest RAM. The VMM is then killed. Exit status 1: TEXT did
 * not come in time.
 *
 * An exit reason is two numbers, one of VMX (SDM vol. 3 appendix C) and one
 * of SVM (APM vol. 2 appendix C); the tracepoint says which it is.
 */
#include "child.h"
#include "procfs.h"
#include "tracepoint.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct counter {
    const char *group;
    const char *name;
    const char *tracepoint;
    const char *filter;
};

#define EXIT(name, vmx, svm)                             \
    {                                                    \
        "exits", name, "kvm/kvm_exit",                   \
            "(isa == 1 && exit_reason == " #vmx          \
            ") || (isa == 2 && exit_reason == " #svm ")" \
    }

#define USER_EXIT(name, reason)                                           \
    {                                                                     \
        "userspace", name, "kvm/kvm_userspace_exit", "reason == " #reason \
    }

static const struct counter counters[] = {
    {"exits", "all", "kvm/kvm_exit", NULL},
    EXIT("interrupt", 1, 0x60),
    EXIT("interrupt window", 7, 0x64),
    EXIT("cpuid", 10, 0x72),
    EXIT("hlt", 12, 0x78),
    EXIT("hypercall", 18, 0x81),
    EXIT("port", 30, 0x7b),
    EXIT("msr read or write", 31, 0x7c),
    EXIT("msr write", 32, 0xffff),
    EXIT("nested page fault", 48, 0x400),
    EXIT("memory access", 49, 0xffff),
    EXIT("xsetbv", 55, 0x8d),
    {"userspace", "all", "kvm/kvm_userspace_exit", NULL},
    USER_EXIT("port", 2),
    USER_EXIT("hlt", 5),
    USER_EXIT("memory access", 6),
    USER_EXIT("interrupt window", 7),
    USER_EXIT("signal", 10),
    USER_EXIT("end of interrupt", 26),
    USER_EXIT("msr read", 29),
    USER_EXIT("msr write", 30),
    {"other", "system calls", "raw_syscalls/sys_enter", NULL},
    {"other", "context switches", "sched/sched_switch", NULL},
    {"other", "injected interrupts", "kvm/kvm_inj_virq", NULL},
};

static int fds[ARRAY_LEN(counters)];

static void counters_open(pid_t pid)
{
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        fds[i] =
            tracepoint_count(counters[i].tracepoint, counters[i].filter, pid);
}

static void print_counters(const char *group)
{
    const char *comma = "";

    printf("\"%s\": {", group);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        if (counters[i].group != group || fds[i] < 0)
            continue;
        printf("%s\"%s\": %" PRIu64, comma, counters[i].name,
               tracepoint_read(fds[i]));
        comma = ", ";
    }
    printf("}, ");
}

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
    struct threads threads;
    struct child c;
    bool seen;

    if (argc < 4)
        errx(2, "usage: bench_vmstat TEXT SECONDS COMMAND...");
    child_prepare(&c, argv + 3, CHILD_ERRORS_MERGED);
    counters_open(c.pid);
    child_release(&c);
    seen = child_wait_text(&c, argv[1], (unsigned)atoi(argv[2]) * 1000u);
    /* First what changes by being looked at. */
    printf("{\"cpu_ns\": %" PRIu64 ", ", child_cpu_ns(&c));
    threads_read(c.pid, &threads);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        if (i == 0 || counters[i].group != counters[i - 1].group)
            print_counters(counters[i].group);
    print_threads(&threads);
    print_memory(c.pid);
    child_end(&c);
    return seen ? 0 : 1;
}
