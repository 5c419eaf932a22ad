// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * grant.c: the table's frames, and pins; see grant.h.
 *
 * A pin of version 1 is a compare-and-swap of flags and domain together, tried
 * a few times and no more: the guest may write the entry all the while. In
 * version 2 the bits are in a word of their own, which only we write: they are
 * set, and then the entry is read again. The guest clears the entry first and
 * reads the bits then: one of us sees the other.
 *
 * The frame is read after that, once, and kept with the pin.
 *
 * Source: Xen's public grant_table.h.
 */
#include "pvabi/grant_priv.h"

#include "mmu/gwin.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TRIES 5u

/* The first word of an entry: flags below, domain above. */
#define WORD_FLAGS(w) ((w)&0xffffu)
#define WORD_DOMID(w) ((domid_t)((w) >> 16))

static unsigned status_for(unsigned frames)
{
    return (unsigned)((frames * V2_PER_FRAME + STATUS_PER_FRAME - 1) /
                      STATUS_PER_FRAME);
}

static unsigned max_entries(unsigned frames)
{
    return frames * (unsigned)V1_PER_FRAME;
}

/* The page of ours behind frame i; the status frames come last. */
static struct gwin own_page(const struct gnttab *gt, unsigned i)
{
    return win_of(gt->pages + i * GUEST_PAGE, GUEST_PAGE);
}

static void frame_init(struct gnttab *gt, struct gnt_frame *f, unsigned page)
{
    static const unsigned char zeroes[GUEST_PAGE];

    f->win = own_page(gt, page);
    f->gfn = GNTTAB_NO_FRAME;
    win_copy_out(&f->win, 0, zeroes, sizeof(zeroes));
}

struct gnttab *gnttab_create(struct gmem *mem, domid_t domid,
                             unsigned max_frames)
{
    struct gnttab *gt = calloc(1, sizeof(*gt));
    const unsigned pages = max_frames + status_for(max_frames);

    BUG_ON(max_frames == 0 || max_frames > GNTTAB_MAX_FRAMES);
    if (gt) {
        /* Most of both is never touched. */
        gt->pages = calloc(pages, GUEST_PAGE);
        gt->pins = calloc(max_entries(max_frames), sizeof(*gt->pins));
    }
    if (!gt || !gt->pages || !gt->pins) {
        log_error("grant table: out of memory");
        if (gt) {
            free(gt->pages);
            free(gt->pins);
        }
        free(gt);
        return NULL;
    }
    gt->mem = mem;
    gt->domid = domid;
    gt->version = 1;
    gt->max_frames = max_frames;
    gnt_grow(gt, 1);
    return gt;
}

void gnttab_destroy(struct gnttab *gt)
{
    if (!gt)
        return;
    BUG_ON(gt->n_pins);
    free(gt->pages);
    free(gt->pins);
    free(gt);
}

void gnttab_reset(struct gnttab *gt)
{
    BUG_ON(gt->n_pins);
    gt->version = 1;
    gt->n_frames = gt->n_status = 0;
    gnt_grow(gt, 1);
}

void gnt_grow(struct gnttab *gt, unsigned n)
{
    BUG_ON(n > gt->max_frames);
    for (; gt->n_frames < n; gt->n_frames++)
        frame_init(gt, &gt->frames[gt->n_frames], gt->n_frames);
    if (gt->version == 1)
        return;
    for (; gt->n_status < status_for(gt->n_frames); gt->n_status++)
        frame_init(gt, &gt->status[gt->n_status],
                   gt->max_frames + gt->n_status);
}

unsigned gnttab_pins(const struct gnttab *gt)
{
    return gt->n_pins;
}

/* ---- where the frames are ---- */

/* The frame that idx names, or NULL. */
static struct gnt_frame *frame_at(struct gnttab *gt, uint64_t idx)
{
    if (!(idx & XENMAPIDX_grant_table_status))
        return idx < gt->n_frames ? &gt->frames[idx] : NULL;
    idx &= ~(uint64_t)XENMAPIDX_grant_table_status;
    return idx < gt->n_status ? &gt->status[idx] : NULL;
}

/* What is in the frame goes along. */
static void frame_move(struct gnt_frame *f, const struct gwin *to, uint64_t gfn)
{
    unsigned char page[GUEST_PAGE];

    win_copy_in(&f->win, 0, page, sizeof(page));
    win_copy_out(to, 0, page, sizeof(page));
    f->win = *to;
    f->gfn = gfn;
}

int gnttab_place(struct gnttab *gt, uint64_t idx, gfn_t gfn)
{
    struct gnt_frame *f;
    struct gwin to;

    if (gfn.v > UINT64_MAX / GUEST_PAGE ||
        gmem_win(gt->mem, GPA(gfn.v * GUEST_PAGE), GUEST_PAGE, &to) < 0)
        return -EFAULT;
    if (idx >= gt->n_frames && idx < gt->max_frames)
        gnt_grow(gt, (unsigned)idx + 1);
    f = frame_at(gt, idx);
    if (!f)
        return -EINVAL;
    if (f->gfn != gfn.v)
        frame_move(f, &to, gfn.v);
    return 0;
}

uint64_t gnttab_frame(const struct gnttab *gt, uint64_t idx)
{
    if (!(idx & XENMAPIDX_grant_table_status))
        return idx < gt->n_frames ? gt->frames[idx].gfn : GNTTAB_NO_FRAME;
    idx &= ~(uint64_t)XENMAPIDX_grant_table_status;
    return idx < gt->n_status ? gt->status[idx].gfn : GNTTAB_NO_FRAME;
}

void gnttab_unplace(struct gnttab *gt, gfn_t gfn)
{
    for (unsigned i = 0; i < gt->n_frames + gt->n_status; i++) {
        const bool status = i >= gt->n_frames;
        const unsigned n = status ? i - gt->n_frames : i;
        struct gnt_frame *f = status ? &gt->status[n] : &gt->frames[n];
        const struct gwin own = own_page(gt, status ? gt->max_frames + n : n);

        if (f->gfn == gfn.v)
            frame_move(f, &own, GNTTAB_NO_FRAME);
    }
}

/* ---- entries ---- */

/* Where an entry is: its window and the offset in it. */
static const struct gwin *entry_at(const struct gnttab *gt, grant_ref_t ref,
                                   size_t *off)
{
    BUG_ON(ref >= gnt_entries(gt));
    if (gt->version == 1) {
        *off = ref % V1_PER_FRAME * sizeof(struct grant_entry_v1);
        return &gt->frames[ref / V1_PER_FRAME].win;
    }
    *off = ref % V2_PER_FRAME * sizeof(union grant_entry_v2);
    return &gt->frames[ref / V2_PER_FRAME].win;
}

void gnt_entry_get(const struct gnttab *gt, grant_ref_t ref,
                   union gnt_entry *out)
{
    size_t off;
    const struct gwin *w = entry_at(gt, ref, &off);

    memset(out, 0, sizeof(*out));
    win_copy_in(w, off, out,
                gt->version == 1 ? sizeof(out->v1) : sizeof(out->v2));
}

void gnt_entry_put(const struct gnttab *gt, grant_ref_t ref,
                   const union gnt_entry *in)
{
    size_t off;
    const struct gwin *w = entry_at(gt, ref, &off);

    win_copy_out(w, off, in,
                 gt->version == 1 ? sizeof(in->v1) : sizeof(in->v2));
}

void gnttab_seed(struct gnttab *gt, grant_ref_t ref, gfn_t gfn)
{
    union gnt_entry e = {{0}};

    BUG_ON(gt->version != 1 || ref >= GNTTAB_NR_RESERVED_ENTRIES);
    e.v1 = (struct grant_entry_v1){GTF_permit_access, XEN_BACKEND_DOMID,
                                   (uint32_t)gfn.v};
    gnt_entry_put(gt, ref, &e);
}

/* The word of bits that show a pin, and the number of its first one there. */
static const struct gwin *bits_at(const struct gnttab *gt, grant_ref_t ref,
                                  size_t *off, unsigned *bit)
{
    if (gt->version == 1) {
        *bit = 0;
        return entry_at(gt, ref, off);
    }
    /* Two entries' status lie in a word. */
    *off = ref % STATUS_PER_FRAME / 2 * sizeof(uint32_t);
    *bit = ref % 2 * 16;
    return &gt->status[ref / STATUS_PER_FRAME].win;
}

/* What is shown must be what is held. */
static void clear_unused(const struct gnttab *gt, grant_ref_t ref)
{
    const struct gnt_pin *p = &gt->pins[ref];
    const uint32_t unused = (p->writers ? 0 : GTF_writing) |
                            (p->readers || p->writers ? 0 : GTF_reading);
    unsigned bit;
    size_t off;
    const struct gwin *w = bits_at(gt, ref, &off, &bit);

    win_clear_bits(w, off, unused << bit);
}

/* May the entry be used so? A pinned one was asked whose it is before. */
static int check_word(uint32_t word, domid_t domid, bool pinned, bool write,
                      bool whole)
{
    const uint32_t flags = WORD_FLAGS(word);

    if (!pinned && ((flags & GTF_type_mask) != GTF_permit_access ||
                    WORD_DOMID(word) != domid))
        return -EACCES;
    if (!pinned && whole && (flags & GTF_sub_page))
        return -EACCES;
    return write && (flags & GTF_readonly) ? -EPERM : 0;
}

static inline int show_v1(const struct gwin *w, size_t off, domid_t domid,
                          bool pinned, bool write)
{
    const uint32_t bits = GTF_reading | (write ? GTF_writing : 0);
    uint32_t word = win_load32(w, off);

    for (unsigned i = 0; i < MAX_TRIES; i++) {
        /* Parts of frames are version 2's. */
        const int ret = check_word(word, domid, pinned, write, true);

        if (ret < 0)
            return ret;
        if (win_cas32(w, off, &word, word | bits))
            return 0;
    }
    return -EAGAIN;
}

static int show_v2(const struct gnttab *gt, grant_ref_t ref, domid_t domid,
                   bool pinned, bool write, bool whole)
{
    unsigned bit;
    size_t off, bits_off;
    const struct gwin *w = entry_at(gt, ref, &off);
    const struct gwin *bits = bits_at(gt, ref, &bits_off, &bit);
    int ret = check_word(win_load32(w, off), domid, pinned, write, whole);

    if (ret < 0)
        return ret;
    /*
     * Pairs with the guest's clearing of the entry before it reads these; to
     * set a bit is a full barrier.
     */
    (void)win_set_bit(bits, bits_off, bit + _GTF_reading);
    if (write)
        (void)win_set_bit(bits, bits_off, bit + _GTF_writing);
    ret = check_word(win_load32(w, off), domid, pinned, write, whole);
    if (ret < 0)
        clear_unused(gt, ref);
    return ret;
}

/* Which part of which frame an entry of version 2 grants. */
static int learn_part(const struct gnttab *gt, grant_ref_t ref, bool whole,
                      struct gnt_pin *p)
{
    union gnt_entry e;

    gnt_entry_get(gt, ref, &e);
    p->gfn = e.v2.full_page.frame;
    if (!(e.v2.hdr.flags & GTF_sub_page))
        return 0;
    p->off = e.v2.sub_page.page_off;
    p->len = e.v2.sub_page.length;
    if (whole)
        return -EACCES;
    return p->off > GUEST_PAGE || p->len > GUEST_PAGE - p->off ? -EINVAL : 0;
}

/* Where that is. */
static int find_frame(const struct gnttab *gt, struct gnt_pin *p)
{
    struct gwin page;

    if (p->gfn > UINT64_MAX / GUEST_PAGE ||
        gmem_win(gt->mem, GPA(p->gfn * GUEST_PAGE), GUEST_PAGE, &page) < 0)
        return -EFAULT;
    p->host = page.host;
    return 0;
}

/*
 * The first pin of an entry of version 1, as nearly all are: what gnt_pin does
 * then, and no more, for it is done for each page of every packet.
 */
static int pin_first(struct gnttab *gt, grant_ref_t ref, domid_t domid,
                     bool write)
{
    struct gnt_pin *p = &gt->pins[ref];
    size_t off;
    const struct gwin *w = entry_at(gt, ref, &off);
    int ret = show_v1(w, off, domid, false, write);

    if (ret < 0)
        return ret;
    p->off = 0;
    p->len = GUEST_PAGE;
    p->gfn =
        win_load_acquire32(w, off + offsetof(struct grant_entry_v1, frame));
    ret = find_frame(gt, p);
    if (ret < 0) {
        clear_unused(gt, ref);
        return ret;
    }
    p->readers = !write;
    p->writers = write;
    gt->n_pins++;
    return 0;
}

/* Show one more use; a first one, of version 2, learns what it grants. */
static int show_more(struct gnttab *gt, grant_ref_t ref, domid_t domid,
                     bool write, bool whole)
{
    struct gnt_pin *p = &gt->pins[ref];
    const bool pinned = p->readers || p->writers;
    size_t off;
    const struct gwin *w = entry_at(gt, ref, &off);
    int ret;

    if (pinned && (!write || p->writers))
        return 0;
    ret = gt->version == 1 ? show_v1(w, off, domid, pinned, write)
                           : show_v2(gt, ref, domid, pinned, write, whole);
    if (ret < 0 || pinned)
        return ret;
    p->off = 0;
    p->len = GUEST_PAGE;
    ret = learn_part(gt, ref, whole, p);
    if (ret == 0)
        ret = find_frame(gt, p);
    if (ret < 0)
        clear_unused(gt, ref);
    return ret;
}

int gnt_pin(struct gnttab *gt, grant_ref_t ref, domid_t domid, bool write,
            bool whole)
{
    struct gnt_pin *p;
    int ret;

    if (ref >= gnt_entries(gt))
        return -EINVAL;
    p = &gt->pins[ref];
    if (gt->version == 1 && !p->readers && !p->writers)
        return pin_first(gt, ref, domid, write);
    if (p->readers == UINT16_MAX || p->writers == UINT16_MAX)
        return -EBUSY;
    ret = show_more(gt, ref, domid, write, whole);
    if (ret < 0)
        return ret;
    if (whole && p->len != GUEST_PAGE) {
        clear_unused(gt, ref);
        return -EACCES;
    }
    if (write)
        p->writers++;
    else
        p->readers++;
    gt->n_pins++;
    return 0;
}

void gnttab_release(struct gnttab *gt, grant_ref_t ref, bool write)
{
    struct gnt_pin *p = &gt->pins[ref];

    BUG_ON(ref >= gnt_entries(gt) || !(write ? p->writers : p->readers));
    if (write)
        p->writers--;
    else
        p->readers--;
    gt->n_pins--;
    if (!p->writers)
        clear_unused(gt, ref);
}

int gnttab_iov(struct gnttab *gt, grant_ref_t ref, unsigned off, unsigned len,
               bool write, struct iovec *out)
{
    const struct gnt_pin *p;
    const int ret = gnt_pin(gt, ref, XEN_BACKEND_DOMID, write, false);

    if (ret < 0)
        return ret;
    p = &gt->pins[ref];
    /* Of no bytes there is no iovec. */
    if (!len || off < p->off || !range_ok(off - p->off, len, p->len)) {
        gnttab_release(gt, ref, write);
        return -EINVAL;
    }
    *out = (struct iovec){p->host + off, len};
    return 0;
}

int gnttab_win(struct gnttab *gt, grant_ref_t ref, bool write, struct gwin *out)
{
    const int ret = gnt_pin(gt, ref, XEN_BACKEND_DOMID, write, true);

    if (ret < 0)
        return ret;
    *out = win_of(gt->pins[ref].host, GUEST_PAGE);
    return 0;
}
