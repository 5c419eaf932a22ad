// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * board.c: the machine as one readable function; see board.h.
 *
 * Threads: board_build, board_place, board_run and board_destroy run on the
 * loop thread. Device callbacks run on a vCPU thread or the loop thread with
 * the board lock held. What a vCPU thread has to tell the loop (poweroff,
 * reset, a dead guest, the first entry) it leaves in the board and rings
 * event_fd, which the loop watches.
 */
#include "board.h"

#include "board_virtio.h"
#include "board_xen.h"
#include "devices/bus.h"
#include "mmu/gmem.h"
#include "platform.h"
#include "pvabi/xen_abi.h"
#include "sandbox.h"
#include "vcpu/vm.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct board {
    const struct config *cfg; /* borrowed */
    const struct platform_ops *ops;
    struct board_host host; /* its members borrowed */
    struct machine_desc desc;
    /* owned, in the order they are made */
    struct gmem *mem;
    struct vm *vm;
    struct bus *bus;
    void *platform; /* as ops make it */
    struct board_virtio *virtio;
    struct board_xen *xen; /* NULL: not the guest's ABI */
    struct vcpu *cpus[MACHINE_MAX_CPUS];
    struct vcpu_ops cpu_ops;
    struct vcpu_ops boot_cpu_ops;
    /* what the vCPU threads tell the loop; board lock */
    int event_fd; /* owned */
    struct loop_op event_op;
    bool decided;
    enum verdict verdict;
    bool entered; /* the first instruction is due, the host not yet told */
    bool paused;
};

static const struct platform_ops *platform_of(const struct config *cfg)
{
    return platforms[profiles[cfg->mode].platform];
}

void board_describe(const struct config *cfg, struct machine_desc *m)
{
    *m = (struct machine_desc){.n_cpus = cfg->cpus};
    platform_of(cfg)->describe(cfg, m);
}

static bool is_xen(const struct board *b)
{
    return b->cfg->abi == ABI_XEN;
}

/* ---- what the guest and its vCPUs tell the board (board lock held) ---- */

static void ring_loop(struct board *b)
{
    const uint64_t one = 1;

    /* The counter cannot be full: it is read on every ring. */
    if (write(b->event_fd, &one, sizeof(one)) < 0)
        log_error("event fd: %s", strerror(errno));
}

static void decide(struct board *b, enum verdict v)
{
    if (b->decided)
        return;
    b->decided = true;
    b->verdict = v;
    ring_loop(b);
}

static void on_poweroff(void *ctx)
{
    decide(ctx, VERDICT_POWEROFF);
}

static void on_reset(void *ctx)
{
    decide(ctx, VERDICT_REBOOT);
}

static void on_access(void *ctx, enum space space, uint64_t addr, void *data,
                      unsigned n, bool write)
{
    struct board *b = ctx;

    board_xen_left(b->xen);
    bus_access(b->bus, space, addr, data, n, write);
}

static void on_eoi(void *ctx, uint8_t vector)
{
    struct board *b = ctx;

    board_xen_left(b->xen);
    b->ops->eoi(b->platform, vector);
}

/* SHUTDOWN_*: the guest said how it ends. */
static void on_xen_shutdown(void *ctx, unsigned reason)
{
    struct board *b = ctx;

    switch (reason) {
    case SHUTDOWN_poweroff:
        decide(b, VERDICT_POWEROFF);
        break;
    case SHUTDOWN_reboot:
        decide(b, VERDICT_REBOOT);
        break;
    default:
        log_error("guest: it says that it crashed (SCHEDOP_shutdown, "
                  "reason %u)",
                  reason);
        decide(b, VERDICT_CRASHED);
        break;
    }
}

static uint8_t on_ack(void *ctx)
{
    struct board *b = ctx;

    return b->ops->ack(b->platform);
}

/* The platform's chips are there before the CPU is. */
static void on_cpu_intr(void *ctx, unsigned line, bool level)
{
    struct board *b = ctx;

    if (b->cpus[0])
        vcpu_set_intr(b->cpus[0], line, level);
}

static void on_ended(void *ctx, enum vcpu_end how)
{
    static const enum verdict verdicts[] = {
        [VCPU_END_TRIPLE] = VERDICT_TRIPLE,
        [VCPU_END_INTERNAL] = VERDICT_INTERNAL,
        [VCPU_END_ENTRY] = VERDICT_ENTRY,
        [VCPU_END_KVM] = VERDICT_KVM,
    };
    struct board *b = ctx;

    decide(b, verdicts[how]);
}

/* On the boot vCPU's thread, without the lock: before any exit. */
static bool on_prepare(void *ctx)
{
    struct board *b = ctx;

    if (boot_load(b->host.boot, b->mem) == 0)
        return true;
    pthread_mutex_lock(b->host.lock);
    decide(b, VERDICT_HOST);
    pthread_mutex_unlock(b->host.lock);
    return false;
}

/* As on_prepare. */
static void on_first_entry(void *ctx)
{
    struct board *b = ctx;

    __atomic_store_n(&b->entered, true, __ATOMIC_RELEASE);
    ring_loop(b);
}

static void on_seal_thread(void *ctx)
{
    struct board *b = ctx;

    if (b->host.sandbox)
        sandbox_seal_vcpu();
}

/* On the loop: event_fd was rung. */
static void on_event(struct loop_op *op, int res)
{
    struct board *b = op->owner;
    uint64_t count;

    if (res < 0 || read(b->event_fd, &count, sizeof(count)) < 0)
        return;
    if (__atomic_exchange_n(&b->entered, false, __ATOMIC_ACQUIRE))
        b->host.first_entry(b->host.ctx);
    if (b->decided)
        loop_stop(b->host.loop, (int)b->verdict);
}

/* ---- building ---- */

static int make_events(struct board *b)
{
    b->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->event_fd < 0) {
        log_error("eventfd: %s: raise the open-files limit (ulimit -n)",
                  strerror(errno));
        return -errno;
    }
    b->event_op = (struct loop_op){.fn = on_event, .owner = b};
    loop_watch(b->host.loop, &b->event_op, b->event_fd);
    return 0;
}

static int make_memory(struct board *b)
{
    if (b->host.dev->has_ram)
        b->mem = gmem_create_on(b->cfg->memory, b->host.dev->ram_fd);
    else
        b->mem = gmem_create(b->cfg->memory,
                             b->cfg->hugepages ? GMEM_HUGETLB : GMEM_ANON);
    if (!b->mem)
        return -ENOMEM;
    b->ops->lay_out(b->mem);
    return is_xen(b) ? gmem_reserve_windows(b->mem) : 0;
}

static int make_vm(struct board *b)
{
    const struct vm_config c = {.kvm_fd = b->host.kvm_fd,
                                .n_cpus = b->cfg->cpus,
                                .pins = b->desc.n_pins,
                                .hide_kvm = b->cfg->abi == ABI_NONE,
                                .xen = b->host.xen,
                                .xen_version = b->cfg->xen_version};

    b->vm = vm_create(&c);
    if (!b->vm)
        return -EIO;
    return vm_map(b->vm, b->mem);
}

static int make_bus(struct board *b)
{
    b->bus = bus_create();
    return b->bus ? 0 : -ENOMEM;
}

static int make_platform(struct board *b)
{
    const struct platform_host host = {
        .cfg = b->cfg,
        .desc = &b->desc,
        .host = &b->host,
        .mem = b->mem,
        .vm = b->vm,
        .bus = b->bus,
        .poweroff = on_poweroff,
        .reset = on_reset,
        .cpu_intr = on_cpu_intr,
        .ctx = b,
    };

    b->platform = b->ops->create(&host);
    return b->platform ? 0 : -EIO;
}

static int make_virtio(struct board *b)
{
    const struct board_virtio_host host = {
        .cfg = b->cfg,
        .desc = &b->desc,
        .dev = b->host.dev,
        .loop = b->host.loop,
        .mem = b->mem,
        .vm = b->vm,
        .bus = b->bus,
        .pci = b->ops->pci(b->platform),
        .first_slot = b->ops->first_slot(b->cfg),
    };

    if (board_virtio_count(b->cfg) == 0)
        return 0;
    b->virtio = board_virtio_create(&host);
    return b->virtio ? 0 : -EIO;
}

static int make_xen(struct board *b)
{
    const struct board_xen_host host = {
        .desc = &b->desc,
        .loop = b->host.loop,
        .lock = b->host.lock,
        .mem = b->mem,
        .vm = b->vm,
        .bus = b->bus,
        .cfg = b->cfg,
        .dev = b->host.dev,
        .console = b->host.console,
        .boot = b->host.boot,
        .ops = b->ops,
        .platform = b->platform,
        .cpus = b->cpus,
        .name = b->host.name,
        .uuid = b->host.uuid,
        .shutdown = on_xen_shutdown,
        .ctx = b,
    };

    if (!is_xen(b))
        return 0;
    b->xen = board_xen_create(&host);
    return b->xen ? 0 : -EIO;
}

static int make_cpus(struct board *b)
{
    b->cpu_ops = (struct vcpu_ops){
        .access = on_access,
        .eoi = on_eoi,
        .shutdown = b->ops->shutdown_resets ? on_reset : NULL,
        .ended = on_ended,
        .prepare = on_prepare,
        .first_entry = on_first_entry,
        .seal_thread = on_seal_thread,
        .xen = b->xen ? board_xen_cpu_ops(b->xen) : NULL,
        .ctx = b,
    };
    b->boot_cpu_ops = b->cpu_ops;
    b->boot_cpu_ops.ack = b->ops->ack ? on_ack : NULL;
    for (unsigned i = 0; i < b->cfg->cpus; i++) {
        /* The 8259s, if there are any, speak to the first. */
        b->cpus[i] = vcpu_create(b->vm, i, b->host.lock,
                                 i == 0 ? &b->boot_cpu_ops : &b->cpu_ops);
        if (!b->cpus[i])
            return -EIO;
    }
    return 0;
}

static int build_steps(struct board *b)
{
    static int (*const steps[])(struct board * b) = {
        make_events,   make_memory, make_vm,  make_bus,
        make_platform, make_virtio, make_xen, make_cpus,
    };

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        const int ret = steps[i](b);

        if (ret < 0)
            return ret;
    }
    return 0;
}

struct board *board_build(const struct config *cfg,
                          const struct board_host *host)
{
    struct board *b = calloc(1, sizeof(*b));

    if (!b) {
        log_error("machine: out of memory");
        return NULL;
    }
    b->cfg = cfg;
    b->ops = platform_of(cfg);
    b->host = *host;
    b->event_fd = -1;
    board_describe(cfg, &b->desc);
    if (build_steps(b) < 0) {
        board_destroy(b);
        return NULL;
    }
    return b;
}

void board_destroy(struct board *b)
{
    if (!b)
        return;
    /* Chips taken apart later let go of the INTR pin: of no CPU then. */
    for (unsigned i = b->cfg->cpus; i-- > 0;) {
        vcpu_destroy(b->cpus[i]);
        b->cpus[i] = NULL;
    }
    if (b->bus && log_level() >= LOG_DEBUG)
        bus_report(b->bus, stderr);
    board_xen_destroy(b->xen);
    board_virtio_destroy(b->virtio);
    b->ops->destroy(b->platform);
    bus_destroy(b->bus);
    vm_destroy(b->vm);
    gmem_destroy(b->mem);
    if (b->event_fd >= 0) {
        loop_drain(b->host.loop, &b->event_op);
        close(b->event_fd);
    }
    free(b);
}

int board_place(struct board *b)
{
    struct entry_state entry;
    const int ret = boot_place(b->host.boot, b->mem, &b->desc, &entry);

    if (ret < 0)
        return ret;
    /* What KVM refuses is no fault of the image. */
    return vcpu_set_entry(b->cpus[0], &entry) < 0 ? -EIO : 0;
}

/* ---- running ---- */

static int start_cpus(struct board *b)
{
    /* The boot CPU last: the others wait for its SIPI. */
    for (unsigned i = b->cfg->cpus; i-- > 0;) {
        const int ret = vcpu_start(b->cpus[i]);

        if (ret < 0)
            return ret;
    }
    return 0;
}

static void stop_cpus(struct board *b)
{
    for (unsigned i = 0; i < b->cfg->cpus; i++)
        vcpu_kick(b->cpus[i], VCPU_REASON_STOP);
    for (unsigned i = 0; i < b->cfg->cpus; i++)
        vcpu_join(b->cpus[i]);
}

static bool is_failure(enum verdict v)
{
    return v == VERDICT_TRIPLE || v == VERDICT_INTERNAL || v == VERDICT_ENTRY ||
           v == VERDICT_KVM || v == VERDICT_CRASHED;
}

enum verdict board_run(struct board *b)
{
    int code = start_cpus(b);

    if (code == 0)
        code = loop_run(b->host.loop);
    stop_cpus(b);
    if (code < 0)
        return VERDICT_HOST;
    if (is_failure((enum verdict)code)) {
        chr_dump_tail(b->host.console);
        if (b->cfg->n_ports)
            chr_dump_tail(b->host.dev->ports[0]);
    }
    return (enum verdict)code;
}

void board_stop(struct board *b, enum verdict v)
{
    /* A reboot just asked for does not outlive the order to end. */
    if (!b->decided || b->verdict == VERDICT_REBOOT) {
        b->decided = true;
        b->verdict = v;
    }
    loop_stop(b->host.loop, (int)b->verdict);
}

/* A guest of Xen that does not listen to that may still have a button. */
void board_power_button(struct board *b)
{
    if (!b->xen || !board_xen_power_off(b->xen))
        b->ops->power_button(b->platform);
}

struct xs_domain *board_domain(struct board *b)
{
    return b->xen ? board_xen_domain(b->xen) : NULL;
}

struct vga *board_display(struct board *b)
{
    if (!b->ops->display)
        return NULL;
    vcpu_deliver(b->cpus[0]);
    return b->ops->display(b->platform);
}

struct i8042 *board_keyboard(struct board *b)
{
    return b->ops->keyboard ? b->ops->keyboard(b->platform) : NULL;
}

static void park_cpus(struct board *b)
{
    for (unsigned i = 0; i < b->cfg->cpus; i++)
        vcpu_kick(b->cpus[i], VCPU_REASON_PAUSE);
    /* A vCPU may be waiting for the loop, which now waits for it. */
    loop_wait_begin(b->host.loop);
    for (unsigned i = 0; i < b->cfg->cpus; i++)
        vcpu_wait_parked(b->cpus[i]);
    loop_wait_end(b->host.loop);
}

static void unpark_cpus(struct board *b)
{
    for (unsigned i = 0; i < b->cfg->cpus; i++)
        vcpu_resume(b->cpus[i]);
}

void board_pause(struct board *b)
{
    if (b->paused)
        return;
    park_cpus(b);
    b->paused = true;
}

void board_resume(struct board *b)
{
    if (!b->paused)
        return;
    b->paused = false;
    unpark_cpus(b);
}

bool board_paused(const struct board *b)
{
    return b->paused;
}

void board_dump(struct board *b)
{
    if (!b->paused)
        park_cpus(b);
    for (unsigned i = 0; i < b->cfg->cpus; i++) {
        log_error("vcpu%u:", i);
        vcpu_dump(b->cpus[i]);
    }
    if (!b->paused)
        unpark_cpus(b);
}

uint64_t board_unclaimed(const struct board *b)
{
    return bus_unclaimed(b->bus, SPACE_PIO) + bus_unclaimed(b->bus, SPACE_MMIO);
}

void board_get_stats(const struct board *b, struct vcpu_stats *out)
{
    *out = (struct vcpu_stats){0};
    for (unsigned i = 0; i < b->cfg->cpus; i++) {
        struct vcpu_stats s;

        vcpu_get_stats(b->cpus[i], &s);
        out->exits += s.exits;
        for (unsigned r = 0; r < VCPU_EXIT_REASONS; r++)
            out->by_reason[r] += s.by_reason[r];
    }
}
