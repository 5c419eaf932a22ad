// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSI-X by a driver that masks, moves and abuses vectors. Hostile case 20.
 */
#include "vpci_rig.h"

/* One interrupt of queue q, as far as the device is concerned. */
static void raise(struct rig *r, unsigned q)
{
    assert_works(r, q);
}

static void structure_is_told(void **state)
{
    struct rig *r = *state;

    assert_int_equal(cfg_get(&r->p, SLOT, r->at.msix + PCI_MSIX_FLAGS, 2), 2);
    for (unsigned v = 0; v < 3; v++) {
        const uint64_t at = r->at.table + v * 16;

        assert_true(get(&r->p, SPACE_MMIO, at, 8) == 0);
        assert_int_equal(get(&r->p, SPACE_MMIO, at + 8, 4), 0);
        assert_int_equal(get(&r->p, SPACE_MMIO, at + 12, 4), 1);
    }
    set_message(r, 2, 0xfee01003, 0x4042);
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.table + 32, 4), 0xfee01000);
    assert_true(get(&r->p, SPACE_MMIO, r->at.table + 40, 8) ==
                (1ull << 32 | 0x4042));
    put(&r->p, SPACE_MMIO, r->at.table + 40, 0xfffffffeull << 32 | 7, 8);
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.table + 40, 4), 7);
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.table + 44, 4), 0);
}

static void each_queue_has_its_vector(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    assert_int_equal(r->p.n_msis, 3);
    /* Nothing was sent: KVM was told of no message. */
    for (unsigned v = 0; v < 3; v++)
        assert_int_equal(r->p.msis[v].sets, 0);
    raise(r, 1);
    assert_int_equal(sent(&r->p, 2), 1);
    assert_int_equal(sent(&r->p, 1), 0);
    assert_int_equal(r->p.msis[2].addr, VECTOR_ADDR(2));
    assert_int_equal(r->p.msis[2].data, VECTOR_DATA(2));
    raise(r, 0);
    assert_int_equal(sent(&r->p, 1), 1);
    assert_false(r->p.lines[0]);
    assert_int_equal(isr(r), 0);
}

/* Routes are told of what is sent, and only when it changed. */
static void few_routes_are_set(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    for (unsigned i = 0; i < 5; i++)
        raise(r, 0);
    assert_int_equal(r->p.msis[1].sets, 1);
    for (unsigned i = 0; i < 5; i++) {
        mask_vector(r, 1, true);
        set_message(r, 1, VECTOR_ADDR(i), VECTOR_DATA(i));
        mask_vector(r, 1, false);
    }
    assert_int_equal(r->p.msis[1].sets, 1);
    raise(r, 0);
    assert_int_equal(r->p.msis[1].sets, 2);
    assert_int_equal(r->p.msis[1].addr, VECTOR_ADDR(4));
    /* Another driver, the same message. */
    drive(r, F_BASE, true);
    set_message(r, 1, VECTOR_ADDR(4), VECTOR_DATA(4));
    raise(r, 0);
    assert_int_equal(r->p.msis[1].sets, 2);
    assert_int_equal(r->p.n_msis, 3);
}

static void one_interrupt_a_turn(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    select_queue(r, 1);
    wr(r, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
    offer(r, 0, 5);
    offer(r, 1, 5);
    kick(r, 0);
    kick(r, 1);
    spin(&r->p);
    assert_done(r, 0);
    assert_done(r, 1);
    assert_int_equal(sent(&r->p, 1), 1);
}

static void masked_is_pending(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    mask_vector(r, 1, true);
    raise(r, 0);
    raise(r, 0);
    assert_int_equal(sent(&r->p, 1), 0);
    assert_true(pending(r) == BIT(1));
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.pending, 4), 2);
    raise(r, 1);
    assert_int_equal(sent(&r->p, 2), 1);
    /* The message may change meanwhile. */
    set_message(r, 1, VECTOR_ADDR(9), 0x77);
    mask_vector(r, 1, false);
    assert_int_equal(sent(&r->p, 1), 1);
    assert_int_equal(r->p.msis[1].data, 0x77);
    assert_true(pending(r) == 0);
    mask_vector(r, 1, false);
    assert_int_equal(sent(&r->p, 1), 0);
}

/* A message that is for no local APIC takes no route. */
static void a_message_is_claimed(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    r->p.claims = VECTOR_ADDR(5);
    set_message(r, 1, VECTOR_ADDR(5), 0x4300);
    raise(r, 0);
    assert_int_equal(r->p.claimed, 1);
    mask_vector(r, 1, true);
    raise(r, 0);
    assert_int_equal(r->p.claimed, 1);
    mask_vector(r, 1, false);
    assert_int_equal(r->p.claimed, 2);
    assert_true(pending(r) == 0);
    assert_int_equal(r->p.msis[1].sets, 0);
    assert_int_equal(sent(&r->p, 1), 0);
    /* Another one of the same vector does. */
    set_message(r, 1, VECTOR_ADDR(5), 0x4045);
    raise(r, 0);
    assert_int_equal(r->p.claimed, 2);
    assert_int_equal(sent(&r->p, 1), 1);
}

static void masked_by_the_function(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    msix_control(r, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    mask_vector(r, 2, true);
    raise(r, 0);
    raise(r, 1);
    virtio_config_changed(r->toy.v);
    assert_true(pending(r) == 7);
    for (unsigned v = 0; v < 3; v++)
        assert_int_equal(sent(&r->p, v), 0);
    msix_control(r, PCI_MSIX_FLAGS_ENABLE);
    assert_int_equal(sent(&r->p, 0), 1);
    assert_int_equal(sent(&r->p, 1), 1);
    assert_int_equal(sent(&r->p, 2), 0);
    assert_true(pending(r) == BIT(2));
    mask_vector(r, 2, false);
    assert_int_equal(sent(&r->p, 2), 1);
}

/* Without MSI-X the pin is back; what was pending waits for it. */
static void enabled_and_disabled(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    mask_vector(r, 1, true);
    raise(r, 0);
    msix_control(r, 0);
    mask_vector(r, 1, false);
    assert_int_equal(sent(&r->p, 1), 0);
    raise(r, 1);
    assert_int_equal(sent(&r->p, 2), 0);
    assert_true(r->p.lines[0]);
    msix_control(r, PCI_MSIX_FLAGS_ENABLE);
    assert_false(r->p.lines[0]);
    assert_int_equal(sent(&r->p, 1), 1);
    msix_control(r, 0);
    assert_true(r->p.lines[0]);
    assert_int_equal(isr(r), 1);
    assert_false(r->p.lines[0]);
}

static void no_vector_no_interrupt(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    select_queue(r, 0);
    wr(r, VIRTIO_PCI_COMMON_Q_MSIX, NO_VECTOR, 2);
    wr(r, VIRTIO_PCI_COMMON_MSIX, NO_VECTOR, 2);
    raise(r, 0);
    virtio_config_changed(r->toy.v);
    spin(&r->p);
    for (unsigned v = 0; v < 3; v++)
        assert_int_equal(sent(&r->p, v), 0);
    assert_false(r->p.lines[0]);
    /* A configuration change is still told by the status byte. */
    assert_int_equal(isr(r), 2);
}

static void a_reset_takes_the_vectors(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    set_status(r, 0);
    spin(&r->p);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_MSIX, 2), NO_VECTOR);
    for (unsigned q = 0; q < 2; q++) {
        select_queue(r, q);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_MSIX, 2), NO_VECTOR);
    }
    /* The table is PCI's, not the device's. */
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.table, 4), VECTOR_ADDR(0));
}

/* ---- hostile ---- */

static void vectors_beyond_the_table(void **state) /* 20 */
{
    static const uint16_t vectors[] = {3, 4, 63, 64, 0x7fff, 0xfffe};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        wr(r, VIRTIO_PCI_COMMON_MSIX, vectors[i], 2);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_MSIX, 2), NO_VECTOR);
        select_queue(r, 0);
        wr(r, VIRTIO_PCI_COMMON_Q_MSIX, vectors[i], 2);
        assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_MSIX, 2), NO_VECTOR);
    }
    assert_int_equal(r->p.n_msis, 0);
}

static void no_route_left(void **state)
{
    struct rig *r = *state;

    r->p.msi_room = 1;
    wr(r, VIRTIO_PCI_COMMON_MSIX, 0, 2);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_MSIX, 2), 0);
    select_queue(r, 0);
    wr(r, VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_MSIX, 2), NO_VECTOR);
    /* One vector for all, as drivers then do. */
    wr(r, VIRTIO_PCI_COMMON_Q_MSIX, 0, 2);
    assert_int_equal(rd(r, VIRTIO_PCI_COMMON_Q_MSIX, 2), 0);
}

/* 20: misaligned, narrow, across the end; the pending bits written. */
static void odd_accesses(void **state)
{
    struct rig *r = *state;

    drive(r, F_BASE, true);
    for (unsigned off = 0; off < 64; off++) {
        for (unsigned n = 1; n <= 8; n *= 2) {
            const bool lawful = n >= 4 && off % n == 0 && off + n <= 48;
            const uint64_t v = get(&r->p, SPACE_MMIO, r->at.table + off, n);

            if (!lawful)
                assert_true(v == UINT64_MAX >> (64 - 8 * n));
            if (!lawful)
                put(&r->p, SPACE_MMIO, r->at.table + off, UINT64_MAX, n);
        }
    }
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.table + 4, 4), 0);
    mask_vector(r, 1, true);
    raise(r, 0);
    put(&r->p, SPACE_MMIO, r->at.pending, 0, 8);
    put(&r->p, SPACE_MMIO, r->at.pending, UINT64_MAX, 8);
    assert_true(pending(r) == BIT(1));
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.pending + 1, 4), UINT32_MAX);
    assert_int_equal(get(&r->p, SPACE_MMIO, r->at.pending + 8, 4), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(structure_is_told),
        TEST(each_queue_has_its_vector),
        TEST(few_routes_are_set),
        TEST(one_interrupt_a_turn),
        TEST(masked_is_pending),
        TEST(a_message_is_claimed),
        TEST(masked_by_the_function),
        TEST(enabled_and_disabled),
        TEST(no_vector_no_interrupt),
        TEST(a_reset_takes_the_vectors),
        TEST(vectors_beyond_the_table),
        TEST(no_route_left),
        TEST(odd_accesses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
