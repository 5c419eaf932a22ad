// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * grant_op.c: GNTTABOP_*; see grant.h. Source: Xen's public grant_table.h.
 *
 * A guest asks these of its own table: another domain's is not its to ask, and
 * but for domain 0 there is no other.
 */
#include "pvabi/grant_priv.h"

#include "mmu/gwin.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

static bool is_self(const struct gnttab *gt, domid_t dom)
{
    return dom == DOMID_SELF || dom == gt->domid;
}

/* Why another domain's table is none of the guest's business. */
static int16_t not_self(domid_t dom)
{
    return dom == XEN_BACKEND_DOMID ? GNTST_permission_denied
                                    : GNTST_bad_domain;
}

int gnttab_op_setup_table(struct gnttab *gt, struct gnttab_setup_table *op,
                          uint64_t *frames)
{
    op->status = GNTST_okay;
    if (!is_self(gt, op->dom))
        op->status = not_self(op->dom);
    else if (op->nr_frames > gt->max_frames)
        op->status = GNTST_general_error;
    if (op->status != GNTST_okay)
        return 0;
    gnt_grow(gt, op->nr_frames);
    for (unsigned i = 0; i < op->nr_frames; i++)
        frames[i] = gt->frames[i].gfn;
    return 0;
}

int gnttab_op_get_status_frames(struct gnttab *gt,
                                struct gnttab_get_status_frames *op,
                                uint64_t *frames)
{
    op->status = GNTST_okay;
    if (!is_self(gt, op->dom))
        op->status = not_self(op->dom);
    else if (gt->version != 2 || op->nr_frames > gt->n_status)
        op->status = GNTST_general_error;
    if (op->status != GNTST_okay)
        return 0;
    for (unsigned i = 0; i < op->nr_frames; i++)
        frames[i] = gt->status[i].gfn;
    return 0;
}

int gnttab_op_query_size(struct gnttab *gt, struct gnttab_query_size *op)
{
    if (!is_self(gt, op->dom)) {
        op->status = not_self(op->dom);
        return 0;
    }
    op->nr_frames = gt->n_frames;
    op->max_nr_frames = gt->max_frames;
    op->status = GNTST_okay;
    return 0;
}

/* The first entries, which a builder filled in, in the other version. */
static int convert(unsigned version, union gnt_entry *e)
{
    const union gnt_entry from = *e;

    if (version == 2) {
        memset(e, 0, sizeof(*e));
        e->v2.full_page.hdr.flags = from.v1.flags;
        e->v2.full_page.hdr.domid = from.v1.domid;
        e->v2.full_page.frame = from.v1.frame;
        return 0;
    }
    if ((from.v2.hdr.flags & GTF_type_mask) == GTF_transitive ||
        (from.v2.hdr.flags & GTF_sub_page) ||
        from.v2.full_page.frame > UINT32_MAX)
        return -ERANGE;
    memset(e, 0, sizeof(*e));
    e->v1.flags = from.v2.hdr.flags;
    e->v1.domid = from.v2.hdr.domid;
    e->v1.frame = (uint32_t)from.v2.full_page.frame;
    return 0;
}

static void wipe(const struct gnt_frame *frames, unsigned n)
{
    static const unsigned char zeroes[GUEST_PAGE];

    for (unsigned i = 0; i < n; i++)
        win_copy_out(&frames[i].win, 0, zeroes, sizeof(zeroes));
}

/*
 * All entries but the first few are lost, as the guest knows. Status frames of
 * version 2 are a page of the guest's again in version 1.
 */
static int change_version(struct gnttab *gt, unsigned version)
{
    union gnt_entry kept[GNTTAB_NR_RESERVED_ENTRIES];
    int ret = 0;

    if (gt->n_pins)
        return -EBUSY;
    for (unsigned i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++)
        gnt_entry_get(gt, i, &kept[i]);
    for (unsigned i = 0; ret == 0 && i < GNTTAB_NR_RESERVED_ENTRIES; i++)
        ret = convert(version, &kept[i]);
    if (ret < 0)
        return ret;
    wipe(gt->frames, gt->n_frames);
    gt->version = version;
    gt->n_status = 0;
    gnt_grow(gt, gt->n_frames);
    for (unsigned i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++)
        gnt_entry_put(gt, i, &kept[i]);
    return 0;
}

int gnttab_op_set_version(struct gnttab *gt, struct gnttab_set_version *op)
{
    int ret = 0;

    if (op->version != 1 && op->version != 2)
        ret = -EINVAL;
    else if (op->version != gt->version)
        ret = change_version(gt, op->version);
    op->version = gt->version;
    return ret;
}

int gnttab_op_get_version(struct gnttab *gt, struct gnttab_get_version *op)
{
    if (!is_self(gt, op->dom))
        return op->dom == XEN_BACKEND_DOMID ? -EPERM : -ESRCH;
    op->version = gt->version;
    return 0;
}

/* One end of a copy. */
struct end {
    gpa_t at;
    bool pinned;
    grant_ref_t ref;
    bool write;
};

static int16_t status_of(int err)
{
    switch (err) {
    case 0:
        return GNTST_okay;
    case -EINVAL:
        return GNTST_bad_gntref;
    case -EFAULT:
        return GNTST_bad_page;
    default:
        return GNTST_general_error;
    }
}

/* Frames are the guest's own; entries as well, for it has granted to itself. */
static int16_t end_open(struct gnttab *gt, const struct gnttab_copy_ptr *p,
                        bool is_ref, uint16_t len, struct end *end)
{
    const struct gnt_pin *pin;
    int ret;

    if (p->offset > GUEST_PAGE || len > GUEST_PAGE - p->offset)
        return GNTST_bad_copy_arg;
    if (!is_ref) {
        if (!is_self(gt, p->domid))
            return not_self(p->domid);
        if (p->u.gmfn > UINT64_MAX / GUEST_PAGE)
            return GNTST_bad_page;
        end->at = GPA(p->u.gmfn * GUEST_PAGE + p->offset);
        return GNTST_okay;
    }
    if (!is_self(gt, p->domid)) /* domain 0 grants nothing */
        return p->domid == XEN_BACKEND_DOMID ? GNTST_bad_gntref
                                             : GNTST_bad_domain;
    ret = gnt_pin(gt, p->u.ref, gt->domid, end->write, false);
    if (ret < 0)
        return status_of(ret);
    end->pinned = true;
    end->ref = p->u.ref;
    pin = &gt->pins[p->u.ref];
    end->at = GPA(pin->gfn * GUEST_PAGE + p->offset);
    if (p->offset < pin->off ||
        !range_ok((uint64_t)p->offset - pin->off, len, pin->len))
        return GNTST_general_error;
    return GNTST_okay;
}

static void end_close(struct gnttab *gt, const struct end *end)
{
    if (end->pinned)
        gnttab_release(gt, end->ref, end->write);
}

int gnttab_op_copy(struct gnttab *gt, struct gnttab_copy *op)
{
    unsigned char page[GUEST_PAGE];
    struct end from = {.write = false}, to = {.write = true};
    int16_t status;

    status = end_open(gt, &op->source, op->flags & GNTCOPY_source_gref, op->len,
                      &from);
    if (status == GNTST_okay)
        status = end_open(gt, &op->dest, op->flags & GNTCOPY_dest_gref, op->len,
                          &to);
    if (status == GNTST_okay &&
        (gmem_read(gt->mem, from.at, page, op->len) < 0 ||
         gmem_write(gt->mem, to.at, page, op->len) < 0))
        status = GNTST_bad_page;
    end_close(gt, &to);
    end_close(gt, &from);
    op->status = status;
    return 0;
}

int gnttab_op_swap_grant_ref(struct gnttab *gt,
                             struct gnttab_swap_grant_ref *op)
{
    const grant_ref_t refs[] = {op->ref_a, op->ref_b};
    union gnt_entry e[ARRAY_LEN(refs)];

    op->status = GNTST_okay;
    for (unsigned i = 0; i < ARRAY_LEN(refs); i++) {
        if (refs[i] >= gnt_entries(gt)) {
            op->status = GNTST_bad_gntref;
            return 0;
        }
        if (gt->pins[refs[i]].readers || gt->pins[refs[i]].writers) {
            op->status = GNTST_eagain;
            return 0;
        }
        gnt_entry_get(gt, refs[i], &e[i]);
    }
    gnt_entry_put(gt, op->ref_a, &e[1]);
    gnt_entry_put(gt, op->ref_b, &e[0]);
    return 0;
}

/* Memory is coherent: what is asked for is so. */
int gnttab_op_cache_flush(struct gnttab *gt, struct gnttab_cache_flush *op)
{
    const uint64_t frame = op->a.dev_bus_addr / GUEST_PAGE * GUEST_PAGE;

    if (op->offset >= GUEST_PAGE || op->length > GUEST_PAGE - op->offset ||
        (op->op &
         ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL | GNTTAB_CACHE_SOURCE_GREF)))
        return -EINVAL;
    if (!op->length || !op->op)
        return 0;
    if (op->op & GNTTAB_CACHE_SOURCE_GREF)
        return -EOPNOTSUPP;
    return gmem_is_ram(gt->mem, GPA(frame), GUEST_PAGE) ? 0 : -EPERM;
}

int gnttab_op_map_grant_ref(struct gnttab *gt, struct gnttab_map_grant_ref *op)
{
    op->status = GNTST_general_error;
    if (op->dom != gt->domid && op->dom != XEN_BACKEND_DOMID)
        op->status = GNTST_bad_domain;
    else if (!(op->flags & (GNTMAP_device_map | GNTMAP_host_map)) ||
             op->dom == XEN_BACKEND_DOMID || op->ref >= gnt_entries(gt))
        op->status = GNTST_bad_gntref;
    return 0;
}

int gnttab_op_unmap_grant_ref(struct gnttab *gt,
                              struct gnttab_unmap_grant_ref *op)
{
    (void)gt;
    op->status = GNTST_bad_handle;
    return 0;
}
