/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * platform.h: what is soldered on a board beside memory, CPUs and what the
 * operator asks for: the chips without which the guest is no machine. There
 * is one for each row of platforms[], and the profile says which:
 *
 *   bare   an I/O APIC, a UART, ACPI's few registers, a bus for virtio
 *          (platform_bare.c)
 *   pc     a PC of the 440FX and PIIX generation (platform_pc.c)
 *
 * board.c makes one, wires it to the vCPUs and never asks which it is.
 *
 * Thread: create and destroy on the loop thread while no vCPU runs; the rest
 * with the board lock held.
 */
#ifndef VMM_PLATFORM_H
#define VMM_PLATFORM_H

#include "board.h"
#include "config.h"
#include "devices/bus.h"
#include "devices/pci/pci.h"
#include "mmu/gmem.h"
#include "pvabi/xen.h"
#include "vcpu/vm.h"
#include "vmm/machine.h"

struct i8042;
struct vga;

/* What the board gives a platform; all borrowed, for its life. */
struct platform_host {
    const struct config *cfg;
    const struct machine_desc *desc; /* after describe */
    const struct board_host *host;
    struct gmem *mem;
    struct vm *vm;
    struct bus *bus;
    /* what the chips tell the board */
    void (*poweroff)(void *ctx);
    void (*reset)(void *ctx);
    /* The INTR pin of the boot CPU; has the shape of intr.set. */
    void (*cpu_intr)(void *ctx, unsigned line, bool level);
    void *ctx;
};

/* Who hears of interrupts that a guest of Xen has as events. */
struct platform_events {
    void (*raise)(void *ctx, unsigned gsi);
    void *ctx; /* borrowed */
};

/* Interrupt lines that can be such; see struct xen_config and xen_ops. */
struct platform_xen_events {
    unsigned gsis;
    uint64_t ended;
    void (*connect)(void *platform, const struct platform_events *to);
    void (*lead)(void *platform, unsigned gsi, bool to_event);
    void (*end)(void *platform, unsigned gsi);
};

struct platform_ops {
    /* Pure: fill in everything but what virtio devices add. */
    void (*describe)(const struct config *cfg, struct machine_desc *m);
    /* The guest's memory is not yet mapped: say what of it is none. */
    void (*lay_out)(struct gmem *mem);
    /* NULL after logging. */
    void *(*create)(const struct platform_host *host);
    void (*destroy)(void *platform); /* NULL too */
    /* The bus for the operator's devices; NULL: there is none. */
    struct pci_bus *(*pci)(void *platform);
    /* Pure: the first slot of it that virtio devices take. */
    unsigned (*first_slot)(const struct config *cfg);
    void (*eoi)(void *platform, uint8_t vector);
    /* Answer the INTR pin. NULL: the platform does not drive it. */
    uint8_t (*ack)(void *platform);
    void (*power_button)(void *platform);
    /* A CPU that shuts down resets the machine. */
    bool shutdown_resets;
    /* What a person sits in front of; NULL: there is none. */
    struct vga *(*display)(void *platform);
    struct i8042 *(*keyboard)(void *platform);
    /* Where a Xen guest's own console leads, or NULL: it has none. */
    struct chr *(*xen_console)(void *platform);
    /* Drive the line of Xen's upcalls; as xen_ops.line. NULL: no lines. */
    int (*xen_line)(void *platform, const struct xen_via *via, bool level);
    const struct platform_xen_events *xen_events; /* NULL: there are none */
};

/* By enum platform. */
extern const struct platform_ops *const platforms[PLATFORM_COUNT];

/* For describe: append to the machine. */
void platform_add_dev(struct machine_desc *m, enum dev_kind kind, uint64_t base,
                      uint32_t size, uint32_t gsi);
void platform_add_range(struct machine_desc *m, uint64_t base, uint64_t end,
                        enum mem_type type);

extern const struct platform_ops platform_bare;
extern const struct platform_ops platform_pc;

#endif
