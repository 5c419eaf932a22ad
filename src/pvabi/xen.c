// SPDX-License-Identifier: GPL-2.0-or-later
/* xen.c: a domain's state, upcalls, and where its pages are; see xen.h. */
#include "pvabi/xen_priv.h"

#include "vmm/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void on_upcall(void *ctx, unsigned vcpu)
{
    xen_upcall(ctx, vcpu);
}

static void on_post(void *ctx)
{
    struct xen *x = ctx;

    x->ops.post(x->ops.ctx);
}

static void on_wake(void *ctx)
{
    struct xen *x = ctx;

    x->ops.wake(x->ops.ctx);
}

static struct evtchn *make_evtchn(struct xen *x, const struct xen_config *cfg)
{
    const struct evtchn_config c = {
        .shinfo = x->si,
        .mem = x->mem,
        .domid = XEN_GUEST_DOMID,
        .fifo = cfg->fifo,
        .pirqs = cfg->gsis != 0,
        .ops = {.upcall = on_upcall,
                .post = on_post,
                .bound = accel_bound,
                .closed = accel_closed,
                .reset = accel_reset,
                .raise = accel_raise,
                .poll_wake = on_wake,
                .pirq = pirq_bound,
                .ctx = x},
    };

    return evtchn_create(&c);
}

static void reset_vcpus(struct xen *x)
{
    for (unsigned i = 0; i < x->n_vcpus; i++) {
        x->vcpus[i] = (struct xen_vcpu){.info = XEN_NOWHERE};
        areas_init(&x->vcpus[i]);
        x->vcpus[i].account.up = i == 0;
    }
    x->si_gpa = XEN_NOWHERE;
    x->latched = false;
    xen_set_via(x, &(struct xen_via){0});
    x->assists = 0;
}

struct xen *xen_create(const struct xen_config *cfg)
{
    struct xen *x = calloc(1, sizeof(*x));

    BUG_ON(cfg->gsis > XEN_MAX_GSIS);
    if (!x) {
        log_error("Xen ABI: out of memory");
        return NULL;
    }
    x->mem = cfg->mem;
    x->desc = cfg->desc;
    x->console = cfg->console;
    x->version = cfg->version;
    x->drivers_only = cfg->drivers_only;
    x->n_gsis = cfg->gsis;
    x->ended_gsis = cfg->ended;
    x->ops = cfg->ops;
    x->accel = cfg->accel;
    x->n_vcpus = cfg->desc->n_cpus;
    x->max_pages = gmem_size(cfg->mem) / GUEST_PAGE;
    x->vcpus = calloc(x->n_vcpus, sizeof(x->vcpus[0]));
    x->si = shinfo_create(x->n_vcpus);
    x->ev = x->si ? make_evtchn(x, cfg) : NULL;
    x->gt = gnttab_create(cfg->mem, XEN_GUEST_DOMID, GNTTAB_FRAMES);
    if (!x->vcpus || !x->ev || !x->gt) {
        log_error("Xen ABI: out of memory");
        xen_destroy(x);
        return NULL;
    }
    reset_vcpus(x);
    return x;
}

void xen_destroy(struct xen *x)
{
    if (!x)
        return;
    gnttab_destroy(x->gt);
    evtchn_destroy(x->ev);
    shinfo_destroy(x->si);
    free(x->vcpus);
    free(x);
}

void xen_reset(struct xen *x)
{
    for (unsigned i = 0; i < x->n_vcpus; i++) {
        timer_stop_singleshot(x, i);
        timer_stop_periodic(x, i);
    }
    areas_reset(x);
    evtchn_reset_all(x->ev);
    pirq_reset(x);
    gnttab_reset(x->gt);
    accel_unmap(x);
    shinfo_reset(x->si);
    reset_vcpus(x);
    xen_place_clocks(x);
}

struct evtchn *xen_evtchn(struct xen *x)
{
    return x->ev;
}

struct gnttab *xen_gnttab(struct xen *x)
{
    return x->gt;
}

void xen_dispatch(struct xen *x)
{
    evtchn_dispatch(x->ev);
}

void xen_get_stats(const struct xen *x, struct xen_stats *out)
{
    *out = x->stats;
}

void xen_set_param(struct xen *x, uint32_t index, uint64_t value)
{
    BUG_ON(index >= XEN_PARAMS);
    x->params[index] = value;
}

/* ---- upcalls ---- */

static void set_line(struct xen *x, bool up)
{
    if (x->line_up == up)
        return;
    x->line_up = up;
    (void)x->ops.line(x->ops.ctx, &x->via, up);
}

static void nudge(struct xen *x, unsigned vcpu)
{
    if (x->accel)
        x->accel->nudge(x->accel->ctx, vcpu);
    else
        x->ops.nudge(x->ops.ctx, vcpu);
}

uint8_t xen_callback(const struct xen *x, unsigned vcpu)
{
    return !x->vcpus[vcpu].vector && shinfo_upcall(x->si, vcpu) ? x->callback
                                                                : 0;
}

/*
 * A line that is still up says nothing new, be it an edge that is listened
 * for: it falls first.
 */
void xen_upcall(struct xen *x, unsigned vcpu)
{
    if (x->vcpus[vcpu].vector) {
        x->ops.interrupt(x->ops.ctx, vcpu, x->vcpus[vcpu].vector);
    } else if (x->callback) {
        nudge(x, vcpu);
    } else if (vcpu == 0 && x->via.kind != XEN_VIA_NONE) {
        set_line(x, false);
        set_line(x, true);
    }
}

void xen_set_via(struct xen *x, const struct xen_via *via)
{
    set_line(x, false);
    x->via = *via;
    if (x->callback && accel_callback(x, 0) < 0)
        log_guest(&x->limit, "upcalls still come by vector %#x", x->callback);
}

void xen_left(struct xen *x)
{
    if (x->line_up && (x->vcpus[0].vector || !shinfo_upcall(x->si, 0)))
        set_line(x, false);
}

/* ---- pages ---- */

void xen_latch(struct xen *x, bool is64)
{
    x->latched = true;
    shinfo_latch(x->si, !is64);
    x->ops.set_long_mode(x->ops.ctx, is64);
    xen_place_clocks(x);
}

uint64_t xen_info(const struct xen *x, unsigned vcpu)
{
    if (x->vcpus[vcpu].info != XEN_NOWHERE)
        return x->vcpus[vcpu].info;
    if (x->si_gpa != XEN_NOWHERE && vcpu < XEN_LEGACY_MAX_VCPUS)
        return x->si_gpa + vcpu * (uint64_t)SHINFO_VCPU_SIZE;
    return XEN_NOWHERE;
}

static uint64_t clock_of(const struct xen *x, unsigned vcpu)
{
    const size_t off = shinfo_is32(x->si)
                           ? offsetof(struct vcpu_info_x86_32, time)
                           : offsetof(struct vcpu_info, time);
    const uint64_t info = xen_info(x, vcpu);

    return info == XEN_NOWHERE ? XEN_NOWHERE : info + off;
}

/* A kernel that knows vcpu_info keeps its clock too. */
void xen_place_clocks(struct xen *x)
{
    for (unsigned i = 0; i < x->n_vcpus; i++) {
        if (x->accel)
            accel_vcpu(x, i);
        else
            x->ops.set_clock(x->ops.ctx, i, clock_of(x, i));
    }
}

/* No CPU has addresses above this. */
#define MAX_GFN ((uint64_t)1 << 40)

int xen_back(struct xen *x, uint64_t gfn)
{
    int ret;

    if (gfn >= MAX_GFN)
        return -EINVAL;
    if (gmem_is_ram(x->mem, GPA(gfn << 12), GUEST_PAGE))
        return 0;
    ret = x->ops.back(x->ops.ctx, GPA(gfn << 12));
    if (ret < 0)
        log_guest(&x->limit, "page %#llx: no memory to put there: %s",
                  (unsigned long long)gfn, strerror(-ret));
    return ret;
}

/* The wall clock when the guest's system time was 0. */
static void set_wallclock(struct xen *x)
{
    const uint64_t ns = 1000000000;
    struct timespec now;
    uint64_t base;

    clock_gettime(CLOCK_REALTIME, &now);
    base = (uint64_t)now.tv_sec * ns + (uint64_t)now.tv_nsec -
           x->ops.now(x->ops.ctx);
    shinfo_set_wallclock(x->si, base / ns, (uint32_t)(base % ns));
}

int xen_map_shinfo(struct xen *x, uint64_t gfn)
{
    struct gwin page;
    int ret = xen_back(x, gfn);

    if (ret == 0)
        ret = gmem_win(x->mem, GPA(gfn << 12), GUEST_PAGE, &page);
    if (ret < 0)
        return ret;
    accel_unmap(x);
    shinfo_map(x->si, &page);
    x->si_gpa = gfn << 12;
    set_wallclock(x);
    accel_map(x);
    xen_place_clocks(x);
    return 0;
}

void xen_unmap_page(struct xen *x, uint64_t gfn)
{
    gnttab_unplace(x->gt, (gfn_t){gfn});
    if (x->si_gpa != gfn << 12)
        return;
    accel_unmap(x);
    shinfo_unmap(x->si);
    x->si_gpa = XEN_NOWHERE;
    xen_place_clocks(x);
}

/* ---- port 0xe9 ---- */

static void debug_read(void *dev, uint64_t off, void *data, unsigned n)
{
    (void)dev;
    (void)off;
    memset(data, XEN_DEBUG_PORT, n);
}

static void debug_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct xen *x = dev;

    (void)off;
    chr_write(x->console, data, n ? 1 : 0);
}

const struct io_ops xen_debug_port_ops = {
    .name = "debug port", .read = debug_read, .write = debug_write};
