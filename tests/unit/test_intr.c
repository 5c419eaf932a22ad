// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vCPU's INTR pin: when a vector is fetched from the 8259s, and what KVM is
 * asked for. KVM is its ioctl and its page here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vcpu/vm_priv.h"

#include <errno.h>
#include <pthread.h>

struct rig {
    struct vcpu v;
    struct kvm_run run;
    struct vcpu_ops ops;
    pthread_mutex_t lock;
    unsigned acks;
    unsigned waiting; /* interrupts at the 8259s */
    unsigned injected;
    uint32_t vector;
    int answer;
};

static struct rig rig;

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    const struct kvm_interrupt *i;
    va_list args;

    (void)fd;
    assert_int_equal(request, KVM_INTERRUPT);
    va_start(args, request);
    i = va_arg(args, const struct kvm_interrupt *);
    va_end(args);
    rig.injected++;
    rig.vector = i->irq;
    if (rig.answer < 0)
        errno = -rig.answer;
    return rig.answer < 0 ? -1 : 0;
}

/* An 8259 that has `waiting` interrupts, and lets the pin fall after them. */
static uint8_t ack(void *ctx)
{
    struct rig *r = ctx;

    assert_int_equal(pthread_mutex_trylock(&r->lock), EBUSY);
    r->acks++;
    if (r->waiting > 0 && --r->waiting == 0)
        vcpu_set_intr(&r->v, 0, false);
    return (uint8_t)(0x30 + r->acks);
}

static int setup(void **state)
{
    (void)state;
    rig = (struct rig){.lock = PTHREAD_MUTEX_INITIALIZER};
    rig.ops = (struct vcpu_ops){.ack = ack, .ctx = &rig};
    rig.v.run = &rig.run;
    rig.v.lock = &rig.lock;
    rig.v.ops = &rig.ops;
    return 0;
}

static void raise(unsigned n)
{
    rig.waiting = n;
    vcpu_set_intr(&rig.v, 0, true);
}

static void a_quiet_pin(void **state)
{
    (void)state;
    rig.run.ready_for_interrupt_injection = 1;
    rig.run.request_interrupt_window = 1;
    intr_inject(&rig.v);
    assert_int_equal(rig.acks, 0);
    assert_false(rig.run.request_interrupt_window);
}

/* Not before the guest can take it: the 8259 may think better of it. */
static void a_guest_that_is_not_ready(void **state)
{
    (void)state;
    raise(1);
    intr_inject(&rig.v);
    assert_int_equal(rig.acks, 0);
    assert_true(rig.run.request_interrupt_window);
    vcpu_set_intr(&rig.v, 0, false);
    intr_inject(&rig.v);
    assert_false(rig.run.request_interrupt_window);
    assert_int_equal(rig.acks, 0);
}

static void a_guest_that_is(void **state)
{
    (void)state;
    raise(1);
    rig.run.ready_for_interrupt_injection = 1;
    intr_inject(&rig.v);
    assert_int_equal(rig.acks, 1);
    assert_int_equal(rig.injected, 1);
    assert_int_equal(rig.vector, 0x31);
    assert_false(rig.run.request_interrupt_window);
}

/* KVM holds one; of the next it is told when that one was taken. */
static void one_at_a_time(void **state)
{
    (void)state;
    raise(2);
    rig.run.ready_for_interrupt_injection = 1;
    intr_inject(&rig.v);
    intr_inject(&rig.v);
    assert_int_equal(rig.acks, 1);
    assert_true(rig.run.request_interrupt_window);
    rig.run.ready_for_interrupt_injection = 1;
    intr_inject(&rig.v);
    assert_int_equal(rig.acks, 2);
    assert_int_equal(rig.vector, 0x32);
    assert_false(rig.run.request_interrupt_window);
}

static void a_refusal_is_no_end(void **state)
{
    (void)state;
    raise(1);
    rig.answer = -EEXIST;
    rig.run.ready_for_interrupt_injection = 1;
    intr_inject(&rig.v);
    assert_int_equal(rig.injected, 1);
    assert_false(rig.v.dead);
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_quiet_pin),         TEST(a_guest_that_is_not_ready),
        TEST(a_guest_that_is),     TEST(one_at_a_time),
        TEST(a_refusal_is_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
