/* SPDX-License-Identifier: GPL-2.0-or-later */
/* board_xen_priv.h: what board_xen.c and board_xen_cpu.c share. */
#ifndef VMM_BOARD_XEN_PRIV_H
#define VMM_BOARD_XEN_PRIV_H

#include "board_xen.h"
#include "board_xen_dev.h"
#include "board_xen_kernel.h"

struct xen_clock {
    struct board_xen *bx;
    unsigned vcpu;
    int fd; /* owned; -1: none */
    struct loop_op op;
};

struct board_xen {
    struct board_xen_host host;
    struct vcpu_xen_ops cpu_ops;
    struct msi_sink sink;
    struct xen *xen;                 /* owned */
    struct board_xen_kernel *kernel; /* owned; NULL: KVM does nothing itself */
    struct xs_domain *domain;        /* owned */
    struct board_xen_dev *dev;       /* owned */
    struct loop_op notify;           /* back-ends have events */
    struct loop_op reset;            /* the guest wants all of Xen anew */
    bool loaded;                     /* the kernel is the one that vmm loaded */
    unsigned looks;                  /* at kernels that begin */
    gva_t looked_at;                 /* the last one */
    pthread_cond_t wake;             /* with the board lock */
    struct xen_clock later;          /* upcalls that could not be delivered */
    unsigned later_ns;               /* it is set to that; 0: it is not set */
    unsigned n_clocks;
    struct xen_clock clocks[MACHINE_MAX_CPUS];
};

/* board_xen_cpu.c: what vCPUs tell. */
void board_xen_cpu_init(struct board_xen *bx);
/* bx->later is due. */
loop_fn board_xen_on_later;

#endif
