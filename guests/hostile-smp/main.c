/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-smp: every CPU does something to the same device at the same time:
 * resets it and its queue, sets it up, kicks it, writes its registers, moves
 * its BARs, switches its interrupts. Hostile cases 14 and 16, from all sides
 * at once: a reset waits for what is in flight, and others go on meanwhile.
 * Only reads are ever begun, so that the image must stay as it was. It lasts
 * 3 seconds, or seconds=N of the command line. Source: virtio 1.2, 2.1,
 * 2.6.1, 4.1, 4.2.
 */
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "pci.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "virtio_mmio.h"
#include "virtio_pci.h"

#define PATIENCE (30 * CLOCK_S)

static uint32_t turns[SMP_MAX_CPUS]; /* what each CPU did */
static uint32_t ready, ended;
static bool go, stop;

/* Each CPU has numbers of its own. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 5;
}

/* ---- what a CPU can do to the victim ---- */

static void any_status(uint32_t r)
{
    static const uint8_t values[] = {0, 0, 1, 3, 11, 15, 15, 128, 255};

    victim.dev.bus->set_status(&victim.dev, values[r % sizeof(values)]);
}

static void any_queue(uint32_t r)
{
    const struct virtio_bus *bus = victim.dev.bus;
    struct virtio_place at = vq_place(&victim.q);

    if (r % 8 == 0)
        at.desc = 1ull << 40;
    if (r % 8 == 1)
        at.size = r >> 8 & 0xffff;
    if (r % 4 < 2)
        bus->queue_place(&victim.dev, 0, &at);
    else if (r % 4 == 2)
        bus->queue_reset(&victim.dev, 0);
    bus->queue_enable(&victim.dev, 0);
}

static void any_kick(uint32_t r)
{
    vq_publish(&victim.q, (uint16_t)(r % 64 ? victim.q.avail.idx + 1u : r));
    vq_notify(&victim.q);
}

/* From begin to end, as a driver would, whatever the others make of it. */
static void set_up(uint32_t r)
{
    struct virtio *v = &victim.dev;

    (void)virtio_begin(v, v->bus->features(v));
    any_queue(2);
    any_queue(3);
    virtio_go(v);
    any_kick(r | 1);
}

static void any_config(uint32_t r)
{
    mmio_write8(victim.dev.config + r % 64, (uint8_t)(r >> 8));
    (void)mmio_read32(victim.dev.config + (r >> 8) % 64);
    (void)victim.dev.bus->generation(&victim.dev);
    (void)victim.dev.bus->causes(&victim.dev);
}

/* Only with a PCI function: off and on, moved and back, reset, messages. */
static void any_function(uint32_t r)
{
    const uintptr_t f = victim.dev.function;
    const unsigned bar = PCI_BAR + 4 * (r % 6);
    uint32_t was;

    if (!f)
        return;
    switch (r >> 4 & 7) {
    case 0:
        mmio_write16(f + PCI_COMMAND, (uint16_t)(r >> 8 & 7));
        break;
    case 1:
        was = mmio_read32(f + bar);
        mmio_write32(f + bar, r & 1 ? 0xfffffff0 : 0x100000);
        mmio_write32(f + bar, was);
        break;
    case 2:
        mmio_write8(f + pci_capability(f, PCI_CAP_AF, 0) + 4, 1);
        break;
    case 3:
        mmio_write16(f + pci_capability(f, PCI_CAP_MSIX, 0) + 2,
                     (uint16_t)(r & (MSIX_ENABLE | MSIX_MASK)));
        break;
    default:
        mmio_write16(victim.dev.base + VPCI_QUEUE_VECTOR, r >> 8 & 3);
        break;
    }
    mmio_write16(f + PCI_COMMAND,
                 PCI_CMD_PORTS | PCI_CMD_MEMORY | PCI_CMD_MASTER);
}

static void (*const acts[])(uint32_t r) = {
    any_status, any_queue, any_kick, any_kick, set_up, any_config, any_function,
};

static void act(unsigned cpu)
{
    uint32_t state = 0x9e3779b9u * (cpu + 1);

    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        const uint32_t r = next_random(&state);

        acts[r % (sizeof(acts) / sizeof(acts[0]))](next_random(&state));
        turns[cpu]++;
    }
}

/* ---- all of them ---- */

static void other(unsigned cpu)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        cpu_pause();
    act(cpu);
    __atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
}

static void from_all_sides(void)
{
    const unsigned others = smp_start_all(other) - 1;
    uint64_t until, seconds = 3;

    (void)start_info_option("seconds", &seconds);
    CHECK_GE("other CPUs", others, 1);
    hostile_request(BLK_IN, 0);
    for (unsigned i = 0; i < victim.q.size; i++)
        vq_offer(&victim.q, 0);
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    until = clock_ns() + seconds * CLOCK_S;
    while (clock_ns() < until)
        hostile_bystander();
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    if (!clock_wait(__atomic_load_n(&ended, __ATOMIC_ACQUIRE) == others,
                    PATIENCE))
        test_error("%u of %u CPUs came to an end", ended, others);
    for (unsigned cpu = 1; cpu <= others; cpu++) {
        printf("CPU %u: %u turns\n", cpu, turns[cpu]);
        CHECK_GE("turns", turns[cpu], 10);
    }
    disk_open(&victim, 0, DISK_FEATURES);
}

static const struct hostile_row rows[] = {
    {16, "one device from all sides", from_all_sides},
};

void test_main(void)
{
    apic_init();
    (void)clock_ns();
    hostile_main(rows, sizeof(rows) / sizeof(rows[0]));
}
