/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-vcpu: a CPU that begins by hypercall, in the mode and with the registers
 * it is given, goes down by itself and by another, goes on where it was, and is
 * woken by INIT and SIPI after that; what is refused; a non-maskable interrupt.
 * Options: cpus=2.
 */
#include "apic.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"
#include "string.h"
#include "xen.h"

#include <xen/hvm/hvm_vcpu.h>

#define PATIENCE   (20 * CLOCK_S)
#define STACK_SIZE 4096u
#define GIVEN      0x1badb002u
#define VECTOR_NMI 2
#define NOWHERE    ((const void *)(uintptr_t)0xe0000000u) /* no RAM */

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

static unsigned char stack[STACK_SIZE] __attribute__((aligned(16)));
static volatile unsigned long given;
static volatile unsigned turns, nmis;
static volatile bool resting, woken;

/* CPU 1, by hypercall: no table is loaded, nothing may trap. */
static void begin(unsigned long argument)
{
    given = argument;
    for (;;) {
        turns = turns + 1;
        if (resting)
            continue;
        (void)xen_vcpu(VCPUOP_down, 1, NULL);
    }
}

/* CPU 1, by INIT and SIPI. */
static void arrive(unsigned cpu)
{
    (void)cpu;
    woken = true;
}

static void on_nmi(struct trap_frame *frame)
{
    (void)frame;
    nmis = nmis + 1;
}

/* As after a call of begin; where the argument is depends on the mode. */
static uintptr_t make_stack(void)
{
    const uintptr_t top = (uintptr_t)stack + STACK_SIZE - 16;
    const unsigned long words[2] = {0, GIVEN};

    memcpy((void *)(top - sizeof(words[0])), words, sizeof(words));
    return top - sizeof(words[0]);
}

static struct vcpu_hvm_context context_32(void)
{
    return (struct vcpu_hvm_context){
        .mode = VCPU_HVM_MODE_32B,
        .cpu_regs.x86_32 =
            {
                .eip = (uint32_t)(uintptr_t)begin,
                .esp = (uint32_t)make_stack(),
                .cr0 = 1,
                .cs_limit = 0xffffffff,
                .ds_limit = 0xffffffff,
                .ss_limit = 0xffffffff,
                .es_limit = 0xffffffff,
                .tr_limit = 0x67,
                .cs_ar = 0xc9b,
                .ds_ar = 0xc93,
                .ss_ar = 0xc93,
                .es_ar = 0xc93,
                .tr_ar = 0x8b,
            },
    };
}

static struct vcpu_hvm_context context_64(void)
{
    uintptr_t cr3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    return (struct vcpu_hvm_context){
        .mode = VCPU_HVM_MODE_64B,
        .cpu_regs.x86_64 =
            {
                .rip = (uintptr_t)begin,
                .rsp = make_stack(),
                .rdi = GIVEN,
                .cr0 = 0x80000001,
                .cr3 = cr3,
                .cr4 = 0x20,
                .efer = 0x500,
            },
    };
}

static void refused(const struct vcpu_hvm_context *good)
{
    struct vcpu_hvm_context bad = *good;

    IS("no state yet", xen_vcpu(VCPUOP_up, 1, NULL), XEN_EINVAL);
    IS("of nothing", xen_vcpu(VCPUOP_initialise, 1, NOWHERE), XEN_EFAULT);
    IS("of no CPU", xen_vcpu(VCPUOP_initialise, 2, good), XEN_ENOENT);
    IS("of one that runs", xen_vcpu(VCPUOP_initialise, 0, good), XEN_EEXIST);
    bad.mode = 2;
    IS("in no mode", xen_vcpu(VCPUOP_initialise, 1, &bad), XEN_EINVAL);
    bad = context_32();
    bad.cpu_regs.x86_32.cs_ar = 0xc93;
    IS("data as code", xen_vcpu(VCPUOP_initialise, 1, &bad), XEN_EINVAL);
    bad = context_32();
    bad.cpu_regs.x86_32.tr_ar = 0;
    IS("no task", xen_vcpu(VCPUOP_initialise, 1, &bad), XEN_EINVAL);
    bad = context_64();
    bad.cpu_regs.x86_64.rip = (uint64_t)1 << 47;
    IS("not canonical", xen_vcpu(VCPUOP_initialise, 1, &bad), XEN_EINVAL);
    bad = context_64();
    bad.cpu_regs.x86_64.cr4 = 0;
    IS("long, no PAE", xen_vcpu(VCPUOP_initialise, 1, &bad), XEN_EINVAL);
}

static bool is_up(unsigned cpu)
{
    return xen_vcpu(VCPUOP_is_up, cpu, NULL) == 1;
}

static void wait_for(const char *what, volatile unsigned *count, unsigned n)
{
    if (!clock_wait(*count >= n, PATIENCE))
        test_fail("%s: expected %u, seen %u", what, n, *count);
}

/* Down by this CPU: it is out of the guest soon, and then stands still. */
static unsigned take_down(void)
{
    unsigned seen;

    IS("down by another", xen_vcpu(VCPUOP_down, 1, NULL), 0);
    CHECK_EQ("is up", is_up(1), false);
    do {
        seen = turns;
        (void)clock_wait(false, 300 * CLOCK_MS);
    } while (turns != seen);
    return seen;
}

/* By itself, then by another; each time it goes on where it was. */
static void down_and_up(void)
{
    unsigned seen;

    wait_for("the first turn", &turns, 1);
    CHECK_EQ("its argument", given, GIVEN);
    if (!clock_wait(!is_up(1), PATIENCE))
        test_fail("it does not go down");
    IS("up again", xen_vcpu(VCPUOP_up, 1, NULL), 0);
    wait_for("the second turn", &turns, 2);
    if (!clock_wait(!is_up(1), PATIENCE))
        test_fail("it does not go down again");
    resting = true;
    IS("to stay up", xen_vcpu(VCPUOP_up, 1, NULL), 0);
    IS("up, and is so", xen_vcpu(VCPUOP_up, 1, NULL), 0);
    wait_for("many turns", &turns, 100);
    seen = take_down();
    IS("once more", xen_vcpu(VCPUOP_up, 1, NULL), 0);
    wait_for("a turn after", &turns, seen + 1);
    (void)take_down();
}

void test_main(void)
{
    const struct vcpu_hvm_context good =
        sizeof(void *) == 8 ? context_64() : context_32();

    xen_init();
    CHECK_EQ("up, not started", is_up(1), false);
    refused(&good);
    IS("its state", xen_vcpu(VCPUOP_initialise, 1, &good), 0);
    IS("its state, twice", xen_vcpu(VCPUOP_initialise, 1, &good), XEN_EEXIST);
    CHECK_EQ("up, with a state", is_up(1), false);
    IS("up", xen_vcpu(VCPUOP_up, 1, NULL), 0);
    IS("a state, up", xen_vcpu(VCPUOP_initialise, 1, &good), XEN_EEXIST);
    down_and_up();
    apic_init();
    CHECK_EQ("woken by SIPI", smp_start(1, 1, arrive), true);
    if (!clock_wait(woken, PATIENCE))
        test_fail("it is not there by SIPI");
    CHECK_EQ("up by SIPI", is_up(1), true);
    trap_set_handler(VECTOR_NMI, on_nmi);
    IS("NMI", xen_vcpu(VCPUOP_send_nmi, 0, NULL), 0);
    wait_for("NMIs", &nmis, 1);
}
