/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-reset: a soft reset, as kexec asks for it: the guest goes on, and all of
 * Xen is as at the beginning: no shared_info, no ports but those of the store
 * and the console, a fresh connection, an empty grant table. Many times. And a
 * suspend, which is resumed in place.
 */
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "xenstore.h"

#include <xen/grant_table.h>

#define TIMES 10u

static long shutdown_for(unsigned reason)
{
    const struct sched_shutdown s = {reason};

    return xen_call2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}

static uint32_t version(uint32_t want)
{
    struct gnttab_set_version s = {want};

    (void)xen_call(__HYPERVISOR_grant_table_op, GNTTABOP_set_version,
                   XEN_PTR(&s), 1, 0, 0);
    return s.version;
}

/* Is the port bound to anything? */
static bool is_open(uint32_t port)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};

    return xen_event(EVTCHNOP_status, &s) == 0 && s.status != EVTCHNSTAT_closed;
}

/* Something of everything. */
static long use(void)
{
    const long port = xen_bind_ipi(0);

    STORE_IS(XS_READ, 0, "domid\0", "1");
    STORE_OK(XS_WRITE, 0, "data/x\0here");
    STORE_OK(XS_WATCH, 0, "data\0token\0");
    CHECK_NE("a transaction", store_begin(), 0);
    CHECK_EQ("version of grants", version(2), 2);
    CHECK_EQ("a port", port > 0, true);
    return port;
}

static void suspend(void)
{
    CHECK_EQ("a suspend", (unsigned long)shutdown_for(SHUTDOWN_suspend), 1);
    STORE_IS(XS_READ, 0, "data/x\0", "here");
    CHECK_EQ("version of grants", version(2), 2);
}

static void reset(long port)
{
    CHECK_EQ("a soft reset", (unsigned long)shutdown_for(SHUTDOWN_soft_reset),
             0);
    /* What is mapped next is not what was there. */
    memset(&xen_shared, 0xa5, sizeof(xen_shared));
    CHECK_EQ("the port is open", is_open((uint32_t)port), false);
    xen_init();
    CHECK_EQ("a port far from those in use", xen_shared.evtchn_pending[20], 0);
    store_open();
    STORE_NO(XS_READ, 0, "data/x\0", "ENOENT");
    STORE_NO(XS_UNWATCH, 0, "data\0token\0", "ENOENT");
}

void test_main(void)
{
    xen_init();
    store_open();
    for (unsigned i = 0; i < TIMES; i++) {
        const long port = use();

        suspend();
        reset(port);
    }
}
