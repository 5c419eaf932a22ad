/* SPDX-License-Identifier: MIT */
/* xenbus.c: see xenbus.h. Source: xen/grant_table.h. */
#include "xenbus.h"

#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "xenstore.h"

#define PATIENCE (10 * CLOCK_S)

#define N_REFS (XENBUS_PAGE / sizeof(struct grant_entry_v1))

static struct grant_entry_v1 grants[N_REFS] __attribute__((aligned(4096)));
static uint32_t next_ref = GNTTAB_NR_RESERVED_ENTRIES;

void xenbus_init(void)
{
    struct xen_add_to_physmap map = {
        .domid = DOMID_SELF,
        .space = XENMAPSPACE_grant_table,
        .gpfn = (xen_pfn_t)((uintptr_t)grants / XENBUS_PAGE),
    };

    store_open();
    if (xen_call2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map) != 0)
        test_error("the grant table cannot be placed");
}

/* ---- the store: one request, one answer ---- */

/* The type of the answer, whose first bytes go to value. */
static uint32_t ask(uint32_t type, const char *path, const char *more,
                    char *value, size_t size)
{
    const size_t n = strlen(path) + 1, m = strlen(more);
    char request[256];
    uint32_t answer;

    if (n + m > sizeof(request))
        test_error("%s: a request too long for a test", path);
    memcpy(request, path, n);
    memcpy(request + n, more, m);
    answer = store_ask(type, 0, request, n + m);
    if (size > store_reply.head.len + 1)
        size = store_reply.head.len + 1;
    memcpy(value, store_reply.data, size - 1);
    value[size - 1] = 0;
    return answer;
}

bool store_read(const char *path, char *value, size_t size)
{
    return ask(XS_READ, path, "", value, size) == XS_READ;
}

uint64_t store_number(const char *path, uint64_t absent)
{
    char text[24];
    uint64_t v = 0;

    if (!store_read(path, text, sizeof(text)) || !text[0])
        return absent;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9')
            return absent;
        v = v * 10 + (uint64_t)(*c - '0');
    }
    return v;
}

void store_write(const char *path, const char *value)
{
    char answer[16];

    if (ask(XS_WRITE, path, value, answer, sizeof(answer)) != XS_WRITE)
        test_error("%s: the store says %s", path, answer);
}

/* ---- grants ---- */

static void fill(uint32_t ref, const void *page, uint16_t flags)
{
    grants[ref].domid = 0;
    grants[ref].frame = (uint32_t)((uintptr_t)page / XENBUS_PAGE);
    __atomic_store_n(&grants[ref].flags, flags, __ATOMIC_RELEASE);
}

uint32_t xen_grant(const void *page, bool readonly)
{
    const uint32_t ref = next_ref++;

    if (ref >= N_REFS)
        test_error("no grants are left");
    fill(ref, page, GTF_permit_access | (readonly ? GTF_readonly : 0));
    return ref;
}

void xen_regrant(uint32_t ref, const void *page)
{
    fill(ref, page, GTF_permit_access);
}

bool xen_ungrant(uint32_t ref)
{
    uint16_t flags = grants[ref].flags;

    do
        if (flags & (GTF_reading | GTF_writing))
            return false;
    while (!__atomic_compare_exchange_n(&grants[ref].flags, &flags, 0, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return true;
}

/* ---- a device's half ---- */

static char *append(char *to, const char *text)
{
    const size_t n = strlen(text);

    memcpy(to, text, n + 1);
    return to + n;
}

static char *append_number(char *to, uint32_t v)
{
    char digits[24];
    unsigned n = sizeof(digits) - 1;

    digits[n] = 0;
    do
        digits[--n] = (char)('0' + v % 10);
    while (v /= 10);
    return append(to, digits + n);
}

bool front_open(struct front *f, const char *type, unsigned id)
{
    char path[128];
    char *end = append(f->path, "/local/domain/1/device/");

    end = append(end, type);
    append_number(append(end, "/"), id);
    append(append(path, f->path), "/backend");
    return store_read(path, f->back, sizeof(f->back));
}

void front_put(const struct front *f, const char *node, const char *value)
{
    char path[128];

    append(append(append(path, f->path), "/"), node);
    store_write(path, value);
}

void front_put_number(const struct front *f, const char *node, uint32_t v)
{
    char text[24];

    append_number(text, v);
    front_put(f, node, text);
}

uint64_t front_asked(const struct front *f, const char *node)
{
    char path[192];

    append(append(append(path, f->back), "/"), node);
    return store_number(path, 0);
}

void front_state(const struct front *f, enum xenbus_state state)
{
    front_put_number(f, "state", state);
}

bool front_wait(const struct front *f, enum xenbus_state state)
{
    const uint64_t end = clock_ns() + PATIENCE;

    while (clock_ns() < end)
        if (front_asked(f, "state") == state)
            return true;
    return false;
}

void front_restart(const struct front *f)
{
    front_state(f, XenbusStateClosing);
    CHECK_EQ("closing", front_wait(f, XenbusStateClosing), 1);
    front_state(f, XenbusStateClosed);
    CHECK_EQ("closed", front_wait(f, XenbusStateClosed), 1);
    front_state(f, XenbusStateInitialising);
    CHECK_EQ("offered again", front_wait(f, XenbusStateInitWait), 1);
}

uint32_t front_port(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = 0};

    if (xen_event(EVTCHNOP_alloc_unbound, &a) != 0)
        test_error("no ports are left");
    return a.port;
}
