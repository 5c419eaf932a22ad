// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * board_xen_cpu.c: what vCPUs tell of a guest of Xen: hypercalls, the page of
 * hypercalls, upcalls past the local APIC, and that a kernel begins.
 *
 * Thread: a vCPU's, and the loop's; board lock held.
 */
#include "board_xen_priv.h"

#include "vmm/log.h"

#include <sys/timerfd.h>
#include <unistd.h>

static uint8_t upcall(void *ctx, unsigned vcpu)
{
    const struct board_xen *bx = ctx;

    return xen_callback(bx->xen, vcpu);
}

static void upcall_later(void *ctx, unsigned ns)
{
    struct board_xen *bx = ctx;
    const struct itimerspec t = {.it_value.tv_nsec = ns};

    if (bx->later_ns && bx->later_ns <= ns)
        return;
    bx->later_ns = ns;
    BUG_ON(timerfd_settime(bx->later.fd, 0, &t, NULL) < 0);
}

void board_xen_on_later(struct loop_op *op, int res)
{
    struct xen_clock *c = op->owner;
    uint64_t ticks;

    if (res < 0 || read(c->fd, &ticks, sizeof(ticks)) < 0)
        return;
    c->bx->later_ns = 0;
    for (unsigned i = 0; i < c->bx->host.desc->n_cpus; i++)
        kvm_xen_look_again(c->bx->host.cpus[i]);
}

/* A guest is started a few times between two resets, if at all. */
#define MAX_LOOKS 16u

/*
 * A look costs some milliseconds if there is nothing to find. The other CPUs of
 * a kernel come by the same way as its first, and what has been found is not
 * looked for again before a soft reset.
 */
static void efer_read(void *ctx, const struct paging *paging, gva_t rip)
{
    struct board_xen *bx = ctx;

    if (bx->looks == MAX_LOOKS || rip.v == bx->looked_at.v ||
        (bx->loaded && boot_calls(bx->host.boot)))
        return;
    bx->looks++;
    bx->looked_at = rip;
    if (!boot_patch_running(bx->host.mem, paging, rip))
        return;
    bx->looks = MAX_LOOKS;
    log_info("guest: the hypercall instructions of its kernel are port writes "
             "now");
}

static int64_t hypercall(void *ctx, const struct hcall *call)
{
    const struct board_xen *bx = ctx;

    return xen_hypercall(bx->xen, call);
}

static bool page(void *ctx, uint64_t value, bool is64)
{
    const struct board_xen *bx = ctx;

    return xen_hypercall_page(bx->xen, value, is64);
}

static void settled(void *ctx, unsigned vcpu, bool moved, uint64_t timer)
{
    const struct board_xen *bx = ctx;

    xen_settled(bx->xen, vcpu, moved, timer);
}

void board_xen_cpu_init(struct board_xen *bx)
{
    bx->cpu_ops = (struct vcpu_xen_ops){.hypercall = hypercall,
                                        .page = page,
                                        .upcall = upcall,
                                        .upcall_later = upcall_later,
                                        .efer_read = efer_read,
                                        .settled = settled,
                                        .ctx = bx};
}
