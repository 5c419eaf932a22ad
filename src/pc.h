/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc.h: the parts of a PC, shared by the files that solder them together:
 * platform_pc.c (the order, and what the board sees), pc_chips.c (the chips
 * and their wires), pc_pci.c (what is on the PCI bus in any case),
 * pc_display.c, pc_cards.c (what the operator plugs in), pc_xen.c (what a guest
 * of Xen has besides), pc_bars.c (memory behind BARs).
 *
 * A part is made by one function, pc_make_*, in the order of the steps in
 * platform_pc.c, and owned by the struct. A new device is a member here, a
 * step there, and a line in pc_destroy.
 */
#ifndef VMM_PC_H
#define VMM_PC_H

#include "abi/layout.h"
#include "abi/pc.h"
#include "devices/ata/ahci.h"
#include "devices/ata/ide.h"
#include "devices/nic/e1000.h"
#include "devices/pci/i440fx.h"
#include "devices/pci/piix.h"
#include "devices/pci/piix_ide.h"
#include "devices/pci/xen_platform.h"
#include "devices/platform/hpet.h"
#include "devices/platform/i8042.h"
#include "devices/platform/i8254.h"
#include "devices/platform/i8259.h"
#include "devices/platform/ioapic.h"
#include "devices/platform/lpt.h"
#include "devices/platform/mc146818.h"
#include "devices/platform/pc_irq.h"
#include "devices/platform/pc_misc.h"
#include "devices/platform/piix4_pm.h"
#include "devices/platform/uart16550.h"
#include "devices/vga/vga.h"
#include "pc_clock.h"
#include "pc_fw.h"
#include "pc_mem.h"
#include "platform.h"

struct pc_flash;

/* Memory of a BAR that the guest reaches without an exit. */
struct pc_bar_piece {
    uint64_t base; /* 0: not in use */
};

#define PC_BAR_PIECES (VM_MAX_PIECES - PC_MEM_PIECES)

struct pc {
    struct platform_host host;
    /* owned, in the order they are made */
    struct pc_clock *clock;
    struct pc_mem *mem;
    struct pc_flash *flash; /* NULL: not there */
    struct i8259 *pics;
    struct ioapic *ioapic;
    struct pc_irq *irq;
    struct i8254 *pit;
    struct mc146818 *rtc;
    struct hpet *hpet;
    struct piix4_pm *pm;
    struct pc_misc *misc;
    struct i8042 *kbc;
    struct uart16550 *com1;
    struct uart16550 *com2; /* NULL: not there */
    struct lpt *lpt;        /* NULL: not there */
    struct pc_fw *fw;
    struct i440fx *bridge;
    struct piix_isa *isa;
    struct piix_acpi *acpi;
    struct pci_bus *pci;
    struct vga *display;
    struct ide *ide;
    struct pci_func ide_func;
    struct xen_platform *xen;            /* NULL: not there */
    struct ahci *ahci;                   /* NULL: not there */
    struct e1000 *nics[CONFIG_MAX_NETS]; /* as in cfg->nets; NULL: not one */
    /* lines: of the chips, and of the 8259s to the CPU */
    struct intr cpu_intr;
    struct intr irqs[PC_IRQ_ISA_LINES];
    struct platform_events events; /* raise is NULL: nothing is one */
    struct pc_bar_piece bar_pieces[PC_BAR_PIECES];
};

/* Steps, in their order. 0 or -errno, logged. */
must_check int pc_make_memory(struct pc *p);
must_check int pc_make_flash(struct pc *p); /* pc_flash.c */
must_check int pc_make_coalesced(struct pc *p);
must_check int pc_make_interrupts(struct pc *p);
must_check int pc_make_timers(struct pc *p);
must_check int pc_make_power(struct pc *p);
must_check int pc_make_keyboard(struct pc *p);
must_check int pc_make_ports(struct pc *p); /* serial, parallel, debug */
must_check int pc_make_fw_cfg(struct pc *p);
must_check int pc_make_pci(struct pc *p);
must_check int pc_make_display(struct pc *p);
must_check int pc_make_cards(struct pc *p);
must_check int pc_make_xen(struct pc *p);
must_check int pc_settle(struct pc *p); /* pc_settle.c */

/* Everything the steps made, backwards. */
void pc_destroy_xen(struct pc *p);
void pc_destroy_cards(struct pc *p);
void pc_destroy_display(struct pc *p);
void pc_destroy_pci(struct pc *p);
void pc_destroy_chips(struct pc *p);
void pc_destroy_flash(struct pc *p);

/* The line of an ISA interrupt, for the one chip on it. */
struct intr *pc_line(struct pc *p, unsigned irq);

/* Claim ports. */
must_check int pc_ports(struct pc *p, uint64_t base, uint64_t n,
                        const struct io_ops *ops, void *dev);

/* For pci_bus_config.map: memory behind BARs is shown to the guest. */
struct pci_map_ops pc_bar_map(struct pc *p);

/* For platform_ops: see there. */
struct chr *pc_xen_console(void *pc);
int pc_xen_line(void *pc, const struct xen_via *via, bool level);
extern const struct platform_xen_events pc_xen_events;

/* Bytes of RAM below 4 GiB. */
uint64_t pc_low_ram(const struct pc *p);

#endif
