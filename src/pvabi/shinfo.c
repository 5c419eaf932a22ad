// SPDX-License-Identifier: GPL-2.0-or-later
/* shinfo.c: see shinfo.h. */
#include "pvabi/shinfo.h"

#include "mmu/gwin.h"
#include "pvabi/xen_abi.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the two word sizes have what. */
struct layout {
    uint32_t word_bits;
    uint32_t pending, mask; /* in shared_info */
    uint32_t wc, wc_sec_hi;
    uint32_t sel, time; /* in vcpu_info */
};

static const struct layout layouts[] = {
    {.word_bits = 64,
     .pending = offsetof(struct shared_info, evtchn_pending),
     .mask = offsetof(struct shared_info, evtchn_mask),
     .wc = offsetof(struct shared_info, wc_version),
     .wc_sec_hi = offsetof(struct shared_info, wc_sec_hi),
     .sel = offsetof(struct vcpu_info, evtchn_pending_sel),
     .time = offsetof(struct vcpu_info, time)},
    {.word_bits = 32,
     .pending = offsetof(struct shared_info_x86_32, evtchn_pending),
     .mask = offsetof(struct shared_info_x86_32, evtchn_mask),
     .wc = offsetof(struct shared_info_x86_32, wc_version),
     .wc_sec_hi = offsetof(struct shared_info_x86_32, arch.wc_sec_hi),
     .sel = offsetof(struct vcpu_info_x86_32, evtchn_pending_sel),
     .time = offsetof(struct vcpu_info_x86_32, time)},
};

_Static_assert(sizeof(struct vcpu_info) == SHINFO_VCPU_SIZE, "vcpu_info");
_Static_assert(sizeof(struct vcpu_info_x86_32) == SHINFO_VCPU_SIZE,
               "vcpu_info_x86_32");
_Static_assert(sizeof(struct shared_info) <= 4096, "shared_info");
_Static_assert(offsetof(struct vcpu_info, evtchn_upcall_pending) == 0,
               "evtchn_upcall_pending");

struct vcpu_place {
    struct gwin win; /* what the guest registered */
    bool registered;
};

struct shinfo {
    unsigned char home[4096] __attribute__((aligned(4096)));
    struct gwin page; /* home, or the guest's */
    bool mapped;
    const struct layout *l;
    unsigned n_vcpus;
    struct vcpu_place vcpus[];
};

struct shinfo *shinfo_create(unsigned n_vcpus)
{
    const size_t size =
        sizeof(struct shinfo) + n_vcpus * sizeof(struct vcpu_place);
    struct shinfo *s =
        aligned_alloc(GUEST_PAGE, (size + GUEST_PAGE - 1) & ~(GUEST_PAGE - 1));

    if (!s) {
        log_error("shared_info: out of memory");
        return NULL;
    }
    s->n_vcpus = n_vcpus;
    shinfo_reset(s);
    return s;
}

void shinfo_destroy(struct shinfo *s)
{
    free(s);
}

void shinfo_reset(struct shinfo *s)
{
    memset(s->home, 0, sizeof(s->home));
    memset(s->vcpus, 0, s->n_vcpus * sizeof(s->vcpus[0]));
    s->page = win_of(s->home, sizeof(s->home));
    s->mapped = false;
    s->l = &layouts[0];
}

void shinfo_latch(struct shinfo *s, bool is32)
{
    s->l = &layouts[is32];
}

bool shinfo_is32(const struct shinfo *s)
{
    return s->l == &layouts[1];
}

unsigned shinfo_vcpus(const struct shinfo *s)
{
    return s->n_vcpus;
}

static void move_page(struct shinfo *s, const struct gwin *to)
{
    unsigned char copy[sizeof(s->home)];

    win_copy_in(&s->page, 0, copy, sizeof(copy));
    win_copy_out(to, 0, copy, sizeof(copy));
    s->page = *to;
}

void shinfo_map(struct shinfo *s, const struct gwin *page)
{
    move_page(s, page);
    s->mapped = true;
}

void shinfo_unmap(struct shinfo *s)
{
    const struct gwin home = win_of(s->home, sizeof(s->home));

    if (!s->mapped)
        return;
    move_page(s, &home);
    s->mapped = false;
}

bool shinfo_is_mapped(const struct shinfo *s)
{
    return s->mapped;
}

bool shinfo_is_registered(const struct shinfo *s, unsigned vcpu)
{
    return vcpu < s->n_vcpus && s->vcpus[vcpu].registered;
}

bool shinfo_vcpu(const struct shinfo *s, unsigned vcpu, struct gwin *out)
{
    if (vcpu >= s->n_vcpus)
        return false;
    if (s->vcpus[vcpu].registered) {
        *out = s->vcpus[vcpu].win;
        return true;
    }
    if (vcpu >= XEN_LEGACY_MAX_VCPUS)
        return false;
    *out = win_of(
        win_at(&s->page, vcpu * (size_t)SHINFO_VCPU_SIZE, SHINFO_VCPU_SIZE),
        SHINFO_VCPU_SIZE);
    return true;
}

bool shinfo_vcpu_time(const struct shinfo *s, unsigned vcpu, struct gwin *out)
{
    struct gwin w;

    if (!shinfo_vcpu(s, vcpu, &w))
        return false;
    *out = win_of(win_at(&w, s->l->time, sizeof(struct vcpu_time_info)),
                  sizeof(struct vcpu_time_info));
    return true;
}

static void mark_all(const struct shinfo *s, const struct gwin *w)
{
    win_store32(w, s->l->sel, UINT32_MAX);
    if (s->l->word_bits == 64)
        win_store32(w, s->l->sel + 4, UINT32_MAX);
    (void)win_swap8(w, 0, 1);
}

int shinfo_register_vcpu(struct shinfo *s, unsigned vcpu,
                         const struct gwin *win)
{
    unsigned char copy[SHINFO_VCPU_SIZE] = {0};
    struct gwin old;

    if (vcpu >= s->n_vcpus)
        return -ENOENT;
    if (s->vcpus[vcpu].registered)
        return -EINVAL;
    if (shinfo_vcpu(s, vcpu, &old))
        win_copy_in(&old, 0, copy, sizeof(copy));
    win_copy_out(win, 0, copy, sizeof(copy));
    s->vcpus[vcpu] = (struct vcpu_place){.win = *win, .registered = true};
    shinfo_mark_all(s, vcpu);
    return 0;
}

/* Nothing that was pending meanwhile may be missed: Xen says all is. */
void shinfo_mark_all(struct shinfo *s, unsigned vcpu)
{
    struct gwin w;

    if (shinfo_vcpu(s, vcpu, &w))
        mark_all(s, &w);
}

uint32_t shinfo_ports(const struct shinfo *s)
{
    return s->l->word_bits * s->l->word_bits;
}

bool shinfo_pending(const struct shinfo *s, uint32_t port)
{
    return win_test_bit(&s->page, s->l->pending, port);
}

bool shinfo_masked(const struct shinfo *s, uint32_t port)
{
    return win_test_bit(&s->page, s->l->mask, port);
}

bool shinfo_set_pending(struct shinfo *s, uint32_t port)
{
    return win_set_bit(&s->page, s->l->pending, port);
}

bool shinfo_clear_pending(struct shinfo *s, uint32_t port)
{
    return win_clear_bit(&s->page, s->l->pending, port);
}

bool shinfo_clear_mask(struct shinfo *s, uint32_t port)
{
    return win_clear_bit(&s->page, s->l->mask, port);
}

bool shinfo_set_selector(struct shinfo *s, unsigned vcpu, uint32_t port)
{
    struct gwin w;

    if (!shinfo_vcpu(s, vcpu, &w))
        return true;
    return win_set_bit(&w, s->l->sel, port / s->l->word_bits);
}

bool shinfo_set_upcall(struct shinfo *s, unsigned vcpu)
{
    struct gwin w;

    if (!shinfo_vcpu(s, vcpu, &w))
        return true;
    return win_swap8(&w, 0, 1) != 0;
}

bool shinfo_upcall(const struct shinfo *s, unsigned vcpu)
{
    struct gwin w;
    uint8_t v;

    if (!shinfo_vcpu(s, vcpu, &w))
        return false;
    win_copy_in(&w, 0, &v, sizeof(v));
    return v != 0;
}

size_t shinfo_wallclock_offset(const struct shinfo *s)
{
    return s->l->wc;
}

/* An odd version says: being written. */
void shinfo_set_wallclock(struct shinfo *s, uint64_t sec, uint32_t nsec)
{
    const uint32_t version = win_load32(&s->page, s->l->wc) | 1;

    win_store32(&s->page, s->l->wc, version);
    win_store32(&s->page, s->l->wc + 4, (uint32_t)sec);
    win_store32(&s->page, s->l->wc + 8, nsec);
    win_store32(&s->page, s->l->wc_sec_hi, (uint32_t)(sec >> 32));
    win_store32(&s->page, s->l->wc, version + 1);
}
