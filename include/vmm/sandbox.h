/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox.h: a system call a sealed thread may make, and why.
 *
 * The tables of these rules (src/sandbox_rules.c, src/vcpu/kvm_rules.c) are
 * turned into BPF by libseccomp when vmm is built, so that starting a guest
 * costs only the two calls that install a filter.
 */
#ifndef VMM_SANDBOX_H
#define VMM_SANDBOX_H

#include "vmm/types.h"

/* Which threads may: bits. */
#define SANDBOX_LOOP 0x1u /* the loop thread (and every thread it makes) */
#define SANDBOX_VCPU 0x2u /* vCPU threads, which hold both filters */
#define SANDBOX_BOTH (SANDBOX_LOOP | SANDBOX_VCPU)
/* The process that connects for --vsock, which holds no other filter. */
#define SANDBOX_HELPER 0x4u

/* What is asked of one argument. */
enum sandbox_test {
    SANDBOX_ANY,    /* no argument is looked at */
    SANDBOX_EQUAL,  /* arg == value (32-bit) */
    SANDBOX_CLEAR,  /* (arg & value) == 0 */
    SANDBOX_SET,    /* (arg & value) == value */
    SANDBOX_ENOSYS, /* not allowed, but answered ENOSYS rather than caught */
};

struct sandbox_rule {
    const char *syscall; /* the kernel's name */
    unsigned who;        /* SANDBOX_LOOP, SANDBOX_VCPU */
    enum sandbox_test test;
    unsigned arg; /* 0-5 */
    uint64_t value;
    const char *why;
};

#endif
