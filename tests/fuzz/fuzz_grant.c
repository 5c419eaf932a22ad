// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_grant.c: a guest that does anything to its grant table while a back-end
 * pins and releases.
 *
 * Steps of eight bytes: write an entry, a word of the table, a status; pin,
 * release, place a frame, take it away, or call an operation. One step chooses
 * a value that guest memory is changed by right after it was fetched. What must
 * hold: what a pin gives lies in RAM, in one frame, as long as it was asked
 * for; pins are counted; and all can be released.
 */
#include "fetch_count.h"
#include "pvabi/grant.h"
#include "step.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define RAM    (256 * KIB)
#define FRAMES 4u
#define TABLE  8u /* frame of RAM */
#define GUEST  7u
#define PINS   64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct gmem *mem;
    unsigned char *ram;
    struct gnttab *gt;
    struct {
        grant_ref_t ref;
        bool write;
    } pins[PINS];
    unsigned n_pins;
};

/* ---- the guest's memory ---- */

static void write_entry(struct fuzz *f, const struct step *s, bool v2)
{
    const struct grant_entry_v1 one = {s->a, s->b & 7, s->c};
    union grant_entry_v2 two = {.hdr = {s->a, s->b & 7}};
    unsigned char *at = f->ram + TABLE * GUEST_PAGE;

    two.sub_page.page_off = s->b;
    two.sub_page.length = (uint16_t)(s->b >> 4);
    two.sub_page.frame = s->c;
    if (v2)
        memcpy(at + s->where * sizeof(two), &two, sizeof(two));
    else
        memcpy(at + s->where * sizeof(one), &one, sizeof(one));
}

static void scribble(struct fuzz *f, const struct step *s)
{
    const size_t at = ((size_t)s->where << 10 | s->c) % (RAM - 4);

    memcpy(f->ram + at, &s->a, 4);
}

/* ---- the back-end ---- */

static void pin(struct fuzz *f, const struct step *s)
{
    const bool write = s->what & 0x80;
    struct iovec iov = {0};
    struct gwin win;
    int ret;

    if (f->n_pins == PINS)
        return;
    if (s->what & 0x40) {
        ret = gnttab_win(f->gt, s->where, write, &win);
        iov = (struct iovec){win.host, win.size};
    } else {
        ret = gnttab_iov(f->gt, s->where, s->a, s->b, write, &iov);
        BUG_ON(ret == 0 && iov.iov_len != s->b);
    }
    if (ret < 0)
        return;
    {
        const size_t at = (size_t)((unsigned char *)iov.iov_base - f->ram);

        BUG_ON(at >= RAM || !iov.iov_len);
        BUG_ON(at / GUEST_PAGE != (at + iov.iov_len - 1) / GUEST_PAGE);
    }
    f->pins[f->n_pins].ref = s->where;
    f->pins[f->n_pins++].write = write;
}

static void release(struct fuzz *f, unsigned i)
{
    const grant_ref_t ref = f->pins[i].ref;
    const bool write = f->pins[i].write;

    f->pins[i] = f->pins[--f->n_pins];
    gnttab_release(f->gt, ref, write);
}

/* ---- operations ---- */

static void call_copy(struct fuzz *f, const struct step *s)
{
    struct gnttab_copy op = {
        .source = {.u.ref = s->where, .domid = GUEST, .offset = s->b},
        .dest = {.u.gmfn = s->c & 63, .domid = DOMID_SELF, .offset = s->a},
        .len = s->b,
        .flags = s->what >> 6,
    };

    gnttab_op_copy(f->gt, &op);
    BUG_ON(op.status > 0);
}

static void call(struct fuzz *f, const struct step *s)
{
    uint64_t frames[GNTTAB_MAX_FRAMES];
    struct gnttab_setup_table setup = {.dom = s->a & 15, .nr_frames = s->b & 7};
    struct gnttab_get_status_frames status = {.nr_frames = s->b & 3,
                                              .dom = DOMID_SELF};
    struct gnttab_set_version version = {s->b & 3};
    struct gnttab_swap_grant_ref swap = {s->where, s->a & 255, 1};
    struct gnttab_cache_flush flush = {
        .a.dev_bus_addr = s->a, .offset = s->b, .length = s->c, .op = s->where};

    switch (s->where % 6) {
    case 0:
        gnttab_op_setup_table(f->gt, &setup, frames);
        break;
    case 1:
        gnttab_op_get_status_frames(f->gt, &status, frames);
        break;
    case 2:
        (void)gnttab_op_set_version(f->gt, &version);
        break;
    case 3:
        gnttab_op_swap_grant_ref(f->gt, &swap);
        break;
    case 4:
        (void)gnttab_op_cache_flush(f->gt, &flush);
        break;
    default:
        call_copy(f, s);
        break;
    }
}

static void step(struct fuzz *f, const struct step *s)
{
    switch (s->what % 16) {
    case 0:
    case 1:
    case 2:
        write_entry(f, s, s->what & 0x40);
        break;
    case 3:
        scribble(f, s);
        break;
    case 4:
        poison = s->where;
        break;
    case 5:
    case 6:
    case 7:
        pin(f, s);
        break;
    case 8:
    case 9:
        if (f->n_pins)
            release(f, s->where % f->n_pins);
        break;
    case 10:
        (void)!gnttab_place(
            f->gt, (s->a & 7) | (s->b & 1 ? XENMAPIDX_grant_table_status : 0),
            (gfn_t){s->c & 127});
        break;
    case 11:
        gnttab_unplace(f->gt, (gfn_t){s->c & 127});
        break;
    case 12:
        call_copy(f, s);
        break;
    default:
        call(f, s);
        break;
    }
    BUG_ON(gnttab_pins(f->gt) != f->n_pins);
}

static void memory_once(struct fuzz *f)
{
    static struct gmem *mem;
    unsigned n;

    if (!mem) {
        log_set_level(LOG_ERROR);
        mem = gmem_create(RAM, GMEM_ANON);
        BUG_ON(!mem);
    }
    f->mem = mem;
    f->ram = gmem_slots(mem, &n)->host;
    memset(f->ram, 0, RAM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {0};

    memory_once(&f);
    fetches.ram = f.ram;
    fetches.after = change;
    poison = 0;
    f.gt = gnttab_create(f.mem, GUEST, FRAMES);
    BUG_ON(!f.gt || gnttab_place(f.gt, 0, (gfn_t){TABLE}) < 0);
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        step(&f, &s);
    }
    while (f.n_pins)
        release(&f, 0);
    gnttab_destroy(f.gt);
    return 0;
}
