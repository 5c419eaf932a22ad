// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_run.c: the life of a guest as a list of stages.
 *
 * Each stage makes one thing the host lends to the machine and says what is
 * wrong in one line if it cannot; what was made is unmade in reverse order
 * on every way out. After the last stage the process is sealed, and the
 * machine is built, loaded and run, again and again while the guest reboots.
 */
#include "board.h"
#include "cmd.h"
#include "config.h"
#include "sandbox.h"

#include "devices/backend/chr.h"
#include "vcpu/vm.h"
#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct run {
    struct config cfg;
    struct boot_config boot_cfg;
    pthread_mutex_t lock; /* the board lock */
    /* owned, made by the stages in this order */
    int kvm_fd;
    struct boot *boot;
    struct loop *loop;
    struct chr *console;
    int signal_fd;
    struct loop_op signal_op;
    struct board *board;
    bool sealed;
};

static const struct {
    int sig;
    const char *name;
} ending_signals[] = {
    {SIGTERM, "SIGTERM"},
    {SIGINT, "SIGINT"},
    {SIGHUP, "SIGHUP"},
};

/* ---- events ---- */

static void on_signal(struct loop_op *op, int res)
{
    struct run *r = op->owner;
    struct signalfd_siginfo info;

    if (res < 0 || read(r->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGQUIT) {
        if (r->board)
            board_dump(r->board);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        if (info.ssi_signo == (uint32_t)ending_signals[i].sig)
            log_info("ended by %s", ending_signals[i].name);
    if (r->board)
        board_stop(r->board, VERDICT_STOPPED);
}

static void on_first_entry(void *ctx)
{
    (void)ctx;
    log_debug("first guest instruction");
}

/* ---- stages ---- */

static int stage_signals(struct run *r)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        sigaddset(&set, ending_signals[i].sig);
    sigaddset(&set, SIGQUIT);
    /* Blocked before there is a second thread: all threads inherit it. */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    vcpu_init_kick();
    r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (r->signal_fd < 0) {
        log_error("signalfd: %s: raise the open-files limit (ulimit -n)",
                  strerror(errno));
        return -errno;
    }
    return 0;
}

static int stage_kvm(struct run *r)
{
    r->kvm_fd = kvm_open("/dev/kvm");
    return r->kvm_fd < 0 ? r->kvm_fd : 0;
}

static int stage_check(struct run *r)
{
    return config_check(&r->cfg, kvm_max_vcpus(r->kvm_fd), kvm_phys_bits());
}

static int stage_boot(struct run *r)
{
    r->boot_cfg = (struct boot_config){
        .kernel = r->cfg.kernel,
        .cmdline = r->cfg.append,
        .n_modules = r->cfg.n_modules,
        .fdt = r->cfg.fdt,
    };
    memcpy(r->boot_cfg.modules, r->cfg.modules, sizeof(r->cfg.modules));
    return boot_open(&r->boot_cfg, &r->boot);
}

static int stage_loop(struct run *r)
{
    const int ret = loop_create(&r->loop, &r->lock);

    if (ret < 0)
        return ret;
    r->signal_op = (struct loop_op){.fn = on_signal, .owner = r};
    loop_watch(r->loop, &r->signal_op, r->signal_fd);
    return 0;
}

static int stage_console(struct run *r)
{
    switch (r->cfg.console) {
    case CONSOLE_STDIO:
        r->console = chr_open_stdio();
        break;
    case CONSOLE_PTY:
        r->console = chr_open_pty();
        break;
    case CONSOLE_FILE:
        r->console = chr_open_file(r->cfg.console_path);
        break;
    case CONSOLE_NONE:
        r->console = chr_open_null();
        break;
    }
    return r->console ? chr_start(r->console, r->loop) : -EIO;
}

static int stage_machine(struct run *r)
{
    const struct board_host host = {
        .kvm_fd = r->kvm_fd,
        .loop = r->loop,
        .lock = &r->lock,
        .console = r->console,
        .boot = r->boot,
        .sandbox = r->cfg.sandbox,
        .first_entry = on_first_entry,
        .ctx = r,
    };

    r->board = board_build(&r->cfg, &host);
    return r->board ? board_load(r->board) : -EIO;
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

static int (*const stages[])(struct run *r) = {
    stage_signals, stage_kvm,     stage_check,   stage_boot,
    stage_loop,    stage_console, stage_machine, stage_seal,
};

static void teardown(struct run *r)
{
    board_destroy(r->board);
    chr_close(r->console);
    loop_destroy(r->loop);
    boot_close(r->boot);
    if (r->kvm_fd >= 0)
        close(r->kvm_fd);
    if (r->signal_fd >= 0)
        close(r->signal_fd);
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

static int exit_code(enum verdict v)
{
    static const enum vmm_exit codes[] = {
        [VERDICT_POWEROFF] = VMM_EXIT_OK,
        [VERDICT_REBOOT] = VMM_EXIT_REBOOT,
        [VERDICT_STOPPED] = VMM_EXIT_STOPPED,
        [VERDICT_TRIPLE] = VMM_EXIT_TRIPLE,
        [VERDICT_INTERNAL] = VMM_EXIT_INTERNAL,
        [VERDICT_ENTRY] = VMM_EXIT_ENTRY,
        [VERDICT_KVM] = VMM_EXIT_KVM,
        [VERDICT_HOST] = VMM_EXIT_HOST,
    };

    return (int)codes[v];
}

static int run_stages(struct run *r)
{
    if (r->cfg.sandbox && sandbox_early() < 0)
        return VMM_EXIT_HOST;
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        const int ret = stages[i](r);

        if (ret < 0)
            return ret == -EINVAL ? VMM_EXIT_USAGE : VMM_EXIT_HOST;
    }
    return exit_code(run_machine(r));
}

static int dump_config(const struct run *r)
{
    return config_dump(&r->cfg, stdout) < 0 ? VMM_EXIT_HOST : VMM_EXIT_OK;
}

int cmd_run(int argc, char **argv)
{
    struct run r = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .kvm_fd = -1, .signal_fd = -1};
    int code = VMM_EXIT_USAGE;

    /* Few threads allocate, and seldom: one arena is enough. */
    mallopt(M_ARENA_MAX, 1);
    switch (config_parse(&r.cfg, argc, argv)) {
    case CONFIG_HELP:
        code = VMM_EXIT_OK;
        break;
    case CONFIG_ERROR:
        break;
    case CONFIG_OK:
        log_set_level(r.cfg.log);
        code =
            r.cfg.dump_config ? -config_dump(&r.cfg, stdout) : run_stages(&r);
        break;
    }
    teardown(&r);
    return code;
}
