/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-end: how a guest of Xen ends, by SCHEDOP_shutdown: it powers off,
 * reboots, or says that it crashed. Options: reason=N of sched.h.
 */
#include "cpu.h"
#include "report.h"
#include "start_info.h"
#include "xen.h"

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

void test_main(void)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_MAX + 1};
    uint64_t reason = SHUTDOWN_poweroff;

    (void)start_info_option("reason", &reason);
    xen_init();
    IS("no such reason", xen_call2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s),
       XEN_EINVAL);
    test_result();
    s.reason = (unsigned)reason;
    (void)xen_call2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
    cpu_stop();
}
