/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-grants: case 40 from inside: entries outside of the table, not
 * granted, for others, read-only and written to, of frames that are none, of
 * parts and transitive; taken back, pointed elsewhere and turned read-only by
 * another CPU while they are used; the table moved and its version changed
 * meanwhile. After each round the guest is served.
 */
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "smp.h"
#include "string.h"
#include "xen.h"

#include <xen/grant_table.h>

#define SELF   1u
#define ROUNDS 3000u

static unsigned char table[4096] __attribute__((aligned(4096)));
static unsigned char other_table[4096] __attribute__((aligned(4096)));
static unsigned char status_page[4096] __attribute__((aligned(4096)));
static unsigned char data[2][4096] __attribute__((aligned(4096)));
static uint32_t seed = 815;
static unsigned stop;

static uint32_t any(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 7;
}

static uint32_t frame_of(const void *page)
{
    return (uint32_t)((uintptr_t)page >> 12);
}

static long grant_op(unsigned op, void *arg)
{
    return xen_call(__HYPERVISOR_grant_table_op, op, XEN_PTR(arg), 1, 0, 0);
}

static long place(xen_ulong_t idx, const void *page)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF,
                                   .space = XENMAPSPACE_grant_table,
                                   .idx = idx,
                                   .gpfn = frame_of(page)};

    return xen_call2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a);
}

static int16_t copy(grant_ref_t ref, domid_t dom, uint16_t off, uint16_t len,
                    bool write)
{
    struct gnttab_copy c = {.len = len};
    struct gnttab_copy_ptr entry = {.domid = dom, .offset = off};
    struct gnttab_copy_ptr page = {.domid = DOMID_SELF};

    entry.u.ref = ref;
    page.u.gmfn = frame_of(data[1]);
    c.source = write ? page : entry;
    c.dest = write ? entry : page;
    c.flags = write ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
    if (grant_op(GNTTABOP_copy, &c) != 0)
        test_fail("GNTTABOP_copy failed");
    return c.status;
}

static struct grant_entry_v1 *entry(unsigned ref)
{
    void *at = table + ref * sizeof(struct grant_entry_v1);

    return at;
}

static void set(unsigned ref, domid_t dom, unsigned how, uint32_t frame)
{
    entry(ref)->domid = dom;
    entry(ref)->frame = frame;
    __atomic_store_n(&entry(ref)->flags, (uint16_t)how, __ATOMIC_RELEASE);
}

static void served(void)
{
    struct gnttab_set_version v = {1};

    CHECK_EQ("version 1", (uint64_t)grant_op(GNTTABOP_set_version, &v), 0);
    CHECK_EQ("the table's place", (uint64_t)place(0, table), 0);
    set(9, SELF, GTF_permit_access, frame_of(data[0]));
    memcpy(data[0], "served", 6);
    CHECK_EQ("a copy", (uint16_t)copy(9, SELF, 0, 6, false), GNTST_okay);
    CHECK_EQ("what was copied", memcmp(data[1], "served", 6) == 0, true);
    CHECK_EQ("the flags", entry(9)->flags, GTF_permit_access);
}

static void refused(grant_ref_t ref, domid_t dom, bool write, const char *what)
{
    if (copy(ref, dom, 0, 8, write) >= 0)
        test_fail("%s: expected an error, seen none", what);
}

static void wrong_entries(void)
{
    static const uint32_t frames[] = {0xa0000 >> 12, 0xc0000, 0xfec00,
                                      0xfee00,       0xfffff, 0xffffffff};

    refused(512, SELF, false, "behind the table");
    refused(UINT32_MAX, SELF, false, "far behind the table");
    set(20, SELF, GTF_invalid, frame_of(data[0]));
    refused(20, SELF, false, "not granted");
    set(20, 0, GTF_permit_access, frame_of(data[0]));
    refused(20, SELF, false, "granted to another");
    set(20, DOMID_SELF, GTF_permit_access, frame_of(data[0]));
    refused(20, SELF, false, "granted to nobody");
    set(20, SELF, GTF_permit_access | GTF_readonly, frame_of(data[0]));
    refused(20, SELF, true, "read-only");
    set(20, SELF, GTF_accept_transfer, frame_of(data[0]));
    refused(20, SELF, false, "of another kind");
    set(20, SELF, GTF_transitive, frame_of(data[0]));
    refused(20, SELF, false, "transitive");
    set(20, SELF, GTF_permit_access | GTF_sub_page, frame_of(data[0]));
    refused(20, SELF, false, "a part, in version 1");
    for (unsigned i = 2; i < sizeof(frames) / sizeof(frames[0]); i++) {
        set(20, SELF, GTF_permit_access, frames[i]);
        refused(20, SELF, false, "no RAM");
        refused(20, SELF, true, "no RAM, written");
    }
    refused(20, 0, false, "of domain 0");
    refused(20, 77, false, "of no domain");
    for (unsigned i = 0; i < 64; i++)
        (void)copy(20, SELF, (uint16_t)any(), (uint16_t)any(), any() & 1);
}

/* The other CPU: nothing stays as it was. */
static void restless(unsigned cpu)
{
    (void)cpu;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        for (unsigned ref = 16; ref < 24; ref++) {
            const uint32_t r = any();

            set(ref, r & 1 ? SELF : 0,
                r % 3 ? GTF_permit_access | (r & 4)
                      : r & (GTF_type_mask | GTF_sub_page | 0x8018),
                r & 2 ? frame_of(data[0]) : r);
        }
}

static void used_meanwhile(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        const int16_t status = copy(16 + i % 8, SELF, 0, 64, false);

        if (status > 0)
            test_fail("status %d", status);
    }
}

static void moved_meanwhile(void)
{
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        struct gnttab_set_version v = {1 + i % 2};
        struct gnttab_swap_grant_ref s = {16, 17, 0};

        (void)place(0, i % 3 ? table : other_table);
        (void)copy(16 + i % 8, SELF, 0, 64, false);
        (void)grant_op(GNTTABOP_set_version, &v);
        (void)place(XENMAPIDX_grant_table_status, status_page);
        (void)copy(16 + i % 8, SELF, 0, 64, false);
        (void)grant_op(GNTTABOP_swap_grant_ref, &s);
    }
}

void test_main(void)
{
    xen_init();
    served();
    printf("case 40: wrong entries\n");
    wrong_entries();
    served();
    apic_init();
    if (!smp_start(1, 1, restless))
        test_error("no second CPU");
    printf("case 40: entries that change\n");
    used_meanwhile();
    served();
    printf("case 40: a table that changes\n");
    moved_meanwhile();
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    clock_delay(10 * CLOCK_MS);
    served();
}
