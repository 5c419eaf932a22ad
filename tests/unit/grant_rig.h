/* SPDX-License-Identifier: GPL-2.0-or-later */
/* grant_rig.h: a guest's memory with a grant table in it. */
#ifndef TESTS_GRANT_RIG_H
#define TESTS_GRANT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pvabi/grant.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RAM    (1 * MIB)
#define GUEST  7u
#define FRAMES 4u
#define TABLE  64u /* frame of RAM where frame 0 of the table is */
#define STATUS 65u /* and the first of the status frames */

#define GFN(n) ((gfn_t){(n)})

struct rig {
    struct gmem *mem;
    unsigned char *ram;
    struct gnttab *gt;
};

static inline struct rig *rig_open(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    unsigned n;

    assert_non_null(r);
    log_set_level(LOG_ERROR);
    r->mem = gmem_create(RAM, GMEM_ANON);
    assert_non_null(r->mem);
    r->ram = gmem_slots(r->mem, &n)->host;
    r->gt = gnttab_create(r->mem, GUEST, FRAMES);
    assert_non_null(r->gt);
    assert_int_equal(gnttab_place(r->gt, 0, GFN(TABLE)), 0);
    return r;
}

static inline void rig_close(struct rig *r)
{
    gnttab_destroy(r->gt);
    gmem_destroy(r->mem);
    free(r);
}

static inline struct grant_entry_v1 *entry_v1(struct rig *r, uint64_t gfn,
                                              unsigned i)
{
    void *at = r->ram + gfn * GUEST_PAGE;

    return (struct grant_entry_v1 *)at + i;
}

static inline uint16_t flags(struct rig *r, unsigned ref)
{
    return entry_v1(r, TABLE, ref)->flags;
}

static inline void grant(struct rig *r, unsigned ref, domid_t dom, unsigned how,
                         uint32_t frame)
{
    *entry_v1(r, TABLE, ref) =
        (struct grant_entry_v1){(uint16_t)how, dom, frame};
}

static inline void use_v2(struct rig *r)
{
    struct gnttab_set_version set = {2};

    assert_int_equal(gnttab_op_set_version(r->gt, &set), 0);
    assert_int_equal(set.version, 2);
    assert_int_equal(
        gnttab_place(r->gt, XENMAPIDX_grant_table_status, GFN(STATUS)), 0);
}

static inline union grant_entry_v2 *entry_v2(struct rig *r, unsigned i)
{
    void *at = r->ram + TABLE * GUEST_PAGE;

    return (union grant_entry_v2 *)at + i;
}

static inline grant_status_t *status(struct rig *r, unsigned i)
{
    void *at = r->ram + STATUS * GUEST_PAGE;

    return (grant_status_t *)at + i;
}

static inline void grant_v2(struct rig *r, unsigned ref, domid_t dom,
                            unsigned how, uint64_t frame)
{
    union grant_entry_v2 *e = entry_v2(r, ref);

    memset(e, 0, sizeof(*e));
    e->hdr.flags = (uint16_t)how;
    e->hdr.domid = dom;
    e->full_page.frame = frame;
}

#endif
