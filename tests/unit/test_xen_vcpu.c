// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcpu_op without a guest: the state a vCPU is to begin in, in both layouts
 * and from both word sizes, with each way to be wrong; up, down and the last
 * one; areas by physical address. What a real CPU does of it is tested by
 * guests/xen-vcpu.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hcall_rig.h"

#include <unistd.h>

#include <xen/hvm/hvm_vcpu.h>

#define AREA                 0x6000ull
#define NOWHERE              UINT64_MAX
#define RUNSTATE_PHYS_AREA   14
#define VCPU_TIME_PHYS_AREA  15
#define RUNSTATE_OF_32_BYTES 44

static int64_t call(struct hcall_rig *r, bool is64, uint64_t op, uint64_t vcpu)
{
    return rig_call(r, is64, __HYPERVISOR_vcpu_op, op, vcpu, RIG_ARG);
}

static int64_t initialise(struct hcall_rig *r, const struct vcpu_hvm_context *c)
{
    rig_put(r, RIG_ARG, c, sizeof(*c));
    return call(r, true, VCPUOP_initialise, 1);
}

static struct vcpu_hvm_context flat(void)
{
    return (struct vcpu_hvm_context){
        .mode = VCPU_HVM_MODE_32B,
        .cpu_regs.x86_32 = {.eax = 1,
                            .ecx = 2,
                            .edx = 3,
                            .ebx = 4,
                            .esp = 5,
                            .ebp = 6,
                            .esi = 7,
                            .edi = 8,
                            .eip = 9,
                            .eflags = 0x200,
                            .cr0 = 1,
                            .cr3 = 0x3000,
                            .cr4 = 0x10,
                            .cs_base = 10,
                            .cs_limit = UINT32_MAX,
                            .ds_limit = UINT32_MAX,
                            .ss_limit = UINT32_MAX,
                            .tr_limit = 0x67,
                            .cs_ar = 0xc9b,
                            .ds_ar = 0xc93,
                            .ss_ar = 0xc93,
                            .tr_ar = 0x8b},
    };
}

static struct vcpu_hvm_context in_long_mode(void)
{
    return (struct vcpu_hvm_context){
        .mode = VCPU_HVM_MODE_64B,
        .cpu_regs.x86_64 = {.rax = 1,
                            .rcx = 2,
                            .rdx = 3,
                            .rbx = 4,
                            .rsp = 5,
                            .rbp = 6,
                            .rsi = 7,
                            .rdi = 8,
                            .rip = 0xffffffff81000000ull,
                            .cr0 = 0x80000001,
                            .cr3 = 0x3000,
                            .cr4 = 0x20,
                            .efer = 0xd00},
    };
}

static void assert_registers(const struct cpu_context *c)
{
    assert_int_equal(c->rax, 1);
    assert_int_equal(c->rcx, 2);
    assert_int_equal(c->rdx, 3);
    assert_int_equal(c->rbx, 4);
    assert_int_equal(c->rsp, 5);
    assert_int_equal(c->rbp, 6);
    assert_int_equal(c->rsi, 7);
    assert_int_equal(c->rdi, 8);
    assert_int_equal(c->cr3, 0x3000);
}

static void test_flat(void **state)
{
    struct hcall_rig *r = *state;
    const struct vcpu_hvm_context c = flat();

    /* The layout is the same for both word sizes. */
    rig_put(r, RIG_ARG, &c, sizeof(c));
    assert_int_equal(call(r, false, VCPUOP_initialise, 1), 0);
    assert_registers(&r->context);
    assert_int_equal(r->context.rip, 9);
    assert_int_equal(r->context.rflags, 0x202);
    assert_int_equal(r->context.cr0, 1);
    assert_int_equal(r->context.cr4, 0x10);
    assert_int_equal(r->context.efer, 0);
    assert_int_equal(r->context.cs.base, 10);
    assert_int_equal(r->context.cs.limit, UINT32_MAX);
    assert_int_equal(r->context.cs.ar, 0xc9b);
    assert_int_equal(r->context.es.ar, 0);
    assert_int_equal(r->context.tr.limit, 0x67);
    assert_int_equal(initialise(r, &c), -EEXIST);
}

static void test_long_mode(void **state)
{
    struct hcall_rig *r = *state;
    const struct vcpu_hvm_context c = in_long_mode();

    assert_int_equal(initialise(r, &c), 0);
    assert_registers(&r->context);
    assert_int_equal(r->context.rip, 0xffffffff81000000ull);
    assert_int_equal(r->context.rflags, 2);
    assert_int_equal(r->context.efer, 0xd00);
    assert_int_equal(r->context.cs.ar, 0xa9b);
    assert_int_equal(r->context.ss.ar, 0xc93);
    assert_int_equal(r->context.tr.ar, 0x8b);
}

#define WRONG(good, field, value)                      \
    do {                                               \
        struct vcpu_hvm_context c_ = (good);           \
        c_.field = (value);                            \
        assert_int_equal(initialise(r, &c_), -EINVAL); \
    } while (0)

static void test_wrong_contexts(void **state)
{
    struct hcall_rig *r = *state;

    WRONG(flat(), mode, 2);
    WRONG(flat(), pad, 1);
    /* Segments of the wrong kind, or not there. */
    WRONG(flat(), cpu_regs.x86_32.cs_ar, 0xc93);
    WRONG(flat(), cpu_regs.x86_32.cs_ar, 0xc1b);
    WRONG(flat(), cpu_regs.x86_32.cs_ar, 0);
    WRONG(flat(), cpu_regs.x86_32.cs_ar, 0x1c9b);
    WRONG(flat(), cpu_regs.x86_32.ss_ar, 0xc9b);
    WRONG(flat(), cpu_regs.x86_32.ss_ar, 0xc91);
    WRONG(flat(), cpu_regs.x86_32.ss_ar, 0xcf3);
    WRONG(flat(), cpu_regs.x86_32.ds_ar, 0xc99);
    WRONG(flat(), cpu_regs.x86_32.es_ar, 0x8b);
    WRONG(flat(), cpu_regs.x86_32.tr_ar, 0x82);
    WRONG(flat(), cpu_regs.x86_32.tr_ar, 0);
    /* Limits: not of whole pages, too long in bytes; rip beyond one. */
    WRONG(flat(), cpu_regs.x86_32.ds_limit, 0x1000);
    WRONG(flat(), cpu_regs.x86_32.tr_limit, 0x100000);
    WRONG(flat(), cpu_regs.x86_32.cs_limit, 0x8);
    /* Modes that no CPU has. */
    WRONG(flat(), cpu_regs.x86_32.cr0, 0x80000000);
    WRONG(flat(), cpu_regs.x86_32.efer, 0x400);
    WRONG(flat(), cpu_regs.x86_32.efer, 2);
    WRONG(in_long_mode(), cpu_regs.x86_64.cr0, 1);
    WRONG(in_long_mode(), cpu_regs.x86_64.cr0, 1ull << 32 | 0x80000001);
    WRONG(in_long_mode(), cpu_regs.x86_64.cr4, 0);
    WRONG(in_long_mode(), cpu_regs.x86_64.efer, 0x100);
    WRONG(in_long_mode(), cpu_regs.x86_64.rip, 1ull << 47);
    assert_false(r->loaded[1]);
}

static void test_who_and_where_from(void **state)
{
    struct hcall_rig *r = *state;
    const struct vcpu_hvm_context c = flat();
    struct hcall h = {.nr = __HYPERVISOR_vcpu_op,
                      .arg = {VCPUOP_initialise, 1, RIG_RAM - 8},
                      .is64 = true};

    rig_put(r, RIG_ARG, &c, sizeof(c));
    assert_int_equal(call(r, true, VCPUOP_initialise, RIG_CPUS), -ENOENT);
    assert_int_equal(call(r, true, VCPUOP_initialise, 0), -EEXIST);
    assert_int_equal(xen_hypercall(r->xen, &h), -EFAULT);
}

static void test_up_and_down(void **state)
{
    struct hcall_rig *r = *state;
    const struct vcpu_hvm_context c = flat();

    assert_int_equal(call(r, true, VCPUOP_is_up, 1), 0);
    assert_int_equal(call(r, true, VCPUOP_up, 1), -EINVAL);
    assert_int_equal(initialise(r, &c), 0);
    assert_int_equal(call(r, true, VCPUOP_is_up, 1), 0);
    assert_int_equal(call(r, true, VCPUOP_up, 1), 0);
    assert_int_equal(call(r, true, VCPUOP_is_up, 1), 1);
    assert_int_equal(call(r, true, VCPUOP_down, 0), 0);
    assert_int_equal(call(r, true, VCPUOP_is_up, 0), 0);
    assert_int_equal(r->shutdown, -1);
    /* Nobody would be left. */
    assert_int_equal(call(r, true, VCPUOP_down, 1), 0);
    assert_int_equal(r->shutdown, SHUTDOWN_poweroff);
}

static void test_nmi(void **state)
{
    struct hcall_rig *r = *state;

    assert_int_equal(call(r, true, VCPUOP_send_nmi, 3), 0);
    assert_int_equal(r->nmis[3], 1);
    assert_int_equal(call(r, true, VCPUOP_send_nmi, RIG_CPUS), -ENOENT);
}

/* Register an area; the address has 64 bits, whoever calls. */
static int64_t area(struct hcall_rig *r, bool is64, uint64_t op, uint64_t gpa)
{
    rig_put(r, RIG_ARG, &gpa, sizeof(gpa));
    return call(r, is64, op, 0);
}

/* The runstate of a vCPU at a system time. */
static struct vcpu_runstate_info asked(struct hcall_rig *r, unsigned vcpu,
                                       uint64_t at)
{
    struct vcpu_runstate_info i;
    uint64_t sum = 0;

    r->now = at - 1000;
    assert_int_equal(call(r, true, VCPUOP_get_runstate_info, vcpu), 0);
    rig_get(r, RIG_ARG, &i, sizeof(i));
    for (unsigned s = 0; s < 4; s++)
        sum += i.time[s];
    assert_int_equal(i.state_entry_time, at);
    assert_int_equal(sum, at);
    return i;
}

static void times_are(const struct vcpu_runstate_info *i, uint64_t running,
                      uint64_t runnable, uint64_t blocked, uint64_t offline)
{
    assert_int_equal(i->time[RUNSTATE_running], running);
    assert_int_equal(i->time[RUNSTATE_runnable], runnable);
    assert_int_equal(i->time[RUNSTATE_blocked], blocked);
    assert_int_equal(i->time[RUNSTATE_offline], offline);
}

static void test_runstate_times(void **state)
{
    struct hcall_rig *r = *state;
    struct vcpu_runstate_info i;

    r->times[0] = (struct xen_times){.ran = 4000};
    i = asked(r, 0, 10000);
    assert_int_equal(i.state, RUNSTATE_running);
    times_are(&i, 4000, 0, 6000, 0);
    r->times[0] = (struct xen_times){5000, 3000, 200};
    i = asked(r, 0, 20000);
    times_are(&i, 5000, 3000, 11800, 200);
    /* Counters that go back, and that have grown by more than there is. */
    r->times[0] = (struct xen_times){1000, 0, 200};
    i = asked(r, 0, 30000);
    times_are(&i, 5000, 3000, 21800, 200);
    r->times[0] = (struct xen_times){2000, UINT64_MAX, UINT64_MAX};
    i = asked(r, 0, 40000);
    times_are(&i, 6000, 12000, 21800, 200);
}

static void test_runstate_offline(void **state)
{
    struct hcall_rig *r = *state;
    struct vcpu_runstate_info i = asked(r, 1, 5000);

    assert_int_equal(i.state, RUNSTATE_offline);
    times_are(&i, 0, 0, 0, 5000);
    r->loaded[1] = true;
    r->now = 6000;
    assert_int_equal(call(r, true, VCPUOP_up, 1), 0);
    r->times[1].ran = 2000;
    i = asked(r, 1, 10000);
    assert_int_equal(i.state, RUNSTATE_running);
    times_are(&i, 2000, 0, 1000, 7000);
    r->now = 19000;
    assert_int_equal(call(r, true, VCPUOP_down, 1), 0);
    i = asked(r, 1, 50000);
    assert_int_equal(i.state, RUNSTATE_offline);
    times_are(&i, 2000, 0, 11000, 37000);
}

/* Brought up to date by hypercalls, after a while; with the flag at the end. */
static void test_runstate_area(void **state)
{
    struct hcall_rig *r = *state;
    struct vcpu_runstate_info i = {.state = 0};

    r->times[0].ran = 1;
    assert_int_equal(area(r, true, RUNSTATE_PHYS_AREA, AREA), 0);
    r->times[0].waited = 500;
    r->now += 100000;
    for (unsigned n = 0; n < 10000 && !i.time[RUNSTATE_runnable]; n++) {
        (void)call(r, true, VCPUOP_is_up, 0);
        rig_get(r, AREA, &i, sizeof(i));
        usleep(1000);
    }
    assert_int_equal(i.time[RUNSTATE_runnable], 500);
    assert_int_equal(i.state_entry_time,
                     i.time[0] + i.time[1] + i.time[2] + i.time[3]);
}

static void test_runstate_by_address(void **state)
{
    struct hcall_rig *r = *state;
    struct vcpu_runstate_info i;
    uint64_t running = 0;

    r->times[0].ran = 10;
    assert_int_equal(area(r, true, RUNSTATE_PHYS_AREA, AREA), 0);
    rig_get(r, AREA, &i, sizeof(i));
    assert_int_equal(i.state, RUNSTATE_running);
    assert_int_equal(i.time[RUNSTATE_running], 10);
    r->times[0].ran = 20;
    /* 32 bits: four bytes less before the times, and aligned to four. */
    assert_int_equal(area(r, false, RUNSTATE_PHYS_AREA, AREA + 100), 0);
    rig_get(r, AREA + 100 + 12, &running, sizeof(running));
    assert_int_equal(running, 20);
    assert_int_equal(area(r, true, RUNSTATE_PHYS_AREA, AREA + 4), -ENXIO);
    assert_int_equal(
        area(r, true, RUNSTATE_PHYS_AREA, AREA + 4096 - sizeof(i) + 8), -ENXIO);
    assert_int_equal(area(r, true, RUNSTATE_PHYS_AREA, AREA + 4096 - sizeof(i)),
                     0);
    assert_int_equal(
        area(r, false, RUNSTATE_PHYS_AREA, AREA + 4096 - RUNSTATE_OF_32_BYTES),
        0);
    assert_int_equal(area(r, true, RUNSTATE_PHYS_AREA, RIG_RAM), -ENXIO);
    assert_int_equal(area(r, true, RUNSTATE_PHYS_AREA, NOWHERE - 7), -ENXIO);
    assert_int_equal(area(r, true, RUNSTATE_PHYS_AREA, NOWHERE), 0);
}

static void test_time_by_address(void **state)
{
    struct hcall_rig *r = *state;
    const struct vcpu_register_vcpu_info info = {.mfn = 8, .offset = 0};
    struct vcpu_time_info t = {.version = 4, .system_time = 77};

    rig_put(r, RIG_ARG, &info, sizeof(info));
    assert_int_equal(call(r, true, VCPUOP_register_vcpu_info, 0), 0);
    rig_put(r, 0x8000 + offsetof(struct vcpu_info, time), &t, sizeof(t));
    assert_int_equal(area(r, true, VCPU_TIME_PHYS_AREA, AREA), 0);
    rig_get(r, AREA, &t, sizeof(t));
    assert_int_equal(t.system_time, 77);
    assert_int_equal(area(r, true, VCPU_TIME_PHYS_AREA, AREA + 4072), -ENXIO);
    assert_int_equal(area(r, true, VCPU_TIME_PHYS_AREA, RIG_RAM), -ENXIO);
    assert_int_equal(area(r, true, VCPU_TIME_PHYS_AREA, NOWHERE), 0);
    t.version = 6;
    t.system_time = 99;
    rig_put(r, 0x8000 + offsetof(struct vcpu_info, time), &t, sizeof(t));
    (void)call(r, true, VCPUOP_is_up, 0);
    rig_get(r, AREA, &t, sizeof(t));
    assert_int_equal(t.system_time, 77);
}

static int setup(void **state)
{
    static struct hcall_rig r;

    *state = &r;
    return rig_make(&r) ? 0 : -1;
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
        TEST(test_flat),
        TEST(test_long_mode),
        TEST(test_wrong_contexts),
        TEST(test_who_and_where_from),
        TEST(test_up_and_down),
        TEST(test_nmi),
        TEST(test_runstate_times),
        TEST(test_runstate_offline),
        TEST(test_runstate_area),
        TEST(test_runstate_by_address),
        TEST(test_time_by_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
