// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * counters.c: see counters.h.
 *
 * An exit reason is two numbers, one of VMX (SDM vol. 3 appendix C) and one
 * of SVM (APM vol. 2 appendix C); the tracepoint says which it is.
 */
#include "counters.h"

#include "tracepoint.h"

#include <inttypes.h>
#include <stdio.h>

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

_Static_assert(ARRAY_LEN(counters) <= COUNTERS_MAX, "room for all");

void counters_open(struct counters *c, pid_t pid)
{
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        c->fd[i] =
            tracepoint_count(counters[i].tracepoint, counters[i].filter, pid);
}

void counters_read(struct counters *c)
{
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        const uint64_t now = c->fd[i] < 0 ? 0 : tracepoint_read(c->fd[i]);

        c->value[i] = now - c->last[i];
        c->last[i] = now;
    }
}

static void print_group(const struct counters *c, const char *group)
{
    const char *comma = "";

    printf("\"%s\": {", group);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        if (counters[i].group != group || c->fd[i] < 0)
            continue;
        printf("%s\"%s\": %" PRIu64, comma, counters[i].name, c->value[i]);
        comma = ", ";
    }
    printf("}, ");
}

void counters_print(const struct counters *c)
{
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        if (i == 0 || counters[i].group != counters[i - 1].group)
            print_group(c, counters[i].group);
}
