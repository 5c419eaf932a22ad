// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen_calls.c: put a port write in the place of a kernel's Xen hypercall
 * instructions, for a host whose KVM does not know of Xen.
 *
 * Kernels since the end of 2024 have a function for each CPU vendor that is
 * vmcall or vmmcall (0f 01 c1, 0f 01 d9) and a return, and pick one by CPUID.
 * Both get `out %eax, $LAYOUT_XEN_HCALL` and a nop: as long, and with the same
 * registers. Kernels are stripped of their symbols, so it is bytes that are
 * looked at: in executable segments, the instruction is the first of a
 * function (aligned to 16, or behind an endbr64 that is), and what follows is
 * a return (ret, or a jump to the return thunk). What other hypercalls a
 * kernel has (KVM's, in the middle of functions) does not look like that.
 *
 * An older kernel calls through a page that it asks for: it has none of these.
 *
 * A kernel that a boot loader or kexec started is looked at when it is about to
 * start, in the map of the kernel that Linux has made by then. What is code
 * cannot be told from data there: only two functions side by side count, one
 * for each vendor.
 */
#include "boot/boot_priv.h"

#include "mmu/walk.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK     (64 * KIB)
#define BEFORE    4 /* bytes: endbr64 */
#define CALL      3 /* bytes: the instruction */
#define ALIGNMENT 16

static const unsigned char endbr64[BEFORE] = {0xf3, 0x0f, 0x1e, 0xfa};
static const unsigned char in_place[CALL] = {0xe7, LAYOUT_XEN_HCALL, 0x90};

/* code: what is at gpa; BEFORE bytes before it and CALL + 1 from it on. */
static bool is_site(uint64_t gpa, const unsigned char *code)
{
    const unsigned char next = code[CALL];

    if (code[0] != 0x0f || code[1] != 0x01 ||
        (code[2] != 0xc1 && code[2] != 0xd9))
        return false;
    if (next != 0xc3 && next != 0xe9 && next != 0xcc)
        return false;
    if (gpa % ALIGNMENT == 0)
        return true;
    return gpa % ALIGNMENT == BEFORE &&
           memcmp(code - BEFORE, endbr64, BEFORE) == 0;
}

/* Sites in n bytes at gpa, a copy of which is in code. Counted in *found. */
static int patch(struct gmem *mem, uint64_t gpa, const unsigned char *code,
                 size_t n, unsigned *found)
{
    for (size_t i = 0; i + CALL < n; i++) {
        const unsigned char *hit = memchr(code + i, 0x0f, n - CALL - i);

        if (!hit)
            break;
        i = (size_t)(hit - code);
        if (!is_site(gpa + i, hit))
            continue;
        if (gmem_write(mem, GPA(gpa + i), in_place, sizeof(in_place)) < 0)
            return -EFAULT;
        log_debug("hypercall instruction at %#llx: a port write is in its "
                  "place",
                  (unsigned long long)(gpa + i));
        ++*found;
    }
    return 0;
}

/*
 * In chunks that overlap by what is looked at behind a site. Before the first
 * there is nothing: zeroes.
 */
static int patch_segment(struct gmem *mem, const struct image_segment *s,
                         unsigned char *buf, unsigned *found)
{
    int ret = 0;

    memset(buf, 0, BEFORE);
    for (uint64_t off = 0; ret == 0 && off < s->filesz; off += CHUNK - CALL) {
        const uint64_t left = s->filesz - off, at = s->paddr.v + off;
        const size_t n = left < CHUNK ? (size_t)left : CHUNK;
        const size_t lead = off ? BEFORE : 0;

        ret = gmem_read(mem, GPA(at - lead), buf + BEFORE - lead, lead + n);
        if (ret == 0)
            ret = patch(mem, at, buf + BEFORE, n, found);
    }
    return ret;
}

int boot_patch_calls(struct boot *b, struct gmem *mem)
{
    const struct image_info *info = image_info(b->img);
    unsigned char *buf = malloc(BEFORE + CHUNK);
    unsigned found = 0;
    int ret = buf ? 0 : -ENOMEM;

    for (unsigned i = 0; ret == 0 && i < info->n_segments; i++)
        if (info->segments[i].executable)
            ret = patch_segment(mem, &info->segments[i], buf, &found);
    free(buf);
    b->calls = found;
    if (ret < 0)
        log_error("kernel %s: its hypercalls cannot be looked at: %s",
                  b->cfg->kernel, strerror(-ret));
    else if (found)
        log_info("kernel: %u hypercall instructions are port writes now",
                 found);
    return ret;
}

unsigned boot_calls(const struct boot *b)
{
    return b->calls;
}

/* ---- a kernel that runs ---- */

/* Linux's Documentation/arch/x86/x86_64/mm: the kernel's own map. */
#define KERNEL_MAP     0xffffffff80000000
#define KERNEL_MAP_END 0xffffffffc0000000
#define LARGE_PAGE     (2 * MIB)
#define KERNEL_MAX     (128 * MIB) /* that is looked at */
#define BESIDE         64u         /* bytes from one function to the next */

struct site {
    uint64_t gva; /* 0: none */
    gpa_t at;
    bool amd;
};

/* What was found before the piece that is looked at. */
struct search {
    struct gmem *mem;
    const struct paging *paging;
    struct site last;
};

static bool are_pair(const struct site *a, const struct site *b)
{
    return a->gva && a->amd != b->amd && b->gva - a->gva <= BESIDE;
}

static bool put_pair(struct gmem *mem, const struct site *a,
                     const struct site *b)
{
    return gmem_write(mem, a->at, in_place, sizeof(in_place)) == 0 &&
           gmem_write(mem, b->at, in_place, sizeof(in_place)) == 0;
}

/* At most a page, at gva and at. True: a pair is done. */
static bool search_piece(struct search *s, uint64_t gva, gpa_t at, size_t n)
{
    unsigned char buf[BEFORE + GUEST_PAGE] = {0};
    const unsigned char *code = buf + BEFORE;

    if (gmem_read(s->mem, at, buf + BEFORE, n) < 0)
        return false;
    for (size_t i = 0; i + CALL < n; i++) {
        const unsigned char *hit = memchr(code + i, 0x0f, n - CALL - i);
        struct site site;

        if (!hit)
            break;
        i = (size_t)(hit - code);
        if (!is_site(gva + i, hit))
            continue;
        site = (struct site){gva + i, GPA(at.v + i), hit[2] == 0xd9};
        if (are_pair(&s->last, &site))
            return put_pair(s->mem, &s->last, &site);
        s->last = site;
    }
    return false;
}

/* The first address, in steps of large pages, from which on all is mapped. */
static uint64_t map_begin(const struct search *s, uint64_t rip)
{
    uint64_t at = rip & ~(LARGE_PAGE - 1), run;
    const uint64_t least =
        rip - KERNEL_MAP > KERNEL_MAX ? rip - KERNEL_MAX : KERNEL_MAP;
    gpa_t gpa;

    while (at - least >= LARGE_PAGE &&
           walk_gva(s->mem, s->paging, GVA(at - LARGE_PAGE), false, &gpa,
                    &run) == 0)
        at -= LARGE_PAGE;
    return at;
}

bool boot_patch_running(struct gmem *mem, const struct paging *p, gva_t rip)
{
    struct search s = {.mem = mem, .paging = p};
    uint64_t at, end, run;
    gpa_t gpa;

    if (rip.v < KERNEL_MAP || rip.v >= KERNEL_MAP_END)
        return false;
    at = map_begin(&s, rip.v);
    end = KERNEL_MAP_END - at > KERNEL_MAX ? at + KERNEL_MAX : KERNEL_MAP_END;
    while (at < end && walk_gva(mem, p, GVA(at), false, &gpa, &run) == 0) {
        const uint64_t n = run < GUEST_PAGE ? run : GUEST_PAGE;

        if (search_piece(&s, at, gpa, n))
            return true;
        at += n;
    }
    return false;
}
