/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-pci: the victim as a PCI function, used wrongly (hostile case 20,
 * and 13, 16, 17 where the transport has a say): configuration accesses of
 * any width and place, BARs over RAM, over each other and off in the middle
 * of I/O, MSI-X beyond its table, the window capability, function-level
 * reset with requests in flight. Source: PCI Local Bus 3.0, chapter 6;
 * virtio 1.2, 4.1.
 */
#include "abi/layout.h"
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "pci.h"
#include "report.h"
#include "string.h"
#include "virtio_pci.h"

#define BAR_BYTES 0x8000u /* that the victim's modern BAR may have */
#define ROUNDS    2048u
#define IN_FLIGHT 32u
#define MARK      0xc3c3c3c3u

static uint8_t buffers[IN_FLIGHT][8 * SECTOR] __attribute__((aligned(4096)));

static uintptr_t config(unsigned offset)
{
    return victim.dev.function + offset;
}

static uint32_t next_random(void)
{
    static uint32_t value = 0x12345678;

    value = value * 1664525u + 1013904223u;
    return value >> 4;
}

/* The victim has to be found again: its BAR may be anywhere. */
static void plug_again(void)
{
    disk_open(&victim, 0, DISK_FEATURES);
}

/* A lawful request is served. */
static void serves(void)
{
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

/* The one memory BAR of the victim. */
static unsigned memory_bar(void)
{
    for (unsigned bar = 0; bar < 6; bar++) {
        uint32_t value = mmio_read32(config(PCI_BAR + 4 * bar));

        if (value && !(value & 1))
            return PCI_BAR + 4 * bar;
    }
    test_error("the disk has no memory BAR");
}

/* ---- configuration space ---- */

static void widths(void)
{
    const uint32_t id = mmio_read32(config(0));

    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ("a byte", mmio_read8(config(i)), id >> (8 * i) & 0xff);
    CHECK_EQ("two bytes across", mmio_read16(config(1)), id >> 8 & 0xffff);
    for (unsigned at = 0; at < 4096; at++) {
        (void)mmio_read8(config(at));
        (void)mmio_read16(config(at));
        (void)mmio_read32(config(at));
        (void)mmio_read64(config(at));
    }
    CHECK_EQ("behind 256 bytes", mmio_read32(config(0x100)), UINT32_MAX);
    CHECK_EQ("across the end of the function", mmio_read32(config(0xffe)),
             UINT32_MAX);
    CHECK_EQ("a function there is not", mmio_read32(config(0x1000)),
             UINT32_MAX);
    serves();
}

static void read_only_registers(void)
{
    static const uint8_t fixed[] = {0x00, 0x02, 0x08, 0x0a,
                                    0x0e, 0x2c, 0x2e, 0x34};

    for (unsigned i = 0; i < sizeof(fixed); i++) {
        const uint16_t was = mmio_read16(config(fixed[i]));

        mmio_write16(config(fixed[i]), 0);
        mmio_write16(config(fixed[i]), 0xffff);
        CHECK_EQ("read-only register", mmio_read16(config(fixed[i])), was);
    }
    serves();
}

/* Everything in it with everything, bar what would reset the function. */
static void nonsense(void)
{
    const unsigned af = pci_capability(victim.dev.function, PCI_CAP_AF, 0);

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned at = next_random() % 0x100;

        if (at < PCI_CAPABILITIES && at >= PCI_COMMAND)
            continue;
        if (af && at + 8 > af && at < af + 6)
            continue;
        switch (next_random() % 4) {
        case 0:
            mmio_write8(config(at), (uint8_t)next_random());
            break;
        case 1:
            mmio_write16(config(at), (uint16_t)next_random());
            break;
        case 2:
            mmio_write32(config(at), next_random());
            break;
        default:
            mmio_write64(config(at & ~7u),
                         (uint64_t)next_random() << 32 | next_random());
            break;
        }
    }
    mmio_write16(
        config(pci_capability(victim.dev.function, PCI_CAP_MSIX, 0) + 2), 0);
    plug_again();
    serves();
}

/* The ports 0xCF8 and 0xCFC, with all that can be asked of them. */
static void ports(void)
{
    const uint32_t here = 0x80000000u | victim.dev.slot << 11;

    outl(LAYOUT_PCI_CONFIG, here);
    CHECK_EQ("vendor and device", inl(LAYOUT_PCI_CONFIG + 4),
             mmio_read32(config(0)));
    CHECK_EQ("device", inw(LAYOUT_PCI_CONFIG + 6), mmio_read16(config(2)));
    outl(LAYOUT_PCI_CONFIG, here & 0x7fffffff);
    CHECK_EQ("without enable", inl(LAYOUT_PCI_CONFIG + 4), UINT32_MAX);
    outl(LAYOUT_PCI_CONFIG, here | 0x10000);
    CHECK_EQ("on another bus", inl(LAYOUT_PCI_CONFIG + 4), UINT32_MAX);
    for (unsigned i = 0; i < ROUNDS / 8; i++) {
        unsigned at = next_random() % 8;

        outl(LAYOUT_PCI_CONFIG, next_random() & ~0xffu);
        (void)inl((uint16_t)(LAYOUT_PCI_CONFIG + at));
        (void)inw((uint16_t)(LAYOUT_PCI_CONFIG + at));
        (void)inb((uint16_t)(LAYOUT_PCI_CONFIG + at));
        outb((uint16_t)(LAYOUT_PCI_CONFIG + at % 4), (uint8_t)next_random());
    }
    serves();
}

/* ---- BARs ---- */

static void bar_sizes(void)
{
    const unsigned bar = memory_bar();
    const uint32_t was = mmio_read32(config(bar));

    mmio_write32(config(bar), UINT32_MAX);
    CHECK_EQ("size of the BAR", ~(mmio_read32(config(bar)) & ~15u),
             BAR_BYTES - 1);
    mmio_write8(config(bar), 0xff);
    mmio_write16(config(bar + 1), 0xffff);
    mmio_write32(config(bar), was);
    CHECK_EQ("BAR", mmio_read32(config(bar)), was);
    serves();
}

/* Where no BAR can be it does not decode; put back, it works. */
static void bar_moved(void)
{
    const unsigned bar = memory_bar();
    const uint32_t was = mmio_read32(config(bar));
    const uint32_t other =
        mmio_read32(bystander.dev.function + bar); /* of the same kind */
    const uint32_t places[] = {
        0,
        0x00100000,
        (uint32_t)hostile_ram_end() - BAR_BYTES,
        LAYOUT_ECAM,
        LAYOUT_IOAPIC,
        LAYOUT_LAPIC,
        LAYOUT_VIRTIO_MMIO,
        0xffff8000,
        other,
        other + BAR_BYTES / 2,
    };
    const uint32_t mark = MARK;

    memcpy(hostile_data, &mark, sizeof(mark));
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        mmio_write32(config(bar), places[i]);
        CHECK_EQ("RAM", mmio_read32((uintptr_t)hostile_data), MARK);
        CHECK_EQ("the old place", mmio_read8(victim.dev.base + VPCI_STATUS),
                 0xff);
        hostile_bystander();
        mmio_write32(config(bar), was);
        CHECK_EQ("device status at the old place", virtio_status(&victim.dev),
                 15);
    }
    serves();
}

/* Decoding goes off and on while requests are in flight. */
static void bar_off(void)
{
    for (unsigned round = 0; round < 16; round++) {
        disk_again(&victim);
        for (unsigned i = 0; i < IN_FLIGHT; i++)
            (void)disk_add(&victim, i, BLK_IN, i * 8, buffers[i],
                           sizeof(buffers[i]));
        vq_kick(&victim.q);
        mmio_write16(config(PCI_COMMAND), 0);
        CHECK_EQ("registers that are off", mmio_read32(victim.dev.base),
                 UINT32_MAX);
        vq_notify(&victim.q); /* into nothing */
        mmio_write16(config(PCI_COMMAND),
                     PCI_CMD_PORTS | PCI_CMD_MEMORY | PCI_CMD_MASTER);
        if (!clock_wait(vq_used_idx(&victim.q) == IN_FLIGHT, DISK_PATIENCE))
            test_fail("answers: expected %u, seen %u", IN_FLIGHT,
                      vq_used_idx(&victim.q));
    }
    disk_again(&victim);
    serves();
}

/* ---- MSI-X ---- */

struct msix {
    unsigned cap;
    unsigned vectors;
    uintptr_t table, pending;
};

static struct msix find_msix(void)
{
    const uintptr_t function = victim.dev.function;
    struct msix m = {.cap = pci_capability(function, PCI_CAP_MSIX, 0)};
    uint32_t table, pending;

    if (!m.cap)
        test_error("the disk has no MSI-X");
    table = mmio_read32(config(m.cap + 4));
    pending = mmio_read32(config(m.cap + 8));
    m.vectors = (mmio_read16(config(m.cap + 2)) & 0x7ff) + 1u;
    m.table = (uintptr_t)pci_bar(function, table & 7) + (table & ~7u);
    m.pending = (uintptr_t)pci_bar(function, pending & 7) + (pending & ~7u);
    return m;
}

static void no_such_vector(void)
{
    const struct msix m = find_msix();
    const uint32_t wrong[] = {m.vectors, m.vectors + 1, 0x7fe, 0x8000, 0xfffe};

    mmio_write16(config(m.cap + 2), MSIX_ENABLE);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        mmio_write16(victim.dev.base + VPCI_CONFIG_VECTOR, (uint16_t)wrong[i]);
        CHECK_EQ("configuration vector",
                 mmio_read16(victim.dev.base + VPCI_CONFIG_VECTOR), 0xffff);
        mmio_write16(victim.dev.base + VPCI_QUEUE_SELECT, 0);
        mmio_write16(victim.dev.base + VPCI_QUEUE_VECTOR, (uint16_t)wrong[i]);
        CHECK_EQ("queue vector",
                 mmio_read16(victim.dev.base + VPCI_QUEUE_VECTOR), 0xffff);
    }
    serves();
    mmio_write16(config(m.cap + 2), 0);
}

/* Behind the table, misaligned, and the pending bits, which are read-only. */
static void table_accesses(void)
{
    const struct msix m = find_msix();
    const uintptr_t end = m.table + 16 * m.vectors;

    CHECK_EQ("behind the table", mmio_read32(end), UINT32_MAX);
    for (uintptr_t at = m.table; at < end + 64; at++) {
        mmio_write8(at, 0xff);
        mmio_write16(at, 0xffff);
        mmio_write32(at, UINT32_MAX);
        mmio_write64(at, UINT64_MAX);
        (void)mmio_read64(at);
    }
    for (unsigned i = 0; i < 32; i += 4)
        mmio_write32(m.pending + i, UINT32_MAX);
    CHECK_EQ("pending bits", mmio_read32(m.pending), 0);
    serves();
}

/* Messages to anywhere: none may reach more than this guest's CPUs. */
static void messages_to_anywhere(void)
{
    static const uint64_t places[] = {0,          0x00100000,        0xfee00000,
                                      0xfeeff000, 0xfec00000,        0xfffffffc,
                                      1ull << 32, UINT64_MAX & ~3ull};
    const struct msix m = find_msix();

    irq_disable();
    mmio_write16(config(m.cap + 2), MSIX_ENABLE);
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        mmio_write32(m.table, (uint32_t)places[i]);
        mmio_write32(m.table + 4, (uint32_t)(places[i] >> 32));
        mmio_write32(m.table + 8, next_random() | 0x10);
        mmio_write32(m.table + 12, 0);
        mmio_write16(victim.dev.base + VPCI_QUEUE_SELECT, 0);
        mmio_write16(victim.dev.base + VPCI_QUEUE_VECTOR, 0);
        serves();
    }
    mmio_write16(config(m.cap + 2), 0);
}

/* Masked, unmasked, on and off, with requests between. */
static void mask_storm(void)
{
    const struct msix m = find_msix();

    irq_disable();
    mmio_write32(m.table, LAYOUT_LAPIC);
    mmio_write32(m.table + 4, 0);
    mmio_write32(m.table + 8, VECTOR_SPURIOUS);
    for (unsigned i = 0; i < 200; i++) {
        mmio_write16(config(m.cap + 2),
                     (uint16_t)(next_random() & (MSIX_ENABLE | MSIX_MASK)));
        mmio_write32(m.table + 12, i & 1);
        mmio_write16(victim.dev.base + VPCI_QUEUE_VECTOR, 0);
        if (i % 8 == 0)
            serves();
    }
    mmio_write16(config(m.cap + 2), 0);
}

/* ---- the window to the BARs (4.1.4.9) ---- */

static unsigned find_window(void)
{
    unsigned cap = 0;

    while ((cap = pci_capability(victim.dev.function, PCI_CAP_VENDOR, cap)))
        if (mmio_read8(config(cap + VPCI_CAP_TYPE)) == VPCI_WINDOW)
            return cap;
    test_error("the disk has no window capability");
}

static uint32_t through_window(unsigned cap, uint8_t bar, uint32_t offset,
                               uint32_t length)
{
    mmio_write8(config(cap + VPCI_CAP_BAR), bar);
    mmio_write32(config(cap + VPCI_CAP_OFFSET), offset);
    mmio_write32(config(cap + VPCI_CAP_LENGTH), length);
    return mmio_read32(config(cap + VPCI_CAP_EXTRA));
}

static void window(void)
{
    const unsigned cap = find_window();
    const uint8_t bar = (uint8_t)((memory_bar() - PCI_BAR) / 4);
    const uint32_t at =
        (uint32_t)(victim.dev.base -
                   (uintptr_t)pci_bar(victim.dev.function, bar));

    CHECK_EQ("device status",
             through_window(cap, bar, at + VPCI_STATUS, 1) & 0xff, 15);
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint32_t offset =
            next_random() % 4 ? next_random() : next_random() % 0x10000;

        /* Reads only: a write might well reset the device. */
        (void)through_window(cap, (uint8_t)(next_random() % 4 ? bar : i),
                             offset, next_random() % 9);
        (void)through_window(cap, bar, BAR_BYTES - 4 + i % 8, 4);
        (void)through_window(cap, bar, UINT32_MAX - i % 8, 4);
    }
    mmio_write8(config(cap + VPCI_CAP_BAR), 7);
    mmio_write32(config(cap + VPCI_CAP_EXTRA), 0);
    mmio_write8(config(cap + VPCI_CAP_BAR), bar);
    mmio_write32(config(cap + VPCI_CAP_OFFSET), BAR_BYTES - 2);
    mmio_write32(config(cap + VPCI_CAP_LENGTH), 4);
    mmio_write32(config(cap + VPCI_CAP_EXTRA), 0);
    serves();
}

/* ---- 13, 17: registers ---- */

static void kick_nobody(void)
{
    const struct virtio *v = &victim.dev;

    for (unsigned q = 0; q < 64; q++) {
        mmio_write16(v->notify_at + q * v->notify_step, 0xffff);
        mmio_write32(v->notify_at + q * v->notify_step, UINT32_MAX);
        mmio_write8(v->notify_at + q * v->notify_step + 1, 0xff);
        outw((uint16_t)(v->notify_port + q * v->notify_step), 0xffff);
        outb((uint16_t)(v->notify_port + q * v->notify_step + 1), 0xff);
    }
    hostile_expect_nothing();
    serves();
}

static void register_widths(void)
{
    const uintptr_t base = victim.dev.base;

    for (unsigned at = 0; at < 0x100; at++) {
        (void)mmio_read8(base + at);
        (void)mmio_read16(base + at);
        (void)mmio_read32(base + at);
        (void)mmio_read64(base + at);
    }
    CHECK_EQ("behind the registers", mmio_read32(base + VPCI_COMMON_END),
             UINT32_MAX);
    CHECK_EQ("a word of a byte", mmio_read32(base + VPCI_STATUS), UINT32_MAX);
    mmio_write32(base + VPCI_STATUS, 0);
    CHECK_EQ("device status", virtio_status(&victim.dev), 15);
    serves();
}

static void no_such_queue(void)
{
    static const uint16_t queues[] = {1, 31, 32, 64, 255, 256, 0xffff};
    const uintptr_t base = victim.dev.base;

    for (unsigned i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
        mmio_write16(base + VPCI_QUEUE_SELECT, queues[i]);
        CHECK_EQ("size", mmio_read16(base + VPCI_QUEUE_SIZE), 0);
        mmio_write16(base + VPCI_QUEUE_SIZE, 16);
        mmio_write32(base + VPCI_QUEUE_DESC, 0x100000);
        mmio_write16(base + VPCI_QUEUE_VECTOR, 0);
        mmio_write16(base + VPCI_QUEUE_ENABLE, 1);
        mmio_write16(base + VPCI_QUEUE_RESET, 1);
        CHECK_EQ("enabled", mmio_read16(base + VPCI_QUEUE_ENABLE), 0);
        CHECK_EQ("size", mmio_read16(base + VPCI_QUEUE_SIZE), 0);
    }
    serves();
}

static void alien_words(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("reset", virtio_reset(v), 1);
    v->bus->set_features(v, VIRTIO_F_VERSION_1);
    mmio_write32(v->base + VPCI_DEVICE_SELECT, 2);
    CHECK_EQ("features from 64 on", mmio_read32(v->base + VPCI_DEVICE_FEATURES),
             0);
    mmio_write32(v->base + VPCI_DRIVER_SELECT, 0x80000000);
    mmio_write32(v->base + VPCI_DRIVER_FEATURES, 1);
    v->bus->set_status(v,
                       VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    CHECK_EQ("FEATURES_OK", virtio_status(v) & VIRTIO_FEATURES_OK, 0);
}

/* ---- 16: function-level reset with reads in flight ---- */

static void function_reset(void)
{
    const unsigned af = pci_capability(victim.dev.function, PCI_CAP_AF, 0);

    if (!af)
        test_error("the disk has no function-level reset");
    for (unsigned round = 0; round < 16; round++) {
        plug_again();
        for (unsigned i = 0; i < IN_FLIGHT; i++)
            (void)disk_add(&victim, i, BLK_IN, i * 8, buffers[i],
                           sizeof(buffers[i]));
        vq_kick(&victim.q);
        mmio_write8(config(af + 4), 1);
        CHECK_EQ("command register", mmio_read16(config(PCI_COMMAND)), 0);
        for (unsigned i = 0; i < IN_FLIGHT; i++)
            mmio_write32((uintptr_t)buffers[i], MARK);
        clock_delay(5 * CLOCK_MS);
        for (unsigned i = 0; i < IN_FLIGHT; i++)
            CHECK_EQ("late data", mmio_read32((uintptr_t)buffers[i]), MARK);
    }
    plug_again();
    serves();
}

static const struct hostile_row rows[] = {
    {13, "kicks of queues there are not", kick_nobody},
    {16, "function-level reset with reads in flight", function_reset},
    {17, "features nobody has a bit for", alien_words},
    {20, "widths and places", widths},
    {20, "read-only registers", read_only_registers},
    {20, "nonsense in configuration space", nonsense},
    {20, "nonsense in the configuration ports", ports},
    {20, "BARs are asked for their size", bar_sizes},
    {20, "BARs over everything", bar_moved},
    {20, "BARs off with requests in flight", bar_off},
    {20, "vectors there are not", no_such_vector},
    {20, "the table of messages", table_accesses},
    {20, "messages to anywhere", messages_to_anywhere},
    {20, "messages masked and not", mask_storm},
    {20, "the window to the BARs", window},
    {20, "widths of registers", register_widths},
    {20, "queues there are not", no_such_queue},
};

void test_main(void)
{
    hostile_main(rows, sizeof(rows) / sizeof(rows[0]));
}
