// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The split ring against a driver that breaks each rule, and one that changes
 * its mind in the middle. Numbers are those of the hostile cases.
 */
#include "virtq_rig.h"

#include <pthread.h>

static void loops_end(void **state) /* 1 */
{
    static const char *const why = "a chain longer than the queue";
    struct rig *r = *state;

    ring_desc(&r->ring, 0, DATA, 1, NEXT, 0);
    ring_offer(&r->ring, 0);
    assert_broken(r, why);
    start(r, true, true);
    ring_desc(&r->ring, 0, DATA, 0, NEXT, 4);
    ring_desc(&r->ring, 4, DATA, 0, NEXT, 0);
    ring_offer(&r->ring, 0);
    assert_broken(r, why);
    start(r, true, true);
    ring_desc(&r->ring, 0, TABLE, 32, INDIRECT, 0);
    put_desc(&r->ring, TABLE, 0, DATA, 1, NEXT, 1);
    put_desc(&r->ring, TABLE, 1, DATA, 1, NEXT, 0);
    ring_offer(&r->ring, 0);
    assert_broken(r, why);
}

static void long_tables_end(void **state) /* 2 */
{
    struct rig *r = *state;

    ring_desc(&r->ring, 0, TABLE, 64 * 16, INDIRECT, 0);
    for (uint16_t i = 0; i < 64; i++)
        put_desc(&r->ring, TABLE, i, DATA, 1, NEXT, (uint16_t)(i + 1));
    ring_offer(&r->ring, 0);
    assert_broken(r, "a chain longer than the queue");
    /* One more than the queue has entries, and then a proper end. */
    start(r, true, true);
    ring_desc(&r->ring, 0, TABLE, (SIZE + 1) * 16, INDIRECT, 0);
    for (uint16_t i = 0; i <= SIZE; i++)
        put_desc(&r->ring, TABLE, i, DATA, 1, i < SIZE ? NEXT : 0,
                 (uint16_t)(i + 1));
    ring_offer(&r->ring, 0);
    assert_broken(r, "a chain longer than the queue");
    /* Longer than the caller has room for: the same, not an overrun. */
    start(r, true, true);
    r->chain.max = 2;
    offer_three(r);
    assert_broken(r, "a chain of too many buffers");
}

static void indices_out_of_range(void **state) /* 3 */
{
    struct rig *r = *state;

    ring_desc(&r->ring, 0, DATA, 1, NEXT, SIZE);
    ring_offer(&r->ring, 0);
    assert_broken(r, "a descriptor index out of range");
    start(r, true, true);
    ring_desc(&r->ring, 0, TABLE, 16, INDIRECT, 0);
    put_desc(&r->ring, TABLE, 0, DATA, 1, NEXT, 1);
    ring_offer(&r->ring, 0);
    assert_broken(r, "a descriptor index out of range");
    start(r, true, true);
    ring_offer(&r->ring, SIZE);
    assert_broken(r, "a head out of range");
    start(r, true, true);
    ring_offer(&r->ring, 0xffff);
    assert_broken(r, "a head out of range");
}

static void buffers_outside_ram(void **state) /* 4, 5 */
{
    static const struct {
        uint64_t addr;
        uint32_t len;
    } bad[] = {
        {RAM, 1},        {RAM - 1, 2},        {0xfec00000, 4},
        {UINT64_MAX, 1}, {UINT64_MAX - 3, 8}, {0x7fffffffffffffff, UINT32_MAX},
        {0, UINT32_MAX},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        start(r, true, true);
        ring_desc(&r->ring, 0, bad[i].addr, bad[i].len, WRITABLE, 0);
        ring_offer(&r->ring, 0);
        assert_broken(r, "a buffer outside RAM");
        start(r, true, true);
        ring_desc(&r->ring, 0, bad[i].addr, 0x80000000, INDIRECT, 0);
        ring_offer(&r->ring, 0);
        assert_broken(r, "an indirect table outside RAM");
    }
}

/* 5, 6: the lengths are summed in 64 bits before anything is looked up. */
static void lengths_sum_above_4_gib(void **state)
{
    struct gmem *big = gmem_create(2049 * MIB, GMEM_ANON);
    struct rig *r = *state;
    struct virtq q;

    assert_non_null(big);
    r->ring.ram = ram_of(big);
    for (uint16_t i = 0; i < 3; i++)
        ring_desc(&r->ring, i, 0, 0x80000000, i < 2 ? NEXT : 0,
                  (uint16_t)(i + 1));
    ring_offer(&r->ring, 0);
    assert_int_equal(virtq_start(&q, big, &r->ring.cfg, true, true), 0);
    assert_int_equal(virtq_pop(&q, &r->chain), -EPROTO);
    assert_string_equal(q.why, "a chain of more than 4 GiB");
    gmem_destroy(big);
    r->ring.ram = ram_of(r->mem);
}

static void wrong_directions_and_flags(void **state) /* 7 */
{
    static const struct {
        uint16_t flags;
        uint32_t len;
        bool negotiated;
        const char *why;
    } bad[] = {
        {INDIRECT | NEXT, 16, true, "an indirect descriptor goes on"},
        {INDIRECT, 0, true, "an indirect table of a broken size"},
        {INDIRECT, 17, true, "an indirect table of a broken size"},
        {INDIRECT, 15, true, "an indirect table of a broken size"},
        {INDIRECT, 16, false, "an indirect descriptor was not negotiated"},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        start(r, true, bad[i].negotiated);
        ring_desc(&r->ring, 0, TABLE, bad[i].len, bad[i].flags, 1);
        ring_offer(&r->ring, 0);
        assert_broken(r, bad[i].why);
    }
    start(r, true, true);
    ring_desc(&r->ring, 0, TABLE, 16, INDIRECT, 0);
    put_desc(&r->ring, TABLE, 0, TABLE, 16, INDIRECT, 0);
    ring_offer(&r->ring, 0);
    assert_broken(r, "an indirect table in an indirect table");
    start(r, true, true);
    ring_desc(&r->ring, 0, DATA, 1, WRITABLE | NEXT, 1);
    ring_desc(&r->ring, 1, DATA, 1, 0, 0);
    ring_offer(&r->ring, 0);
    assert_broken(r, "a readable buffer after a writable one");
}

static void index_jumps(void **state) /* 8 */
{
    static const uint16_t jumps[] = {SIZE + 1, 0x8000, 0xffff};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
        start(r, true, true);
        *ring_avail_idx(&r->ring) = jumps[i];
        assert_broken(r, "the available index jumped");
    }
    /* Backwards, after it was honest. */
    start(r, true, true);
    complete(r);
    complete(r);
    *ring_avail_idx(&r->ring) = 1;
    assert_broken(r, "the available index jumped");
}

/* What is in flight still ends, but the guest's memory is left alone. */
static void head_in_flight_again(void **state) /* 9 */
{
    struct rig *r = *state;
    struct vring_used_elem e;

    offer_three(r);
    assert_int_equal(pop(r), 1);
    ring_offer(&r->ring, 0);
    assert_broken(r, "a head that is in flight");
    virtq_push(&r->q, 0, 1);
    assert_int_equal(r->q.in_flight, 0);
    assert_false(virtq_publish(&r->q));
    assert_false(ring_take(&r->ring, &e));
}

static void assert_fetches(uint64_t at, size_t n, unsigned times)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fetches.counts[at + i], times);
    memset(fetches.counts + at, 0, n);
}

/* 10: every field once, and nothing else at all. */
static void each_field_is_fetched_once(void **state)
{
    struct rig *r = *state;
    const struct virtq_config *c = &r->ring.cfg;

    ring_desc(&r->ring, 6, DATA, 16, NEXT, 2);
    ring_desc(&r->ring, 2, TABLE, 48, INDIRECT, 0);
    put_desc(&r->ring, TABLE, 0, DATA + 64, 8, NEXT, 2);
    put_desc(&r->ring, TABLE, 2, DATA + 128, 8, WRITABLE, 0);
    ring_offer(&r->ring, 6);
    ring_offer(&r->ring, 6);
    fetches.ram = r->ring.ram;
    assert_int_equal(pop(r), 1);
    virtq_push(&r->q, 6, 8);
    assert_int_equal(pop(r), 1);
    virtq_push(&r->q, 6, 8);
    assert_true(virtq_publish(&r->q));
    fetches.ram = NULL;
    assert_fetches(c->avail.v + 2, 2, 1);            /* idx, for both */
    assert_fetches(c->avail.v + 4, 4, 1);            /* two entries */
    assert_fetches(c->avail.v + 4 + 2 * SIZE, 2, 1); /* used_event */
    assert_fetches(c->desc.v + 6 * 16, 16, 2);       /* once per pop */
    assert_fetches(c->desc.v + 2 * 16, 16, 2);
    assert_fetches(TABLE, 16, 2);
    assert_fetches(TABLE + 32, 16, 2);
    assert_fetches(0, FETCH_BYTES, 0);
}

static void scribble(unsigned char *at, size_t n)
{
    memset(at, 0xff, n);
}

/* 10: what changes right after the look changes nothing. */
static void changed_right_after_the_look(void **state)
{
    struct rig *r = *state;

    offer_three(r);
    fetches.ram = r->ring.ram;
    fetches.after = scribble;
    assert_int_equal(pop(r), 1);
    assert_int_equal(r->chain.head, 0);
    assert_int_equal(r->chain.n_out, 1);
    assert_int_equal(r->chain.in_bytes, 513);
    assert_ptr_equal(r->iov[2].iov_base, r->ring.ram + DATA + 0x3000);
    /* The next look at the index sees what is there now. */
    assert_broken(r, "the available index jumped");
}

/* 11: rings over each other: whatever it means, it stays in RAM. */
static void rings_over_rings(void **state)
{
    struct rig *r = *state;
    struct virtq_config c = r->ring.cfg;
    int pops = 0;

    c.used = c.desc;
    c.avail = c.desc;
    r->ring.cfg = c;
    memset(r->ring.ram, 0, RAM);
    assert_int_equal(virtq_start(&r->q, r->mem, &c, true, true), 0);
    for (int i = 0; i < 1000 && !r->q.broken; i++) {
        ring_desc(&r->ring, 0, RING, 64, WRITABLE, 0);
        *ring_avail_idx(&r->ring) = (uint16_t)(i + 1);
        if (pop(r) <= 0)
            continue;
        pops++;
        give_back(r, 1);
    }
    assert_true(pops > 0);
}

static void used_ring_rewritten(void **state) /* 12 */
{
    struct rig *r = *state;
    struct vring_used_elem e;

    for (int i = 0; i < 3; i++) {
        memset(r->ring.ram + r->ring.cfg.used.v, 0xff, 6 + 8 * SIZE);
        *ring_used_event(&r->ring) = 0x8000;
        complete(r);
        assert_false(virtq_publish(&r->q));
        assert_true(ring_take(&r->ring, &e));
        assert_int_equal(e.id, 0);
        assert_int_equal(ring_used_idx(&r->ring), i + 1);
    }
}

static void bad_configurations(void **state) /* 15 */
{
    struct rig *r = *state;
    const struct virtq_config good = r->ring.cfg;
    const struct virtq_config bad[] = {
        {0, good.desc, good.avail, good.used},
        {7, good.desc, good.avail, good.used},
        {2048, good.desc, good.avail, good.used},
        {0xffff, good.desc, good.avail, good.used},
        {8, GPA(RING + 8), good.avail, good.used},
        {8, good.desc, GPA(RING + 1), good.used},
        {8, good.desc, good.avail, GPA(RING + 2)},
        {8, GPA(RAM - 64), good.avail, good.used},
        {8, good.desc, GPA(RAM - 20), good.used},
        {8, good.desc, good.avail, GPA(RAM - 64)},
        {8, GPA(UINT64_MAX & ~15ull), good.avail, good.used},
        {8, good.desc, good.avail, GPA(0xfee00000)},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(virtq_start(&r->q, r->mem, &bad[i], true, true),
                         -EINVAL);
        assert_int_equal(pop(r), 0);
    }
}

/* ---- a second thread that rewrites everything all the time ---- */

struct vandal {
    struct ring ring; /* the memory, for its own use */
    bool stop;
};

/* Small numbers mostly, so that much of it is nearly good. */
static void vandalize_byte(unsigned char *at, unsigned random)
{
    volatile unsigned char *shared = at;

    *shared = (unsigned char)(random % 3 ? random % SIZE : random);
}

static void *vandalize(void *arg)
{
    struct vandal *v = arg;
    unsigned seed = 1;

    while (!__atomic_load_n(&v->stop, __ATOMIC_RELAXED)) {
        const unsigned a = (unsigned)rand_r(&seed);
        const unsigned b = (unsigned)rand_r(&seed);

        vandalize_byte(v->ring.ram + RING + a % 0xa0, b);
        vandalize_byte(v->ring.ram + TABLE + b % 0x40, a);
    }
    return NULL;
}

static void assert_in_ram(const struct rig *r)
{
    uint64_t sum = 0;

    for (int i = 0; i < r->chain.n_out + r->chain.n_in; i++) {
        const unsigned char *at = r->iov[i].iov_base;

        assert_true(at >= r->ring.ram);
        assert_true(at + r->iov[i].iov_len <= r->ring.ram + RAM);
        sum += r->iov[i].iov_len;
    }
    assert_int_equal(sum, r->chain.out_bytes + r->chain.in_bytes);
}

/* A good chain of four, one of them in a table. */
static void offer_four(struct rig *r)
{
    ring_desc(&r->ring, 0, DATA, 16, NEXT, 3);
    ring_desc(&r->ring, 3, DATA + 0x1000, 512, NEXT, 1);
    ring_desc(&r->ring, 1, TABLE, 32, INDIRECT, 0);
    put_desc(&r->ring, TABLE, 0, DATA, 1, NEXT, 1);
    put_desc(&r->ring, TABLE, 1, DATA, 1, WRITABLE, 0);
    ring_offer(&r->ring, 0);
}

static void begin_again(struct rig *r, bool event_idx)
{
    r->ring.idx = 0;
    assert_int_equal(virtq_start(&r->q, r->mem, &r->ring.cfg, event_idx, true),
                     0);
}

static void changes_in_mid_flight(void **state)
{
    struct rig *r = *state;
    struct vandal v = {.ring = r->ring};
    pthread_t thread;
    unsigned popped = 0;
    unsigned broken = 0;

    assert_int_equal(pthread_create(&thread, NULL, vandalize, &v), 0);
    for (unsigned i = 0; popped < 100000 || broken < 50; i++) {
        int ret;

        offer_four(r);
        ret = pop(r);
        if (ret < 0) {
            broken++;
            begin_again(r, i & 1);
        } else if (ret == 1) {
            popped++;
            assert_in_ram(r);
            give_back(r, 0);
        }
    }
    __atomic_store_n(&v.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    print_message("%u popped, %u broken\n", popped, broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loops_end),
        TEST(long_tables_end),
        TEST(indices_out_of_range),
        TEST(buffers_outside_ram),
        TEST(lengths_sum_above_4_gib),
        TEST(wrong_directions_and_flags),
        TEST(index_jumps),
        TEST(head_in_flight_again),
        TEST(each_field_is_fetched_once),
        TEST(changed_right_after_the_look),
        TEST(rings_over_rings),
        TEST(used_ring_rewritten),
        TEST(bad_configurations),
        TEST(changes_in_mid_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
