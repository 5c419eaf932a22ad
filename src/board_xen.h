/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * board_xen.h: the Xen guest ABI on a board: what src/pvabi needs of the
 * machine, made of src/vcpu and the loop.
 *
 * Thread: create and destroy on the loop thread while no vCPU runs; the rest
 * with the board lock held.
 */
#ifndef VMM_BOARD_XEN_H
#define VMM_BOARD_XEN_H

#include "boot/boot.h"
#include "config.h"
#include "devices/backend/chr.h"
#include "devices/bus.h"
#include "hostdev.h"
#include "mmu/gmem.h"
#include "pvabi/xen.h"
#include "pvabi/xs_domain.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmm/loop.h"
#include "vmm/machine.h"

struct board_xen;
struct platform_ops;

/* All borrowed, for its life. */
struct board_xen_host {
    const struct machine_desc *desc;
    struct loop *loop;
    pthread_mutex_t *lock;
    struct gmem *mem; /* with windows reserved */
    struct vm *vm;
    struct bus *bus;
    const struct config *cfg;
    struct hostdev *dev;
    struct chr *console; /* what the hypervisor is told to print */
    const struct boot *boot;
    const struct platform_ops *ops; /* of them: what is called xen_... */
    void *platform;
    struct vcpu *const *cpus; /* filled in before the first runs */
    const char *name;         /* of the guest */
    const uint8_t *uuid;      /* 16 bytes */
    /* SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_crash */
    void (*shutdown)(void *ctx, unsigned reason);
    void *ctx;
};

/*
 * Which engine this host can give, as asked for; KVM_XEN_OFF after logging
 * why there is none.
 */
enum kvm_xen_accel board_xen_accel(const struct config *cfg, int kvm_fd);

/* Add what Xen has of the memory map. Pure. */
void board_xen_describe(struct machine_desc *m);

/* NULL after logging. */
struct board_xen *board_xen_create(const struct board_xen_host *host);
void board_xen_destroy(struct board_xen *bx);

/* The guest in the xenstore. */
struct xs_domain *board_xen_domain(struct board_xen *bx);

/* Ask the guest by its store to power off; false: it does not listen there. */
bool board_xen_power_off(struct board_xen *bx);

/* What vCPUs tell it. Borrowed, for its life. */
const struct vcpu_xen_ops *board_xen_cpu_ops(const struct board_xen *bx);

/* As xen_left; NULL is nothing. */
void board_xen_left(struct board_xen *bx);

#endif
