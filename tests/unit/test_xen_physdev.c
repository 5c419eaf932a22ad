// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * physdev_op, and interrupts of emulated devices that are events: every
 * operation and every error, lines that stay up, messages, unmapping and
 * closing in any order, and what a reset leaves. What a real caller sees is
 * tested by guests/xen-pirq.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hcall_rig.h"

#define SHINFO  0x8000ull
#define BAD     RIG_RAM /* where none can be */
#define VECTOR  0x50
#define OTHER   7 /* a domain there is not */
#define EDGE    4 /* a line that is no level */
#define LEVEL   18
#define MESSAGE 200 /* a number for messages */

/* As a driver writes it: the vector 0, whatever else is said. */
#define PIRQ_ADDR(n)                              \
    (0xfee00000ull | ((uint64_t)(n)&0xff) << 12 | \
     ((uint64_t)(n) & ~0xffull) << 32)
#define PIRQ_DATA 0x4300u

static int64_t physdev_at(struct hcall_rig *r, uint64_t cmd, uint64_t at)
{
    return rig_call(r, true, __HYPERVISOR_physdev_op, cmd, at, 0);
}

static int64_t physdev(struct hcall_rig *r, uint64_t cmd, void *arg, size_t n)
{
    return rig_with(r, __HYPERVISOR_physdev_op, cmd, arg, n);
}

/* The number, or -errno. */
static int64_t map(struct hcall_rig *r, int gsi, int pirq)
{
    struct physdev_map_pirq m = {.domid = DOMID_SELF,
                                 .type = MAP_PIRQ_TYPE_GSI,
                                 .index = gsi,
                                 .pirq = pirq};
    const int64_t ret = physdev(r, PHYSDEVOP_map_pirq, &m, sizeof(m));

    return ret < 0 ? ret : m.pirq;
}

static int64_t unmap(struct hcall_rig *r, int pirq)
{
    struct physdev_unmap_pirq u = {.domid = DOMID_SELF, .pirq = pirq};

    return physdev(r, PHYSDEVOP_unmap_pirq, &u, sizeof(u));
}

static int64_t eoi(struct hcall_rig *r, uint32_t pirq)
{
    struct physdev_eoi e = {.irq = pirq};

    return physdev(r, PHYSDEVOP_eoi, &e, sizeof(e));
}

/* Flags, or -errno. */
static int64_t status(struct hcall_rig *r, uint32_t pirq)
{
    struct physdev_irq_status_query q = {.irq = pirq, .flags = 0xff};
    const int64_t ret = physdev(r, PHYSDEVOP_irq_status_query, &q, sizeof(q));

    return ret < 0 ? ret : q.flags;
}

static int64_t get_free(struct hcall_rig *r, int type)
{
    struct physdev_get_free_pirq f = {.type = type};
    const int64_t ret = physdev(r, PHYSDEVOP_get_free_pirq, &f, sizeof(f));

    return ret < 0 ? ret : f.pirq;
}

static uint32_t bind(struct hcall_rig *r, int64_t pirq)
{
    union evtchn_arg a = {.bind_pirq = {.pirq = (uint32_t)pirq}};

    assert_true(pirq >= 0);
    assert_int_equal(evtchn_op(xen_evtchn(r->xen), EVTCHNOP_bind_pirq, &a), 0);
    return a.bind_pirq.port;
}

static void close_port(struct hcall_rig *r, uint32_t port)
{
    union evtchn_arg a = {.close = {.port = port}};

    assert_int_equal(evtchn_op(xen_evtchn(r->xen), EVTCHNOP_close, &a), 0);
}

/* Is the event pending? Not any more then: the guest took it. */
static bool took(struct hcall_rig *r, uint32_t port)
{
    const gpa_t at =
        GPA(SHINFO + offsetof(struct shared_info, evtchn_pending) + port / 8);
    const uint8_t bit = (uint8_t)(1u << port % 8);
    uint8_t byte;

    assert_int_equal(gmem_read(r->mem, at, &byte, 1), 0);
    if (!(byte & bit))
        return false;
    byte &= (uint8_t)~bit;
    assert_int_equal(gmem_write(r->mem, at, &byte, 1), 0);
    return true;
}

static void set_vector(struct hcall_rig *r)
{
    assert_int_equal(rig_set_vector(r, 0, VECTOR), 0);
}

static void map_shinfo(struct hcall_rig *r)
{
    assert_int_equal(rig_map_shinfo(r, SHINFO >> 12), 0);
}

/* ---- what is offered ---- */

static bool has_feature(struct hcall_rig *r)
{
    struct xen_feature_info f = {.submap_idx = 0};

    assert_int_equal(rig_with(r, __HYPERVISOR_xen_version, XENVER_get_features,
                              &f, sizeof(f)),
                     0);
    return f.submap >> XENFEAT_hvm_pirqs & 1;
}

static void it_is_a_feature(void **state)
{
    assert_true(has_feature(*state));
}

/* A machine whose lines cannot be events. */
static void elsewhere_it_is_not(void **state)
{
    static const unsigned ops[] = {PHYSDEVOP_map_pirq, PHYSDEVOP_unmap_pirq,
                                   PHYSDEVOP_eoi, PHYSDEVOP_irq_status_query,
                                   PHYSDEVOP_get_free_pirq};
    union evtchn_arg a = {.bind_pirq = {.pirq = 16}};
    struct hcall_rig r;

    (void)state;
    assert_true(rig_make_on(&r, NULL, 0));
    set_vector(&r);
    assert_false(has_feature(&r));
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        assert_int_equal(physdev_at(&r, ops[i], RIG_ARG), -ENOSYS);
    assert_int_equal(evtchn_op(xen_evtchn(r.xen), EVTCHNOP_bind_pirq, &a),
                     -EINVAL);
    assert_false(xen_message(r.xen, PIRQ_ADDR(16), PIRQ_DATA));
    rig_free(&r);
}

static void other_calls_are_not_there(void **state)
{
    struct hcall_rig *r = *state;

    for (unsigned i = 0; i < 40; i++) {
        switch (i) {
        case PHYSDEVOP_map_pirq:
        case PHYSDEVOP_unmap_pirq:
        case PHYSDEVOP_eoi:
        case PHYSDEVOP_irq_status_query:
        case PHYSDEVOP_get_free_pirq:
            assert_int_equal(physdev_at(r, i, BAD), -EFAULT);
            break;
        default:
            assert_int_equal(physdev_at(r, i, RIG_ARG), -ENOSYS);
        }
    }
    assert_int_equal(physdev_at(r, (1ull << 32) | PHYSDEVOP_eoi, RIG_ARG),
                     -ENOSYS);
}

/* ---- mapping ---- */

static void a_line_is_mapped(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = map(r, LEVEL, -1);

    assert_true(pirq >= 16);
    /* It has that number, and no other. */
    assert_int_equal(map(r, LEVEL, -1), pirq);
    assert_int_equal(map(r, LEVEL, (int)pirq), pirq);
    assert_int_equal(map(r, LEVEL, (int)pirq + 1), -EEXIST);
    assert_int_equal(map(r, LEVEL + 1, (int)pirq), -EEXIST);
    assert_int_not_equal(map(r, LEVEL + 1, -1), pirq);
    /* A number of the guest's own choice, 0 and the last too. */
    assert_int_equal(map(r, 0, 0), 0);
    assert_int_equal(map(r, 1, EVTCHN_MAX_PIRQS - 1), EVTCHN_MAX_PIRQS - 1);
    assert_int_equal(map(r, 2, EVTCHN_MAX_PIRQS), -EINVAL);
    assert_int_equal(map(r, 2, INT32_MAX), -EINVAL);
    assert_int_equal(map(r, -1, -1), -EINVAL);
    assert_int_equal(map(r, RIG_GSIS, -1), -EINVAL);
    assert_int_equal(map(r, INT32_MAX, -1), -EINVAL);
    assert_int_equal(r->led, 0);
}

static int64_t map_as(struct hcall_rig *r, domid_t dom, int type)
{
    struct physdev_map_pirq m = {
        .domid = dom, .type = type, .index = LEVEL, .pirq = -1};

    return physdev(r, PHYSDEVOP_map_pirq, &m, sizeof(m));
}

static void only_ones_own_lines_are(void **state)
{
    struct hcall_rig *r = *state;
    struct physdev_unmap_pirq u = {.domid = OTHER, .pirq = 16};

    assert_int_equal(map_as(r, OTHER, MAP_PIRQ_TYPE_GSI), -ESRCH);
    assert_int_equal(map_as(r, XEN_BACKEND_DOMID, MAP_PIRQ_TYPE_GSI), -EPERM);
    assert_int_equal(map_as(r, XEN_GUEST_DOMID, MAP_PIRQ_TYPE_GSI), -EPERM);
    for (int type = -1; type <= 5; type++)
        assert_int_equal(map_as(r, DOMID_SELF, type),
                         type == MAP_PIRQ_TYPE_GSI ? 0 : -EINVAL);
    assert_int_equal(physdev(r, PHYSDEVOP_unmap_pirq, &u, sizeof(u)), -ESRCH);
    u.domid = XEN_BACKEND_DOMID;
    assert_int_equal(physdev(r, PHYSDEVOP_unmap_pirq, &u, sizeof(u)), -EPERM);
    u.domid = XEN_GUEST_DOMID;
    assert_int_equal(physdev(r, PHYSDEVOP_unmap_pirq, &u, sizeof(u)), -EPERM);
}

/* What a guest of 32 bits passes is four bytes shorter, at the end. */
static void the_end_of_the_structure_is_not_read(void **state)
{
    struct hcall_rig *r = *state;
    const struct physdev_map_pirq m = {.domid = DOMID_SELF,
                                       .type = MAP_PIRQ_TYPE_GSI,
                                       .index = LEVEL,
                                       .pirq = -1};
    const uint64_t at = BAD - offsetof(struct physdev_map_pirq, bus);
    struct hcall h = {.nr = __HYPERVISOR_physdev_op,
                      .arg = {PHYSDEVOP_map_pirq, at}};

    assert_int_equal(
        gmem_write(r->mem, GPA(at), &m, offsetof(struct physdev_map_pirq, bus)),
        0);
    assert_int_equal(xen_hypercall(r->xen, &h), 0);
    assert_true(map(r, LEVEL, -1) >= 16);
    h.arg[1] += 4;
    assert_int_equal(xen_hypercall(r->xen, &h), -EFAULT);
}

/* An upcall by a line would be one more interrupt that is an event. */
static void upcalls_need_a_vector(void **state)
{
    struct hcall_rig r;
    uint32_t port;

    (void)state;
    assert_true(rig_make(&r));
    map_shinfo(&r);
    assert_int_equal(map(&r, LEVEL, -1), -EINVAL);
    set_vector(&r);
    port = bind(&r, map(&r, LEVEL, -1));
    rig_set_gsi(&r, LEVEL, true);
    assert_true(took(&r, port));
    rig_free(&r);
}

static void numbers_are_given_out(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t line = get_free(r, MAP_PIRQ_TYPE_GSI);
    const int64_t message = get_free(r, MAP_PIRQ_TYPE_MSI);
    unsigned n = 2;

    assert_true(line >= 16 && line < message);
    while (get_free(r, MAP_PIRQ_TYPE_MSI) >= 0)
        n++;
    assert_int_equal(get_free(r, MAP_PIRQ_TYPE_MSI), -ENOSPC);
    /* There is one for every line still. */
    assert_int_equal(map(r, 0, (int)line), line);
    for (int gsi = 1; gsi < (int)RIG_GSIS; gsi++)
        assert_true(map(r, gsi, -1) > line);
    /* What is given back is there again. */
    assert_int_equal(unmap(r, (int)message), 0);
    assert_int_equal(unmap(r, (int)message), -EINVAL);
    assert_int_equal(get_free(r, MAP_PIRQ_TYPE_MSI), message);
    assert_true(n < EVTCHN_MAX_PIRQS);
}

static void unmapping_takes_a_mapping(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = map(r, LEVEL, -1);

    assert_int_equal(unmap(r, -1), -EINVAL);
    assert_int_equal(unmap(r, EVTCHN_MAX_PIRQS), -EINVAL);
    assert_int_equal(unmap(r, (int)pirq + 1), -EINVAL);
    assert_int_equal(unmap(r, (int)pirq), 0);
    assert_int_equal(unmap(r, (int)pirq), -EINVAL);
    assert_int_equal(map(r, LEVEL, (int)pirq + 1), pirq + 1);
}

/* ---- lines ---- */

static void an_edge_is_an_event(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = map(r, EDGE, -1);
    uint32_t port;

    /* Mapped or bound alone is not enough. */
    assert_int_equal(r->led, 0);
    port = bind(r, pirq);
    assert_int_equal(r->led, 1u << EDGE);
    assert_false(took(r, port));
    rig_set_gsi(r, EDGE, true);
    assert_int_equal(r->interrupts[0], 1);
    assert_int_equal(r->vector, VECTOR);
    assert_true(took(r, port));
    /* Its end is nothing to wait for, and brings nothing back. */
    assert_int_equal(status(r, (uint32_t)pirq), 0);
    assert_int_equal(eoi(r, (uint32_t)pirq), 0);
    assert_false(took(r, port));
    rig_set_gsi(r, EDGE, false);
    rig_set_gsi(r, EDGE, true);
    assert_true(took(r, port));
}

static void a_level_asks_until_it_falls(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = map(r, LEVEL, -1);
    const uint32_t port = bind(r, pirq);

    assert_int_equal(status(r, (uint32_t)pirq), XENIRQSTAT_needs_eoi);
    rig_set_gsi(r, LEVEL, true);
    assert_true(took(r, port));
    assert_false(took(r, port));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(eoi(r, (uint32_t)pirq), 0);
        assert_true(took(r, port));
    }
    rig_set_gsi(r, LEVEL, false);
    assert_int_equal(eoi(r, (uint32_t)pirq), 0);
    assert_false(took(r, port));
}

static void what_is_up_is_told_when_bound(void **state)
{
    struct hcall_rig *r = *state;
    uint32_t port;
    int64_t pirq;

    rig_set_gsi(r, LEVEL, true);
    pirq = map(r, LEVEL, -1);
    port = bind(r, pirq);
    assert_true(took(r, port));
    /* The other way round as well. */
    assert_int_equal(unmap(r, (int)pirq), 0);
    assert_int_equal(r->led, 0);
    assert_int_equal(map(r, LEVEL, (int)pirq), pirq);
    assert_int_equal(r->led, 1u << LEVEL);
    assert_true(took(r, port));
}

static void unmapped_or_closed_it_goes_back(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = map(r, LEVEL, -1);
    uint32_t port = bind(r, pirq);

    assert_int_equal(unmap(r, (int)pirq), 0);
    assert_int_equal(r->led, 0);
    rig_set_gsi(r, LEVEL, true);
    assert_false(took(r, port));
    /* The port is there still, and has nothing to end. */
    assert_int_equal(eoi(r, (uint32_t)pirq), 0);
    assert_int_equal(status(r, (uint32_t)pirq), -EINVAL);
    close_port(r, port);
    assert_int_equal(eoi(r, (uint32_t)pirq), -EINVAL);
    /* Closed, the number is mapped, and can be bound anew. */
    assert_int_equal(map(r, LEVEL, (int)pirq), pirq);
    port = bind(r, pirq);
    assert_true(took(r, port));
    close_port(r, port);
    assert_int_equal(r->led, 0);
    assert_int_equal(eoi(r, (uint32_t)pirq), 0);
    port = bind(r, pirq);
    assert_true(took(r, port));
    assert_int_equal(r->led, 1u << LEVEL);
}

static void numbers_that_are_none(void **state)
{
    struct hcall_rig *r = *state;

    assert_int_equal(eoi(r, 16), -EINVAL);
    assert_int_equal(eoi(r, EVTCHN_MAX_PIRQS), -EINVAL);
    assert_int_equal(eoi(r, UINT32_MAX), -EINVAL);
    assert_int_equal(status(r, 16), -EINVAL);
    assert_int_equal(status(r, EVTCHN_MAX_PIRQS), -EINVAL);
    assert_int_equal(status(r, UINT32_MAX), -EINVAL);
}

/* ---- messages ---- */

static void a_message_is_an_event(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = get_free(r, MAP_PIRQ_TYPE_MSI);
    uint32_t port;

    /* Nobody listens: it is for a local APIC, which will refuse it. */
    assert_false(xen_message(r->xen, PIRQ_ADDR(pirq), PIRQ_DATA));
    port = bind(r, pirq);
    assert_true(xen_message(r->xen, PIRQ_ADDR(pirq), PIRQ_DATA));
    assert_true(took(r, port));
    assert_true(xen_message(r->xen, PIRQ_ADDR(pirq), 0x700));
    assert_true(took(r, port));
    assert_int_equal(status(r, (uint32_t)pirq), 0);
    assert_int_equal(eoi(r, (uint32_t)pirq), 0);
    assert_false(took(r, port));
    /* It is no line's any more. */
    assert_int_equal(map(r, LEVEL, (int)pirq), -EEXIST);
    assert_int_equal(unmap(r, (int)pirq), 0);
    assert_int_equal(map(r, LEVEL, (int)pirq), pirq);
    assert_false(xen_message(r->xen, PIRQ_ADDR(pirq), PIRQ_DATA));
}

static void other_messages_are_not(void **state)
{
    struct hcall_rig *r = *state;
    const uint32_t zero = bind(r, 0);
    const uint32_t port = bind(r, MESSAGE);

    /* A vector; no local APIC's address; a number there is not. */
    assert_false(xen_message(r->xen, PIRQ_ADDR(MESSAGE), PIRQ_DATA | 0x31));
    assert_false(xen_message(r->xen, PIRQ_ADDR(MESSAGE) + (1 << 20), 0));
    assert_false(xen_message(r->xen, MESSAGE << 12, 0));
    assert_false(xen_message(r->xen, PIRQ_ADDR(MESSAGE | 0x100ull), 0));
    assert_false(xen_message(r->xen, PIRQ_ADDR(0xffffff00ull | MESSAGE), 0));
    assert_false(took(r, port));
    /* 0 is a line's at most: it would be any message without a vector. */
    assert_false(xen_message(r->xen, PIRQ_ADDR(0), PIRQ_DATA));
    assert_false(took(r, zero));
}

/* ---- the end ---- */

static void a_reset_leaves_nothing(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = map(r, LEVEL, -1);
    const int64_t given = get_free(r, MAP_PIRQ_TYPE_MSI);

    (void)bind(r, pirq);
    (void)bind(r, given);
    rig_set_gsi(r, LEVEL, true);
    xen_reset(r->xen);
    assert_int_equal(r->led, 0);
    assert_int_equal(eoi(r, (uint32_t)pirq), -EINVAL);
    assert_false(xen_message(r->xen, PIRQ_ADDR(given), PIRQ_DATA));
    /* As at the beginning: without a vector nothing is mapped. */
    assert_int_equal(map(r, LEVEL, -1), -EINVAL);
    set_vector(r);
    map_shinfo(r);
    assert_int_equal(map(r, LEVEL, -1), pirq);
    assert_int_equal(get_free(r, MAP_PIRQ_TYPE_MSI), given);
    assert_true(took(r, bind(r, pirq)));
}

/* EVTCHNOP_reset closes ports, and leaves what numbers stand for. */
static void ports_are_reset_alone(void **state)
{
    struct hcall_rig *r = *state;
    const int64_t pirq = map(r, LEVEL, -1);

    (void)bind(r, pirq);
    evtchn_reset_all(xen_evtchn(r->xen));
    assert_int_equal(r->led, 0);
    assert_int_equal(map(r, LEVEL, -1), pirq);
    rig_set_gsi(r, LEVEL, true);
    assert_true(took(r, bind(r, pirq)));
}

static int setup(void **state)
{
    static struct hcall_rig r;

    *state = &r;
    if (!rig_make(&r))
        return -1;
    map_shinfo(&r);
    set_vector(&r);
    return 0;
}

static int teardown(void **state)
{
    rig_free(*state);
    return 0;
}

#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(it_is_a_feature),
        ROW(elsewhere_it_is_not),
        ROW(other_calls_are_not_there),
        ROW(a_line_is_mapped),
        ROW(only_ones_own_lines_are),
        ROW(the_end_of_the_structure_is_not_read),
        ROW(upcalls_need_a_vector),
        ROW(numbers_are_given_out),
        ROW(unmapping_takes_a_mapping),
        ROW(an_edge_is_an_event),
        ROW(a_level_asks_until_it_falls),
        ROW(what_is_up_is_told_when_bound),
        ROW(unmapped_or_closed_it_goes_back),
        ROW(numbers_that_are_none),
        ROW(a_message_is_an_event),
        ROW(other_messages_are_not),
        ROW(a_reset_leaves_nothing),
        ROW(ports_are_reset_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
