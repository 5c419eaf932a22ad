// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FIFO event channels from the consumer's side, by the "Event Channel FIFO"
 * design: queues, priorities, links, and a guest that breaks its own words.
 */
#include "evtchn_rig.h"

#include <pthread.h>

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)

static uint32_t word(struct rig *r, uint32_t port)
{
    uint32_t w;

    assert_int_equal(gmem_read(r->mem, GPA(ARRAY + port * 4), &w, 4), 0);
    return w;
}

static void set_word(struct rig *r, uint32_t port, uint32_t w)
{
    assert_int_equal(gmem_write(r->mem, GPA(ARRAY + port * 4), &w, 4), 0);
}

static struct evtchn_fifo_control_block control(struct rig *r, unsigned vcpu)
{
    struct evtchn_fifo_control_block b;

    assert_int_equal(
        gmem_read(r->mem, GPA(CONTROL + vcpu * 0x1000ull), &b, sizeof(b)), 0);
    return b;
}

/* As a guest does: take the head of a queue. 0: there is none. */
static uint32_t consume(struct rig *r, unsigned vcpu, unsigned priority)
{
    struct evtchn_fifo_control_block b = control(r, vcpu);
    const uint32_t port = b.head[priority];
    uint32_t w;

    if (!port)
        return 0;
    w = word(r, port);
    set_word(r, port, w & ~(LINKED | PENDING | EVTCHN_FIFO_LINK_MASK));
    b.head[priority] = w & EVTCHN_FIFO_LINK_MASK;
    if (!b.head[priority])
        b.ready &= ~(1u << priority);
    assert_int_equal(
        gmem_write(r->mem, GPA(CONTROL + vcpu * 0x1000ull), &b, sizeof(b)), 0);
    return port;
}

static int init_control(struct rig *r, uint32_t vcpu, uint64_t gfn,
                        uint32_t offset)
{
    union evtchn_arg a = {
        .init_control = {.control_gfn = gfn, .offset = offset, .vcpu = vcpu}};
    const int ret = evtchn_op(r->e, EVTCHNOP_init_control, &a);

    if (ret == 0)
        assert_int_equal(a.init_control.link_bits, EVTCHN_FIFO_LINK_BITS);
    return ret;
}

static int expand(struct rig *r, uint64_t gfn)
{
    return rig_op(r, EVTCHNOP_expand_array,
                  (union evtchn_arg){.expand_array = {.array_gfn = gfn}});
}

static int priority(struct rig *r, uint32_t port, uint32_t p)
{
    return rig_op(
        r, EVTCHNOP_set_priority,
        (union evtchn_arg){.set_priority = {.port = port, .priority = p}});
}

static void use_fifo(struct rig *r)
{
    for (unsigned v = 0; v < VCPUS; v++)
        assert_int_equal(init_control(r, v, (CONTROL >> 12) + v, 0), 0);
    assert_int_equal(expand(r, ARRAY >> 12), 0);
}

static void test_errors(void **state)
{
    struct rig *r = *state;

    assert_int_equal(expand(r, ARRAY >> 12), -EOPNOTSUPP);
    assert_int_equal(priority(r, rig_ipi(r, 0), 3), -ENOSYS);
    assert_int_equal(init_control(r, VCPUS, CONTROL >> 12, 0), -ENOENT);
    assert_int_equal(init_control(r, 0, CONTROL >> 12, 4), -EINVAL);
    assert_int_equal(init_control(r, 0, CONTROL >> 12, 4096 - 64), -EINVAL);
    assert_int_equal(init_control(r, 0, MEM >> 12, 0), -EINVAL);
    assert_int_equal(init_control(r, 0, UINT64_MAX, 0), -EINVAL);
    assert_int_equal(init_control(r, 0, CONTROL >> 12, 0), 0);
    assert_int_equal(init_control(r, 0, CONTROL >> 12, 0), -EINVAL);
    assert_int_equal(expand(r, MEM >> 12), -EINVAL);
    assert_int_equal(expand(r, UINT64_MAX), -EINVAL);
    assert_int_equal(priority(r, 1, EVTCHN_FIFO_PRIORITY_MIN + 1), -EINVAL);
    assert_int_equal(priority(r, 2, 1), -EINVAL);
    assert_int_equal(priority(r, 0, 1), -EINVAL);
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(expand(r, ARRAY >> 12), 0);
    assert_int_equal(expand(r, ARRAY >> 12), -ENOSPC);
}

static void test_one_event(void **state)
{
    struct rig *r = *state;
    uint32_t port;

    use_fifo(r);
    port = rig_ipi(r, 1);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(word(r, port), PENDING | LINKED);
    assert_int_equal(control(r, 1).ready, 1u << EVTCHN_FIFO_PRIORITY_DEFAULT);
    assert_int_equal(control(r, 1).head[EVTCHN_FIFO_PRIORITY_DEFAULT], port);
    assert_int_equal(r->upcalls[1], 1);
    assert_int_equal(evtchn_is_pending(r->e, port), 1);
    assert_int_equal(consume(r, 1, EVTCHN_FIFO_PRIORITY_DEFAULT), port);
    assert_int_equal(evtchn_is_pending(r->e, port), 0);
    /* The tail left its queue: the next one is the head again. */
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(consume(r, 1, EVTCHN_FIFO_PRIORITY_DEFAULT), port);
    assert_int_equal(consume(r, 1, EVTCHN_FIFO_PRIORITY_DEFAULT), 0);
}

static void test_order_and_priorities(void **state)
{
    struct rig *r = *state;
    uint32_t p[5];

    use_fifo(r);
    for (unsigned i = 0; i < 5; i++)
        p[i] = rig_ipi(r, 0);
    assert_int_equal(priority(r, p[3], EVTCHN_FIFO_PRIORITY_MAX), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(rig_send(r, p[4 - i]), 0);
    assert_int_equal(control(r, 0).ready,
                     1u << EVTCHN_FIFO_PRIORITY_DEFAULT | 1u);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_MAX), p[3]);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), p[4]);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), p[2]);
    assert_int_equal(rig_send(r, p[4]), 0);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), p[1]);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), p[0]);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), p[4]);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), 0);
}

static void test_masked(void **state)
{
    struct rig *r = *state;
    uint32_t port;

    use_fifo(r);
    port = rig_ipi(r, 0);
    set_word(r, port, MASKED);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(word(r, port), PENDING | MASKED);
    assert_int_equal(control(r, 0).ready, 0);
    assert_int_equal(r->upcalls[0], 0);
    assert_int_equal(rig_unmask(r, port), 0);
    assert_int_equal(word(r, port), PENDING | LINKED);
    assert_int_equal(r->upcalls[0], 1);
}

static void test_pending_before_there_is_a_word(void **state)
{
    struct rig *r = *state;
    const uint32_t old = rig_ipi(r, 0);
    uint32_t early;

    /* By the 2-level words first. */
    assert_int_equal(rig_send(r, old), 0);
    assert_int_equal(init_control(r, 0, CONTROL >> 12, 0), 0);
    early = rig_ipi(r, 0);
    assert_int_equal(rig_send(r, early), 0);
    assert_int_equal(evtchn_is_pending(r->e, early), 1);
    assert_int_equal(expand(r, ARRAY >> 12), 0);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), old);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), early);
}

static void test_moved_while_linked(void **state)
{
    struct rig *r = *state;
    uint32_t a, b;

    use_fifo(r);
    a = rig_alloc(r, XEN_BACKEND_DOMID);
    b = rig_alloc(r, XEN_BACKEND_DOMID);
    assert_int_equal(evtchn_backend_bind(r->e, a, rig_notified, r), 0);
    assert_int_equal(evtchn_backend_bind(r->e, b, rig_notified, r), 0);
    evtchn_backend_notify(r->e, a);
    assert_int_equal(
        rig_op(r, EVTCHNOP_bind_vcpu,
               (union evtchn_arg){.bind_vcpu = {.port = a, .vcpu = 2}}),
        0);
    /* Still in the old queue; pending again, it goes to the new one. */
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), a);
    evtchn_backend_notify(r->e, a);
    assert_int_equal(control(r, 2).head[EVTCHN_FIFO_PRIORITY_DEFAULT], a);
    /* The old queue's tail is not a, although a is linked. */
    evtchn_backend_notify(r->e, b);
    assert_int_equal(word(r, a) & EVTCHN_FIFO_LINK_MASK, 0);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), b);
    assert_int_equal(consume(r, 2, EVTCHN_FIFO_PRIORITY_DEFAULT), a);
}

static void test_busy_port_is_not_reused(void **state)
{
    struct rig *r = *state;
    uint32_t port;

    use_fifo(r);
    port = rig_ipi(r, 0);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(rig_close(r, port), 0);
    assert_int_equal(word(r, port), LINKED);
    assert_int_not_equal(rig_ipi(r, 0), port);
    assert_int_equal(consume(r, 0, EVTCHN_FIFO_PRIORITY_DEFAULT), port);
    assert_int_equal(rig_ipi(r, 0), port);
}

static void test_reset_goes_back(void **state)
{
    struct rig *r = *state;
    uint32_t port;

    use_fifo(r);
    port = rig_ipi(r, 0);
    assert_int_equal(rig_op(r, EVTCHNOP_reset,
                            (union evtchn_arg){.reset = {.dom = DOMID_SELF}}),
                     0);
    assert_int_equal(expand(r, ARRAY >> 12), -EOPNOTSUPP);
    assert_int_equal(rig_ipi(r, 0), port);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(r->upcalls[0], 1);
    assert_int_equal(control(r, 0).ready, 0);
}

struct scribbler {
    struct gwin win;
    _Atomic bool stop;
};

/* A guest that changes the words of its queues all the time. */
static void *scribble(void *arg)
{
    struct scribbler *s = arg;
    uint32_t x = 12345;

    while (!s->stop)
        for (size_t i = 0; i < s->win.size / 4; i++) {
            x = x * 1664525 + 1013904223;
            __atomic_store_n((uint32_t *)(void *)s->win.host + i, x,
                             __ATOMIC_RELAXED);
        }
    return NULL;
}

/* Every word is the guest's to break: we still come to an end. */
static void test_hostile_words(void **state)
{
    struct rig *r = *state;
    struct scribbler s = {.stop = false};
    uint32_t p[16];
    pthread_t t;

    use_fifo(r);
    for (unsigned i = 0; i < 16; i++)
        p[i] = rig_ipi(r, i % VCPUS);
    assert_int_equal(gmem_win(r->mem, GPA(CONTROL), 0x6000, &s.win), 0);
    assert_int_equal(pthread_create(&t, NULL, scribble, &s), 0);
    for (unsigned i = 0; i < 20000; i++) {
        assert_int_equal(rig_send(r, p[i % 16]), 0);
        assert_int_equal(rig_unmask(r, p[i * 7 % 16]), 0);
        if (i % 64 == 0)
            assert_int_equal(priority(r, p[i / 64 % 16], i / 64 % 16), 0);
    }
    s.stop = true;
    pthread_join(t, NULL);
}

static int setup(void **state)
{
    static struct rig r;

    rig_make(&r);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_errors),
        TEST(test_one_event),
        TEST(test_order_and_priorities),
        TEST(test_masked),
        TEST(test_pending_before_there_is_a_word),
        TEST(test_moved_while_linked),
        TEST(test_busy_port_is_not_reused),
        TEST(test_reset_goes_back),
        TEST(test_hostile_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
