// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * areas.c: the runstate area and the second clock page of a vCPU.
 *
 * Both are registered by linear address, which is translated once, when it is
 * registered: the guest promises to keep it mapped. The runstate area may lie
 * across two pages then. Or both are registered by physical address. Both are
 * brought up to date at the vCPU's hypercalls: the copy of the clock follows
 * the first one, which KVM keeps, and the runstate once in a tick of the host's
 * coarse clock (1 to 10 ms), because to ask how the time was spent costs system
 * calls.
 *
 * A kernel that knows of Xen keeps both areas itself; but not a runstate area
 * in two pages that are not neighbours.
 */
#include "pvabi/xen_priv.h"

#include "mmu/gwin.h"
#include "mmu/walk.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define TIME_SIZE sizeof(struct vcpu_time_info)

void areas_init(struct xen_vcpu *v)
{
    v->runstate = XEN_NOWHERE;
    v->time_copy = XEN_NOWHERE;
}

void areas_reset(struct xen *x)
{
    if (!x->accel)
        return;
    for (unsigned i = 0; i < x->n_vcpus; i++) {
        x->accel->set_time_copy(x->accel->ctx, i, XEN_NOWHERE);
        x->accel->set_runstate(x->accel->ctx, i, XEN_NOWHERE);
    }
    if (x->accel->runstates)
        x->accel->set_update_flag(x->accel->ctx, false);
}

/* struct vcpu_runstate_info of a 32-bit caller: no padding after state. */
#define RUNSTATE_SIZE   sizeof(struct vcpu_runstate_info)
#define RUNSTATE_SIZE32 (RUNSTATE_SIZE - 4)

/* The time since it was last written down counts for the state it is in. */
bool areas_own_runstate(const struct xen *x, unsigned vcpu,
                        struct vcpu_runstate_info *out)
{
    uint64_t now;

    if (!x->accel || !x->accel->get_runstate(x->accel->ctx, vcpu, out) ||
        (unsigned)out->state > RUNSTATE_offline)
        return false;
    now = x->ops.now(x->ops.ctx);
    if (now > out->state_entry_time)
        out->time[out->state] += now - out->state_entry_time;
    return true;
}

/* Bytes at an offset of the area, which may continue in another page. */
static void put(struct xen *x, const struct xen_vcpu *v, size_t off,
                const void *src, size_t n)
{
    const unsigned char *s = src;
    const size_t head = off < v->runstate_head ? v->runstate_head - off : 0;
    const size_t first = head < n ? head : n;

    /* Where the guest's tables pointed may be no RAM: its own affair. */
    if (first && gmem_write(x->mem, GPA(v->runstate + off), s, first) < 0)
        return;
    if (first < n &&
        gmem_write(x->mem,
                   GPA(v->runstate_tail + off + first - v->runstate_head),
                   s + first, n - first) < 0)
        return;
}

/* With the assist, the entry time says that an update is under way. */
static void write_runstate(struct xen *x, unsigned vcpu)
{
    const struct xen_vcpu *v = &x->vcpus[vcpu];
    const size_t gap = v->runstate_is32 ? 4 : 8;
    struct vcpu_runstate_info r;
    uint64_t entry;

    runstate_account(x, vcpu);
    runstate_get(x, vcpu, &r);
    entry = r.state_entry_time;
    if (x->assists & (uint64_t)1 << VMASST_TYPE_runstate_update_flag) {
        entry |= XEN_RUNSTATE_UPDATE;
        put(x, v, gap, &entry, 8);
        win_full_barrier();
    }
    put(x, v, 0, &r.state, 4);
    put(x, v, gap + 8, r.time, sizeof(r.time));
    win_full_barrier();
    put(x, v, gap, &r.state_entry_time, 8);
}

/* The kernel takes the word size of shared_info, and the following page. */
static bool kernel_has_runstate(const struct xcall *c, unsigned vcpu,
                                uint64_t at, bool whole)
{
    const struct xen *x = c->x;

    if (!x->accel || !x->accel->runstates || !whole ||
        c->is64 == shinfo_is32(x->si))
        return false;
    x->accel->set_runstate(x->accel->ctx, vcpu, at);
    return true;
}

static void forget_runstate(const struct xcall *c, unsigned vcpu)
{
    c->x->vcpus[vcpu].runstate = XEN_NOWHERE;
    if (c->x->accel)
        c->x->accel->set_runstate(c->x->accel->ctx, vcpu, XEN_NOWHERE);
}

/* The area has head bytes at at, and the rest, if any, at tail. */
static void keep_runstate(const struct xcall *c, unsigned vcpu, uint64_t at,
                          size_t head, uint64_t tail)
{
    const size_t size = c->is64 ? RUNSTATE_SIZE : RUNSTATE_SIZE32;
    struct xen_vcpu *v = &c->x->vcpus[vcpu];

    if (kernel_has_runstate(c, vcpu, at, head == size || tail == at + head))
        return;
    v->runstate_head = (uint32_t)head;
    v->runstate_tail = tail;
    v->runstate_is32 = !c->is64;
    v->runstate = at;
    write_runstate(c->x, vcpu);
}

int areas_set_runstate(struct xcall *c, unsigned vcpu, uint64_t gva)
{
    const size_t size = c->is64 ? RUNSTATE_SIZE : RUNSTATE_SIZE32;
    gpa_t at, tail = {0};
    uint64_t run, more;

    forget_runstate(c, vcpu);
    if (gva == 0)
        return 0;
    if (walk_gva(c->x->mem, &c->h->paging, GVA(gva), true, &at, &run) < 0)
        return -EFAULT;
    if (run < size && walk_gva(c->x->mem, &c->h->paging, GVA(gva + run), true,
                               &tail, &more) < 0)
        return -EFAULT;
    keep_runstate(c, vcpu, at.v, run < size ? run : size, tail.v);
    return 0;
}

static void forget_time(const struct xcall *c, unsigned vcpu)
{
    c->x->vcpus[vcpu].time_copy = XEN_NOWHERE;
    if (c->x->accel)
        c->x->accel->set_time_copy(c->x->accel->ctx, vcpu, XEN_NOWHERE);
}

static void keep_time(const struct xcall *c, unsigned vcpu, uint64_t at)
{
    struct xen_vcpu *v = &c->x->vcpus[vcpu];

    if (c->x->accel) {
        c->x->accel->set_time_copy(c->x->accel->ctx, vcpu, at);
        return;
    }
    v->time_copy = at;
    v->time_version = UINT32_MAX;
    areas_refresh(c->x, vcpu);
}

int areas_set_time(struct xcall *c, unsigned vcpu, uint64_t gva)
{
    uint64_t run;
    gpa_t at;

    forget_time(c, vcpu);
    if (gva == 0)
        return 0;
    if (gva % 8 ||
        walk_gva(c->x->mem, &c->h->paging, GVA(gva), true, &at, &run) < 0 ||
        run < TIME_SIZE)
        return -EFAULT;
    keep_time(c, vcpu, at.v);
    return 0;
}

/* ---- by physical address ---- */

/* In RAM, in one page, aligned as the caller's words. */
static bool is_area(const struct xcall *c, uint64_t gpa, size_t size)
{
    return gpa % (c->is64 ? 8 : 4) == 0 &&
           gpa % GUEST_PAGE <= GUEST_PAGE - size &&
           gmem_is_ram(c->x->mem, GPA(gpa), size);
}

int areas_put_runstate(struct xcall *c, unsigned vcpu, uint64_t gpa)
{
    const size_t size = c->is64 ? RUNSTATE_SIZE : RUNSTATE_SIZE32;

    if (gpa != UINT64_MAX && !is_area(c, gpa, size))
        return -ENXIO;
    forget_runstate(c, vcpu);
    if (gpa != UINT64_MAX)
        keep_runstate(c, vcpu, gpa, size, 0);
    return 0;
}

int areas_put_time(struct xcall *c, unsigned vcpu, uint64_t gpa)
{
    if (gpa != UINT64_MAX && !is_area(c, gpa, TIME_SIZE))
        return -ENXIO;
    forget_time(c, vcpu);
    if (gpa != UINT64_MAX)
        keep_time(c, vcpu, gpa);
    return 0;
}

/* Copy the clock if it changed: version odd, contents, version. */
static void refresh_time(struct xen *x, unsigned vcpu)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];
    struct vcpu_time_info t;
    struct gwin from, to;
    uint32_t version;

    if (!shinfo_vcpu_time(x->si, vcpu, &from))
        return;
    version = win_load32(&from, 0);
    if (version == v->time_version || version & 1)
        return;
    win_copy_in(&from, 0, &t, sizeof(t));
    if (t.version != version ||
        gmem_win(x->mem, GPA(v->time_copy), TIME_SIZE, &to) < 0)
        return;
    win_store32(&to, 0, version | 1);
    win_copy_out(&to, 4, (unsigned char *)&t + 4, sizeof(t) - 4);
    win_full_barrier();
    win_store32(&to, 0, version);
    v->time_version = version;
}

static void refresh_runstate(struct xen *x, unsigned vcpu)
{
    struct xen_vcpu *v = &x->vcpus[vcpu];
    struct timespec now;
    uint64_t tick;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    tick = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    if (tick == v->runstate_tick)
        return;
    v->runstate_tick = tick;
    write_runstate(x, vcpu);
}

void areas_refresh(struct xen *x, unsigned vcpu)
{
    if (x->vcpus[vcpu].time_copy != XEN_NOWHERE)
        refresh_time(x, vcpu);
    if (x->vcpus[vcpu].runstate != XEN_NOWHERE)
        refresh_runstate(x, vcpu);
}

void areas_changed(struct xen *x, unsigned vcpu)
{
    if (x->vcpus[vcpu].runstate != XEN_NOWHERE)
        write_runstate(x, vcpu);
    else
        runstate_account(x, vcpu);
}
