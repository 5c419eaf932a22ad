/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-grants: the grant table as a guest has it: its size, frames where the
 * guest wants them and elsewhere again, both versions, and copies by entries
 * the guest grants to itself.
 */
#include "report.h"
#include "string.h"
#include "xen.h"

#include <xen/grant_table.h>

#define SELF 1u
#define REF  20u

static void is(const char *what, long seen, long expected)
{
    if (seen != expected)
        test_fail("%s: expected %ld, seen %ld", what, expected, seen);
}

static unsigned char table[2][4096] __attribute__((aligned(4096)));
static unsigned char status_page[4096] __attribute__((aligned(4096)));
static unsigned char from[4096] __attribute__((aligned(4096)));
static unsigned char to[4096] __attribute__((aligned(4096)));

static xen_pfn_t frame_of(const void *page)
{
    return (xen_pfn_t)((uintptr_t)page >> 12);
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

/* Copy 5 bytes out of (or into) what an entry grants, at off. */
static int16_t copy(grant_ref_t ref, uint16_t off, bool write)
{
    struct gnttab_copy c = {.len = 5};
    struct gnttab_copy_ptr entry = {.domid = SELF, .offset = off};
    struct gnttab_copy_ptr page = {.domid = DOMID_SELF};

    entry.u.ref = ref;
    page.u.gmfn = frame_of(to);
    c.source = write ? page : entry;
    c.dest = write ? entry : page;
    c.flags = write ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
    is("copy", grant_op(GNTTABOP_copy, &c), 0);
    return c.status;
}

static void sizes(void)
{
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    xen_pfn_t frames[2] = {0, 0};
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 2};

    is("query size", grant_op(GNTTABOP_query_size, &q), 0);
    is("its status", q.status, GNTST_okay);
    CHECK_EQ("frames at most", q.max_nr_frames, 64);
    is("place frame 1", place(1, table[1]), 0);
    is("place frame 0", place(0, table[0]), 0);
    is("place frame 64", place(64, table[1]), XEN_EINVAL);
    set_xen_guest_handle(s.frame_list, frames);
    is("set up", grant_op(GNTTABOP_setup_table, &s), 0);
    is("its status", s.status, GNTST_okay);
    CHECK_EQ("frame 0", frames[0], frame_of(table[0]));
    CHECK_EQ("frame 1", frames[1], frame_of(table[1]));
    s.nr_frames = 65;
    is("set up too much", grant_op(GNTTABOP_setup_table, &s), 0);
    is("its status", s.status, GNTST_general_error);
}

static struct grant_entry_v1 *entry(unsigned ref)
{
    void *at = table[0] + ref * sizeof(struct grant_entry_v1);

    return at;
}

static void grant(unsigned ref, domid_t dom, unsigned how)
{
    entry(ref)->domid = dom;
    entry(ref)->frame = (uint32_t)frame_of(from);
    __atomic_store_n(&entry(ref)->flags, (uint16_t)how, __ATOMIC_RELEASE);
}

static void version_1(void)
{
    memcpy(from + 7, "hello", 5);
    grant(REF, SELF, GTF_permit_access);
    is("a copy", copy(REF, 7, false), GNTST_okay);
    CHECK_EQ("what was copied", memcmp(to, "hello", 5) == 0, true);
    memcpy(to, "world", 5);
    is("a copy back", copy(REF, 100, true), GNTST_okay);
    CHECK_EQ("what was copied back", memcmp(from + 100, "world", 5) == 0, true);
    CHECK_EQ("nobody holds it", entry(REF)->flags, GTF_permit_access);
    grant(REF, SELF, GTF_permit_access | GTF_readonly);
    is("into a read-only one", copy(REF, 0, true), GNTST_general_error);
    is("out of it", copy(REF, 7, false), GNTST_okay);
    grant(REF, 0, GTF_permit_access);
    is("of domain 0's", copy(REF, 7, false), GNTST_general_error);
    is("of none", copy(REF + 1, 7, false), GNTST_general_error);
    is("behind the table", copy(5000, 7, false), GNTST_bad_gntref);
    is("across the page", copy(REF, 4092, false), GNTST_bad_copy_arg);
}

/* The table's page goes elsewhere, and what is in it goes along. */
static void move(void)
{
    static unsigned char elsewhere[4096] __attribute__((aligned(4096)));

    grant(REF, SELF, GTF_permit_access);
    is("move frame 0", place(0, elsewhere), 0);
    memset(table[0], 0, sizeof(table[0]));
    is("a copy by the moved table", copy(REF, 7, false), GNTST_okay);
    is("move it back", place(0, table[0]), 0);
    CHECK_EQ("the entry is back", entry(REF)->flags, GTF_permit_access);
}

static void swap(void)
{
    struct gnttab_swap_grant_ref s = {.ref_a = REF, .ref_b = REF + 1};

    is("swap", grant_op(GNTTABOP_swap_grant_ref, &s), 0);
    is("its status", s.status, GNTST_okay);
    is("the other one", copy(REF + 1, 7, false), GNTST_okay);
    is("the one", copy(REF, 7, false), GNTST_general_error);
}

static long set_version(uint32_t v)
{
    struct gnttab_set_version s = {v};
    const long ret = grant_op(GNTTABOP_set_version, &s);

    return ret < 0 ? ret : (long)s.version;
}

static void version_2(void)
{
    void *at = table[0];
    union grant_entry_v2 *e = (union grant_entry_v2 *)at + REF;
    struct gnttab_get_version get = {.dom = DOMID_SELF};

    is("version 3", set_version(3), XEN_EINVAL);
    is("version 2", set_version(2), 2);
    is("which it is", grant_op(GNTTABOP_get_version, &get), 0);
    CHECK_EQ("version", get.version, 2);
    is("the status", place(XENMAPIDX_grant_table_status, status_page), 0);
    e->full_page.frame = frame_of(from);
    e->hdr.domid = SELF;
    __atomic_store_n(&e->hdr.flags, GTF_permit_access, __ATOMIC_RELEASE);
    is("a copy", copy(REF, 7, false), GNTST_okay);
    CHECK_EQ("nobody holds it", status_page[REF * 2], 0);
    e->sub_page.page_off = 7;
    e->sub_page.length = 5;
    e->hdr.flags = GTF_permit_access | GTF_sub_page;
    is("a copy of the part", copy(REF, 7, false), GNTST_okay);
    is("of more than the part", copy(REF, 8, false), GNTST_general_error);
    e->hdr.flags = GTF_transitive;
    is("a transitive one", copy(REF, 7, false), GNTST_general_error);
    is("version 1 again", set_version(1), 1);
}

void test_main(void)
{
    xen_init();
    sizes();
    version_1();
    move();
    swap();
    version_2();
    version_1();
}
