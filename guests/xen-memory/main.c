/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-memory: Xen's memory map is that of the start_info, reservations add up,
 * a page given back comes back as zeroes; grant frames are put where there is
 * no RAM, and are memory then.
 */
#include "cpu.h"
#include "report.h"
#include "start_info.h"
#include "xen.h"

#include <xen/grant_table.h>

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

#define MAX_ENTRIES 32
#define HOLE        0x70000000ul /* above the RAM that this test is given */

struct entry {
    uint64_t base, size;
    uint32_t type;
} __attribute__((packed));

static struct entry map[MAX_ENTRIES];
static unsigned char spare[4096] __attribute__((aligned(4096)));

static long memory(unsigned op, const void *arg)
{
    return xen_call2(__HYPERVISOR_memory_op, op, arg);
}

static void the_map(void)
{
    struct xen_memory_map m = {.nr_entries = MAX_ENTRIES};
    const struct pvh_memmap_entry *e;
    unsigned n;

    set_xen_guest_handle(m.buffer, map);
    IS("memory map", memory(XENMEM_memory_map, &m), 0);
    e = start_info_memmap(&n);
    CHECK_EQ("its entries", m.nr_entries, n);
    for (unsigned i = 0; i < n && i < MAX_ENTRIES; i++) {
        CHECK_EQ("base", map[i].base, e[i].addr);
        CHECK_EQ("size", map[i].size, e[i].size);
        CHECK_EQ("type", map[i].type, e[i].type);
    }
    m.nr_entries = 1;
    IS("a short one", memory(XENMEM_memory_map, &m), 0);
    CHECK_EQ("its entries", m.nr_entries, 1);
}

static void balloon(void)
{
    xen_pfn_t frame = (xen_pfn_t)((uintptr_t)spare >> 12);
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    struct xen_memory_domain d = {.domid = DOMID_SELF};
    const long have = memory(XENMEM_current_reservation, &d);

    set_xen_guest_handle(r.extent_start, &frame);
    CHECK_GE("pages", (uint64_t)have, 1024);
    IS("at most", memory(XENMEM_maximum_reservation, &d), have);
    spare[17] = 0x5a;
    IS("give one back", memory(XENMEM_decrease_reservation, &r), 1);
    IS("pages", memory(XENMEM_current_reservation, &d), have - 1);
    IS("take it again", memory(XENMEM_populate_physmap, &r), 1);
    IS("pages", memory(XENMEM_current_reservation, &d), have);
    CHECK_EQ("what was in it", *(volatile unsigned char *)&spare[17], 0);
    frame = 0xd0000;
    IS("give back what is none", memory(XENMEM_decrease_reservation, &r), 0);
    d.domid = 5;
    IS("another's pages", memory(XENMEM_current_reservation, &d), XEN_ESRCH);
}

static void frames(void)
{
    struct xen_add_to_physmap a = {.domid = DOMID_SELF,
                                   .space = XENMAPSPACE_grant_table,
                                   .idx = 1,
                                   .gpfn = HOLE >> 12};
    struct xen_remove_from_physmap r = {.domid = DOMID_SELF,
                                        .gpfn = HOLE >> 12};
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    volatile uint32_t *word = (volatile uint32_t *)HOLE;

    IS("query",
       xen_call(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, XEN_PTR(&q),
                1, 0, 0),
       0);
    CHECK_EQ("it is well", q.status == GNTST_okay, true);
    CHECK_GE("frames there may be", q.max_nr_frames, 2);
    CHECK_EQ("a hole", mmio_read32(HOLE), 0xffffffffu);
    IS("a frame in a hole", memory(XENMEM_add_to_physmap, &a), 0);
    CHECK_EQ("it is empty", *word, 0);
    *word = 0x12345678;
    CHECK_EQ("it is memory", *word, 0x12345678);
    a.idx = 0;
    a.gpfn = (xen_pfn_t)((uintptr_t)spare >> 12);
    IS("a frame on RAM", memory(XENMEM_add_to_physmap, &a), 0);
    IS("take it away", memory(XENMEM_remove_from_physmap, &r), 0);
    a.gpfn = 0xfec00000u >> 12;
    IS("a frame on a device", memory(XENMEM_add_to_physmap, &a), XEN_EINVAL);
    a.gpfn = (xen_pfn_t)-1;
    if (sizeof(a.gpfn) == 8)
        IS("a frame nowhere", memory(XENMEM_add_to_physmap, &a), XEN_EINVAL);
    a.space = 77;
    IS("no such space", memory(XENMEM_add_to_physmap, &a), XEN_ENOSYS);
    a.domid = 0;
    IS("another's map", memory(XENMEM_add_to_physmap, &a), XEN_ESRCH);
}

void test_main(void)
{
    xen_init();
    the_map();
    balloon();
    frames();
}
