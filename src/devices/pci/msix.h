/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msix.h: the MSI-X capability of a function: table, pending bits, vectors.
 *
 * A vector is an eventfd that KVM turns into its message. What the guest
 * writes into the table is kept here; KVM's routes, which are slow to change,
 * learn of a message when it is first sent: vectors that never fire and
 * messages that are replaced before they do cost nothing.
 *
 * A message that someone else than a local APIC wants to have (msi_ops.claim)
 * has neither.
 *
 * A masked vector (by its own bit or by the function's) sets its pending bit
 * instead, and is delivered by the unmasking.
 *
 * Source: PCI Local Bus Specification 3.0, 6.8.2. Threads: board lock held;
 * msix_raise on the loop thread only.
 */
#ifndef PCI_MSIX_H
#define PCI_MSIX_H

#include "devices/pci/pci.h"
#include "vmm/kick.h"
#include "vmm/loop.h"

#define MSIX_MAX_VECTORS 64u

struct msix_vector {
    /* as in the table */
    uint64_t addr;
    uint32_t data;
    bool masked;
    bool pending;
    /* as KVM has it */
    int fd;    /* owned; -1: none */
    int route; /* -1: not open, no one uses the vector */
    bool told; /* the route is set to told_addr, told_data */
    uint64_t told_addr;
    uint32_t told_data;
    uint64_t signalled; /* the loop's submission that signals fd */
};

struct msix {
    struct pci_func *func;     /* borrowed */
    struct loop *loop;         /* borrowed */
    const struct msi_ops *msi; /* borrowed */
    unsigned cap;              /* offset of the capability */
    unsigned n;
    struct msix_vector vectors[MSIX_MAX_VECTORS];
};

struct msix_config {
    struct loop *loop;
    const struct msi_ops *msi;
    unsigned n;     /* vectors, 1..MSIX_MAX_VECTORS */
    unsigned bar;   /* where table and pending bits are, and */
    uint32_t table; /* at which offsets, multiples of 8 */
    uint32_t pending;
};

/*
 * Add the capability to a function that is not plugged yet. 0 or -errno,
 * logged; either way msix_fini undoes it.
 */
must_check int msix_init(struct msix *m, struct pci_func *f,
                         const struct msix_config *cfg);
/* Loop thread; what was raised in this turn has been submitted. */
void msix_fini(struct msix *m);

/* All masked, nothing pending, disabled; routes in use stay open. */
void msix_reset(struct msix *m);

bool msix_enabled(const struct msix *m);

/*
 * A device is about to send vector v: prepare it. False if there is no such
 * vector, or no route left.
 */
must_check bool msix_use(struct msix *m, unsigned v);

/*
 * Send vector v, which is in use, once per loop turn at most. Nothing happens
 * while MSI-X is disabled.
 */
void msix_raise(struct msix *m, unsigned v);

/* Accesses to the table and to the pending bits, off from their begin. */
void msix_table_read(const struct msix *m, uint64_t off, void *data,
                     unsigned n);
void msix_table_write(struct msix *m, uint64_t off, const void *data,
                      unsigned n);
void msix_pending_read(const struct msix *m, uint64_t off, void *data,
                       unsigned n);

/* For pci_func_ops.after_write. */
void msix_config_written(struct msix *m, unsigned off, unsigned n);

#endif
