/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.h: the guest's machine as data.
 *
 * src/board.c fills one struct machine_desc; every table a guest can read
 * (start_info memory map, ACPI, FDT) is written from it by src/boot, so that
 * no two tables can disagree. Nothing here is a host object.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "vmm/types.h"

/*
 * vCPU id and local APIC id are the same number. 255 is the xAPIC broadcast
 * id, and x2APIC ids start to need interrupt remapping there.
 */
#define MACHINE_MAX_CPUS   255
#define MACHINE_MAX_RANGES 16
#define MACHINE_MAX_DEVS   64

/* Address-range types, numbered as in ACPI 6.5 table 15.4 (and the PVH map). */
enum mem_type {
    MEM_RAM = 1,
    MEM_RESERVED = 2,
    MEM_ACPI = 3,
    MEM_NVS = 4,
    MEM_UNUSABLE = 5,
};

struct mem_range {
    gpa_t base;
    uint64_t size; /* bytes */
    enum mem_type type;
};

/* What a device is, for the tables that announce it. */
enum dev_kind {
    DEV_UART16550,   /* base: I/O port; 8 ports; gsi */
    DEV_GED,         /* base: MMIO gpa of the event-select register; gsi */
    DEV_ACPI_SLEEP,  /* base: I/O port of control, status next; no gsi */
    DEV_ACPI_RESET,  /* base: I/O port of the reset register; no gsi */
    DEV_IOAPIC,      /* base: MMIO gpa; gsi: first GSI it serves */
    DEV_VIRTIO_MMIO, /* base: MMIO gpa of a virtio-mmio device; gsi */
    DEV_PCI_HOST,    /* base: MMIO gpa of the ECAM; gsi: of line 0 */
    /* of a PC; base: the first I/O port where not said otherwise */
    DEV_PC_PCI, /* base: MMIO gpa of the BARs; size; gsi: of PIRQA# */
    DEV_PIIX4,  /* power management; gsi: the ACPI interrupt */
    DEV_HPET,   /* base: MMIO gpa */
    DEV_RTC,    /* gsi */
    DEV_KBD,    /* base: the data port, the command port is 4 on; gsi */
    DEV_MOUSE,  /* behind the DEV_KBD; gsi */
    DEV_LPT,    /* gsi */
};

/*
 * The line, 0 to 3, that the board wires a PCI slot's INTA# to. Lines are
 * GSIs in a row; slot 0 is the host bridge and has no pin, so that the first
 * device is on the first line, and few devices need few pins.
 */
#define MACHINE_PCI_LINES      4
#define MACHINE_PCI_LINE(slot) (((slot) + 3u) % MACHINE_PCI_LINES)

#define DEV_NO_GSI UINT32_MAX

struct dev_desc {
    enum dev_kind kind;
    uint64_t base;
    uint32_t size; /* bytes or ports */
    uint32_t gsi;  /* DEV_NO_GSI if it interrupts nobody */
};

struct machine_desc {
    unsigned n_cpus; /* APIC ids 0 .. n_cpus-1, 0 is the boot CPU */
    struct mem_range map[MACHINE_MAX_RANGES]; /* sorted, no overlap */
    unsigned n_ranges;
    struct dev_desc devs[MACHINE_MAX_DEVS];
    unsigned n_devs;
    bool virtio_by_cmdline; /* the kernel command line tells, not ACPI */
    unsigned pci_slots;     /* in use, from 0 on; on a PC, or DEV_PCI_HOST */
    unsigned n_pins;        /* of the IOAPIC: GSIs 0 .. n_pins-1 */
    uint32_t tsc_khz;       /* 0 if unknown */
};

/* The first device of a kind, or NULL. */
static inline const struct dev_desc *machine_find(const struct machine_desc *m,
                                                  enum dev_kind kind)
{
    for (unsigned i = 0; i < m->n_devs; i++)
        if (m->devs[i].kind == kind)
            return &m->devs[i];
    return NULL;
}

#endif
