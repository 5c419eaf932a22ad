// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resets of a virtio-pci function from vCPU threads, with requests in flight
 * and other vCPUs at its registers (hostile cases 16 and 20): the write that
 * resets gives up the board lock until the loop has ended what was in flight.
 */
#include "vcpu_threads.h"
#include "vpci_rig.h"

#define ROUNDS 100

/* Accesses of any thread: no notes are looked through, all are exits. */
static void reach(struct rig *r, uint64_t addr, void *data, unsigned n,
                  bool write)
{
    pthread_mutex_lock(&r->p.lock);
    bus_access(r->p.bus, SPACE_MMIO, addr, data, n, write);
    pthread_mutex_unlock(&r->p.lock);
}

static void write_any(struct rig *r, uint64_t addr, uint32_t v, unsigned n)
{
    reach(r, addr, &v, n, true);
}

static uint32_t read_any(struct rig *r, uint64_t addr, unsigned n)
{
    uint32_t v = 0;

    reach(r, addr, &v, n, false);
    return v;
}

static void hold_one(struct rig *r)
{
    drive(r, F_ALL, true);
    r->toy.hold = true;
    offer(r, 0, 1);
    kick(r, 0);
    spin(&r->p);
    assert_int_equal(r->toy.n_held, 1);
}

static uint64_t flr_at(struct rig *r)
{
    return ecam_at(SLOT, find_cap(&r->p, SLOT, PCI_CAP_ID_AF, 0) + PCI_AF_CTRL);
}

static uint64_t flr; /* the control byte, found before the threads begin */

/* Back from the write, the guest's memory is its own again. */
static void reset_and_look(struct rig *r)
{
    write_any(r, flr, PCI_AF_CTRL_FLR, 1);
    must(r->toy.n_held == 0);
    must(r->toy.stops == 1);
    must(read_any(r, ecam_at(SLOT, PCI_COMMAND), 2) == 0);
    write_any(r, ecam_at(SLOT, PCI_COMMAND),
              PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 2);
    must(read_any(r, r->at.common + VIRTIO_PCI_COMMON_STATUS, 1) == 0);
}

static void reset_waits_for_the_end(void **state)
{
    struct rig *r = *state;
    struct vcpu cpu = {.rig = r, .run = reset_and_look};

    flr = flr_at(r);
    hold_one(r);
    run_vcpus(&cpu, 1, r->p.loop, &r->p.lock);
    assert_int_equal(ring_used_idx(&r->p.rings[0]), 0);
    r->toy.hold = false;
    drive(r, F_ALL, true);
    assert_works(r, 0);
}

static void reset_only(struct rig *r)
{
    write_any(r, flr, PCI_AF_CTRL_FLR, 1);
    must(read_any(r, ecam_at(SLOT, PCI_COMMAND), 2) == 0);
}

static void two_resets_at_once(void **state)
{
    struct rig *r = *state;
    struct vcpu cpus[] = {{.rig = r, .run = reset_only},
                          {.rig = r, .run = reset_only}};

    flr = flr_at(r);
    hold_one(r);
    run_vcpus(cpus, 2, r->p.loop, &r->p.lock);
    assert_int_equal(r->toy.stops, 1);
}

/* One resets by either way, again and again. */
static void many_resets(struct rig *r)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        write_any(r, ecam_at(SLOT, PCI_COMMAND),
                  PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 2);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_STATUS, S_DRIVER, 1);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_GF, F_BASE >> 32, 4);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_STATUS, S_READY, 1);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_Q_DESCLO, 0x10000, 4);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_Q_AVAILLO, 0x11000, 4);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_Q_USEDLO, 0x12000, 4);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
        write_any(r, r->at.common + VIRTIO_PCI_COMMON_STATUS, S_LIVE, 1);
        write_any(r, r->at.notify, 0, 2);
        if (i % 2)
            write_any(r, flr, PCI_AF_CTRL_FLR, 1);
        else
            write_any(r, r->at.common + VIRTIO_PCI_COMMON_STATUS, 0, 1);
    }
}

/* Another moves the BAR, masks vectors, and uses the window meanwhile. */
static void meddle(struct rig *r)
{
    for (unsigned i = 0; i < 4 * ROUNDS; i++) {
        const uint32_t to = LAYOUT_PCI_MMIO + (i % 5 == 0) * 0x10000u;

        write_any(r, ecam_at(SLOT, BAR(1)), to, 4);
        write_any(r, ecam_at(SLOT, PCI_COMMAND), i % 4, 2);
        write_any(r, ecam_at(SLOT, r->at.msix + PCI_MSIX_FLAGS), i << 14, 2);
        write_any(r, to + 0x4000 + 12 + i % 3 * 16, i & 1, 4);
        write_any(r, to + VIRTIO_PCI_COMMON_Q_MSIX, i % 4, 2);
        (void)read_any(r, to + 0x1000, 1);
        write_any(r, ecam_at(SLOT, BAR(1)), LAYOUT_PCI_MMIO, 4);
        write_any(r, ecam_at(SLOT, PCI_COMMAND),
                  PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 2);
    }
}

static void resets_among_others(void **state)
{
    struct rig *r = *state;
    struct vcpu cpus[] = {{.rig = r, .run = many_resets},
                          {.rig = r, .run = meddle}};

    flr = flr_at(r);
    hold_one(r);
    run_vcpus(cpus, 2, r->p.loop, &r->p.lock);
    r->toy.hold = false;
    spin(&r->p);
    command(&r->p, SLOT, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    discover(r);
    drive(r, F_ALL, true);
    assert_works(r, 0);
    assert_works(r, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reset_waits_for_the_end),
        TEST(two_resets_at_once),
        TEST(resets_among_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
