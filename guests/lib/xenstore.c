/* SPDX-License-Identifier: MIT */
/* xenstore.c: see xenstore.h. Source: Xen's docs/misc/xenstore-ring. */
#include "xenstore.h"

#include "cpu.h"
#include "report.h"
#include "string.h"

volatile struct xenstore_domain_interface *store_ring;
uint32_t store_port;
struct store_message store_reply;
unsigned store_events;

static uint32_t last_id;

static uint64_t param(uint32_t index)
{
    struct xen_hvm_param p = {.domid = DOMID_SELF, .index = index};

    if (xen_call2(__HYPERVISOR_hvm_op, HVMOP_get_param, &p) != 0)
        test_error("no HVM parameter %u", index);
    return p.value;
}

void store_open(void)
{
    const uint64_t pfn = param(HVM_PARAM_STORE_PFN);

    store_port = (uint32_t)param(HVM_PARAM_STORE_EVTCHN);
    if (!pfn || !store_port)
        test_error("there is no xenstore");
    store_ring =
        (volatile struct xenstore_domain_interface *)(uintptr_t)(pfn << 12);
}

void store_kick(void)
{
    if (xen_send(store_port) != 0)
        test_error("the store's port cannot be sent to");
}

static uint32_t load(const volatile uint32_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(volatile uint32_t *at, uint32_t v)
{
    __atomic_store_n(at, v, __ATOMIC_RELEASE);
}

static uint32_t room(void)
{
    return XENSTORE_RING_SIZE -
           (store_ring->req_prod - load(&store_ring->req_cons));
}

bool store_put(const void *data, size_t n)
{
    const char *from = data;
    uint32_t at = store_ring->req_prod;

    for (; n; n--) {
        if (!room()) {
            store_kick();
            if (!clock_wait(room(), STORE_PATIENCE))
                return false;
        }
        store_ring->req[MASK_XENSTORE_IDX(at)] = *from++;
        store(&store_ring->req_prod, ++at);
    }
    store_kick();
    return true;
}

bool store_put_request(uint32_t type, uint32_t tx, const void *data, size_t n)
{
    const struct xsd_sockmsg head = {type, ++last_id, tx, (uint32_t)n};

    return store_put(&head, sizeof(head)) && (!n || store_put(data, n));
}

static bool take(void *to, size_t n, uint64_t patience)
{
    char *out = to;

    for (; n; n--) {
        const uint32_t at = store_ring->rsp_cons;

        if (load(&store_ring->rsp_prod) == at) {
            store_kick();
            if (!clock_wait(load(&store_ring->rsp_prod) != at, patience))
                return false;
        }
        *out++ = store_ring->rsp[MASK_XENSTORE_IDX(at)];
        store(&store_ring->rsp_cons, at + 1);
    }
    return true;
}

bool store_fetch(uint64_t patience)
{
    struct store_message *m = &store_reply;

    if (!take(&m->head, sizeof(m->head), patience))
        return false;
    if (m->head.len > XENSTORE_PAYLOAD_MAX)
        test_error("a message of %u bytes", m->head.len);
    m->data[m->head.len] = '\0';
    return take(m->data, m->head.len, STORE_PATIENCE);
}

uint32_t store_ask(uint32_t type, uint32_t tx, const void *data, size_t n)
{
    if (!store_put_request(type, tx, data, n))
        test_error("no room for a request of type %u", type);
    for (;;) {
        if (!store_fetch(STORE_PATIENCE))
            test_error("no answer to a request of type %u", type);
        if (store_reply.head.type != XS_WATCH_EVENT)
            break;
        store_events++;
    }
    CHECK_EQ("the answer's request", store_reply.head.req_id, last_id);
    CHECK_EQ("the answer's transaction", store_reply.head.tx_id, tx);
    return store_reply.head.type;
}

void store_expect(uint32_t type, uint32_t tx, const void *data, size_t n,
                  uint32_t want, const char *text)
{
    const uint32_t got = store_ask(type, tx, data, n);

    if (got != want || strcmp(store_reply.data, text) != 0)
        test_fail("request %u '%s': expected type %u '%s', seen %u '%s'", type,
                  n ? (const char *)data : "", want, text, got,
                  store_reply.data);
}

uint32_t store_begin(void)
{
    uint32_t id = 0;

    if (store_ask(XS_TRANSACTION_START, 0, "", 1) != XS_TRANSACTION_START)
        return 0;
    for (const char *p = store_reply.data; *p; p++)
        id = id * 10 + (uint32_t)(*p - '0');
    return id;
}

bool store_reconnect(void)
{
    store(&store_ring->connection, XENSTORE_RECONNECT);
    store_kick();
    return clock_wait(load(&store_ring->connection) == XENSTORE_CONNECTED,
                      STORE_PATIENCE);
}
