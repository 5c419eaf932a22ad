// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Event channels by Xen's public event_channel.h: every operation and its
 * errors, 2-level delivery in both word sizes, the back-ends' side.
 */
#include "evtchn_rig.h"

/* The guest's view of shared_info, as it finds it in its memory. */
static struct shared_info guest_shinfo(struct rig *r)
{
    struct shared_info s;

    assert_int_equal(gmem_read(r->mem, GPA(SHINFO), &s, sizeof(s)), 0);
    return s;
}

static void guest_put(struct rig *r, const struct shared_info *s)
{
    assert_int_equal(gmem_write(r->mem, GPA(SHINFO), s, sizeof(*s)), 0);
}

/* Mask a port as the guest does: by a store. */
static void guest_mask(struct rig *r, uint32_t port)
{
    struct shared_info s = guest_shinfo(r);

    s.evtchn_mask[port / 64] |= 1ull << port % 64;
    guest_put(r, &s);
}

/* The guest takes all events: pending, selectors, upcalls. */
static void guest_take(struct rig *r)
{
    struct shared_info s = guest_shinfo(r);

    memset(s.evtchn_pending, 0, sizeof(s.evtchn_pending));
    for (unsigned v = 0; v < VCPUS; v++) {
        s.vcpu_info[v].evtchn_pending_sel = 0;
        s.vcpu_info[v].evtchn_upcall_pending = 0;
    }
    guest_put(r, &s);
}

static void test_ipi_delivery(void **state)
{
    struct rig *r = *state;
    const uint32_t port = rig_ipi(r, 2);
    struct shared_info s;

    assert_int_equal(port, 1);
    assert_int_equal(rig_send(r, port), 0);
    s = guest_shinfo(r);
    assert_int_equal(s.evtchn_pending[0], 2);
    assert_int_equal(s.vcpu_info[2].evtchn_pending_sel, 1);
    assert_int_equal(s.vcpu_info[2].evtchn_upcall_pending, 1);
    assert_int_equal(s.vcpu_info[0].evtchn_upcall_pending, 0);
    assert_int_equal(r->upcalls[2], 1);
    assert_int_equal(r->wakes, 1);
    /* Pending already: no second upcall. */
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(r->upcalls[2], 1);
    /* Taken: the next one is told again. */
    guest_take(r);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(r->upcalls[2], 2);
}

static void test_mask_and_unmask(void **state)
{
    struct rig *r = *state;
    const uint32_t port = rig_ipi(r, 1);

    guest_mask(r, port);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(r->upcalls[1], 0);
    assert_int_equal(guest_shinfo(r).vcpu_info[1].evtchn_pending_sel, 0);
    assert_int_equal(evtchn_is_pending(r->e, port), 1);
    /* Unmasked with an event pending: raised again. */
    assert_int_equal(rig_unmask(r, port), 0);
    assert_int_equal(r->upcalls[1], 1);
    assert_int_equal(guest_shinfo(r).evtchn_mask[0], 0);
    /* It was not masked: nothing is raised a second time. */
    guest_take(r);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(r->upcalls[1], 2);
    assert_int_equal(rig_unmask(r, port), 0);
    assert_int_equal(r->upcalls[1], 2);
}

static void test_words_of_32_bits(void **state)
{
    struct rig *r = *state;
    struct shared_info_x86_32 s;
    uint32_t port = 0;

    shinfo_latch(r->si, true);
    assert_int_equal(shinfo_ports(r->si), 1024);
    while (port != 40)
        port = rig_ipi(r, 3);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(gmem_read(r->mem, GPA(SHINFO), &s, sizeof(s)), 0);
    assert_int_equal(s.evtchn_pending[1], 1u << 8);
    assert_int_equal(s.vcpu_info[3].evtchn_pending_sel, 2);
    assert_int_equal(s.vcpu_info[3].evtchn_upcall_pending, 1);
    assert_int_equal(r->upcalls[3], 1);
    /* As many ports as there are bits, and no more. */
    while (port != 1023)
        port = rig_ipi(r, 0);
    assert_int_equal(rig_op(r, EVTCHNOP_bind_ipi, (union evtchn_arg){0}),
                     -ENOSPC);
    assert_int_equal(rig_send(r, 1024), -EINVAL);
}

static void test_shinfo_moves(void **state)
{
    struct rig *r = *state;
    const uint32_t port = rig_ipi(r, 0);
    struct shared_info s;
    struct gwin page;

    shinfo_unmap(r->si);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(gmem_win(r->mem, GPA(0x5000), 4096, &page), 0);
    shinfo_map(r->si, &page);
    assert_int_equal(gmem_read(r->mem, GPA(0x5000), &s, sizeof(s)), 0);
    assert_int_equal(s.evtchn_pending[0], 1u << port);
    assert_int_equal(s.vcpu_info[0].evtchn_upcall_pending, 1);
}

static void test_register_vcpu_info(void **state)
{
    struct rig *r = *state;
    const uint32_t port = rig_ipi(r, 1);
    struct vcpu_info v;
    struct gwin w;

    assert_int_equal(gmem_win(r->mem, GPA(0x6040), 64, &w), 0);
    assert_int_equal(shinfo_register_vcpu(r->si, VCPUS, &w), -ENOENT);
    assert_int_equal(shinfo_register_vcpu(r->si, 1, &w), 0);
    assert_int_equal(shinfo_register_vcpu(r->si, 1, &w), -EINVAL);
    /* All counts as pending, so that nothing is lost in the move. */
    assert_int_equal(gmem_read(r->mem, GPA(0x6040), &v, sizeof(v)), 0);
    assert_int_equal(v.evtchn_upcall_pending, 1);
    assert_int_equal(v.evtchn_pending_sel, UINT64_MAX);
    evtchn_renotify(r->e, 1);
    assert_int_equal(r->upcalls[1], 1);
    memset(&v, 0, sizeof(v));
    assert_int_equal(gmem_write(r->mem, GPA(0x6040), &v, sizeof(v)), 0);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(gmem_read(r->mem, GPA(0x6040), &v, sizeof(v)), 0);
    assert_int_equal(v.evtchn_pending_sel, 1);
    assert_int_equal(r->upcalls[1], 2);
}

static void test_alloc_unbound(void **state)
{
    struct rig *r = *state;
    union evtchn_arg a = {
        .alloc_unbound = {.dom = DOMID, .remote_dom = XEN_BACKEND_DOMID}};
    struct evtchn_status s;

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_alloc_unbound, &a), 0);
    s = rig_status(r, a.alloc_unbound.port);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, XEN_BACKEND_DOMID);
    assert_int_equal(s.vcpu, 0);
    /* Nobody is there: dropped. */
    assert_int_equal(rig_send(r, a.alloc_unbound.port), 0);
    a.alloc_unbound.dom = XEN_BACKEND_DOMID;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_alloc_unbound, &a), -EPERM);
    a.alloc_unbound.dom = 55;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_alloc_unbound, &a), -ESRCH);
}

static void test_loopback(void **state)
{
    struct rig *r = *state;
    const uint32_t far = rig_alloc(r, DOMID_SELF);
    union evtchn_arg a = {
        .bind_interdomain = {.remote_dom = DOMID_SELF, .remote_port = far}};
    struct evtchn_status s;
    uint32_t near;

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_interdomain, &a), 0);
    near = a.bind_interdomain.local_port;
    /* What may have been sent before counts as sent. */
    assert_int_equal(evtchn_is_pending(r->e, near), 1);
    s = rig_status(r, near);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, DOMID);
    assert_int_equal(s.u.interdomain.port, far);
    assert_int_equal(rig_send(r, near), 0);
    assert_int_equal(evtchn_is_pending(r->e, far), 1);
    /* Taken: not to be bound again. */
    a.bind_interdomain.remote_port = far;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_interdomain, &a), -EINVAL);
    /* One end closed, the other waits again. */
    assert_int_equal(rig_close(r, near), 0);
    assert_int_equal(rig_status(r, far).status, EVTCHNSTAT_unbound);
    assert_int_equal(rig_status(r, far).u.unbound.dom, DOMID);
}

static void test_bind_interdomain_errors(void **state)
{
    struct rig *r = *state;
    const uint32_t for_backend = rig_alloc(r, XEN_BACKEND_DOMID);
    union evtchn_arg a = {.bind_interdomain = {.remote_dom = DOMID_SELF,
                                               .remote_port = for_backend}};

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_interdomain, &a), -EINVAL);
    a.bind_interdomain.remote_port = 0;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_interdomain, &a), -EINVAL);
    a.bind_interdomain.remote_port = UINT32_MAX;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_interdomain, &a), -EINVAL);
    a.bind_interdomain.remote_dom = XEN_BACKEND_DOMID;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_interdomain, &a), -EINVAL);
    a.bind_interdomain.remote_dom = 99;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_interdomain, &a), -ESRCH);
}

static void test_virq(void **state)
{
    struct rig *r = *state;
    const uint32_t timer = rig_virq(r, VIRQ_TIMER, 3);
    union evtchn_arg a = {.bind_virq = {.virq = VIRQ_TIMER, .vcpu = 3}};

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_virq, &a), -EEXIST);
    a.bind_virq.vcpu = VCPUS;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_virq, &a), -ENOENT);
    a.bind_virq = (struct evtchn_bind_virq){.virq = NR_VIRQS};
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_virq, &a), -EINVAL);
    /* A global one is for vCPU 0. */
    a.bind_virq = (struct evtchn_bind_virq){.virq = VIRQ_ARGO, .vcpu = 1};
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_virq, &a), -EINVAL);
    assert_int_equal(rig_status(r, timer).u.virq, VIRQ_TIMER);
    assert_int_equal(rig_status(r, timer).vcpu, 3);
    evtchn_virq(r->e, 3, VIRQ_TIMER);
    assert_int_equal(r->upcalls[3], 1);
    evtchn_virq(r->e, 2, VIRQ_TIMER);
    evtchn_virq(r->e, VCPUS, VIRQ_TIMER);
    assert_int_equal(r->upcalls[2], 0);
    /* The guest does not send what only Xen raises. */
    assert_int_equal(rig_send(r, timer), -EINVAL);
    assert_int_equal(rig_close(r, timer), 0);
    assert_int_equal(evtchn_virq_port(r->e, 3, VIRQ_TIMER), 0);
    assert_int_equal(rig_virq(r, VIRQ_TIMER, 3), timer);
}

static void test_pirq(void **state)
{
    struct rig *r = *state;
    union evtchn_arg a = {.bind_pirq = {.pirq = EVTCHN_MAX_PIRQS}};

    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_pirq, &a), -EINVAL);
    a.bind_pirq.pirq = 9;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_pirq, &a), 0);
    assert_int_equal(r->pirq_bound, 9);
    assert_int_equal(evtchn_pirq_port(r->e, 9), a.bind_pirq.port);
    assert_int_equal(rig_status(r, a.bind_pirq.port).u.pirq, 9);
    evtchn_pirq(r->e, 9);
    assert_int_equal(r->upcalls[0], 1);
    evtchn_pirq(r->e, 8);
    evtchn_pirq(r->e, UINT32_MAX);
    assert_int_equal(r->upcalls[0], 1);
    assert_int_equal(rig_send(r, a.bind_pirq.port), -EINVAL);
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_pirq, &a), -EEXIST);
    /* Closed, it can be bound again; a reset closes it too. */
    assert_int_equal(rig_close(r, a.bind_pirq.port), 0);
    assert_int_equal(r->pirq_bound, UINT32_MAX);
    assert_int_equal(evtchn_pirq_port(r->e, 9), 0);
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_pirq, &a), 0);
    evtchn_reset_all(r->e);
    assert_int_equal(r->pirq_bound, UINT32_MAX);
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_pirq, &a), 0);
}

static void test_bind_vcpu(void **state)
{
    struct rig *r = *state;
    const uint32_t port = rig_alloc(r, XEN_BACKEND_DOMID);
    const uint32_t ipi = rig_ipi(r, 1);
    const uint32_t timer = rig_virq(r, VIRQ_TIMER, 1);
    const uint32_t argo = rig_virq(r, VIRQ_ARGO, 0);
    union evtchn_arg a = {.bind_vcpu = {.port = port, .vcpu = 2}};

    assert_int_equal(evtchn_backend_bind(r->e, port, rig_notified, r), 0);
    evtchn_backend_notify(r->e, port);
    assert_int_equal(r->upcalls[0], 1);
    /* It moves while it is pending: the new vCPU is told. */
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_vcpu, &a), 0);
    assert_int_equal(r->upcalls[2], 1);
    assert_int_equal(rig_status(r, port).vcpu, 2);
    a.bind_vcpu.vcpu = VCPUS;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_vcpu, &a), -ENOENT);
    a.bind_vcpu = (struct evtchn_bind_vcpu){.port = ipi, .vcpu = 2};
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_vcpu, &a), -EINVAL);
    a.bind_vcpu.port = timer;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_vcpu, &a), -EINVAL);
    a.bind_vcpu.port = 77;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_vcpu, &a), -EINVAL);
    /* A global virq moves, and is closed wherever it is. */
    a.bind_vcpu.port = argo;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_bind_vcpu, &a), 0);
    guest_take(r);
    evtchn_virq(r->e, 0, VIRQ_ARGO);
    assert_int_equal(r->upcalls[2], 2);
    assert_int_equal(rig_close(r, argo), 0);
    assert_int_equal(evtchn_virq_port(r->e, 0, VIRQ_ARGO), 0);
}

static void test_close_and_status(void **state)
{
    struct rig *r = *state;
    const uint32_t port = rig_ipi(r, 0);
    union evtchn_arg a = {.status = {.dom = DOMID_SELF, .port = 0}};

    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(rig_close(r, port), 0);
    assert_int_equal(evtchn_is_pending(r->e, port), 0);
    assert_int_equal(rig_close(r, port), -EINVAL);
    assert_int_equal(rig_send(r, port), -EINVAL);
    assert_int_equal(rig_status(r, port).status, EVTCHNSTAT_closed);
    assert_int_equal(rig_close(r, 0), -EINVAL);
    assert_int_equal(rig_close(r, UINT32_MAX), -EINVAL);
    assert_int_equal(rig_unmask(r, 0), -EINVAL);
    assert_int_equal(rig_unmask(r, EVTCHN_MAX_PORTS), -EINVAL);
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_status, &a), -EINVAL);
    a.status = (struct evtchn_status){.dom = 3, .port = port};
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_status, &a), -ESRCH);
    assert_int_equal(evtchn_is_pending(r->e, UINT32_MAX), -EINVAL);
    /* The number is free again. */
    assert_int_equal(rig_ipi(r, 0), port);
}

static void test_all_ports(void **state)
{
    struct rig *r = *state;
    uint32_t port = 0;

    while (port != EVTCHN_MAX_PORTS - 1)
        port = rig_ipi(r, 0);
    assert_int_equal(rig_op(r, EVTCHNOP_bind_ipi, (union evtchn_arg){0}),
                     -ENOSPC);
    assert_int_equal(evtchn_builder_alloc(r->e), -ENOSPC);
    assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(guest_shinfo(r).evtchn_pending[63], 1ull << 63);
    assert_int_equal(guest_shinfo(r).vcpu_info[0].evtchn_pending_sel,
                     1ull << 63);
}

static void test_backend(void **state)
{
    struct rig *r = *state;
    const int made = evtchn_builder_alloc(r->e);
    const uint32_t port = (uint32_t)made;

    assert_true(made > 0);
    assert_int_equal(evtchn_backend_bind(r->e, 0, rig_notified, r), -EINVAL);
    assert_int_equal(evtchn_backend_bind(r->e, rig_ipi(r, 0), rig_notified, r),
                     -EINVAL);
    assert_int_equal(
        evtchn_backend_bind(r->e, rig_alloc(r, DOMID_SELF), rig_notified, r),
        -EINVAL);
    assert_int_equal(evtchn_backend_bind(r->e, port, rig_notified, r), 0);
    assert_int_equal(evtchn_backend_bind(r->e, port, rig_notified, r), -EINVAL);
    /* Once after binding, then once for many sends. */
    assert_int_equal(r->posts, 1);
    evtchn_dispatch(r->e);
    assert_int_equal(r->notified, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_send(r, port), 0);
    assert_int_equal(r->posts, 2);
    evtchn_dispatch(r->e);
    evtchn_dispatch(r->e);
    assert_int_equal(r->notified, 2);
    evtchn_backend_notify(r->e, port);
    assert_int_equal(evtchn_is_pending(r->e, port), 1);
    assert_int_equal(r->upcalls[0], 1);
    evtchn_backend_unbind(r->e, port);
    assert_int_equal(rig_status(r, port).status, EVTCHNSTAT_unbound);
    guest_take(r);
    evtchn_backend_notify(r->e, port);
    assert_int_equal(evtchn_is_pending(r->e, port), 0);
    assert_int_equal(evtchn_backend_bind(r->e, port, rig_notified, r), 0);
}

static void test_closed_under_a_backend(void **state)
{
    struct rig *r = *state;
    uint32_t ports[3];

    for (unsigned i = 0; i < 3; i++) {
        ports[i] = rig_alloc(r, XEN_BACKEND_DOMID);
        assert_int_equal(evtchn_backend_bind(r->e, ports[i], rig_notified, r),
                         0);
    }
    /* All three wait to be dispatched; the middle and the last one go. */
    assert_int_equal(rig_close(r, ports[1]), 0);
    assert_int_equal(rig_close(r, ports[2]), 0);
    evtchn_dispatch(r->e);
    assert_int_equal(r->notified, 1);
    assert_int_equal(rig_send(r, ports[0]), 0);
    evtchn_dispatch(r->e);
    assert_int_equal(r->notified, 2);
    /* What the back-end still does with a dead port has no effect. */
    evtchn_backend_notify(r->e, ports[1]);
    assert_int_equal(evtchn_is_pending(r->e, ports[1]), 0);
    assert_int_equal(rig_ipi(r, 0), ports[1]);
    evtchn_backend_notify(r->e, ports[1]);
    evtchn_backend_unbind(r->e, ports[1]);
    assert_int_equal(rig_status(r, ports[1]).status, EVTCHNSTAT_ipi);
    assert_int_equal(evtchn_is_pending(r->e, ports[1]), 0);
}

static void test_reset(void **state)
{
    struct rig *r = *state;
    const uint32_t port = rig_alloc(r, XEN_BACKEND_DOMID);
    union evtchn_arg a = {.reset = {.dom = 3}};

    assert_int_equal(evtchn_backend_bind(r->e, port, rig_notified, r), 0);
    rig_virq(r, VIRQ_TIMER, 1);
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_reset, &a), -ESRCH);
    a.reset.dom = DOMID_SELF;
    assert_int_equal(evtchn_op(r->e, EVTCHNOP_reset, &a), 0);
    assert_int_equal(r->closed, 2);
    assert_int_equal(rig_status(r, port).status, EVTCHNSTAT_closed);
    evtchn_dispatch(r->e);
    assert_int_equal(r->notified, 0);
    assert_int_equal(evtchn_virq_port(r->e, 1, VIRQ_TIMER), 0);
}

static void test_op_table(void **state)
{
    struct rig *r = *state;
    union evtchn_arg a = {0};
    size_t size;
    bool back;

    assert_true(evtchn_op_size(EVTCHNOP_status, &size, &back));
    assert_int_equal(size, sizeof(struct evtchn_status));
    assert_true(back);
    assert_true(evtchn_op_size(EVTCHNOP_send, &size, &back));
    assert_int_equal(size, 4);
    assert_false(back);
    assert_false(evtchn_op_size(14, &size, &back));
    assert_int_equal(evtchn_op(r->e, 14, &a), -ENOSYS);
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
        TEST(test_ipi_delivery),
        TEST(test_mask_and_unmask),
        TEST(test_words_of_32_bits),
        TEST(test_shinfo_moves),
        TEST(test_register_vcpu_info),
        TEST(test_alloc_unbound),
        TEST(test_loopback),
        TEST(test_bind_interdomain_errors),
        TEST(test_virq),
        TEST(test_pirq),
        TEST(test_bind_vcpu),
        TEST(test_close_and_status),
        TEST(test_all_ports),
        TEST(test_backend),
        TEST(test_closed_under_a_backend),
        TEST(test_reset),
        TEST(test_op_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
