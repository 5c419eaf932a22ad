// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The legacy interface of a transitional virtio-pci device, by a driver of
 * that time: an I/O BAR, queues by page number, no FEATURES_OK.
 */
#include "vpci_rig.h"

#define BLOCK_ID 2 /* a device that existed before 1.0 */
#define PAGE     4096u

#define F_OLD                                                              \
    (F_TOY | BIT(VIRTIO_F_ANY_LAYOUT) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
     BIT(VIRTIO_RING_F_EVENT_IDX))

static int setup_old(void **state)
{
    static struct virtio_dev_ops ops;
    struct rig *r = calloc(1, sizeof(*r));

    ops = toy_ops;
    ops.id = BLOCK_ID;
    rig_open(&r->p);
    vpci_plug(r, &ops, &r->toy, true);
    command(&r->p, SLOT,
            PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    discover(r);
    *state = r;
    return 0;
}

static uint32_t in(struct rig *r, unsigned off, unsigned n)
{
    return (uint32_t)get(&r->p, SPACE_PIO, bar_base(&r->p, SLOT, 0) + off, n);
}

static void out(struct rig *r, unsigned off, uint32_t v, unsigned n)
{
    put(&r->p, SPACE_PIO, bar_base(&r->p, SLOT, 0) + off, v, n);
}

/* The ring's layout of then: used on the next page. */
static void place_queue(struct rig *r, unsigned q)
{
    const uint64_t base = 0x10000ull * (q + 1);
    struct ring *ring = &r->p.rings[q];

    make_ring(r, q, SIZE);
    ring->cfg.used = GPA(base + PAGE);
    out(r, VIRTIO_PCI_QUEUE_SEL, q, 2);
    assert_int_equal(in(r, VIRTIO_PCI_QUEUE_NUM, 2), SIZE);
    assert_int_equal(in(r, VIRTIO_PCI_QUEUE_PFN, 4), 0);
    out(r, VIRTIO_PCI_QUEUE_PFN, (uint32_t)(base / PAGE), 4);
    assert_int_equal(in(r, VIRTIO_PCI_QUEUE_PFN, 4), base / PAGE);
}

static void begin(struct rig *r, uint32_t features)
{
    out(r, VIRTIO_PCI_STATUS, 0, 1);
    spin(&r->p);
    assert_int_equal(in(r, VIRTIO_PCI_STATUS, 1), 0);
    out(r, VIRTIO_PCI_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE, 1);
    out(r, VIRTIO_PCI_STATUS, S_DRIVER, 1);
    assert_int_equal(in(r, VIRTIO_PCI_HOST_FEATURES, 4), F_OLD);
    out(r, VIRTIO_PCI_GUEST_FEATURES, features, 4);
}

static void drive_old(struct rig *r, uint32_t features)
{
    begin(r, features);
    place_queue(r, 0);
    place_queue(r, 1);
    out(r, VIRTIO_PCI_STATUS, S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK, 1);
    spin(&r->p);
    assert_int_equal(in(r, VIRTIO_PCI_STATUS, 1),
                     S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void old_kick(struct rig *r, unsigned q)
{
    out(r, VIRTIO_PCI_QUEUE_NOTIFY, q, 2);
}

static void assert_works_old(struct rig *r, unsigned q)
{
    offer(r, q, 5);
    old_kick(r, q);
    spin(&r->p);
    assert_done(r, q);
}

static void identity(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_get(&r->p, SLOT, PCI_VENDOR_ID, 4), 0x10011af4);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_REVISION_ID, 1), 0);
    assert_int_equal(cfg_get(&r->p, SLOT, PCI_SUBSYSTEM_ID, 2), BLOCK_ID);
    assert_int_equal(cfg_get(&r->p, SLOT, BAR(0), 4), LAYOUT_PCI_PORTS | 1);
}

static void whole_sequence(void **state)
{
    struct rig *r = *state;

    drive_old(r, (uint32_t)F_OLD);
    assert_int_equal(r->toy.starts, 1);
    assert_true(r->toy.features == F_OLD);
    assert_false(virtio_has(r->toy.v, VIRTIO_F_VERSION_1));
    assert_works_old(r, 0);
    assert_works_old(r, 1);
    assert_true(r->p.lines[0]);
    assert_int_equal(in(r, VIRTIO_PCI_ISR, 1), 1);
    assert_false(r->p.lines[0]);
    r->p.exits = 0;
    put(&r->p, SPACE_PIO, LAYOUT_PCI_PORTS + VIRTIO_PCI_QUEUE_NOTIFY, 1, 2);
    assert_int_equal(r->p.exits, 0);
}

/* What a driver takes too much, it does not have. */
static void features_are_cut(void **state)
{
    struct rig *r = *state;

    drive_old(r, UINT32_MAX);
    assert_true(r->toy.features == F_OLD);
    assert_int_equal(in(r, VIRTIO_PCI_GUEST_FEATURES, 4), F_OLD);
    out(r, VIRTIO_PCI_GUEST_FEATURES, 0, 4);
    assert_int_equal(in(r, VIRTIO_PCI_GUEST_FEATURES, 4), F_OLD);
}

/* Drivers of then read the partition table before they are done. */
static void queues_work_before_driver_ok(void **state)
{
    struct rig *r = *state;

    begin(r, 0);
    place_queue(r, 0);
    assert_works_old(r, 0);
    assert_int_equal(r->toy.starts, 1);
    place_queue(r, 1);
    assert_works_old(r, 1);
    assert_int_equal(in(r, VIRTIO_PCI_STATUS, 1), S_DRIVER);
    out(r, VIRTIO_PCI_STATUS, S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK, 1);
    spin(&r->p);
    assert_int_equal(r->toy.starts, 1);
    assert_works_old(r, 0);
}

static void a_queue_goes_and_comes(void **state)
{
    struct rig *r = *state;

    drive_old(r, 0);
    r->toy.hold = true;
    offer(r, 0, 3);
    old_kick(r, 0);
    spin(&r->p);
    assert_int_equal(r->toy.n_held, 1);
    out(r, VIRTIO_PCI_QUEUE_SEL, 0, 2);
    out(r, VIRTIO_PCI_QUEUE_PFN, 0, 4);
    spin(&r->p);
    assert_int_equal(r->toy.n_held, 0);
    assert_int_equal(in(r, VIRTIO_PCI_QUEUE_PFN, 4), 0);
    assert_works_old(r, 1);
    r->toy.hold = false;
    place_queue(r, 0);
    spin(&r->p);
    assert_works_old(r, 0);
}

/* The device's configuration begins behind the registers there are. */
static void configuration_moves(void **state)
{
    struct rig *r = *state;

    memcpy(r->toy.config, "abcdefgh", 8);
    assert_int_equal(in(r, 20, 4), 'a' | 'b' << 8 | 'c' << 16 | 'd' << 24);
    assert_int_equal(in(r, 27, 1), 'h');
    assert_int_equal(in(r, 28, 1), 0xff);
    msix_control(r, PCI_MSIX_FLAGS_ENABLE);
    assert_int_equal(in(r, 20, 2), NO_VECTOR);
    assert_int_equal(in(r, 24, 1), 'a');
    out(r, 31, 'Z', 1);
    out(r, 32, 'Z', 1);
    assert_memory_equal(r->toy.config, "abcdefgZ", 8);
}

static void vectors(void **state)
{
    struct rig *r = *state;

    drive_old(r, 0);
    msix_control(r, PCI_MSIX_FLAGS_ENABLE);
    for (unsigned v = 0; v < 3; v++) {
        set_message(r, v, VECTOR_ADDR(v), VECTOR_DATA(v));
        mask_vector(r, v, false);
    }
    out(r, VIRTIO_MSI_CONFIG_VECTOR, 0, 2);
    assert_int_equal(in(r, VIRTIO_MSI_CONFIG_VECTOR, 2), 0);
    out(r, VIRTIO_PCI_QUEUE_SEL, 1, 2);
    out(r, VIRTIO_MSI_QUEUE_VECTOR, 7, 2);
    assert_int_equal(in(r, VIRTIO_MSI_QUEUE_VECTOR, 2), NO_VECTOR);
    out(r, VIRTIO_MSI_QUEUE_VECTOR, 2, 2);
    assert_int_equal(in(r, VIRTIO_MSI_QUEUE_VECTOR, 2), 2);
    assert_works_old(r, 1);
    assert_int_equal(sent(&r->p, 1), 1);
    assert_int_equal(r->p.msis[1].data, VECTOR_DATA(2));
    assert_false(r->p.lines[0]);
}

/* ---- either interface, never both ---- */

static void a_modern_driver_may_use_it(void **state)
{
    struct rig *r = *state;

    assert_true(offered(r) == F_ALL);
    drive(r, F_ALL, true);
    assert_works(r, 0);
    /* The other interface changes nothing now. */
    out(r, VIRTIO_PCI_GUEST_FEATURES, 0, 4);
    out(r, VIRTIO_PCI_QUEUE_SEL, 1, 2);
    out(r, VIRTIO_PCI_QUEUE_PFN, 0, 4);
    out(r, VIRTIO_PCI_QUEUE_PFN, 7, 4);
    out(r, VIRTIO_PCI_STATUS, VIRTIO_CONFIG_S_FAILED, 1);
    spin(&r->p);
    assert_int_equal(status(r), S_LIVE);
    assert_works(r, 1);
    /* But for a reset. */
    out(r, VIRTIO_PCI_STATUS, 0, 1);
    spin(&r->p);
    assert_int_equal(status(r), 0);
    drive_old(r, 0);
    assert_works_old(r, 0);
    drive(r, F_ALL, true);
    assert_works(r, 0);
}

static void a_legacy_driver_gets_no_further(void **state)
{
    struct rig *r = *state;

    begin(r, 0);
    set_status(r, S_READY);
    assert_int_equal(status(r), S_DRIVER);
    assert_int_equal(offered(r), F_OLD);
    wr(r, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
    wr(r, VIRTIO_PCI_COMMON_GF, UINT32_MAX, 4);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_GF, 4), 0);
}

/* A device that is younger than the interface has no part of it. */
static void some_have_no_past(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_get(&r->p, SLOT, PCI_DEVICE_ID, 2), 0x1040 + 42);
    assert_int_equal(cfg_get(&r->p, SLOT, BAR(0), 4), 0);
}

static int setup_young(void **state)
{
    return setup_as(state, true);
}

/* ---- hostile ---- */

static void bad_pages(void **state) /* 15 */
{
    static const uint32_t pages[] = {RAM / PAGE, RAM / PAGE - 1, 0xfee00,
                                     0xc0000, UINT32_MAX};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        begin(r, 0);
        out(r, VIRTIO_PCI_QUEUE_SEL, 0, 2);
        out(r, VIRTIO_PCI_QUEUE_PFN, pages[i], 4);
        old_kick(r, 0);
        spin(&r->p);
        assert_true(in(r, VIRTIO_PCI_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
        old_kick(r, 0);
        old_kick(r, 2);
        old_kick(r, 0xffff);
        spin(&r->p);
        assert_int_equal(r->toy.starts, 0);
    }
    drive_old(r, 0);
    assert_works_old(r, 0);
}

static void any_access_anywhere(void **state) /* 20 */
{
    struct rig *r = *state;

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned off = 0; off < 64; off++)
            for (unsigned n = 1; n <= 4; n *= 2) {
                (void)in(r, off, n);
                out(r, off, UINT32_MAX >> off % 32, n);
            }
        spin(&r->p);
        msix_control(r, PCI_MSIX_FLAGS_ENABLE);
    }
    msix_control(r, 0);
    drive_old(r, 0);
    assert_works_old(r, 1);
}

#define OLD(name) cmocka_unit_test_setup_teardown(name, setup_old, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OLD(identity),
        OLD(whole_sequence),
        OLD(features_are_cut),
        OLD(queues_work_before_driver_ok),
        OLD(a_queue_goes_and_comes),
        OLD(configuration_moves),
        OLD(vectors),
        OLD(a_modern_driver_may_use_it),
        OLD(a_legacy_driver_gets_no_further),
        cmocka_unit_test_setup_teardown(some_have_no_past, setup_young,
                                        teardown),
        OLD(bad_pages),
        OLD(any_access_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
