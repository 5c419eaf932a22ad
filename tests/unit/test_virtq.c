// SPDX-License-Identifier: GPL-2.0-or-later
/* The split ring against a driver that keeps the rules. */
#include "virtq_rig.h"

static void pops_a_chain(void **state)
{
    struct rig *r = *state;

    assert_int_equal(pop(r), 0);
    offer_three(r);
    assert_int_equal(pop(r), 1);
    assert_int_equal(r->chain.head, 0);
    assert_int_equal(r->chain.n_out, 1);
    assert_int_equal(r->chain.n_in, 2);
    assert_int_equal(r->chain.out_bytes, 16);
    assert_int_equal(r->chain.in_bytes, 513);
    assert_ptr_equal(r->iov[1].iov_base, r->ring.ram + DATA + 0x1000);
    assert_int_equal(r->iov[1].iov_len, 512);
    assert_int_equal(r->q.in_flight, 1);
    assert_int_equal(pop(r), 0);
}

static void pushes_and_publishes(void **state)
{
    struct rig *r = *state;
    struct vring_used_elem e;

    offer_three(r);
    assert_int_equal(pop(r), 1);
    virtq_push(&r->q, 0, 513);
    assert_false(ring_take(&r->ring, &e));
    assert_true(virtq_publish(&r->q));
    assert_true(ring_take(&r->ring, &e));
    assert_int_equal(e.id, 0);
    assert_int_equal(e.len, 513);
    assert_int_equal(r->q.in_flight, 0);
    assert_false(virtq_publish(&r->q));
}

/* Plain buffers first, then a table: one chain (2.7.5.3.2). */
static void pops_a_table_after_buffers(void **state)
{
    struct rig *r = *state;

    ring_desc(&r->ring, 2, DATA, 16, NEXT, 5);
    ring_desc(&r->ring, 5, TABLE, 3 * 16, INDIRECT | WRITABLE, 0);
    put_desc(&r->ring, TABLE, 0, DATA + 0x100, 8, NEXT, 2);
    put_desc(&r->ring, TABLE, 2, DATA + 0x200, 64, WRITABLE, 0);
    ring_offer(&r->ring, 2);
    assert_int_equal(pop(r), 1);
    assert_int_equal(r->chain.n_out, 2);
    assert_int_equal(r->chain.n_in, 1);
    assert_int_equal(r->chain.out_bytes, 24);
    assert_int_equal(r->chain.in_bytes, 64);
}

static void empty_buffers_vanish(void **state)
{
    struct rig *r = *state;

    ring_desc(&r->ring, 0, DATA, 0, NEXT, 1);
    ring_desc(&r->ring, 1, UINT64_MAX, 0, NEXT | WRITABLE, 2);
    ring_desc(&r->ring, 2, DATA, 4, WRITABLE, 0);
    ring_offer(&r->ring, 0);
    assert_int_equal(pop(r), 1);
    assert_int_equal(r->chain.n_out, 0);
    assert_int_equal(r->chain.n_in, 1);
}

/* As many descriptors as the queue has, and indices that wrap 2^16. */
static void indices_wrap(void **state)
{
    struct rig *r = *state;
    struct vring_used_elem e;

    for (unsigned i = 0; i < 70000; i++) {
        const uint16_t head = (uint16_t)(i * 3 % SIZE);

        ring_desc(&r->ring, head, DATA + i, 7, 0, 0);
        ring_offer(&r->ring, head);
        assert_int_equal(pop(r), 1);
        assert_int_equal(r->chain.head, head);
        give_back(r, i);
        assert_true(ring_take(&r->ring, &e));
        assert_int_equal(e.len, i);
    }
}

static void longest_chain_is_the_queue(void **state)
{
    struct rig *r = *state;

    for (uint16_t i = 0; i < SIZE; i++)
        ring_desc(&r->ring, i, DATA, 1, i + 1u < SIZE ? NEXT : 0,
                  (uint16_t)(i + 1));
    ring_offer(&r->ring, 0);
    assert_int_equal(pop(r), 1);
    assert_int_equal(r->chain.n_out, SIZE);
}

/* 2.7.10: interrupt when the index passes used_event, and only then. */
static void event_index_decides(void **state)
{
    struct rig *r = *state;

    *ring_used_event(&r->ring) = 2;
    complete(r);
    assert_false(virtq_publish(&r->q)); /* 0 -> 1 */
    complete(r);
    assert_false(virtq_publish(&r->q)); /* 1 -> 2 */
    complete(r);
    assert_true(virtq_publish(&r->q)); /* 2 -> 3 */
    complete(r);
    assert_false(virtq_publish(&r->q));
    *ring_used_event(&r->ring) = 5;
    for (int i = 0; i < 4; i++)
        complete(r);
    assert_true(virtq_publish(&r->q)); /* 4 -> 8, once for all */
}

static void flags_decide_without_event_index(void **state)
{
    struct rig *r = *state;

    start(r, false, true);
    complete(r);
    assert_true(virtq_publish(&r->q));
    *ring_word(&r->ring, r->ring.cfg.avail.v) = VRING_AVAIL_F_NO_INTERRUPT;
    complete(r);
    assert_false(virtq_publish(&r->q));
    virtq_quiet(&r->q);
    assert_int_equal(*ring_word(&r->ring, r->ring.cfg.used.v),
                     VRING_USED_F_NO_NOTIFY);
    assert_false(virtq_listen(&r->q));
    assert_int_equal(*ring_word(&r->ring, r->ring.cfg.used.v), 0);
}

static void listen_says_where_and_rechecks(void **state)
{
    struct rig *r = *state;

    virtq_quiet(&r->q);
    complete(r);
    assert_false(virtq_listen(&r->q));
    assert_int_equal(*ring_avail_event(&r->ring), 1);
    ring_offer(&r->ring, 0);
    assert_true(virtq_listen(&r->q));
    assert_int_equal(pop(r), 1);
}

static void bytes_of_a_chain(void **state)
{
    struct rig *r = *state;
    char text[8] = "";

    memcpy(r->ring.ram + DATA, "abc", 3);
    memcpy(r->ring.ram + DATA + 0x1000, "defgh", 5);
    ring_desc(&r->ring, 0, DATA, 3, NEXT, 1);
    ring_desc(&r->ring, 1, DATA + 0x1000, 5, NEXT, 2);
    ring_desc(&r->ring, 2, DATA + 0x2000, 2, NEXT | WRITABLE, 3);
    ring_desc(&r->ring, 3, DATA + 0x3000, 2, WRITABLE, 0);
    ring_offer(&r->ring, 0);
    assert_int_equal(pop(r), 1);
    assert_int_equal(vchain_read(&r->chain, 1, text, 4), 4);
    assert_memory_equal(text, "bcde", 4);
    assert_int_equal(vchain_read(&r->chain, 6, text, 8), 2);
    assert_memory_equal(text, "ghde", 4);
    assert_int_equal(vchain_read(&r->chain, 8, text, 1), 0);
    assert_int_equal(vchain_write(&r->chain, 1, "XYZ", 3), 3);
    assert_memory_equal(r->ring.ram + DATA + 0x2000, "\0X\0", 3);
    assert_memory_equal(r->ring.ram + DATA + 0x3000, "YZ\0", 3);
    assert_int_equal(vchain_write(&r->chain, 4, "!", 1), 0);
    assert_int_equal(vchain_write(&r->chain, UINT64_MAX, "!", 1), 0);
}

static void stopped_ring_is_left_alone(void **state)
{
    struct rig *r = *state;

    offer_three(r);
    virtq_stop(&r->q);
    fetches.ram = r->ring.ram;
    assert_int_equal(pop(r), 0);
    assert_false(virtq_listen(&r->q));
    assert_false(virtq_publish(&r->q));
    virtq_quiet(&r->q);
    for (size_t i = 0; i < FETCH_BYTES; i++)
        assert_int_equal(fetches.counts[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pops_a_chain),
        TEST(pushes_and_publishes),
        TEST(pops_a_table_after_buffers),
        TEST(empty_buffers_vanish),
        TEST(indices_wrap),
        TEST(longest_chain_is_the_queue),
        TEST(event_index_decides),
        TEST(flags_decide_without_event_index),
        TEST(listen_says_where_and_rechecks),
        TEST(bytes_of_a_chain),
        TEST(stopped_ring_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
