/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hcall_rig.h: the hypercalls of a guest without one: memory, a clock that
 * goes on when it is looked at, and a machine that writes down what it is
 * asked. The guest runs without paging, so that its addresses are physical.
 */
#ifndef HCALL_RIG_H
#define HCALL_RIG_H

#include "pvabi/xen.h"
#include "pvabi/xen_abi.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RIG_CPUS 4u
#define RIG_RAM  (1 * MIB)
#define RIG_ARG  0x1000ull /* where a call's structure is */
/* Interrupt lines, of which those from 16 on are levels. */
#define RIG_GSIS  24u
#define RIG_ENDED 0xff0000u

struct hcall_rig {
    struct gmem *mem;
    struct machine_desc desc;
    struct chr *console;
    struct xen *xen;
    uint64_t now;
    uint64_t timers[RIG_CPUS];
    uint64_t clocks[RIG_CPUS];
    struct xen_times times[RIG_CPUS];
    unsigned interrupts[RIG_CPUS];
    uint8_t vector; /* of the last one */
    unsigned nudges[RIG_CPUS];
    int shutdown;       /* the reason, -1: none */
    bool is64;          /* as last latched */
    struct xen_via via; /* whose line was last driven */
    bool line;
    unsigned edges; /* of the line, upwards */
    unsigned posts, waits, wakes;
    bool up[RIG_CPUS], loaded[RIG_CPUS];
    struct cpu_context context; /* the last one loaded */
    unsigned nmis[RIG_CPUS];
    uint32_t gsis; /* lines that are up, a bit each, */
    uint32_t led;  /* and those that are events */
};

static void rig_interrupt(void *ctx, unsigned vcpu, uint8_t vector)
{
    struct hcall_rig *r = ctx;

    r->interrupts[vcpu]++;
    r->vector = vector;
}

static void rig_nudge(void *ctx, unsigned vcpu)
{
    struct hcall_rig *r = ctx;

    r->nudges[vcpu]++;
}

static uint64_t rig_now(void *ctx)
{
    struct hcall_rig *r = ctx;

    return r->now += 1000;
}

static void rig_set_timer(void *ctx, unsigned vcpu, uint64_t at)
{
    struct hcall_rig *r = ctx;

    r->timers[vcpu] = at;
}

static void rig_set_clock(void *ctx, unsigned vcpu, uint64_t gpa)
{
    struct hcall_rig *r = ctx;

    r->clocks[vcpu] = gpa;
}

static void rig_times(void *ctx, unsigned vcpu, struct xen_times *out)
{
    const struct hcall_rig *r = ctx;

    *out = r->times[vcpu];
}

static void rig_set_long_mode(void *ctx, bool is64)
{
    struct hcall_rig *r = ctx;

    r->is64 = is64;
}

/* GSI 9 and INTA# of slot 5 are lines, and nothing else. */
static int rig_line(void *ctx, const struct xen_via *via, bool level)
{
    struct hcall_rig *r = ctx;

    if (via->kind == XEN_VIA_GSI ? via->line != 9
                                 : via->devfn != 5 << 3 || via->line)
        return -EINVAL;
    r->via = *via;
    r->edges += level && !r->line;
    r->line = level;
    return 0;
}

static int rig_back(void *ctx, gpa_t page)
{
    struct hcall_rig *r = ctx;
    const int window = gmem_back(r->mem, page);

    return window == -EEXIST || window >= 0 ? 0 : window;
}

static void rig_shutdown(void *ctx, unsigned reason)
{
    struct hcall_rig *r = ctx;

    r->shutdown = (int)reason;
}

static void rig_post(void *ctx)
{
    struct hcall_rig *r = ctx;

    r->posts++;
}

static bool rig_is_up(void *ctx, unsigned vcpu)
{
    struct hcall_rig *r = ctx;

    return r->up[vcpu];
}

static int rig_load_vcpu(void *ctx, unsigned vcpu, const struct cpu_context *c)
{
    struct hcall_rig *r = ctx;

    if (r->up[vcpu] || r->loaded[vcpu])
        return -EEXIST;
    r->context = *c;
    r->loaded[vcpu] = true;
    return 0;
}

static int rig_start_vcpu(void *ctx, unsigned vcpu)
{
    struct hcall_rig *r = ctx;

    if (!r->up[vcpu] && !r->loaded[vcpu])
        return -EINVAL;
    r->up[vcpu] = true;
    return 0;
}

static void rig_stop_vcpu(void *ctx, unsigned vcpu)
{
    struct hcall_rig *r = ctx;

    r->up[vcpu] = false;
}

static void rig_nmi(void *ctx, unsigned vcpu)
{
    struct hcall_rig *r = ctx;

    r->nmis[vcpu]++;
}

/* A line goes up or down. */
static inline void rig_set_gsi(struct hcall_rig *r, unsigned gsi, bool up)
{
    const uint32_t bit = 1u << gsi;
    const bool rises = up && !(r->gsis & bit);

    r->gsis = up ? r->gsis | bit : r->gsis & ~bit;
    if (rises && (r->led & bit))
        xen_gsi(r->xen, gsi);
}

static void rig_lead(void *ctx, unsigned gsi, bool to_event)
{
    struct hcall_rig *r = ctx;
    const uint32_t bit = 1u << gsi;

    BUG_ON(gsi >= RIG_GSIS || !(r->led & bit) != to_event);
    r->led ^= bit;
    if (to_event && (r->gsis & bit))
        xen_gsi(r->xen, gsi);
}

static void rig_end(void *ctx, unsigned gsi)
{
    struct hcall_rig *r = ctx;

    BUG_ON(!(RIG_ENDED & r->led & 1u << gsi));
    if (r->gsis & 1u << gsi)
        xen_gsi(r->xen, gsi);
}

static void rig_wait(void *ctx, uint64_t ns)
{
    struct hcall_rig *r = ctx;

    r->waits++;
    r->now += ns;
}

static void rig_wake(void *ctx)
{
    struct hcall_rig *r = ctx;

    r->wakes++;
}

/*
 * With a kernel that knows of Xen (accel, borrowed), or NULL: without; with so
 * many lines that can be events. False: out of memory.
 */
static inline bool rig_make_on(struct hcall_rig *r,
                               const struct xen_accel *accel, unsigned gsis)
{
    struct xen_config cfg;

    *r = (struct hcall_rig){.now = 1000000,
                            .shutdown = -1,
                            .is64 = true,
                            .up = {true},
                            .mem = gmem_create(RIG_RAM, GMEM_ANON),
                            .console = chr_open_null()};
    r->desc = (struct machine_desc){.n_cpus = RIG_CPUS, .n_ranges = 2};
    r->desc.map[0] = (struct mem_range){GPA(0), 0xa0000, MEM_RAM};
    r->desc.map[1] = (struct mem_range){GPA(0xa0000), 0x60000, MEM_RESERVED};
    if (!r->mem || !r->console || gmem_reserve_windows(r->mem) < 0)
        return false;
    cfg = (struct xen_config){
        .mem = r->mem,
        .desc = &r->desc,
        .console = r->console,
        .version = 4u << 16 | 17u,
        .fifo = !accel,
        .accel = accel,
        .gsis = gsis,
        .ended = RIG_ENDED,
        .ops = {.interrupt = rig_interrupt,
                .now = rig_now,
                .set_timer = rig_set_timer,
                .set_clock = rig_set_clock,
                .nudge = rig_nudge,
                .times = rig_times,
                .set_long_mode = rig_set_long_mode,
                .line = rig_line,
                .lead = rig_lead,
                .end = rig_end,
                .back = rig_back,
                .shutdown = rig_shutdown,
                .post = rig_post,
                .is_up = rig_is_up,
                .load_vcpu = rig_load_vcpu,
                .start_vcpu = rig_start_vcpu,
                .stop_vcpu = rig_stop_vcpu,
                .nmi = rig_nmi,
                .wait = rig_wait,
                .wake = rig_wake,
                .ctx = r},
    };
    r->xen = xen_create(&cfg);
    return r->xen != NULL;
}

static inline bool rig_make_with(struct hcall_rig *r,
                                 const struct xen_accel *accel)
{
    return rig_make_on(r, accel, RIG_GSIS);
}

static inline bool rig_make(struct hcall_rig *r)
{
    return rig_make_with(r, NULL);
}

static inline void rig_free(struct hcall_rig *r)
{
    xen_destroy(r->xen);
    chr_close(r->console);
    gmem_destroy(r->mem);
}

/* ---- the guest's side ---- */

static inline void rig_put(struct hcall_rig *r, uint64_t at, const void *src,
                           size_t n)
{
    BUG_ON(gmem_write(r->mem, GPA(at), src, n) < 0);
}

static inline void rig_get(struct hcall_rig *r, uint64_t at, void *dst,
                           size_t n)
{
    BUG_ON(gmem_read(r->mem, GPA(at), dst, n) < 0);
}

static inline int64_t rig_call(struct hcall_rig *r, bool is64, uint64_t nr,
                               uint64_t a, uint64_t b, uint64_t c)
{
    const struct hcall h = {.nr = nr, .arg = {a, b, c}, .is64 = is64};

    return xen_hypercall(r->xen, &h);
}

/* With a structure that is copied in and out. */
static inline int64_t rig_with(struct hcall_rig *r, uint64_t nr, uint64_t op,
                               void *arg, size_t n)
{
    int64_t ret;

    rig_put(r, RIG_ARG, arg, n);
    ret = rig_call(r, true, nr, op, RIG_ARG, 0);
    rig_get(r, RIG_ARG, arg, n);
    return ret;
}

static inline int64_t rig_map_shinfo(struct hcall_rig *r, uint64_t gfn)
{
    struct xen_add_to_physmap a = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = gfn};

    return rig_with(r, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a,
                    sizeof(a));
}

static inline int64_t rig_set_vector(struct hcall_rig *r, unsigned vcpu,
                                     uint8_t vector)
{
    struct xen_hvm_evtchn_upcall_vector u = {.vcpu = vcpu, .vector = vector};

    return rig_with(r, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &u,
                    sizeof(u));
}

#endif
