// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_flash.c: flash memory below a PC's firmware, whose content is a file of
 * the operator's; see pc.h and devices/platform/pflash.h.
 *
 * The content is in memory, of which the loop writes what has changed to the
 * file, one request after the other: the guest is not kept waiting, and what it
 * wrote last is in the file when the machine is taken apart. While reads find
 * the array it is a piece of the VM's map, and a read costs no exit.
 *
 * Thread: board lock held; made and taken apart on the loop.
 */
#include "pc.h"

#include "devices/platform/pflash.h"
#include "flash_file.h"
#include "hostdev.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pc_flash {
    struct pflash *chip;           /* owned */
    struct vm *vm;                 /* borrowed */
    const struct flash_file *file; /* borrowed */
    uint64_t base;
    /* what has changed, [begin, end), and is not in a request */
    uint32_t begin, end;
    bool busy; /* req is under way */
    struct blk_req req;
    struct iovec iov;
    struct log_limit limit;
};

/* ---- the file ---- */

static void on_written(struct blk_req *req);

static void write_back(struct pc_flash *f)
{
    if (f->busy || f->begin == f->end)
        return;
    f->iov = (struct iovec){f->file->data + f->begin, f->end - f->begin};
    f->req = (struct blk_req){.op = BLK_WRITE,
                              .offset = f->begin,
                              .len = f->iov.iov_len,
                              .iov = &f->iov,
                              .n_iov = 1,
                              .done = on_written,
                              .owner = f};
    f->begin = f->end = 0;
    f->busy = true;
    blk_submit(f->file->blk, &f->req);
}

static void note(struct pc_flash *f, uint32_t begin, uint32_t end)
{
    if (f->begin == f->end || begin < f->begin)
        f->begin = begin;
    if (end > f->end)
        f->end = end;
}

/* The guest was told that it is written: nobody but the operator can know. */
static void complain(struct pc_flash *f, int error)
{
    log_guest(&f->limit, "--firmware-vars: cannot be written: %s",
              strerror(-error));
}

/* What is cancelled is left to pc_destroy_flash, which had it cancelled. */
static void on_written(struct blk_req *req)
{
    struct pc_flash *f = req->owner;
    const uint32_t begin = (uint32_t)req->offset;

    f->busy = false;
    if (req->result == -ECANCELED) {
        note(f, begin, begin + (uint32_t)req->len);
        return;
    }
    if (req->result < 0)
        complain(f, req->result);
    write_back(f);
}

/* In whole blocks: a file is not written in less. */
static void on_changed(void *ctx, uint32_t off, uint32_t n)
{
    struct pc_flash *f = ctx;

    note(f, off & ~(PFLASH_BLOCK - 1),
         (off + n + PFLASH_BLOCK - 1) & ~(PFLASH_BLOCK - 1));
    write_back(f);
}

/* ---- the map ---- */

/* What cannot be shown is answered by exits. */
static void on_shown(void *ctx, bool array)
{
    struct pc_flash *f = ctx;
    const struct vm_piece p = {
        .base = GPA(f->base),
        .size = array ? f->file->size : 0,
        .host = f->file->data,
        .read_only = true,
    };

    (void)!vm_put_piece(f->vm, PC_FLASH_PIECE, &p);
}

/* ---- making and taking apart ---- */

int pc_make_flash(struct pc *p)
{
    const struct flash_file *file = &p->host.host->dev->flash;
    struct pc_flash *f;

    if (!file->size)
        return 0;
    f = p->flash = calloc(1, sizeof(*f));
    if (!f) {
        log_error("machine: out of memory");
        return -ENOMEM;
    }
    f->vm = p->host.vm;
    f->file = file;
    f->base = 4 * GIB - boot_rom(p->host.host->boot)->size - file->size;
    f->chip =
        pflash_create(file->data, file->size,
                      &(struct pflash_hooks){
                          .shown = on_shown, .changed = on_changed, .ctx = f});
    if (!f->chip)
        return -ENOMEM;
    on_shown(f, true);
    return bus_claim(p->host.bus, SPACE_MMIO, f->base, file->size, &pflash_ops,
                     f->chip);
}

void pc_destroy_flash(struct pc *p)
{
    struct pc_flash *f = p->flash;
    int ret;

    if (!f)
        return;
    blk_drain(f->file->blk);
    ret = flash_file_put(f->file, f->begin, f->end);
    if (ret < 0)
        complain(f, ret);
    pflash_destroy(f->chip);
    free(f);
}
