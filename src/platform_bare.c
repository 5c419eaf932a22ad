// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * platform_bare.c: the platform of the modes without a PC; see platform.h.
 * Hardware-reduced ACPI names all there is (docs/guest-abi-pvh.md).
 */
#include "platform.h"

#include "abi/layout.h"
#include "board_virtio.h"
#include "board_xen.h"
#include "devices/platform/acpi_pm.h"
#include "devices/platform/ioapic.h"
#include "devices/platform/uart16550.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct bare {
    struct platform_host host;
    /* owned, in the order they are made */
    struct ioapic *ioapic;
    struct uart16550 *uart;
    struct acpi_pm *pm;
    struct pci_bus *pci; /* NULL: there is none */
    /* lines from the chips to the IOAPIC */
    struct intr uart_intr;
    struct intr ged_intr;
};

/* ---- the description ---- */

static void describe_memory(struct machine_desc *m, uint64_t size, bool xen)
{
    const uint64_t low = size < LAYOUT_HOLE ? size : LAYOUT_HOLE;
    const struct dev_desc *pci = machine_find(m, DEV_PCI_HOST);

    platform_add_range(m, 0, LAYOUT_LOW_END, MEM_RAM);
    platform_add_range(m, LAYOUT_LOW_END, LAYOUT_LOW_TOP, MEM_RESERVED);
    platform_add_range(m, LAYOUT_LOW_TOP, low, MEM_RAM);
    /* Kernels trust no ECAM that is not reserved. */
    if (pci)
        platform_add_range(m, pci->base, pci->base + pci->size, MEM_RESERVED);
    if (xen)
        board_xen_describe(m);
    platform_add_range(m, LAYOUT_HOLE_END, LAYOUT_HOLE_END + size - low,
                       MEM_RAM);
}

static void describe(const struct config *cfg, struct machine_desc *m)
{
    m->n_pins = LAYOUT_IOAPIC_PINS;
    platform_add_dev(m, DEV_IOAPIC, LAYOUT_IOAPIC, IOAPIC_SIZE, 0);
    /* The console of a Xen guest is Xen's. */
    if (cfg->abi != ABI_XEN)
        platform_add_dev(m, DEV_UART16550, LAYOUT_COM1, 8, LAYOUT_COM1_GSI);
    platform_add_dev(m, DEV_ACPI_SLEEP, LAYOUT_SLEEP_CTL, 2, DEV_NO_GSI);
    platform_add_dev(m, DEV_ACPI_RESET, LAYOUT_RESET, 1, DEV_NO_GSI);
    platform_add_dev(m, DEV_GED, LAYOUT_GED, ACPI_PM_GED, LAYOUT_GED_GSI);
    board_virtio_describe(cfg, m);
    describe_memory(m, cfg->memory, cfg->abi == ABI_XEN);
}

/* All RAM is where gmem has it. */
static void lay_out(struct gmem *mem)
{
    (void)mem;
}

/* ---- the chips ---- */

static int claim(struct bare *p, enum space space, enum dev_kind kind,
                 const struct io_ops *ops, void *dev)
{
    const struct dev_desc *d = machine_find(p->host.desc, kind);

    BUG_ON(!d);
    return bus_claim(p->host.bus, space, d->base, d->size, ops, dev);
}

/*
 * Channel 2 of a PC's 8254, which is not here. A kernel that measures its TSC
 * by it does not ask first: as long as the count is all-ones, as it would be
 * of nobody, it reads it 100000 times; a zero tells it at once.
 */
static void no_count_read(void *dev, uint64_t off, void *data, unsigned n)
{
    (void)dev, (void)off;
    memset(data, 0, n);
}

static void no_count_write(void *dev, uint64_t off, const void *data,
                           unsigned n)
{
    (void)dev, (void)off, (void)data, (void)n;
}

static const struct io_ops no_count_ops = {
    .name = "no-8254", .read = no_count_read, .write = no_count_write};

static int claim_count(struct bare *p)
{
    return bus_claim(p->host.bus, SPACE_PIO, LAYOUT_NO_COUNT, 1, &no_count_ops,
                     NULL);
}

/*
 * Index registers: the IOAPIC's select, and the PCI configuration address that
 * kernels write whether or not there is a PCI. After the memory: KVM retires
 * the old list of ranges in its own time, and a memory slot set meanwhile
 * would have to wait milliseconds for it.
 */
static int coalesce(struct bare *p)
{
    vm_coalesce(p->host.vm, SPACE_MMIO, LAYOUT_IOAPIC, 4);
    vm_coalesce(p->host.vm, SPACE_PIO, LAYOUT_PCI_CONFIG, 4);
    return 0;
}

static int make_ioapic(struct bare *p)
{
    const struct msi_sink sink = vm_msi_sink(p->host.vm);
    const struct ioapic_hooks hooks = {
        .route = vm_route_pin, .mask = vm_mask_pin, .ctx = p->host.vm};

    p->ioapic = ioapic_create(p->host.desc->n_pins, &sink, &hooks);
    if (!p->ioapic)
        return -ENOMEM;
    return claim(p, SPACE_MMIO, DEV_IOAPIC, &ioapic_ops, p->ioapic);
}

static struct intr pin(struct bare *p, enum dev_kind kind)
{
    const struct dev_desc *d = machine_find(p->host.desc, kind);

    BUG_ON(!d);
    return (struct intr){
        .set = ioapic_set_pin, .ctx = p->ioapic, .line = d->gsi};
}

static int make_uart(struct bare *p)
{
    if (!machine_find(p->host.desc, DEV_UART16550))
        return 0;
    p->uart_intr = pin(p, DEV_UART16550);
    p->uart = uart16550_create(p->host.host->console, &p->uart_intr);
    if (!p->uart)
        return -ENOMEM;
    return claim(p, SPACE_PIO, DEV_UART16550, &uart16550_ops, p->uart);
}

static int make_acpi_pm(struct bare *p)
{
    const struct acpi_pm_events events = {.poweroff = p->host.poweroff,
                                          .reset = p->host.reset,
                                          .ctx = p->host.ctx};
    int ret;

    p->ged_intr = pin(p, DEV_GED);
    p->pm = acpi_pm_create(&events, &p->ged_intr);
    if (!p->pm)
        return -ENOMEM;
    ret = bus_claim(p->host.bus, SPACE_PIO, LAYOUT_SLEEP_CTL, ACPI_PM_PORTS,
                    &acpi_pm_ports_ops, p->pm);
    if (ret < 0)
        return ret;
    return claim(p, SPACE_MMIO, DEV_GED, &acpi_pm_ged_ops, p->pm);
}

static int make_pci(struct bare *p)
{
    const struct dev_desc *d = machine_find(p->host.desc, DEV_PCI_HOST);
    struct pci_bus_config c = {
        .bus = p->host.bus,
        .memory = {LAYOUT_PCI_MMIO, LAYOUT_PCI_MMIO_END},
        .ports = {LAYOUT_PCI_PORTS, LAYOUT_PCI_PORTS_END},
    };
    int ret;

    if (!d)
        return 0;
    c.irq = (uint8_t)d->gsi;
    for (unsigned i = 0; i < MACHINE_PCI_LINES; i++)
        c.lines[i] = (struct intr){
            .set = ioapic_set_pin, .ctx = p->ioapic, .line = d->gsi + i};
    p->pci = pci_bus_create(&c);
    if (!p->pci)
        return -ENOMEM;
    ret = bus_claim(p->host.bus, SPACE_PIO, LAYOUT_PCI_CONFIG,
                    LAYOUT_PCI_CONFIG_LEN, &pci_ports_ops, p->pci);
    if (ret < 0)
        return ret;
    return claim(p, SPACE_MMIO, DEV_PCI_HOST, &pci_ecam_ops, p->pci);
}

static void destroy(void *platform)
{
    struct bare *p = platform;

    if (!p)
        return;
    pci_bus_destroy(p->pci);
    acpi_pm_destroy(p->pm);
    uart16550_destroy(p->uart);
    ioapic_destroy(p->ioapic);
    free(p);
}

static void *create(const struct platform_host *host)
{
    static int (*const steps[])(struct bare * p) = {
        coalesce, claim_count, make_ioapic, make_uart, make_acpi_pm, make_pci,
    };
    struct bare *p = calloc(1, sizeof(*p));

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
    return ((struct bare *)platform)->pci;
}

/* Behind the host bridge. */
static unsigned first_slot(const struct config *cfg)
{
    (void)cfg;
    return 1;
}

static void eoi(void *platform, uint8_t vector)
{
    ioapic_eoi(((struct bare *)platform)->ioapic, vector);
}

static void power_button(void *platform)
{
    acpi_pm_power_button(((struct bare *)platform)->pm);
}

static struct chr *xen_console(void *platform)
{
    return ((struct bare *)platform)->host.host->console;
}

const struct platform_ops platform_bare = {
    .describe = describe,
    .lay_out = lay_out,
    .create = create,
    .destroy = destroy,
    .pci = pci,
    .first_slot = first_slot,
    .eoi = eoi,
    .power_button = power_button,
    .xen_console = xen_console,
};
