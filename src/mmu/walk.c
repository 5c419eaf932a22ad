// SPDX-License-Identifier: GPL-2.0-or-later
/* walk.c: see walk.h. */
#include "mmu/walk.h"

#include <errno.h>

#define CR0_PG   ((uint64_t)1 << 31)
#define CR0_WP   ((uint64_t)1 << 16)
#define CR4_PSE  ((uint64_t)1 << 4)
#define CR4_PAE  ((uint64_t)1 << 5)
#define CR4_LA57 ((uint64_t)1 << 12)
#define EFER_LMA ((uint64_t)1 << 10)

#define PTE_P  ((uint64_t)1 << 0)
#define PTE_W  ((uint64_t)1 << 1)
#define PTE_PS ((uint64_t)1 << 7)

/* Address bits of an 8-byte entry: 51..12. */
#define PTE_ADDR ((uint64_t)0x000ffffffffff000)

struct format {
    unsigned levels;
    unsigned entry;    /* bytes */
    unsigned bits;     /* of the address that a level takes */
    unsigned top_bits; /* the highest level takes */
    uint64_t root;
    bool pdpte; /* the highest level's entries have no W bit */
    bool large; /* entries of level 1 may be large pages */
};

static struct format format_of(const struct paging *p)
{
    if (p->efer & EFER_LMA)
        return (struct format){.levels = p->cr4 & CR4_LA57 ? 5 : 4,
                               .entry = 8,
                               .bits = 9,
                               .top_bits = 9,
                               .root = p->cr3 & PTE_ADDR,
                               .large = true};
    if (p->cr4 & CR4_PAE)
        return (struct format){.levels = 3,
                               .entry = 8,
                               .bits = 9,
                               .top_bits = 2,
                               .root = p->cr3 & 0xffffffe0,
                               .pdpte = true,
                               .large = true};
    return (struct format){.levels = 2,
                           .entry = 4,
                           .bits = 10,
                           .top_bits = 10,
                           .root = p->cr3 & 0xfffff000,
                           .large = p->cr4 & CR4_PSE};
}

/* Linear addresses are sign-extended from the highest bit that is walked. */
static bool is_canonical(uint64_t gva, unsigned levels)
{
    const unsigned top = 12 + 9 * levels - 1;
    const int64_t high = (int64_t)gva >> top;

    return high == 0 || high == -1;
}

/* Does an entry of this level (0: the lowest) map a page itself? */
static bool is_leaf(const struct format *f, unsigned level, uint64_t e)
{
    if (level == 0)
        return true;
    if (!(e & PTE_PS) || !f->large)
        return false;
    /* 4 KiB < 2 or 4 MiB < 1 GiB; above there is none, nor in PAE's top. */
    return level == 1 || (level == 2 && f->levels >= 4);
}

static uint64_t leaf_address(const struct format *f, unsigned level, uint64_t e,
                             uint64_t offset)
{
    if (f->entry == 8)
        return (e & PTE_ADDR & ~offset);
    if (level == 0)
        return e & 0xfffff000;
    /* PSE-36: bits 20..13 are address bits 39..32. */
    return (e & 0xffc00000) | (e >> 13 & 0xff) << 32;
}

static int no_paging(gva_t gva, gpa_t *out, uint64_t *run)
{
    if (gva.v > UINT32_MAX)
        return -EFAULT;
    *out = GPA(gva.v);
    *run = GUEST_PAGE - gva.v % GUEST_PAGE;
    return 0;
}

int walk_gva(const struct gmem *m, const struct paging *p, gva_t gva,
             bool write, gpa_t *out, uint64_t *run)
{
    const bool protect = write && p->cr0 & CR0_WP;
    struct format f;
    uint64_t table;

    if (!(p->cr0 & CR0_PG))
        return no_paging(gva, out, run);
    f = format_of(p);
    if (p->efer & EFER_LMA ? !is_canonical(gva.v, f.levels)
                           : gva.v > UINT32_MAX)
        return -EFAULT;
    table = f.root;
    for (unsigned level = f.levels; level-- > 0;) {
        const unsigned shift = 12 + f.bits * level;
        const unsigned bits = level == f.levels - 1 ? f.top_bits : f.bits;
        const uint64_t index = gva.v >> shift & (((uint64_t)1 << bits) - 1);
        const bool top = level == f.levels - 1;
        uint64_t e = 0;

        if (gmem_read(m, GPA(table + index * f.entry), &e, f.entry) < 0)
            return -EFAULT;
        if (!(e & PTE_P) || (protect && !(top && f.pdpte) && !(e & PTE_W)))
            return -EFAULT;
        if (is_leaf(&f, level, e)) {
            const uint64_t mask = ((uint64_t)1 << shift) - 1;

            *out = GPA(leaf_address(&f, level, e, mask) + (gva.v & mask));
            *run = GUEST_PAGE - gva.v % GUEST_PAGE;
            return 0;
        }
        table = f.entry == 8 ? e & PTE_ADDR : e & 0xfffff000;
    }
    return -EFAULT;
}

/* The next piece of n bytes at gva, which lies in one page. */
static int piece(const struct gmem *m, const struct paging *p, gva_t gva,
                 bool write, size_t n, gpa_t *at, size_t *len)
{
    uint64_t run;
    const int ret = walk_gva(m, p, gva, write, at, &run);

    *len = ret == 0 && run < n ? (size_t)run : n;
    return ret;
}

int walk_read(const struct gmem *m, const struct paging *p, gva_t from,
              void *dst, size_t n)
{
    unsigned char *d = dst;
    size_t len = 0;

    for (; n; from.v += len, d += len, n -= len) {
        gpa_t at;

        if (piece(m, p, from, false, n, &at, &len) < 0 ||
            gmem_read(m, at, d, len) < 0)
            return -EFAULT;
    }
    return 0;
}

int walk_write(struct gmem *m, const struct paging *p, gva_t to,
               const void *src, size_t n)
{
    const unsigned char *s = src;
    size_t len = 0;

    for (; n; to.v += len, s += len, n -= len) {
        gpa_t at;

        if (piece(m, p, to, true, n, &at, &len) < 0 ||
            gmem_write(m, at, s, len) < 0)
            return -EFAULT;
    }
    return 0;
}
