/* SPDX-License-Identifier: GPL-2.0-or-later */
/* toy_rig.h: the toy device on the mmio transport. */
#ifndef TESTS_TOY_RIG_H
#define TESTS_TOY_RIG_H

#include "mmio_rig.h"
#include "toy_dev.h"

struct rig {
    struct mmio_rig m;
    struct toy toy;
};

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    rig_open(&r->m);
    rig_plug(&r->m, &toy_ops, &r->toy);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    rig_close(&r->m);
    assert_null(r->toy.v);
    free(r);
    return 0;
}

static inline void offer(struct mmio_rig *m, unsigned q, uint16_t head)
{
    ring_desc(&m->rings[q], head, DATA, 64, WRITABLE, 0);
    ring_offer(&m->rings[q], head);
}

/* The queue does its work: one chain there and back. */
static inline void assert_works(struct mmio_rig *m, unsigned q)
{
    struct vring_used_elem e;

    offer(m, q, 5);
    kick(m, q);
    spin(m);
    assert_true(ring_take(&m->rings[q], &e));
    assert_int_equal(e.id, 5);
    assert_int_equal(e.len, 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
