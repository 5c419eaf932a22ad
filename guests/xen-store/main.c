/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-store: the store as a guest has it: the tree it expects, its own nodes,
 * transactions, watches whose events come as interrupts, long directories, and
 * a connection made anew.
 */
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "xenstore.h"

static void tree(void)
{
    STORE_IS(XS_READ, 0, "domid\0", "1");
    STORE_IS(XS_READ, 0, "/local/domain/1/domid\0", "1");
    STORE_IS(XS_READ, 0, "cpu/0/availability\0", "online");
    STORE_IS(XS_READ, 0, "memory/target\0", "65536");
    STORE_IS(XS_READ, 0, "control/shutdown\0", "");
    STORE_IS(XS_GET_DOMAIN_PATH, 0, "1\0", "/local/domain/1");
    STORE_IS(XS_IS_DOMAIN_INTRODUCED, 0, "1\0", "T");
    STORE_NO(XS_READ, 0, "nothing\0", "ENOENT");
    STORE_NO(XS_READ, 0, "/local/domain/0/domid\0", "EACCES");
    STORE_NO(XS_WRITE, 0, "domid\0002", "EACCES");
}

static void own(void)
{
    STORE_OK(XS_WRITE, 0, "data/a/b\0value");
    STORE_IS(XS_READ, 0, "data/a/b\0", "value");
    STORE_IS(XS_GET_PERMS, 0, "data/a/b\0", "n1");
    STORE_OK(XS_SET_PERMS, 0, "data/a/b\0n1\0r0\0");
    STORE_IS(XS_DIRECTORY, 0, "data/a\0", "b");
    STORE_OK(XS_MKDIR, 0, "data/a/c\0");
    STORE_OK(XS_RM, 0, "data/a\0");
    STORE_NO(XS_READ, 0, "data/a/b\0", "ENOENT");
}

static void transactions(void)
{
    uint32_t tx = store_begin(), other;

    STORE_OK(XS_WRITE, tx, "data/t\0in");
    STORE_NO(XS_READ, 0, "data/t\0", "ENOENT");
    STORE_OK(XS_TRANSACTION_END, tx, "T\0");
    STORE_IS(XS_READ, 0, "data/t\0", "in");
    tx = store_begin();
    other = store_begin();
    STORE_OK(XS_WRITE, tx, "data/t\0one");
    STORE_OK(XS_WRITE, other, "data/t\0two");
    STORE_OK(XS_TRANSACTION_END, tx, "T\0");
    STORE_NO(XS_TRANSACTION_END, other, "T\0", "EAGAIN");
    STORE_IS(XS_READ, 0, "data/t\0", "one");
    STORE_OK(XS_RM, 0, "data/t\0");
}

static void expect_event(const char *path, const char *token)
{
    if (!store_fetch(STORE_PATIENCE)) {
        test_fail("no event for %s", path);
        return;
    }
    CHECK_EQ("an event", store_reply.head.type, XS_WATCH_EVENT);
    if (strcmp(store_reply.data, path) != 0 ||
        strcmp(store_reply.data + strlen(path) + 1, token) != 0)
        test_fail("expected the event %s, seen %s", path, store_reply.data);
}

static void watches(void)
{
    STORE_OK(XS_WATCH, 0, "data\0token\0");
    expect_event("data", "token");
    STORE_OK(XS_WRITE, 0, "data/w\0x");
    expect_event("data/w", "token");
    STORE_OK(XS_RM, 0, "data/w\0");
    expect_event("data/w", "token");
    STORE_OK(XS_UNWATCH, 0, "data\0token\0");
}

/* An answer comes with an event, which is an interrupt. */
static void interrupts(void)
{
    const unsigned before = xen_upcalls[0];

    xen_clear(store_port);
    xen_shared.vcpu_info[0].evtchn_upcall_pending = 0;
    xen_shared.vcpu_info[0].evtchn_pending_sel = 0;
    if (!store_put_request(XS_READ, 0, "domid", sizeof("domid")))
        test_error("no room for a request");
    irq_enable();
    CHECK_EQ("an interrupt",
             (unsigned)clock_wait(xen_upcalls[0] > before, STORE_PATIENCE),
             true);
    irq_disable();
    CHECK_EQ("the port is pending", xen_is_pending(store_port), true);
    CHECK_EQ("the answer", store_fetch(STORE_PATIENCE), true);
}

/* More names than a message holds. */
static void directory(void)
{
    static char path[128] = "data/d/00-";
    static const char ask[] = "data/d\0000";
    char *digits = path + 7;
    unsigned names = 0;

    memset(path + 10, 'n', 90);
    for (unsigned i = 0; i < 20; i++) {
        digits[0] = (char)('0' + i / 10);
        digits[1] = (char)('0' + i % 10);
        if (store_ask(XS_MKDIR, 0, path, strlen(path) + 1) != XS_MKDIR)
            test_fail("directory %u: %s", i, store_reply.data);
    }
    CHECK_EQ("a part", store_ask(XS_DIRECTORY_PART, 0, ask, sizeof(ask)),
             XS_DIRECTORY_PART);
    for (uint32_t i = 0; i < store_reply.head.len; i++)
        names += store_reply.data[i] == '\0';
    /* The number of the change, 20 names, and an empty one. */
    CHECK_EQ("strings in the part", names, 22);
    STORE_OK(XS_RM, 0, "data/d\0");
}

static void reconnection(void)
{
    const struct xsd_sockmsg half = {XS_WRITE, 1, 0, 100};

    CHECK_EQ("server features", store_ring->server_features,
             XENSTORE_SERVER_FEATURE_RECONNECTION |
                 XENSTORE_SERVER_FEATURE_ERROR);
    STORE_OK(XS_WATCH, 0, "data\0token\0");
    (void)store_put(&half, sizeof(half));
    CHECK_EQ("a new connection", store_reconnect(), true);
    CHECK_EQ("what waits", store_ring->rsp_prod - store_ring->rsp_cons, 0);
    STORE_NO(XS_UNWATCH, 0, "data\0token\0", "ENOENT");
    tree();
}

void test_main(void)
{
    xen_init();
    xen_take_events(0);
    store_open();
    tree();
    own();
    transactions();
    watches();
    interrupts();
    directory();
    reconnection();
}
