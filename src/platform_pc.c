// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * platform_pc.c: a PC of the 440FX and PIIX generation; see platform.h. The
 * parts are made in pc_chips.c and pc_pci.c; docs/guest-abi-hvm.md says what
 * the guest sees of them.
 */
#include "pc.h"

#include "board_virtio.h"
#include "vmm/log.h"

#include <stdlib.h>

static void describe_memory(struct machine_desc *m, uint64_t size)
{
    const uint64_t low = size < LAYOUT_HOLE ? size : LAYOUT_HOLE;

    platform_add_range(m, 0, PC_VGA, MEM_RAM);
    platform_add_range(m, PC_VGA, PC_SHADOW_END, MEM_RESERVED);
    platform_add_range(m, PC_SHADOW_END, low, MEM_RAM);
    platform_add_range(m, LAYOUT_HOLE_END, LAYOUT_HOLE_END + size - low,
                       MEM_RAM);
}

static void describe(const struct config *cfg, struct machine_desc *m)
{
    m->n_pins = PC_IRQ_PINS;
    platform_add_dev(m, DEV_IOAPIC, LAYOUT_IOAPIC, IOAPIC_SIZE, 0);
    platform_add_dev(m, DEV_UART16550, PC_COM1, 8, PC_IRQ_COM1);
    describe_memory(m, cfg->memory);
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
    pc_destroy_pci(p);
    pc_destroy_chips(p);
    free(p);
}

static void *create(const struct platform_host *host)
{
    static int (*const steps[])(struct pc * p) = {
        pc_make_clock, pc_make_memory,   pc_make_interrupts, pc_make_timers,
        pc_make_power, pc_make_keyboard, pc_make_serial,     pc_make_debug,
        pc_make_fw_cfg, pc_make_pci,   pc_make_ide,
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

const struct platform_ops platform_pc = {
    .describe = describe,
    .lay_out = lay_out,
    .create = create,
    .destroy = destroy,
    .pci = pci,
    .eoi = eoi,
    .ack = ack,
    .power_button = power_button,
};
