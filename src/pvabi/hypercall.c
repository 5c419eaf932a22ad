// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hypercall.c: the table of hypercalls, how their arguments travel, and the
 * page of stubs a guest calls them by.
 *
 * A structure is copied in once by its fixed size and acted on as a copy. What
 * the guest points at is found by a walk of its page tables.
 */
#include "pvabi/xen_priv.h"

#include "abi/layout.h"
#include "mmu/walk.h"
#include "vmm/checked.h"

#include <errno.h>
#include <string.h>

/* ---- arguments ---- */

int xcall_in(const struct xcall *c, uint64_t gva, void *dst, size_t n)
{
    return walk_read(c->x->mem, &c->h->paging, GVA(gva), dst, n);
}

int xcall_out(const struct xcall *c, uint64_t gva, const void *src, size_t n)
{
    return walk_write(c->x->mem, &c->h->paging, GVA(gva), src, n);
}

static bool element(uint64_t gva, uint64_t i, size_t n, uint64_t *at)
{
    uint64_t off;

    return checked_mul(i, n, &off) && checked_add(gva, off, at);
}

int xcall_in_at(const struct xcall *c, uint64_t gva, uint64_t i, void *dst,
                size_t n)
{
    uint64_t at;

    return element(gva, i, n, &at) ? xcall_in(c, at, dst, n) : -EFAULT;
}

int xcall_out_at(const struct xcall *c, uint64_t gva, uint64_t i,
                 const void *src, size_t n)
{
    uint64_t at;

    return element(gva, i, n, &at) ? xcall_out(c, at, src, n) : -EFAULT;
}

/* Guest and host are both little-endian: a word is its low bytes. */
int xcall_word_in(const struct xcall *c, uint64_t gva, uint64_t i,
                  uint64_t *out)
{
    *out = 0;
    return xcall_in_at(c, gva, i, out, c->is64 ? 8 : 4);
}

int xcall_word_out(const struct xcall *c, uint64_t gva, uint64_t i, uint64_t v)
{
    return xcall_out_at(c, gva, i, &v, c->is64 ? 8 : 4);
}

/* ---- what is short enough to be here ---- */

#define CONSOLE_MAX 4096 /* bytes of one call */

int64_t hc_console_io(struct xcall *c)
{
    const uint64_t count = c->arg[1];
    char buf[256];

    if ((uint32_t)c->arg[0] != CONSOLEIO_write)
        return (uint32_t)c->arg[0] == CONSOLEIO_read ? -EPERM : -ENOSYS;
    if (count > CONSOLE_MAX)
        return -E2BIG;
    for (uint64_t done = 0; done < count; done += sizeof(buf)) {
        const size_t n =
            count - done < sizeof(buf) ? (size_t)(count - done) : sizeof(buf);

        if (xcall_in(c, c->arg[2] + done, buf, n) < 0)
            return -EFAULT;
        chr_write(c->x->console, buf, n);
    }
    return 0;
}

int64_t hc_vm_assist(struct xcall *c)
{
    const uint64_t type = c->arg[1];

    if (type != VMASST_TYPE_runstate_update_flag)
        return -EINVAL;
    switch (c->arg[0]) {
    case VMASST_CMD_enable:
        c->x->assists |= (uint64_t)1 << type;
        break;
    case VMASST_CMD_disable:
        c->x->assists &= ~((uint64_t)1 << type);
        break;
    default:
        return -ENOSYS;
    }
    if (c->x->accel && c->x->accel->runstates)
        c->x->accel->set_update_flag(c->x->accel->ctx,
                                     c->arg[0] == VMASST_CMD_enable);
    return 0;
}

int64_t hc_event_channel_op(struct xcall *c)
{
    union evtchn_arg arg;
    bool copy_back;
    size_t size;
    int ret;

    memset(&arg, 0, sizeof(arg));
    if (c->arg[0] > UINT32_MAX ||
        !evtchn_op_size((unsigned)c->arg[0], &size, &copy_back))
        return -ENOSYS;
    if (xcall_in(c, c->arg[1], &arg, size) < 0)
        return -EFAULT;
    ret = evtchn_op(c->x->ev, (unsigned)c->arg[0], &arg);
    if (ret == 0 && copy_back && xcall_out(c, c->arg[1], &arg, size) < 0)
        return -EFAULT;
    return ret;
}

/* ---- the table ---- */

static xcall_fn hc_multicall;

static const struct hypercall {
    const char *name;
    xcall_fn *fn;
} calls[] = {
    [__HYPERVISOR_memory_op] = {"memory_op", hc_memory_op},
    [__HYPERVISOR_multicall] = {"multicall", hc_multicall},
    [__HYPERVISOR_set_timer_op] = {"set_timer_op", hc_set_timer_op},
    [__HYPERVISOR_xen_version] = {"xen_version", hc_xen_version},
    [__HYPERVISOR_console_io] = {"console_io", hc_console_io},
    [__HYPERVISOR_grant_table_op] = {"grant_table_op", hc_grant_table_op},
    [__HYPERVISOR_vm_assist] = {"vm_assist", hc_vm_assist},
    [__HYPERVISOR_vcpu_op] = {"vcpu_op", hc_vcpu_op},
    [__HYPERVISOR_sched_op] = {"sched_op", hc_sched_op},
    [__HYPERVISOR_event_channel_op] = {"event_channel_op", hc_event_channel_op},
    [__HYPERVISOR_physdev_op] = {"physdev_op", hc_physdev_op},
    [__HYPERVISOR_hvm_op] = {"hvm_op", hc_hvm_op},
};

static int64_t unknown(struct xcall *c, uint64_t nr)
{
    c->x->stats.unknown++;
    if (log_level() >= LOG_DEBUG)
        log_guest(&c->x->limit, "vcpu%u: hypercall %llu is not offered",
                  c->h->vcpu, (unsigned long long)nr);
    return -ENOSYS;
}

static int64_t dispatch(struct xcall *c, uint64_t nr)
{
    int64_t ret;

    c->x->stats.calls++;
    if (nr >= ARRAY_LEN(calls) || !calls[nr].fn)
        return unknown(c, nr);
    ret = calls[nr].fn(c);
    if (ret == -ENOSYS)
        c->x->stats.unknown++;
    log_trace(TRACE_HYPERCALL, "vcpu%u: %s(%#llx, %#llx, %#llx) = %lld",
              c->h->vcpu, calls[nr].name, (unsigned long long)c->arg[0],
              (unsigned long long)c->arg[1], (unsigned long long)c->arg[2],
              (long long)ret);
    return ret;
}

/*
 * Entries of one multicall. With what each may do (see nested) it bounds what
 * one exit can cost while the board is locked.
 */
#define MULTICALL_MAX 256

static int64_t multicall_one(const struct xcall *c, uint64_t i)
{
    const unsigned words = 2 + HCALL_MAX_ARGS;
    struct xcall sub = *c;
    uint64_t op, result;

    if (xcall_word_in(c, c->arg[0], i * words, &op) < 0)
        return -EFAULT;
    for (unsigned a = 0; a < HCALL_MAX_ARGS; a++)
        if (xcall_word_in(c, c->arg[0], i * words + 2 + a, &sub.arg[a]) < 0)
            return -EFAULT;
    sub.nested = true;
    result = (uint64_t)dispatch(&sub, op);
    return xcall_word_out(c, c->arg[0], i * words + 1, result);
}

static int64_t hc_multicall(struct xcall *c)
{
    const uint32_t n = (uint32_t)c->arg[1];

    /* One in another would go on for ever. */
    if (c->nested)
        return -EINVAL;
    if (n > MULTICALL_MAX)
        return -E2BIG;
    for (uint32_t i = 0; i < n; i++)
        if (multicall_one(c, i) < 0)
            return -EFAULT;
    return 0;
}

int64_t xen_hypercall(struct xen *x, const struct hcall *h)
{
    struct xcall c = {.x = x, .h = h, .is64 = h->is64};

    if (h->denied)
        return -EPERM;
    memcpy(c.arg, h->arg, sizeof(c.arg));
    areas_refresh(x, h->vcpu);
    return dispatch(&c, h->nr);
}

/* ---- the page ---- */

#define STUB 32 /* bytes */

/* mov $nr, %eax; out %eax, $port; ret */
static void make_stub(unsigned char *at, uint32_t nr)
{
    const unsigned char code[] = {0xb8,
                                  (unsigned char)nr,
                                  (unsigned char)(nr >> 8),
                                  (unsigned char)(nr >> 16),
                                  (unsigned char)(nr >> 24),
                                  0xe7,
                                  LAYOUT_XEN_HCALL,
                                  0xc3};

    memset(at, 0xcc, STUB);
    memcpy(at, code, sizeof(code));
}

/* iret is for PV guests: no stub, but an illegal instruction. */
static void make_page(unsigned char *page)
{
    for (uint32_t nr = 0; nr < GUEST_PAGE / STUB; nr++)
        make_stub(page + nr * STUB, nr);
    page[__HYPERVISOR_iret * STUB] = 0x0f;
    page[__HYPERVISOR_iret * STUB + 1] = 0x0b;
}

bool xen_hypercall_page(struct xen *x, uint64_t value, bool is64)
{
    unsigned char page[GUEST_PAGE];

    /* The low bits are the page's number, and there is one. */
    if (value % GUEST_PAGE)
        return false;
    make_page(page);
    if (gmem_write(x->mem, GPA(value), page, sizeof(page)) < 0)
        return false;
    xen_latch(x, is64);
    return true;
}
