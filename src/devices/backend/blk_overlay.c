// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk_overlay.c: snapshot=on, a disk whose writes are forgotten at the end.
 *
 * The image is opened for reading only. What the guest writes goes to an
 * unlinked sparse file of the same size, at the same offsets, and a bitmap
 * says sector by sector which of the two holds the truth. Since a bit is a
 * sector, the smallest thing a guest can write, nothing ever has to be
 * copied from one file to the other.
 *
 * A read goes through the runs of equal bits, one piece after the other. The
 * bitmap is one bit per 512 bytes of anonymous memory that is touched where
 * the guest writes: 4 KiB for each 16 MiB stretch with a write in it.
 *
 * Bits are set when a write is answered, for what it moved: a write that
 * failed half way shows what it wrote and otherwise the image.
 *
 * Thread: loop.
 */
#include "devices/backend/blk_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WORD_BITS 64u

struct overlay {
    struct blk blk;
    struct blk_file base;
    struct blk_file top;
    uint64_t *written; /* owned: a bit for each sector that is in top */
    size_t map_bytes;
};

static struct overlay *overlay_of(struct blk *blk)
{
    return (struct overlay *)blk;
}

static bool is_written(const struct overlay *o, uint64_t sector)
{
    return o->written[sector / WORD_BITS] >> (sector % WORD_BITS) & 1;
}

/* The first sector from `from`, below end, whose bit is not `bit`; or end. */
static uint64_t run_end(const struct overlay *o, uint64_t from, uint64_t end,
                        bool bit)
{
    while (from < end) {
        const uint64_t word = o->written[from / WORD_BITS];
        const uint64_t other = (bit ? ~word : word) >> (from % WORD_BITS);

        if (other) {
            from += (unsigned)__builtin_ctzll(other);
            break;
        }
        from += WORD_BITS - from % WORD_BITS;
    }
    return from < end ? from : end;
}

static void mark_written(struct overlay *o, uint64_t from, uint64_t end)
{
    while (from < end) {
        const unsigned at = from % WORD_BITS;
        const uint64_t left = end - from;
        uint64_t bits = ~UINT64_C(0) << at;

        if (left < WORD_BITS - at)
            bits &= ~(~UINT64_C(0) << (at + left));
        o->written[from / WORD_BITS] |= bits;
        from += WORD_BITS - at;
    }
}

/* Read up to where the sectors change sides. */
static void issue_read(struct overlay *o, struct blk_req *req)
{
    const uint64_t at = req->offset + req->moved;
    const uint64_t end = req->offset + req->len;
    const uint64_t sector = at / BLK_SECTOR;
    const bool top = is_written(o, sector);
    const uint64_t stop =
        run_end(o, sector, end / BLK_SECTOR, top) * BLK_SECTOR;

    blk_file_move(req, top ? &o->top : &o->base, stop - at);
}

static void overlay_issue(struct blk *blk, struct blk_req *req)
{
    struct overlay *o = overlay_of(blk);

    switch (req->op) {
    case BLK_READ:
        issue_read(o, req);
        break;
    case BLK_WRITE:
        blk_file_move(req, &o->top, UINT64_MAX);
        break;
    case BLK_FLUSH:
        /* Nothing of it will be there after the host's power failed. */
        blk_end_later(req, 0);
        break;
    case BLK_DISCARD:
        blk_file_discard(req);
        break;
    case BLK_ZERO:
        blk_file_zero(req);
        break;
    }
}

static void overlay_ended(struct blk *blk, struct blk_req *req)
{
    if (req->op != BLK_READ && req->op != BLK_FLUSH)
        mark_written(overlay_of(blk), req->offset / BLK_SECTOR,
                     (req->offset + req->moved) / BLK_SECTOR);
}

/* A snapshot is of one moment: it does not grow with its image. */
static int overlay_size(struct blk *blk, uint64_t *out)
{
    *out = blk->info.size;
    return 0;
}

static void overlay_close(struct blk *blk)
{
    struct overlay *o = overlay_of(blk);

    munmap(o->written, o->map_bytes);
    blk_file_close(&o->top);
    blk_file_close(&o->base);
    blk_exit(blk);
    free(o);
}

static const struct blk_ops overlay_ops = {
    .name = "snapshot",
    .issue = overlay_issue,
    .ended = overlay_ended,
    .size = overlay_size,
    .close = overlay_close,
};

static int make_map(struct overlay *o)
{
    void *map;

    o->map_bytes =
        (o->blk.info.size / BLK_SECTOR / WORD_BITS + 1) * sizeof(*o->written);
    map = mmap(NULL, o->map_bytes, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) {
        log_error("snapshot: no memory for the map of %llu bytes: %s",
                  (unsigned long long)o->blk.info.size, strerror(errno));
        return -ENOMEM;
    }
    o->written = map;
    return 0;
}

/* The image is not written, but the disk is. */
static void set_info(struct blk_info *info)
{
    info->read_only = false;
    info->can_zero = true;
    info->discard_align = info->physical_block;
    info->needs_flush = false;
}

struct blk *blk_overlay_open(const struct blk_config *cfg)
{
    struct overlay *o = calloc(1, sizeof(*o));

    if (!o) {
        log_error("disk %s: out of memory", cfg->path);
        return NULL;
    }
    if (blk_file_open(&o->base, cfg, &o->blk.info) < 0)
        goto free_overlay;
    if (blk_file_open_temporary(&o->top, o->blk.info.size) < 0)
        goto close_base;
    if (make_map(o) < 0)
        goto close_top;
    if (blk_init(&o->blk, &overlay_ops, cfg) < 0)
        goto unmap;
    set_info(&o->blk.info);
    o->blk.file = &o->top;
    /* Storage that ends with the guest has nothing to be safe from. */
    o->blk.always_writethrough = o->blk.writethrough = false;
    return &o->blk;
unmap:
    munmap(o->written, o->map_bytes);
close_top:
    blk_file_close(&o->top);
close_base:
    blk_file_close(&o->base);
free_overlay:
    free(o);
    return NULL;
}
