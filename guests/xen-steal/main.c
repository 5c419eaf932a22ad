/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-steal: the four times of a vCPU's runstate add up to the system time and
 * never go back; one that halts is blocked, one whose CPU others have is
 * runnable, one that the operator pauses is offline. The harness takes the CPU
 * away and pauses, when it is told to.
 */
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "xen.h"

#define PATIENCE (40 * CLOCK_S)
#define HALTED   (50 * CLOCK_MS)
#define STOLEN   (100 * CLOCK_MS)
#define PAUSED   (200 * CLOCK_MS)

static struct vcpu_runstate_info area __attribute__((aligned(64)));
static struct vcpu_runstate_info last;

/* As the area's owner reads it, while it may be written. */
static struct vcpu_runstate_info look(void)
{
    struct vcpu_runstate_info i;
    const volatile struct vcpu_runstate_info *a = &area;

    do {
        i.state_entry_time = a->state_entry_time;
        __asm__ volatile("" ::: "memory");
        i.state = a->state;
        for (unsigned s = 0; s < 4; s++)
            i.time[s] = a->time[s];
        __asm__ volatile("" ::: "memory");
    } while (i.state_entry_time & XEN_RUNSTATE_UPDATE ||
             i.state_entry_time != a->state_entry_time);
    return i;
}

static void check(const struct vcpu_runstate_info *i)
{
    uint64_t sum = 0;

    CHECK_EQ("it runs", (unsigned)i->state, RUNSTATE_running);
    for (unsigned s = 0; s < 4; s++) {
        CHECK_GE("a time that went back", i->time[s], last.time[s]);
        sum += i->time[s];
    }
    CHECK_EQ("all times", sum, i->state_entry_time);
    CHECK_LE("they are past", sum, clock_ns());
    last = *i;
}

/* Work until a time has grown. */
static void until_grown(unsigned state, uint64_t by)
{
    const uint64_t from = last.time[state], end = clock_ns() + PATIENCE;

    while (last.time[state] < from + by) {
        struct vcpu_runstate_info i;

        (void)xen_call2(__HYPERVISOR_xen_version, XENVER_version, NULL);
        i = look();
        check(&i);
        if (clock_ns() > end)
            test_fail("state %u has grown by about %u us only", state,
                      (unsigned)((last.time[state] - from) >> 10));
    }
}

/* One tick is enough to see it: halt until it is there. */
static void halt(void)
{
    const unsigned port = (unsigned)xen_bind_virq(VIRQ_TIMER, 0);
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns =
                                              clock_ns() + 2 * HALTED};

    xen_take_events(0);
    CHECK_EQ("timer", (uint64_t)xen_vcpu(VCPUOP_set_singleshot_timer, 0, &t),
             0);
    while (!xen_is_pending(port))
        irq_wait();
}

void test_main(void)
{
    struct vcpu_register_runstate_memory_area r = {.addr.v = &area};

    xen_init();
    CHECK_EQ("update flag",
             (uint64_t)xen_call(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
                                VMASST_TYPE_runstate_update_flag, 0, 0, 0),
             0);
    CHECK_EQ("area",
             (uint64_t)xen_vcpu(VCPUOP_register_runstate_memory_area, 0, &r),
             0);
    last = look();
    until_grown(RUNSTATE_running, CLOCK_MS);
    {
        const uint64_t blocked = last.time[RUNSTATE_blocked];

        halt();
        until_grown(RUNSTATE_running, CLOCK_MS);
        CHECK_GE("blocked", last.time[RUNSTATE_blocked], blocked + HALTED);
    }
    printf("STEAL\n");
    until_grown(RUNSTATE_runnable, STOLEN);
    printf("PAUSE\n");
    until_grown(RUNSTATE_offline, PAUSED);
}
