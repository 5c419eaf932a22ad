/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kick.h: how a guest's notification reaches the loop without an exit, and
 * how the loop's interrupt reaches the guest without a system call of its
 * own: both are eventfds known to KVM. Made by src/vcpu, used by transports.
 */
#ifndef VMM_KICK_H
#define VMM_KICK_H

#include "vmm/types.h"

/* A register whose write signals an eventfd instead of leaving the guest. */
struct kick_reg {
    enum space space;
    uint64_t addr;
    unsigned len; /* bytes of the write: 1, 2, 4 or 8; 0: any */
    bool match;   /* only the value below, else any */
    uint64_t value;
};

struct kick_ops {
    /* 0 or -errno, logged. Thread: any; board lock held. */
    int (*bind)(void *ctx, const struct kick_reg *reg, int fd);
    void (*unbind)(void *ctx, const struct kick_reg *reg, int fd);
    void *ctx; /* borrowed */
};

/*
 * Messages: an eventfd whose signal sends one (MSI, MSI-X). A route is opened
 * once for a vector and set each time its message changes.
 */
struct msi_ops {
    /* A route for fd, silent until set: a number from 0, or -errno, logged. */
    int (*open)(void *ctx, int fd);
    void (*set)(void *ctx, int route, uint64_t addr, uint32_t data);
    void (*close)(void *ctx, int route, int fd);
    /*
     * Send a message past all routes, if it is for no local APIC but for
     * someone else; false: it is for one. Board lock held. NULL: all are.
     */
    bool (*claim)(void *ctx, uint64_t addr, uint32_t data);
    void *ctx; /* borrowed */
};

#endif
