// SPDX-License-Identifier: GPL-2.0-or-later
/* board_xen.c: see board_xen.h. */
#include "board_xen.h"

#include "abi/layout.h"
#include "board_xen_priv.h"
#include "platform.h"
#include "profile.h"
#include "pvabi/xen_abi.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC 1000000000ull
/* A message to one local APIC: Intel SDM vol. 3A, 10.11. */
#define MSI_ADDRESS(apic) (LAYOUT_LAPIC | (uint64_t)(apic) << 12)
#define MSI_NMI           0x400u /* delivery mode */

/* ---- what pvabi asks of the machine ---- */

static void interrupt(void *ctx, unsigned vcpu, uint8_t vector)
{
    const struct board_xen *bx = ctx;

    bx->sink.send(bx->sink.ctx, MSI_ADDRESS(vcpu), vector);
}

static void nudge(void *ctx, unsigned vcpu)
{
    const struct board_xen *bx = ctx;

    kvm_xen_look(bx->host.cpus[vcpu]);
}

static uint64_t now(void *ctx)
{
    const struct board_xen *bx = ctx;

    return kvm_xen_now(bx->host.vm);
}

/* Any thread may set the timer; the loop waits for it. */
static void set_timer(void *ctx, unsigned vcpu, uint64_t at)
{
    const struct board_xen *bx = ctx;
    struct itimerspec t = {0};
    uint64_t left;

    if (at) {
        const uint64_t from = now(ctx);

        left = at > from ? at - from : 1;
        t.it_value.tv_sec = (time_t)(left / NS_PER_SEC);
        t.it_value.tv_nsec = (long)(left % NS_PER_SEC);
    }
    BUG_ON(timerfd_settime(bx->clocks[vcpu].fd, 0, &t, NULL) < 0);
}

static void on_timer(struct loop_op *op, int res)
{
    struct xen_clock *c = op->owner;
    uint64_t ticks;

    /* It may have been set anew since: then there is nothing to read. */
    if (res < 0 || read(c->fd, &ticks, sizeof(ticks)) < 0)
        return;
    xen_timer(c->bx->xen, c->vcpu);
}

static void set_clock(void *ctx, unsigned vcpu, uint64_t gpa)
{
    const struct board_xen *bx = ctx;

    /* While the board is built there are no CPUs, and no places. */
    if (bx->host.cpus[vcpu])
        kvm_xen_set_clock(bx->host.cpus[vcpu], gpa);
}

/* While the board is built there are no CPUs, and no time. */
static void times(void *ctx, unsigned vcpu, struct xen_times *out)
{
    const struct board_xen *bx = ctx;
    struct kvm_xen_times t = {0};

    if (bx->host.cpus[vcpu])
        kvm_xen_get_times(bx->host.cpus[vcpu], &t);
    *out = (struct xen_times){
        .ran = t.ran, .waited = t.waited, .paused = t.paused};
}

static void set_long_mode(void *ctx, bool is64)
{
    const struct board_xen *bx = ctx;

    kvm_xen_set_long_mode(bx->host.vm, is64);
}

static int line(void *ctx, const struct xen_via *via, bool level)
{
    const struct board_xen *bx = ctx;

    if (!bx->host.ops->xen_line)
        return -EINVAL;
    return bx->host.ops->xen_line(bx->host.platform, via, level);
}

static void lead(void *ctx, unsigned gsi, bool to_event)
{
    const struct board_xen *bx = ctx;

    bx->host.ops->xen_events->lead(bx->host.platform, gsi, to_event);
}

static void end(void *ctx, unsigned gsi)
{
    const struct board_xen *bx = ctx;

    bx->host.ops->xen_events->end(bx->host.platform, gsi);
}

/* Below 4 GiB what is no RAM is devices', at the latest from LAYOUT_HOLE on. */
static int back(void *ctx, gpa_t page)
{
    const struct board_xen *bx = ctx;
    const struct dev_desc *pci = machine_find(bx->host.desc, DEV_PC_PCI);
    int window;

    if (page.v >= (pci ? pci->base : LAYOUT_HOLE) && page.v < LAYOUT_HOLE_END)
        return -EINVAL;
    window = gmem_back(bx->host.mem, page);
    if (window == -EEXIST)
        return 0;
    return window < 0 ? window : vm_map_window(bx->host.vm, (unsigned)window);
}

/*
 * A soft reset, by which a kernel starts another: the guest and its memory go
 * on, and nothing of Xen's is left. Back-ends end and begin on the loop's
 * thread; the vCPU that asks for it waits.
 */
static void on_shutdown(void *ctx, unsigned reason)
{
    struct board_xen *bx = ctx;

    if (reason == SHUTDOWN_soft_reset &&
        loop_call(bx->host.loop, &bx->reset) == 0)
        return;
    bx->host.shutdown(bx->host.ctx, reason);
}

static void post(void *ctx)
{
    struct board_xen *bx = ctx;

    loop_post(bx->host.loop, &bx->notify);
}

static void on_notify(struct loop_op *op, int res)
{
    struct board_xen *bx = op->owner;

    (void)res;
    xen_dispatch(bx->xen);
}

static bool is_up(void *ctx, unsigned vcpu)
{
    const struct board_xen *bx = ctx;

    return vcpu_is_up(bx->host.cpus[vcpu]);
}

static int load_vcpu(void *ctx, unsigned vcpu, const struct cpu_context *c)
{
    const struct board_xen *bx = ctx;

    return vcpu_load(bx->host.cpus[vcpu], c);
}

static int start_vcpu(void *ctx, unsigned vcpu)
{
    const struct board_xen *bx = ctx;

    return vcpu_start_up(bx->host.cpus[vcpu]);
}

static void stop_vcpu(void *ctx, unsigned vcpu)
{
    const struct board_xen *bx = ctx;

    vcpu_stop_down(bx->host.cpus[vcpu]);
}

static void nmi(void *ctx, unsigned vcpu)
{
    const struct board_xen *bx = ctx;

    bx->sink.send(bx->sink.ctx, MSI_ADDRESS(vcpu), MSI_NMI);
}

static void wait(void *ctx, uint64_t ns)
{
    struct board_xen *bx = ctx;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    ns += (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(ns / NS_PER_SEC);
    until.tv_nsec = (long)(ns % NS_PER_SEC);
    (void)pthread_cond_timedwait(&bx->wake, bx->host.lock, &until);
}

static void wake(void *ctx)
{
    struct board_xen *bx = ctx;

    pthread_cond_broadcast(&bx->wake);
}

/* ---- building ---- */

enum kvm_xen_accel board_xen_accel(const struct config *cfg, int kvm_fd)
{
    const enum kvm_xen_accel want = cfg->xen_accel;

    if (want == KVM_XEN_OFF) {
        const enum kvm_xen_accel best = kvm_xen_best(kvm_fd);

        if (best == KVM_XEN_OFF)
            log_error("--abi=xen: this host's KVM has neither "
                      "KVM_CAP_XEN_HVM nor KVM_CAP_X86_MSR_FILTER with "
                      "KVM_CAP_SYNC_REGS: use a newer kernel");
        return best;
    }
    if (kvm_xen_can(kvm_fd, want))
        return want;
    log_error("--xen-accel=%s: this host's KVM cannot: leave it out, 'vmm "
              "doctor' says what there is",
              kvm_xen_names[want]);
    return KVM_XEN_OFF;
}

void board_xen_describe(struct machine_desc *m)
{
    platform_add_range(m, LAYOUT_XEN_SPECIAL, LAYOUT_XEN_SPECIAL_END,
                       MEM_RESERVED);
}

static int make_special(struct board_xen *bx)
{
    const int window = gmem_back(bx->host.mem, GPA(LAYOUT_XEN_SPECIAL));

    BUG_ON(window < 0);
    return vm_map_window(bx->host.vm, (unsigned)window);
}

static int open_clock(struct board_xen *bx, struct xen_clock *c, loop_fn *fn)
{
    c->bx = bx;
    c->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->fd < 0) {
        log_error("timerfd: %s: raise the open-files limit (ulimit -n)",
                  strerror(errno));
        return -errno;
    }
    c->op = (struct loop_op){.fn = fn, .owner = c};
    loop_watch(bx->host.loop, &c->op, c->fd);
    return 0;
}

static void close_clock(struct board_xen *bx, struct xen_clock *c)
{
    if (c->fd < 0)
        return;
    loop_drain(bx->host.loop, &c->op);
    close(c->fd);
}

static int make_clocks(struct board_xen *bx)
{
    int ret = open_clock(bx, &bx->later, board_xen_on_later);

    while (ret == 0 && bx->n_clocks < bx->host.desc->n_cpus) {
        struct xen_clock *c = &bx->clocks[bx->n_clocks];

        c->vcpu = bx->n_clocks;
        ret = open_clock(bx, c, on_timer);
        if (ret == 0)
            bx->n_clocks++;
    }
    return ret;
}

static int make_kernel(struct board_xen *bx)
{
    if (!kvm_xen_vm_does(bx->host.vm))
        return 0;
    bx->kernel =
        board_xen_kernel_create(bx->host.loop, bx->host.vm, bx->host.cpus);
    return bx->kernel ? 0 : -ENOMEM;
}

static void on_gsi(void *ctx, unsigned gsi)
{
    const struct board_xen *bx = ctx;

    xen_gsi(bx->xen, gsi);
}

static bool on_message(void *ctx, uint64_t addr, uint32_t data)
{
    const struct board_xen *bx = ctx;

    return xen_message(bx->xen, addr, data);
}

static bool drivers_only(const struct board_xen *bx)
{
    return profiles[bx->host.cfg->mode].xen_drivers;
}

/*
 * What interrupts can be events: as Xen of that version has it by default, and
 * not where a guest has Xen's drivers and all else of the hardware. NULL: none.
 */
static const struct platform_xen_events *events_of(const struct board_xen *bx)
{
    const uint32_t without = 4u << 16 | 19u; /* the first */

    if (drivers_only(bx) || bx->host.cfg->xen_version >= without)
        return NULL;
    return bx->host.ops->xen_events;
}

static void connect_events(struct board_xen *bx)
{
    const struct platform_events to = {.raise = on_gsi, .ctx = bx};

    if (!events_of(bx))
        return;
    events_of(bx)->connect(bx->host.platform, &to);
    vm_claim_messages(bx->host.vm, on_message, bx);
}

static void disconnect_events(struct board_xen *bx)
{
    const struct platform_events to = {0};

    if (!events_of(bx))
        return;
    events_of(bx)->connect(bx->host.platform, &to);
    vm_claim_messages(bx->host.vm, NULL, NULL);
}

static int make_xen(struct board_xen *bx)
{
    const struct platform_xen_events *events = events_of(bx);
    const struct xen_config cfg = {
        .mem = bx->host.mem,
        .desc = bx->host.desc,
        .console = bx->host.console,
        .version = bx->host.cfg->xen_version,
        /* KVM knows the 2-level words only. */
        .fifo = !bx->kernel,
        .drivers_only = drivers_only(bx),
        .gsis = events ? events->gsis : 0,
        .ended = events ? events->ended : 0,
        .ops = {.interrupt = interrupt,
                .nudge = nudge,
                .now = now,
                .set_timer = set_timer,
                .set_clock = set_clock,
                .times = times,
                .set_long_mode = set_long_mode,
                .line = line,
                .lead = lead,
                .end = end,
                .back = back,
                .shutdown = on_shutdown,
                .post = post,
                .is_up = is_up,
                .load_vcpu = load_vcpu,
                .start_vcpu = start_vcpu,
                .stop_vcpu = stop_vcpu,
                .nmi = nmi,
                .wait = wait,
                .wake = wake,
                .ctx = bx},
        .accel = bx->kernel ? board_xen_kernel_ops(bx->kernel) : NULL,
    };

    bx->xen = xen_create(&cfg);
    if (!bx->xen)
        return -ENOMEM;
    if (bx->kernel)
        board_xen_kernel_use(bx->kernel, bx->xen);
    connect_events(bx);
    return 0;
}

static int make_domain(struct board_xen *bx)
{
    struct xs_domain_config cfg = {
        .loop = bx->host.loop,
        .events = xen_evtchn(bx->xen),
        .name = bx->host.name,
        .cpus = bx->host.desc->n_cpus,
        .memory = bx->host.cfg->memory,
        .frame = LAYOUT_XEN_STORE / GUEST_PAGE,
    };

    memcpy(cfg.uuid, bx->host.uuid, sizeof(cfg.uuid));
    BUG_ON(gmem_win(bx->host.mem, GPA(LAYOUT_XEN_STORE), GUEST_PAGE,
                    &cfg.page) < 0);
    bx->domain = xs_domain_create(&cfg);
    if (!bx->domain)
        return -ENOMEM;
    gnttab_seed(xen_gnttab(bx->xen), GNTTAB_RESERVED_XENSTORE,
                (gfn_t){cfg.frame});
    xen_set_param(bx->xen, HVM_PARAM_STORE_PFN, cfg.frame);
    xen_set_param(bx->xen, HVM_PARAM_STORE_EVTCHN, xs_domain_port(bx->domain));
    return 0;
}

static int make_devices(struct board_xen *bx)
{
    const struct board_xen_dev_host host = {
        .cfg = bx->host.cfg,
        .dev = bx->host.dev,
        .mem = bx->host.mem,
        .console = bx->host.ops->xen_console(bx->host.platform),
        .xen = bx->xen,
        .bus = {.loop = bx->host.loop,
                .xs = xs_domain_store(bx->domain),
                .gnt = xen_gnttab(bx->xen),
                .events = xen_evtchn(bx->xen)},
    };

    bx->dev = board_xen_dev_create(&host);
    return bx->dev ? 0 : -ENOMEM;
}

/* A PC may have it, and more behind it. */
static int make_port(struct board_xen *bx)
{
    if (bx->host.cfg->pc_ports[PC_PORT_DEBUG].kind != CONSOLE_NONE)
        return 0;
    return bus_claim(bx->host.bus, SPACE_PIO, XEN_DEBUG_PORT, 1,
                     &xen_debug_port_ops, bx->xen);
}

static void on_reset(struct loop_op *op, int res)
{
    struct board_xen *bx = op->owner;

    (void)res;
    log_info("guest: a soft reset");
    bx->loaded = false;
    bx->looks = 0;
    bx->looked_at = GVA(0);
    board_xen_dev_destroy(bx->dev);
    bx->dev = NULL;
    xs_domain_destroy(bx->domain);
    bx->domain = NULL;
    xen_reset(bx->xen);
    if (make_domain(bx) < 0 || make_devices(bx) < 0)
        bx->host.shutdown(bx->host.ctx, SHUTDOWN_crash);
}

struct board_xen *board_xen_create(const struct board_xen_host *host)
{
    static int (*const steps[])(struct board_xen * bx) = {
        make_special, make_clocks,  make_kernel, make_xen,
        make_domain,  make_devices, make_port};
    struct board_xen *bx = calloc(1, sizeof(*bx));
    pthread_condattr_t attr;

    if (!bx) {
        log_error("Xen ABI: out of memory");
        return NULL;
    }
    bx->host = *host;
    board_xen_cpu_init(bx);
    bx->loaded = true;
    bx->later.fd = -1;
    bx->sink = vm_msi_sink(host->vm);
    bx->notify = (struct loop_op){.fn = on_notify, .owner = bx};
    bx->reset = (struct loop_op){.fn = on_reset, .owner = bx};
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&bx->wake, &attr);
    pthread_condattr_destroy(&attr);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i](bx) < 0) {
            board_xen_destroy(bx);
            return NULL;
        }
    }
    return bx;
}

void board_xen_destroy(struct board_xen *bx)
{
    if (!bx)
        return;
    while (bx->n_clocks)
        close_clock(bx, &bx->clocks[--bx->n_clocks]);
    close_clock(bx, &bx->later);
    loop_drain(bx->host.loop, &bx->notify);
    loop_drain(bx->host.loop, &bx->reset);
    board_xen_dev_destroy(bx->dev);
    xs_domain_destroy(bx->domain);
    board_xen_kernel_destroy(bx->kernel);
    disconnect_events(bx);
    xen_destroy(bx->xen);
    pthread_cond_destroy(&bx->wake);
    free(bx);
}

struct xs_domain *board_xen_domain(struct board_xen *bx)
{
    return bx->domain;
}

bool board_xen_power_off(struct board_xen *bx)
{
    struct xs *xs = bx->domain ? xs_domain_store(bx->domain) : NULL;

    return xs && xs_domain_order(xs, XS_ORDER_POWEROFF) == 0 &&
           xs_domain_listens(xs);
}

void board_xen_left(struct board_xen *bx)
{
    if (bx)
        xen_left(bx->xen);
}

const struct vcpu_xen_ops *board_xen_cpu_ops(const struct board_xen *bx)
{
    return &bx->cpu_ops;
}
