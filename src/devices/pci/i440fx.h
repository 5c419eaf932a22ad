/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i440fx.h: the 82441FX (440FX) host bridge as a function for slot 0, with
 * the registers by which firmware shadows itself: PAM, and SMRAM without an
 * SMM behind it. Thread: board lock held.
 */
#ifndef PCI_I440FX_H
#define PCI_I440FX_H

#include "devices/pci/pci.h"

#define I440FX_SEGMENTS 13u

/* A stretch between 768 KiB and 1 MiB, and where accesses to it go. */
struct i440fx_segment {
    gpa_t base;
    uint32_t size;
    bool read_ram;  /* reads: RAM; else the ROM behind the PCI bus */
    bool write_ram; /* writes: RAM; else nowhere */
};

struct i440fx_hooks {
    /* A segment became this. All begin with neither. */
    void (*pam)(void *ctx, const struct i440fx_segment *s);
    /* May be NULL: all that one access changed has been told. */
    void (*pam_settled)(void *ctx);
    void *ctx; /* borrowed */
};

struct i440fx;

/* hooks is copied. NULL: out of memory, logged. */
struct i440fx *i440fx_create(const struct i440fx_hooks *hooks);
void i440fx_destroy(struct i440fx *b);

/* For pci_bus_config.host; borrowed from b. */
struct pci_func *i440fx_func(struct i440fx *b);

/* Segment i, below I440FX_SEGMENTS. */
const struct i440fx_segment *i440fx_segment(const struct i440fx *b, unsigned i);

#endif
