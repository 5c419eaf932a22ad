// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fdt.c: the machine as a flattened device tree; see fdt.h.
 *
 * Nodes follow the Devicetree specification 0.4. What it leaves open for x86
 * is as Linux documents it: the interrupt controllers by the bindings
 * intel,ce4100-ioapic and intel,ce4100-lapic, I/O ports under an ISA bus
 * (IEEE 1275 ISA binding: first address cell 1 is I/O space).
 *
 * Three nodes are ours, for what no binding covers:
 *   vmm,poweroff   reg: a port; writing the byte `value` powers off
 *   vmm,restart    reg: a port; writing the byte `value` resets
 *   vmm,events     reg: a 32-bit register; reading gives the events since
 *                  the last read; interrupts: one edge per new event;
 *                  power-button: the mask of that event
 *
 * Errors stick: after the first one nothing is written, and fdt_build says
 * it once. Pure: reads a machine_desc, writes bytes.
 */
#include "boot/fdt.h"

#include "abi/layout.h"
#include "vmm/log.h"

#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PHANDLE_IOAPIC 1u
#define NODE_NAME      32
#define MAX_CELLS      32
#define ISA_IO_SPACE   1u
#define ISA_PORTS      0x10000u
#define LAPIC_SIZE     0x1000u
#define UART_CLOCK_HZ  1843200u

/*
 * Second cell of an interrupt. The binding's text and the only code that
 * reads it number the edges the other way round; the code and the trees in
 * use have 3 for a rising edge.
 */
#define IOAPIC_EDGE_RISING 3u
#define IOAPIC_LEVEL_LOW   2u

/* First cell of a PCI address (IEEE 1275 PCI binding): kind, slot. */
#define PCI_SPACE_PORTS    0x01000000u
#define PCI_SPACE_MEMORY32 0x02000000u
#define PCI_SLOT(n)        ((uint32_t)(n) << 11)

struct tree {
    void *fdt; /* borrowed */
    int err;   /* the first libfdt error, or 0 */
};

printf_like(2, 3) static void begin(struct tree *t, const char *fmt, ...)
{
    char name[NODE_NAME];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    BUG_ON(n < 0 || n >= NODE_NAME);
    if (!t->err)
        t->err = fdt_begin_node(t->fdt, name);
}

static void end(struct tree *t)
{
    if (!t->err)
        t->err = fdt_end_node(t->fdt);
}

static void prop(struct tree *t, const char *name, const void *value, size_t n)
{
    if (!t->err)
        t->err = fdt_property(t->fdt, name, value, (int)n);
}

static void text(struct tree *t, const char *name, const char *value)
{
    prop(t, name, value, strlen(value) + 1);
}

static void cells(struct tree *t, const char *name, const uint32_t *v, size_t n)
{
    fdt32_t out[MAX_CELLS];

    BUG_ON(n > MAX_CELLS);
    for (size_t i = 0; i < n; i++)
        out[i] = cpu_to_fdt32(v[i]);
    prop(t, name, out, n * sizeof(*out));
}

static void cell(struct tree *t, const char *name, uint32_t v)
{
    cells(t, name, &v, 1);
}

static void cell64(struct tree *t, const char *name, uint64_t v)
{
    const uint32_t c[] = {(uint32_t)(v >> 32), (uint32_t)v};

    cells(t, name, c, ARRAY_LEN(c));
}

/* #address-cells and #size-cells of the node just begun. */
static void bus_cells(struct tree *t, uint32_t address, uint32_t size)
{
    cell(t, "#address-cells", address);
    cell(t, "#size-cells", size);
}

/* reg of a node on the root bus: two cells of address, two of size. */
static void reg_memory(struct tree *t, uint64_t base, uint64_t size)
{
    const uint32_t c[] = {(uint32_t)(base >> 32), (uint32_t)base,
                          (uint32_t)(size >> 32), (uint32_t)size};

    cells(t, "reg", c, ARRAY_LEN(c));
}

static void reg_ports(struct tree *t, uint64_t base, uint32_t n)
{
    const uint32_t c[] = {ISA_IO_SPACE, (uint32_t)base, n};

    cells(t, "reg", c, ARRAY_LEN(c));
}

static void interrupt(struct tree *t, uint32_t gsi)
{
    const uint32_t c[] = {gsi, IOAPIC_EDGE_RISING};

    if (gsi != DEV_NO_GSI)
        cells(t, "interrupts", c, ARRAY_LEN(c));
}

static void put_chosen(struct tree *t, const struct machine_desc *m,
                       const char *cmdline, gpa_t start, gpa_t stop)
{
    const struct dev_desc *uart = machine_find(m, DEV_UART16550);
    char path[NODE_NAME];

    begin(t, "chosen");
    text(t, "bootargs", cmdline);
    if (stop.v) {
        cell64(t, "linux,initrd-start", start.v);
        cell64(t, "linux,initrd-end", stop.v);
    }
    if (uart) {
        snprintf(path, sizeof(path), "/isa@i0/serial@i%x",
                 (unsigned)uart->base & 0xffff);
        text(t, "stdout-path", path);
    }
    end(t);
}

/* reg is the local APIC id, as in Linux' x86 bindings. */
static void put_cpus(struct tree *t, const struct machine_desc *m)
{
    begin(t, "cpus");
    bus_cells(t, 1, 0);
    if (m->tsc_khz)
        cell64(t, "timebase-frequency", (uint64_t)m->tsc_khz * 1000);
    for (unsigned i = 0; i < m->n_cpus; i++) {
        begin(t, "cpu@%x", i);
        text(t, "device_type", "cpu");
        cell(t, "reg", i);
        end(t);
    }
    end(t);
}

static void put_memory(struct tree *t, const struct machine_desc *m)
{
    for (unsigned i = 0; i < m->n_ranges; i++) {
        const struct mem_range *r = &m->map[i];

        if (r->type != MEM_RAM)
            continue;
        begin(t, "memory@%llx", (unsigned long long)r->base.v);
        text(t, "device_type", "memory");
        reg_memory(t, r->base.v, r->size);
        end(t);
    }
}

static void put_controller(struct tree *t, const char *compatible,
                           uint64_t base, uint64_t size)
{
    begin(t, "interrupt-controller@%llx", (unsigned long long)base);
    text(t, "compatible", compatible);
    reg_memory(t, base, size);
    prop(t, "interrupt-controller", NULL, 0);
    cell(t, "#address-cells", 0); /* no interrupt map needs them */
    cell(t, "#interrupt-cells", 2);
}

/* There is no 8259 to route through: the local APIC is in virtual wire. */
static void put_lapic(struct tree *t)
{
    put_controller(t, "intel,ce4100-lapic", LAYOUT_LAPIC, LAPIC_SIZE);
    prop(t, "intel,virtual-wire-mode", NULL, 0);
    end(t);
}

static void put_ioapic(struct tree *t, const struct dev_desc *d)
{
    put_controller(t, "intel,ce4100-ioapic", d->base, d->size);
    cell(t, "phandle", PHANDLE_IOAPIC);
    end(t);
}

static void put_events(struct tree *t, const struct dev_desc *d)
{
    begin(t, "events@%llx", (unsigned long long)d->base);
    text(t, "compatible", "vmm,events");
    reg_memory(t, d->base, d->size);
    interrupt(t, d->gsi);
    cell(t, "power-button", LAYOUT_GED_EVT_POWER);
    end(t);
}

static void put_uart(struct tree *t, const struct dev_desc *d)
{
    begin(t, "serial@i%x", (unsigned)d->base & 0xffff);
    text(t, "compatible", "ns16550a");
    reg_ports(t, d->base, d->size);
    cell(t, "clock-frequency", UART_CLOCK_HZ);
    interrupt(t, d->gsi);
    end(t);
}

/* A port that does one thing when one value is written to it. */
static void put_switch(struct tree *t, const char *what,
                       const struct dev_desc *d, uint32_t value)
{
    char compatible[NODE_NAME];

    snprintf(compatible, sizeof(compatible), "vmm,%s", what);
    begin(t, "%s@i%x", what, (unsigned)d->base & 0xffff);
    text(t, "compatible", compatible);
    reg_ports(t, d->base, 1);
    cell(t, "value", value);
    end(t);
}

/* Linux' bindings, virtio/mmio.yaml. */
static void put_virtio(struct tree *t, const struct dev_desc *d)
{
    begin(t, "virtio@%llx", (unsigned long long)d->base);
    text(t, "compatible", "virtio,mmio");
    reg_memory(t, d->base, d->size);
    interrupt(t, d->gsi);
    end(t);
}

/* Cells of one row of the interrupt map: address, pin, controller, GSI. */
#define MAP_CELLS 7

/* INTA# of a slot; the two low bits of its number tell the line. */
static void put_interrupt_map(struct tree *t, uint32_t gsi)
{
    const uint32_t mask[] = {PCI_SLOT(MACHINE_PCI_LINES - 1), 0, 0, 7};
    uint32_t map[MACHINE_PCI_LINES * MAP_CELLS] = {0};

    for (uint32_t slot = 0; slot < MACHINE_PCI_LINES; slot++) {
        uint32_t *row = &map[slot * MAP_CELLS];

        row[0] = PCI_SLOT(slot);
        row[3] = 1; /* INTA# */
        row[4] = PHANDLE_IOAPIC;
        row[5] = gsi + MACHINE_PCI_LINE(slot);
        row[6] = IOAPIC_LEVEL_LOW;
    }
    cell(t, "#interrupt-cells", 1);
    cells(t, "interrupt-map-mask", mask, ARRAY_LEN(mask));
    cells(t, "interrupt-map", map, ARRAY_LEN(map));
}

/* Linux' binding host-generic-pci; addresses translate to themselves. */
static void put_pci(struct tree *t, const struct dev_desc *d)
{
    const uint32_t buses[] = {0, 0};
    const uint32_t ranges[] = {
        PCI_SPACE_PORTS,
        0,
        LAYOUT_PCI_PORTS,
        0,
        LAYOUT_PCI_PORTS,
        0,
        LAYOUT_PCI_PORTS_END - LAYOUT_PCI_PORTS,
        PCI_SPACE_MEMORY32,
        0,
        LAYOUT_PCI_MMIO,
        0,
        LAYOUT_PCI_MMIO,
        0,
        LAYOUT_PCI_MMIO_END - LAYOUT_PCI_MMIO,
    };

    begin(t, "pci@%llx", (unsigned long long)d->base);
    text(t, "compatible", "pci-host-ecam-generic");
    text(t, "device_type", "pci");
    reg_memory(t, d->base, d->size);
    bus_cells(t, 3, 2);
    cells(t, "bus-range", buses, ARRAY_LEN(buses));
    cells(t, "ranges", ranges, ARRAY_LEN(ranges));
    prop(t, "dma-coherent", NULL, 0);
    put_interrupt_map(t, d->gsi);
    end(t);
}

/* A PC is described by ACPI alone: it has no modes that need more. */
#define PC_KINDS     \
    case DEV_PC_PCI: \
    case DEV_PIIX4:  \
    case DEV_HPET:   \
    case DEV_RTC:    \
    case DEV_KBD:    \
    case DEV_MOUSE:  \
    case DEV_LPT

/* What lies in memory hangs off the root, what lies at ports off isa. */
static void put_memory_device(struct tree *t, const struct dev_desc *d)
{
    switch (d->kind) {
    case DEV_IOAPIC:
        put_ioapic(t, d);
        break;
    case DEV_GED:
        put_events(t, d);
        break;
    case DEV_VIRTIO_MMIO:
        put_virtio(t, d);
        break;
    case DEV_PCI_HOST:
        put_pci(t, d);
        break;
    case DEV_UART16550:
    case DEV_ACPI_SLEEP:
    case DEV_ACPI_RESET:
    PC_KINDS:
        break;
    }
}

static void put_port_device(struct tree *t, const struct dev_desc *d)
{
    switch (d->kind) {
    case DEV_UART16550:
        put_uart(t, d);
        break;
    case DEV_ACPI_SLEEP:
        put_switch(t, "poweroff", d, LAYOUT_SLP_EN | LAYOUT_S5_TYP << 2);
        break;
    case DEV_ACPI_RESET:
        put_switch(t, "restart", d, LAYOUT_RESET_VALUE);
        break;
    case DEV_IOAPIC:
    case DEV_GED:
    case DEV_VIRTIO_MMIO:
    case DEV_PCI_HOST:
    PC_KINDS:
        break;
    }
}

/* Port numbers translate to themselves. */
static void put_isa(struct tree *t, const struct machine_desc *m)
{
    const uint32_t ranges[] = {ISA_IO_SPACE, 0, 0, 0, ISA_PORTS};

    begin(t, "isa@i0");
    text(t, "device_type", "isa");
    text(t, "compatible", "isa");
    bus_cells(t, 2, 1);
    cells(t, "ranges", ranges, ARRAY_LEN(ranges));
    for (unsigned i = 0; i < m->n_devs; i++)
        put_port_device(t, &m->devs[i]);
    end(t);
}

static void put_devices(struct tree *t, const struct machine_desc *m)
{
    put_lapic(t);
    for (unsigned i = 0; i < m->n_devs; i++)
        put_memory_device(t, &m->devs[i]);
    put_isa(t, m);
}

int64_t fdt_build(const struct machine_desc *m, const char *cmdline,
                  gpa_t initrd_start, gpa_t initrd_end, void *buf, size_t size)
{
    const int room = size < INT32_MAX ? (int)size : INT32_MAX;
    struct tree t = {.fdt = buf};

    BUG_ON((uintptr_t)buf % 8);
    t.err = fdt_create(buf, room);
    if (!t.err)
        t.err = fdt_finish_reservemap(buf);
    begin(&t, "%s", "");
    text(&t, "model", "vmm");
    text(&t, "compatible", "vmm,machine");
    bus_cells(&t, 2, 2);
    if (machine_find(m, DEV_IOAPIC))
        cell(&t, "interrupt-parent", PHANDLE_IOAPIC);
    put_chosen(&t, m, cmdline, initrd_start, initrd_end);
    put_cpus(&t, m);
    put_memory(&t, m);
    put_devices(&t, m);
    end(&t);
    if (!t.err)
        t.err = fdt_finish(buf);
    BUG_ON(t.err && t.err != -FDT_ERR_NOSPACE);
    return t.err ? -ENOSPC : (int64_t)fdt_totalsize(buf);
}
