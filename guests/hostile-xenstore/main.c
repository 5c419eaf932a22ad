/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-xenstore: case 44 from inside: the store's ring with indices too far
 * apart, going back and overwritten, messages too long, of no type and without
 * an end; paths that are none; requests while answers wait unread; one watch,
 * transaction, node and change too many; a tree that is watched and removed;
 * conflicts without end; a connection reset in the middle of a message. After
 * each the guest is served.
 */
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "xenstore.h"

#define ROUNDS 300u

/* Still there, and as it should be. */
static void served(void)
{
    STORE_OK(XS_WRITE, 0, "data/alive\0yes");
    STORE_IS(XS_READ, 0, "data/alive\0", "yes");
    CHECK_EQ("no error", store_ring->error, XENSTORE_ERROR_NONE);
}

/* The connection is over, for this reason, until we ask for another. */
static void over(uint32_t why)
{
    store_kick();
    CHECK_EQ("the error field",
             (unsigned)clock_wait(store_ring->error == why, STORE_PATIENCE),
             true);
    CHECK_EQ("a new connection", store_reconnect(), true);
    served();
}

static void indices(void)
{
    static const uint32_t wrong[] = {1025, 4096, 0x7fffffff, 0x80000000,
                                     0xffffffff};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        store_ring->req_prod = store_ring->req_cons + wrong[i];
        over(XENSTORE_ERROR_RINGIDX);
        store_ring->rsp_cons = store_ring->rsp_prod - wrong[i];
        (void)store_put_request(XS_READ, 0, "domid", sizeof("domid"));
        over(XENSTORE_ERROR_RINGIDX);
    }
    /* Theirs are not ours to write; it does not matter that we did. */
    for (unsigned i = 0; i < 50; i++) {
        store_ring->req_cons = 0xdead0000u + i;
        store_ring->rsp_prod = 0xdead0000u + i;
    }
    CHECK_EQ("a new connection", store_reconnect(), true);
    served();
}

static void lengths(void)
{
    static const uint32_t wrong[] = {4097, 65536, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct xsd_sockmsg head = {XS_WRITE, 1, 0, wrong[i]};

        (void)store_put(&head, sizeof(head));
        over(XENSTORE_ERROR_PROTO);
    }
}

static void nonsense(void)
{
    static char path[XENSTORE_ABS_PATH_MAX + 2] = "/";

    for (uint32_t type = 0; type < 40; type++)
        (void)store_ask(type, 0, "no end", 6);
    (void)store_ask(XS_INVALID, 0, NULL, 0);
    (void)store_ask(UINT32_MAX, UINT32_MAX, "x", 2);
    STORE_NO(XS_READ, 0, "/local//domain\0", "EINVAL");
    STORE_NO(XS_READ, 0, "/local/domain/../0\0", "EINVAL");
    STORE_NO(XS_WRITE, 0, "/local/domain/0/mine\0x", "EACCES");
    STORE_NO(XS_RM, 0, "/\0", "EINVAL");
    memset(path + 1, 'p', sizeof(path) - 2);
    CHECK_EQ("a path of 3073 bytes", store_ask(XS_READ, 0, path, sizeof(path)),
             XS_ERROR);
    served();
}

/* Nobody reads: what is asked waits where it is. */
static void unread(void)
{
    const struct xsd_sockmsg head = {XS_GET_DOMAIN_PATH, 1, 0, 2};
    unsigned sent = 0, answers = 0;

    while (store_ring->req_prod - store_ring->req_cons <=
               XENSTORE_RING_SIZE - sizeof(head) - 2 &&
           sent < 1000) {
        (void)store_put(&head, sizeof(head));
        (void)store_put("1", 2);
        clock_delay(CLOCK_MS / 2);
        sent++;
    }
    CHECK_LE("requests until the rings are full", sent, 200);
    while (answers < sent && store_fetch(STORE_PATIENCE))
        answers += store_reply.head.type == XS_GET_DOMAIN_PATH;
    CHECK_EQ("answers", answers, sent);
    served();
}

/* "data/q/NNNN", as text with its NUL; the length. */
static size_t numbered(char *to, const char *where, unsigned n)
{
    const size_t at = strlen(where);

    memcpy(to, where, at);
    for (unsigned i = 0; i < 4; i++, n /= 10)
        to[at + 3 - i] = (char)('0' + n % 10);
    to[at + 4] = '\0';
    return at + 5;
}

static void quotas(void)
{
    char text[64];
    unsigned n;
    uint32_t tx;

    for (n = 0; n < 200; n++) {
        const size_t len = numbered(text, "w", n);

        memcpy(text + len, text, len);
        if (store_ask(XS_WATCH, 0, text, 2 * len) != XS_WATCH)
            break;
    }
    CHECK_EQ("watches", n, 128);
    for (n = 0; n < 20 && store_begin(); n++)
        ;
    CHECK_EQ("transactions", n, 10);
    STORE_OK(XS_RESET_WATCHES, 0, "\0");
    for (n = 0; n < 2000; n++) {
        const size_t len = numbered(
            text, n % 2 ? "data/odd/" : (n % 4 ? "data/two/" : "data/four/"),
            n);

        if (store_ask(XS_MKDIR, 0, text, len) != XS_MKDIR)
            break;
    }
    CHECK_GE("nodes", n, 100);
    CHECK_LE("nodes", n, 1000);
    STORE_OK(XS_RM, 0, "data/odd\0");
    STORE_OK(XS_RM, 0, "data/two\0");
    STORE_OK(XS_RM, 0, "data/four\0");
    tx = store_begin();
    for (n = 0; n < 2000; n++)
        if (store_ask(XS_WRITE, tx, "attr/x\0y", 8) != XS_WRITE)
            break;
    CHECK_EQ("changes in a transaction", n, 1024);
    STORE_OK(XS_TRANSACTION_END, tx, "F\0");
}

static void watch_and_remove(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        STORE_OK(XS_WRITE, 0, "attr/a/b/c/d\0x");
        STORE_OK(XS_WATCH, 0, "attr/a/b\0t\0");
        STORE_OK(XS_RM, 0, "attr/a\0");
        if (i % 2)
            STORE_OK(XS_UNWATCH, 0, "attr/a/b\0t\0");
        else
            STORE_OK(XS_RESET_WATCHES, 0, "\0");
    }
}

static void conflicts(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint32_t a = store_begin(), b = store_begin();

        STORE_OK(XS_WRITE, a, "attr/x\0a");
        STORE_OK(XS_WRITE, b, "attr/x\0b");
        STORE_OK(XS_TRANSACTION_END, b, "T\0");
        STORE_NO(XS_TRANSACTION_END, a, "T\0", "EAGAIN");
    }
}

static void reset_inside(void)
{
    for (unsigned i = 0; i < 64; i++) {
        const struct xsd_sockmsg head = {XS_WRITE, 1, 0, 64};

        (void)store_put(&head, i % sizeof(head) + 1);
        CHECK_EQ("a new connection", store_reconnect(), true);
    }
    STORE_IS(XS_READ, 0, "domid\0", "1");
}

static const struct {
    const char *what;
    void (*run)(void);
} rows[] = {
    {"indices", indices},     {"lengths", lengths},
    {"nonsense", nonsense},   {"answers unread", unread},
    {"quotas", quotas},       {"watched and removed", watch_and_remove},
    {"conflicts", conflicts}, {"reset in a message", reset_inside},
};

void test_main(void)
{
    xen_init();
    store_open();
    served();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("case 44: %s\n", rows[i].what);
        rows[i].run();
    }
    STORE_IS(XS_READ, 0, "domid\0", "1");
}
