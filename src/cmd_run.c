// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_run.c: the life of a guest as a list of stages.
 *
 * Each stage makes one thing the host lends to the machine and says what is
 * wrong in one line if it cannot; what was made is unmade in reverse order
 * on every way out. After the last stage the process is sealed, and the
 * machine is built, loaded and run, again and again while the guest reboots.
 */
#include "board_virtio.h"
#include "board_xen.h"
#include "cmd.h"
#include "notify.h"
#include "run.h"
#include "sandbox.h"

#include "devices/backend/chr.h"
#include "vcpu/vm.h"
#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- stages ---- */

static int stage_signals(struct run *r)
{
    vcpu_init_kick();
    return run_signals_open(r);
}

static int stage_name(struct run *r)
{
    const int ret = rundir_claim(&r->claim, r->cfg.name);

    r->claimed = ret == 0;
    return ret;
}

/* Early, because it forks: there is little to copy yet. */
static int stage_terminal(struct run *r)
{
    return config_on_stdio(&r->cfg) ? term_open(&r->term) : 0;
}

static int stage_notify(struct run *r)
{
    r->notify_fd = notify_open();
    return 0;
}

static int stage_kvm(struct run *r)
{
    r->kvm_fd = kvm_open("/dev/kvm");
    return r->kvm_fd < 0 ? r->kvm_fd : 0;
}

static int stage_check(struct run *r)
{
    return config_check_host(&r->cfg, kvm_max_vcpus(r->kvm_fd),
                             kvm_phys_bits());
}

/* A random one: RFC 9562, version 4. */
static int make_uuid(uint8_t uuid[16])
{
    if (getrandom(uuid, 16, 0) != 16) {
        log_error("getrandom: %s", strerror(errno));
        return -EIO;
    }
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    return 0;
}

static int stage_xen(struct run *r)
{
    if (r->cfg.abi != ABI_XEN)
        return 0;
    r->xen = board_xen_accel(&r->cfg, r->kvm_fd);
    if (r->xen == KVM_XEN_OFF)
        return -EINVAL;
    if (make_uuid(r->uuid) < 0)
        return -EIO;
    log_info("Xen ABI: hypercalls by %s (--xen-accel=%s)",
             r->xen == KVM_XEN_KERNEL ? "the host's KVM" : "port writes",
             kvm_xen_names[r->xen]);
    return 0;
}

/* A PC with a kernel is started as the kernel asks, else by its firmware. */
static enum boot_protocol protocol_of(const struct config *cfg)
{
    const enum boot_protocol p = profiles[cfg->mode].boot;

    return p == BOOT_FIRMWARE && cfg->kernel ? BOOT_DIRECT : p;
}

static int stage_boot(struct run *r)
{
    r->cmdline = board_virtio_cmdline(&r->cfg);
    if (!r->cmdline)
        return -ENOMEM;
    r->boot_cfg = (struct boot_config){
        .protocol = protocol_of(&r->cfg),
        .entry = r->cfg.entry,
        .firmware = r->cfg.firmware,
        .kernel = r->cfg.kernel,
        .cmdline = r->cmdline,
        .n_modules = r->cfg.n_modules,
        .fdt = r->cfg.fdt,
        .xen_calls = r->xen == KVM_XEN_USER,
    };
    memcpy(r->boot_cfg.modules, r->cfg.modules, sizeof(r->cfg.modules));
    return boot_open(&r->boot_cfg, &r->boot);
}

static int stage_loop(struct run *r)
{
    return loop_create(&r->loop, &r->lock);
}

static int stage_control(struct run *r)
{
    return ctl_open(&r->ctl, &r->claim);
}

static int stage_console(struct run *r)
{
    r->console = console_place_open(&r->cfg.console);
    return r->console ? chr_start(r->console, r->loop) : -EIO;
}

static int stage_devices(struct run *r)
{
    return hostdev_open(&r->dev, &r->cfg, &r->claim, r->loop);
}

static int stage_display(struct run *r)
{
    switch (r->cfg.display.kind) {
    case DISPLAY_TEXT:
        r->mirror = mirror_open(r->claim.name, &r->board);
        return r->mirror ? mirror_start(r->mirror, r->loop) : -EIO;
    case DISPLAY_VNC:
        r->vnc = vnc_open(&r->cfg.display, r->claim.name, &r->board);
        return r->vnc ? 0 : -EIO;
    case DISPLAY_NONE:
        break;
    }
    return 0;
}

static int stage_machine(struct run *r)
{
    struct board_host host = {
        .kvm_fd = r->kvm_fd,
        .loop = r->loop,
        .lock = &r->lock,
        .console = r->console,
        .boot = r->boot,
        .dev = &r->dev,
        .sandbox = r->cfg.sandbox,
        .xen = r->xen,
        .name = r->claim.name,
        .first_entry = run_first_entry,
        .ctx = r,
    };

    memcpy(host.uuid, r->uuid, sizeof(host.uuid));
    r->board = board_build(&r->cfg, &host);
    return r->board ? board_place(r->board) : -EIO;
}

static int stage_seal(struct run *r)
{
    if (!r->cfg.sandbox) {
        log_warn("the sandbox is off: a guest that breaks out is free to do "
                 "what this user can");
        return 0;
    }
    return sandbox_seal();
}

static int stage_events(struct run *r)
{
    run_events_start(r);
    return 0;
}

static const struct {
    int (*run)(struct run *r);
    bool judges; /* what the operator gave: -EINVAL says that it is wrong */
} stages[] = {
    {stage_signals, false}, {stage_name, true},     {stage_terminal, false},
    {stage_notify, false},  {stage_kvm, false},     {stage_check, true},
    {stage_xen, true},      {stage_boot, true},     {stage_loop, false},
    {stage_console, false}, {stage_control, false}, {stage_devices, false},
    {stage_display, false}, {stage_machine, true},  {stage_events, false},
    {stage_seal, false},
};

static void teardown(struct run *r)
{
    notify_send(r->notify_fd, "STOPPING=1");
    vnc_close(r->vnc);
    mirror_close(r->mirror);
    board_destroy(r->board);
    ctl_close(r->ctl);
    seat_end(&r->seat);
    hostdev_close(&r->dev);
    chr_close(r->console);
    term_close(r->term);
    loop_destroy(r->loop);
    boot_close(r->boot);
    free(r->cmdline);
    if (r->claimed)
        rundir_release(&r->claim, r->how[0] ? r->how : "it did not start");
    config_free(&r->cfg);
}

/* ---- running ---- */

/* Run the machine; on a reboot take it apart and make it anew. */
static enum verdict run_machine(struct run *r)
{
    for (;;) {
        const enum verdict v = board_run(r->board);

        if (v != VERDICT_REBOOT || r->cfg.no_reboot)
            return v;
        log_info("the guest reboots");
        board_destroy(r->board);
        r->board = NULL;
        if (stage_machine(r) < 0)
            return VERDICT_HOST;
    }
}

static const struct {
    enum vmm_exit code;
    const char *how; /* for those who wait for the guest's end */
} endings[] = {
    [VERDICT_POWEROFF] = {VMM_EXIT_OK, "the guest powered off"},
    [VERDICT_REBOOT] = {VMM_EXIT_REBOOT, "the guest rebooted"},
    [VERDICT_STOPPED] = {VMM_EXIT_STOPPED, "ended from outside"},
    [VERDICT_TRIPLE] = {VMM_EXIT_TRIPLE, "triple fault"},
    [VERDICT_INTERNAL] = {VMM_EXIT_INTERNAL, "KVM internal error"},
    [VERDICT_ENTRY] = {VMM_EXIT_ENTRY, "KVM entry failure"},
    [VERDICT_KVM] = {VMM_EXIT_KVM, "unexpected KVM exit"},
    [VERDICT_CRASHED] = {VMM_EXIT_CRASHED, "the guest crashed"},
    [VERDICT_HOST] = {VMM_EXIT_HOST, "the host failed"},
};

/* -EINVAL: what the operator gave can never run; else the host's fault. */
static int failure_code(int ret)
{
    if (ret == 0)
        return VMM_EXIT_OK;
    return ret == -EINVAL ? VMM_EXIT_USAGE : VMM_EXIT_HOST;
}

static int run_stages(struct run *r)
{
    enum verdict v;
    int fds[CONFIG_MAX_NETS];
    const int n_fds = hostdev_inherited(&r->cfg, fds);

    if (n_fds < 0)
        return VMM_EXIT_USAGE;
    if (r->cfg.sandbox && sandbox_early(fds, n_fds) < 0)
        return VMM_EXIT_HOST;
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        const int ret = stages[i].run(r);

        if (ret < 0)
            return stages[i].judges ? failure_code(ret) : VMM_EXIT_HOST;
    }
    v = run_machine(r);
    if (!r->how[0])
        snprintf(r->how, sizeof(r->how), "%s", endings[v].how);
    return (int)endings[v].code;
}

/* What the operator only wants to see: written, and no guest started. */
static int run_dumps(struct run *r)
{
    struct machine_desc m;
    int ret = 0;

    if (r->cfg.dump_config)
        ret = config_dump(&r->cfg, stdout);
    board_describe(&r->cfg, &m);
    if (ret == 0 && r->cfg.dump_acpi)
        ret = boot_dump_acpi(&m, r->cfg.dump_acpi);
    if (ret == 0 && r->cfg.dump_fdt)
        ret = stage_boot(r);
    if (ret == 0 && r->cfg.dump_fdt)
        ret = boot_dump_fdt(r->boot, &m, r->cfg.dump_fdt);
    return failure_code(ret);
}

static int run_or_dump(struct run *r)
{
    if (config_check(&r->cfg) < 0)
        return VMM_EXIT_USAGE;
    if (r->cfg.dump_config || r->cfg.dump_acpi || r->cfg.dump_fdt)
        return run_dumps(r);
    return run_stages(r);
}

int cmd_run(int argc, char **argv)
{
    struct run r = {.lock = PTHREAD_MUTEX_INITIALIZER,
                    .kvm_fd = -1,
                    .signal_fd = -1,
                    .notify_fd = -1};
    int code = VMM_EXIT_USAGE;

    /* Few threads allocate, and seldom: one arena is enough. */
    mallopt(M_ARENA_MAX, 1);
    /* Rings and request slots cost memory once they are used, not before. */
    mallopt(M_MMAP_THRESHOLD, 32 * 1024);
    /* So does the heap: it was made 132 KiB large before main. */
    mallopt(M_TOP_PAD, 16 * 1024);
    malloc_trim(16 * 1024);
    switch (config_parse(&r.cfg, argc, argv)) {
    case CONFIG_HELP:
        code = VMM_EXIT_OK;
        break;
    case CONFIG_ERROR:
        break;
    case CONFIG_OK:
        log_set_level(r.cfg.log);
        code = run_or_dump(&r);
        break;
    }
    teardown(&r);
    return code;
}
