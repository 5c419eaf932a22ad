// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hc_grant.c: HYPERVISOR_grant_table_op: arrays of structures, each copied in,
 * acted on by grant.h and copied back.
 */
#include "pvabi/grant.h"
#include "pvabi/xen_priv.h"

#include <errno.h>
#include <string.h>

#define MAX_COUNT  1024 /* structures of one call */
#define NESTED_MAX 64   /* of one among many */

union grant_arg {
    struct gnttab_setup_table setup_table;
    struct gnttab_get_status_frames get_status_frames;
    struct gnttab_query_size query_size;
    struct gnttab_set_version set_version;
    struct gnttab_get_version get_version;
    struct gnttab_copy copy;
    struct gnttab_swap_grant_ref swap_grant_ref;
    struct gnttab_cache_flush cache_flush;
    struct gnttab_map_grant_ref map_grant_ref;
    struct gnttab_unmap_grant_ref unmap_grant_ref;
};

/* Layouts of 32-bit callers, where words and pointers make a difference. */
struct setup_table32 {
    domid_t dom;
    uint32_t nr_frames;
    int16_t status;
    uint32_t frame_list;
};

struct status_frames32 {
    uint32_t nr_frames;
    domid_t dom;
    int16_t status;
    uint32_t frame_list;
};

struct copy_end32 {
    uint32_t what; /* a reference or a frame */
    domid_t domid;
    uint16_t offset;
};

struct copy32 {
    struct copy_end32 source, dest;
    uint16_t len;
    uint16_t flags;
    int16_t status;
};

_Static_assert(sizeof(struct setup_table32) == 16, "setup_table32");
_Static_assert(sizeof(struct status_frames32) == 12, "status_frames32");
_Static_assert(sizeof(struct copy32) == 24, "copy32");

/* ---- those that answer with a list of frames ---- */

/* Frames are words of the caller's, those of the status are 64 bits. */
static int frames_out(const struct xcall *c, uint64_t list,
                      const uint64_t *frames, uint32_t n, bool words)
{
    for (uint32_t i = 0; i < n; i++) {
        const int ret =
            words ? xcall_word_out(c, list, i, frames[i])
                  : xcall_out_at(c, list, i, &frames[i], sizeof(frames[i]));

        if (ret < 0)
            return ret;
    }
    return 0;
}

static int setup_table(struct xcall *c, uint64_t at)
{
    const size_t status_at = offsetof(struct gnttab_setup_table, status);
    uint64_t frames[GNTTAB_MAX_FRAMES], list;
    struct setup_table32 head; /* up to status both layouts are the same */
    struct gnttab_setup_table op = {0};
    int ret;

    if (xcall_in(c, at, &head, sizeof(head)) < 0)
        return -EFAULT;
    list = head.frame_list;
    if (c->is64 && xcall_word_in(c, at, 2, &list) < 0)
        return -EFAULT;
    op.dom = head.dom;
    op.nr_frames = head.nr_frames;
    ret = gnttab_op_setup_table(c->x->gt, &op, frames);
    if (ret < 0)
        return ret;
    if (op.status == GNTST_okay &&
        frames_out(c, list, frames, op.nr_frames, true) < 0)
        return -EFAULT;
    return xcall_out(c, at + status_at, &op.status, sizeof(op.status));
}

static int get_status_frames(struct xcall *c, uint64_t at)
{
    const size_t status_at = offsetof(struct gnttab_get_status_frames, status);
    uint64_t frames[GNTTAB_MAX_FRAMES], list;
    struct gnttab_get_status_frames op = {0};
    struct status_frames32 head;
    int ret;

    if (xcall_in(c, at, &head, sizeof(head)) < 0)
        return -EFAULT;
    list = head.frame_list;
    if (c->is64 && xcall_word_in(c, at, 1, &list) < 0)
        return -EFAULT;
    op.nr_frames = head.nr_frames;
    op.dom = head.dom;
    ret = gnttab_op_get_status_frames(c->x->gt, &op, frames);
    if (ret < 0)
        return ret;
    if (op.status == GNTST_okay &&
        frames_out(c, list, frames, op.nr_frames, false) < 0)
        return -EFAULT;
    return xcall_out(c, at + status_at, &op.status, sizeof(op.status));
}

/* ---- copy ---- */

static void widen(const struct copy32 *from, struct gnttab_copy *to)
{
    to->source.domid = from->source.domid;
    to->source.offset = from->source.offset;
    to->dest.domid = from->dest.domid;
    to->dest.offset = from->dest.offset;
    to->len = from->len;
    to->flags = from->flags;
    if (from->flags & GNTCOPY_source_gref)
        to->source.u.ref = from->source.what;
    else
        to->source.u.gmfn = from->source.what;
    if (from->flags & GNTCOPY_dest_gref)
        to->dest.u.ref = from->dest.what;
    else
        to->dest.u.gmfn = from->dest.what;
}

static int copy(struct xcall *c, uint64_t at)
{
    struct gnttab_copy op = {0};
    struct copy32 op32 = {0};
    int ret;

    if (c->is64 ? xcall_in(c, at, &op, sizeof(op)) < 0
                : xcall_in(c, at, &op32, sizeof(op32)) < 0)
        return -EFAULT;
    if (!c->is64)
        widen(&op32, &op);
    ret = gnttab_op_copy(c->x->gt, &op);
    if (ret < 0)
        return ret;
    return xcall_out(c,
                     at + (c->is64 ? offsetof(struct gnttab_copy, status)
                                   : offsetof(struct copy32, status)),
                     &op.status, sizeof(op.status));
}

/* ---- those that look alike to all callers ---- */

#define PLAIN(name)                                                \
    static int plain_##name(struct gnttab *gt, union grant_arg *a) \
    {                                                              \
        return gnttab_op_##name(gt, &a->name);                     \
    }

PLAIN(query_size)
PLAIN(set_version)
PLAIN(get_version)
PLAIN(swap_grant_ref)
PLAIN(cache_flush)
PLAIN(map_grant_ref)
PLAIN(unmap_grant_ref)

#define ROW(name)                                           \
    {                                                       \
        plain_##name, sizeof(struct gnttab_##name), NULL, 0 \
    }

static const struct {
    int (*plain)(struct gnttab *gt, union grant_arg *a);
    size_t size;
    int (*own)(struct xcall *c, uint64_t at);
    size_t size32;
} rows[] = {
    [GNTTABOP_map_grant_ref] = ROW(map_grant_ref),
    [GNTTABOP_unmap_grant_ref] = ROW(unmap_grant_ref),
    [GNTTABOP_setup_table] = {NULL, sizeof(struct gnttab_setup_table),
                              setup_table, sizeof(struct setup_table32)},
    [GNTTABOP_copy] = {NULL, sizeof(struct gnttab_copy), copy,
                       sizeof(struct copy32)},
    [GNTTABOP_query_size] = ROW(query_size),
    [GNTTABOP_set_version] = ROW(set_version),
    [GNTTABOP_get_status_frames] = {NULL,
                                    sizeof(struct gnttab_get_status_frames),
                                    get_status_frames,
                                    sizeof(struct status_frames32)},
    [GNTTABOP_get_version] = ROW(get_version),
    [GNTTABOP_swap_grant_ref] = ROW(swap_grant_ref),
    [GNTTABOP_cache_flush] = ROW(cache_flush),
};

static int one(struct xcall *c, uint32_t cmd, uint64_t at)
{
    union grant_arg arg;
    int ret;

    if (rows[cmd].own)
        return rows[cmd].own(c, at);
    memset(&arg, 0, sizeof(arg));
    if (xcall_in(c, at, &arg, rows[cmd].size) < 0)
        return -EFAULT;
    ret = rows[cmd].plain(c->x->gt, &arg);
    if (ret < 0)
        return ret;
    return xcall_out(c, at, &arg, rows[cmd].size);
}

int64_t hc_grant_table_op(struct xcall *c)
{
    const uint32_t cmd = (uint32_t)c->arg[0], count = (uint32_t)c->arg[2];
    size_t size;

    if (cmd >= ARRAY_LEN(rows) || !rows[cmd].size)
        return -ENOSYS;
    if (count > (c->nested ? NESTED_MAX : MAX_COUNT))
        return -EINVAL;
    size = rows[cmd].own && !c->is64 ? rows[cmd].size32 : rows[cmd].size;
    for (uint32_t i = 0; i < count; i++) {
        const int ret = one(c, cmd, c->arg[1] + i * size);

        if (ret < 0)
            return ret;
    }
    return 0;
}
