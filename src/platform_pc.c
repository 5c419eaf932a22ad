// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * platform_pc.c: a PC of the 440FX and PIIX generation; see platform.h. The
 * parts are made in pc_chips.c and pc_pci.c; docs/guest-abi-hvm.md says what
 * the guest sees of them.
 */
#include "pc.h"

#include "board_xen.h"
#include "pc_slots.h"
#include "vmm/log.h"

#include <stdlib.h>

static uint64_t low_ram(uint64_t size)
{
    return size < LAYOUT_HOLE ? size : LAYOUT_HOLE;
}

static void describe_memory(struct machine_desc *m, uint64_t size, bool xen)
{
    const uint64_t low = low_ram(size);

    platform_add_range(m, 0, PC_VGA, MEM_RAM);
    platform_add_range(m, PC_VGA, PC_SHADOW_END, MEM_RESERVED);
    platform_add_range(m, PC_SHADOW_END, low, MEM_RAM);
    if (xen)
        board_xen_describe(m);
    platform_add_range(m, LAYOUT_HOLE_END, LAYOUT_HOLE_END + size - low,
                       MEM_RAM);
}

static void describe(const struct config *cfg, struct machine_desc *m)
{
    const uint64_t bars = PC_PCI_MMIO(low_ram(cfg->memory));

    m->n_pins = PC_IRQ_PINS;
    m->pci_slots = pc_slot_count(cfg);
    platform_add_dev(m, DEV_IOAPIC, LAYOUT_IOAPIC, IOAPIC_SIZE, 0);
    platform_add_dev(m, DEV_UART16550, PC_COM1, 8, PC_IRQ_COM1);
    if (cfg->pc_ports[PC_PORT_SERIAL2].kind != CONSOLE_NONE)
        platform_add_dev(m, DEV_UART16550, PC_COM2, 8, PC_IRQ_COM2);
    if (cfg->pc_ports[PC_PORT_PARALLEL].kind != CONSOLE_NONE)
        platform_add_dev(m, DEV_LPT, PC_LPT1, LPT_PORTS, PC_IRQ_LPT1);
    platform_add_dev(m, DEV_PC_PCI, bars, (uint32_t)(PC_PCI_MMIO_END - bars),
                     PC_PIN_PIRQ);
    platform_add_dev(m, DEV_PIIX4, PC_PM, PIIX4_PM_PORTS, PC_IRQ_SCI);
    platform_add_dev(m, DEV_HPET, PC_HPET, HPET_SIZE, DEV_NO_GSI);
    platform_add_dev(m, DEV_RTC, PC_CMOS, MC146818_PORTS, PC_IRQ_RTC);
    platform_add_dev(m, DEV_KBD, PC_KBD_DATA, 1, PC_IRQ_KBD);
    platform_add_dev(m, DEV_MOUSE, PC_KBD_DATA, 1, PC_IRQ_MOUSE);
    describe_memory(m, cfg->memory, cfg->abi == ABI_XEN);
}

static void lay_out(struct gmem *mem)
{
    gmem_lay_out_pc(mem);
}

static void destroy(void *platform)
{
    struct pc *p = platform;

    if (!p)
        return;
    pc_destroy_xen(p);
    pc_destroy_cards(p);
    pc_destroy_display(p);
    pc_destroy_pci(p);
    pc_destroy_chips(p);
    pc_destroy_flash(p);
    free(p);
}

static void *create(const struct platform_host *host)
{
    static int (*const steps[])(struct pc * p) = {
        pc_make_memory, pc_make_flash, pc_make_coalesced, pc_make_interrupts,
        pc_make_timers, pc_make_power, pc_make_keyboard,  pc_make_ports,
        pc_make_fw_cfg, pc_make_pci,   pc_make_display,   pc_make_cards,
        pc_make_xen,    pc_settle,
    };
    struct pc *p = calloc(1, sizeof(*p));

    if (!p) {
        log_error("machine: out of memory");
        return NULL;
    }
    p->host = *host;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i](p) < 0) {
            destroy(p);
            return NULL;
        }
    }
    return p;
}

static struct pci_bus *pci(void *platform)
{
    return ((struct pc *)platform)->pci;
}

static unsigned first_slot(const struct config *cfg)
{
    return pc_slot(cfg, PC_KIND_VIRTIO, 0);
}

static void eoi(void *platform, uint8_t vector)
{
    ioapic_eoi(((struct pc *)platform)->ioapic, vector);
}

static uint8_t ack(void *platform)
{
    return (uint8_t)i8259_ack(((struct pc *)platform)->pics);
}

static void power_button(void *platform)
{
    (void)piix4_pm_power_button(((struct pc *)platform)->pm);
}

static struct vga *display(void *platform)
{
    return ((struct pc *)platform)->display;
}

static struct i8042 *keyboard(void *platform)
{
    return ((struct pc *)platform)->kbc;
}

const struct platform_ops platform_pc = {
    .describe = describe,
    .lay_out = lay_out,
    .create = create,
    .destroy = destroy,
    .pci = pci,
    .first_slot = first_slot,
    .eoi = eoi,
    .ack = ack,
    .power_button = power_button,
    .shutdown_resets = true,
    .display = display,
    .keyboard = keyboard,
    .xen_console = pc_xen_console,
    .xen_line = pc_xen_line,
    .xen_events = &pc_xen_events,
};
