/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc-xen: a PC that is a guest of Xen, without drivers: it came here from an
 * IDE drive, finds Xen's platform device on the PCI bus, puts a grant frame
 * into its memory, takes events by its pin and by an ISA line, both through the
 * 8259s, and by a vector; then has the drive unplugged, which a soft reset
 * leaves so. Sources: Xen's public headers, docs/misc/hvm-emulated-unplug.
 */
#include "abi/pc.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "trap.h"
#include "xen.h"

#include <xen/grant_table.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define ID             0x00015853u
#define SLOTS          32u
#define BAR1_SIZE      0x1000000u

#define CALLBACK_VECTOR (VECTOR_FIRST_IRQ + 64)
#define VECTOR_MASTER   (VECTOR_FIRST_IRQ + 16)
#define PIC_EOI         0x20
#define PIC_READ_IRR    0x0a
#define PATIENCE        (5 * CLOCK_S)
#define QUIET           (20 * CLOCK_MS)

#define IDE_DEVICE (PC_IDE0 + 6)
#define IDE_STATUS (PC_IDE0 + 7)
#define IDE_DRDY   0x40u
#define IDE_BSY    0x80u

#define UNPLUG      0x10
#define UNPLUG_KIND 0x12
#define MAGIC       0x49d2u

#define IS0(what, call) CHECK_EQ(what, (uint32_t)(call), 0)

#define VIA(type, rest) ((uint64_t)(type) << 56 | (rest))

static unsigned slot, line, event;
static uintptr_t ram;
static volatile unsigned by_line, by_vector;

/* ---- configuration space, as a BIOS left it ---- */

static uint32_t config(unsigned reg)
{
    outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | reg);
    return inl(CONFIG_DATA);
}

static void find_device(void)
{
    for (slot = 0; slot < SLOTS; slot++)
        if (config(0) == ID)
            break;
    if (slot == SLOTS)
        test_error("there is no platform device");
    CHECK_EQ("class", config(8) >> 8, 0xff8000);
    CHECK_EQ("subsystem", config(0x2c), ID);
    CHECK_EQ("BAR 0 is ports", config(0x10) & 1, 1);
    CHECK_EQ("BAR 1 is memory", config(0x14) & 0xf, 8);
    CHECK_EQ("interrupt pin", config(0x3c) >> 8 & 0xff, 1);
    ram = config(0x14) & ~0xfu;
    line = config(0x3c) & 0xff;
    config(4);
    outl(CONFIG_DATA, 3); /* ports, memory */
}

/* ---- the memory BAR ---- */

static void check_memory(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_grant_table,
                                     .gpfn = ram >> 12};
    /* Reserved for the store's page: made by who built the domain. */
    const uintptr_t entry =
        ram + GNTTAB_RESERVED_XENSTORE * sizeof(struct grant_entry_v1);

    mmio_write32(ram + BAR1_SIZE - 4, 0x12345678);
    CHECK_EQ("the memory's end", mmio_read32(ram + BAR1_SIZE - 4), 0x12345678);
    mmio_write32(entry, 0);
    IS0("a grant frame in it",
        xen_call2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map));
    CHECK_EQ("the store's entry", mmio_read32(entry), GTF_permit_access);
    CHECK_NE("the store's frame", mmio_read32(entry + 4), 0);
}

/* ---- upcalls ---- */

static void take(void)
{
    xen_shared.vcpu_info[0].evtchn_upcall_pending = 0;
    xen_shared.vcpu_info[0].evtchn_pending_sel = 0;
    xen_clear(event);
}

static void on_line(struct trap_frame *frame)
{
    (void)frame;
    /* PIRQs share it; the BIOS's devices are quiet. */
    if (xen_shared.vcpu_info[0].evtchn_upcall_pending)
        by_line = by_line + 1;
    take();
    outb(PC_PIC_SLAVE, PIC_EOI);
    outb(PC_PIC_MASTER, PIC_EOI);
}

static void init_pics(void)
{
    outb(PC_PIC_MASTER, 0x11);
    outb(PC_PIC_SLAVE, 0x11);
    outb(PC_PIC_MASTER + 1, VECTOR_MASTER);
    outb(PC_PIC_SLAVE + 1, VECTOR_MASTER + 8);
    outb(PC_PIC_MASTER + 1, 1 << 2);
    outb(PC_PIC_SLAVE + 1, 2);
    outb(PC_PIC_MASTER + 1, 0x01);
    outb(PC_PIC_SLAVE + 1, 0x01);
    outb(PC_PIC_MASTER + 1, 0xfb);
    outb(PC_PIC_SLAVE + 1, (uint8_t) ~(1u << (line - 8)));
    trap_set_handler(VECTOR_MASTER + line, on_line);
}

static void set_callback(const char *what, uint64_t via)
{
    const struct xen_hvm_param p = {
        .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = via};

    IS0(what, xen_call2(__HYPERVISOR_hvm_op, HVMOP_set_param, &p));
}

static void wait_for(const char *what, const volatile unsigned *count)
{
    const unsigned before = *count;
    bool ok;

    for (unsigned i = 1; i <= 3; i++) {
        IS0("send", xen_send(event));
        irq_enable();
        ok = clock_wait(*count >= before + i, PATIENCE);
        irq_disable();
        CHECK_EQ(what, ok, true);
        take();
    }
    /* The line has fallen: what was told once is not told again. */
    irq_enable();
    ok = clock_wait(*count > before + 3, QUIET);
    irq_disable();
    CHECK_EQ("one too many", ok, false);
}

static void on_callback(struct trap_frame *frame)
{
    (void)frame;
    /* It passed no interrupt controller: there is nothing to acknowledge. */
    take();
    by_vector = by_vector + 1;
}

/* One vector for all CPUs. */
static void check_callback(void)
{
    trap_set_handler(CALLBACK_VECTOR, on_callback);
    set_callback("by a vector for all",
                 VIA(HVM_PARAM_CALLBACK_TYPE_VECTOR, CALLBACK_VECTOR));
    wait_for("an event by a vector for all", &by_vector);
}

static void check_upcalls(void)
{
    if (line != 5 && line != 10 && line != 11)
        test_error("the device's line is %u", line);
    event = (unsigned)xen_bind_ipi(0);
    init_pics();
    set_callback("by a pin",
                 VIA(HVM_PARAM_CALLBACK_TYPE_PCI_INTX, slot << 3 << 8));
    wait_for("an event by the pin", &by_line);
    set_callback("by a line", VIA(HVM_PARAM_CALLBACK_TYPE_GSI, line));
    wait_for("an event by the line", &by_line);
    check_callback();
    /* A vector of its own comes before that. */
    xen_take_events(0);
    wait_for("an event by a vector", &xen_upcalls[0]);
}

/* ---- unplugging ---- */

static uint8_t drive_status(void)
{
    uint8_t status;

    outb(IDE_DEVICE, 0xa0);
    while ((status = inb(IDE_STATUS)) & IDE_BSY && status != 0xff)
        cpu_pause();
    return status;
}

static void check_unplug(void)
{
    CHECK_EQ("magic", inw(UNPLUG), MAGIC);
    CHECK_EQ("protocol", inb(UNPLUG_KIND), 1);
    outw(UNPLUG_KIND, 3);
    outl(UNPLUG, 1);
    CHECK_EQ("not blacklisted", inw(UNPLUG), MAGIC);
    CHECK_EQ("the drive", drive_status() & IDE_DRDY, IDE_DRDY);
    /* All but the primary master, which is all there is. */
    outw(UNPLUG, 4);
    CHECK_EQ("the drive", drive_status() & IDE_DRDY, IDE_DRDY);
    outw(UNPLUG, 1);
    CHECK_EQ("no drive", drive_status(), 0xff);
}

/* ---- a soft reset ---- */

static void reset(void)
{
    const struct sched_shutdown s = {SHUTDOWN_soft_reset};

    IS0("a soft reset", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s));
    memset(&xen_shared, 0, sizeof(xen_shared));
    xen_init();
    event = (unsigned)xen_bind_ipi(0);
}

static unsigned line_is_up(void)
{
    outb(PC_PIC_SLAVE, PIC_READ_IRR);
    return inb(PC_PIC_SLAVE) >> (line - 8) & 1;
}

/* The chips are those of before; what was Xen's begins anew. */
static void check_reset(void)
{
    const uint64_t pin = VIA(HVM_PARAM_CALLBACK_TYPE_PCI_INTX, slot << 3 << 8);

    reset();
    set_callback("by a pin, again", pin);
    wait_for("an event by the pin, again", &by_line);
    IS0("send", xen_send(event));
    CHECK_EQ("the line", line_is_up(), 1);
    reset();
    CHECK_EQ("the line after a reset", line_is_up(), 0);
    CHECK_EQ("magic, again", inw(UNPLUG), MAGIC);
    CHECK_EQ("no drive, still", drive_status(), 0xff);
}

void test_main(void)
{
    xen_init();
    find_device();
    check_memory();
    check_upcalls();
    check_unplug();
    check_reset();
}
