// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sandbox.c: the stages of sandbox.h.
 *
 * Theory: the guest is hostile, and so a vCPU thread or the loop thread must
 * be assumed to fall to it. What is left then is what the kernel lets the
 * thread do: the calls in src/sandbox_rules.c and src/vcpu/kvm_rules.c. All
 * files, sockets and devices are open before the seal.
 *
 * The handlers run in any thread at any time: only async-signal-safe calls.
 */
#include "sandbox.h"

#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filters.inc"

/* Append text to a line being built in a signal handler. */
static void put(char *line, size_t size, const char *text)
{
    const size_t n = strlen(line);
    size_t i = 0;

    while (text[i] && n + i + 1 < size) {
        line[n + i] = text[i];
        i++;
    }
    line[n + i] = '\0';
}

static void put_number(char *line, size_t size, unsigned long v, unsigned base)
{
    char digits[24];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    put(line, size, digits + at);
}

static void put_thread(char *line, size_t size)
{
    char name[17] = "";

    prctl(PR_GET_NAME, name);
    put(line, size, name);
}

_Noreturn static void last_words(char *line, size_t size, int code)
{
    put(line, size, "\r\n");
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        code = VMM_EXIT_CRASH;
    _exit(code);
}

static const char *syscall_name(const siginfo_t *info)
{
    const unsigned nr = (unsigned)info->si_syscall;

    if (info->si_arch != AUDIT_ARCH_X86_64)
        return "of the 32-bit ABI";
    if (nr < ARRAY_LEN(syscall_names) && syscall_names[nr])
        return syscall_names[nr];
    return "unknown";
}

static void on_violation(int sig, siginfo_t *info, void *context)
{
    const unsigned nr = (unsigned)info->si_syscall;
    char line[256] = "vmm: error: sandbox: a forbidden system call: ";

    (void)sig;
    (void)context;
    put(line, sizeof(line), syscall_name(info));
    put(line, sizeof(line), " (");
    put_number(line, sizeof(line), nr, 10);
    put(line, sizeof(line), ") by thread ");
    put_thread(line, sizeof(line));
    put(line, sizeof(line),
        "; the guest was ended (please report this as a bug)");
    last_words(line, sizeof(line), VMM_EXIT_SANDBOX);
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
    char line[256] = "vmm: error: vmm itself crashed: signal ";

    (void)context;
    put_number(line, sizeof(line), (unsigned long)sig, 10);
    put(line, sizeof(line), " at address 0x");
    put_number(line, sizeof(line), (unsigned long)info->si_addr, 16);
    put(line, sizeof(line), " in thread ");
    put_thread(line, sizeof(line));
    put(line, sizeof(line), "; please report this as a bug");
    last_words(line, sizeof(line), VMM_EXIT_CRASH);
}

static const struct {
    int sig;
    void (*fn)(int sig, siginfo_t *info, void *context);
} handlers[] = {
    {SIGSYS, on_violation}, {SIGSEGV, on_crash}, {SIGBUS, on_crash},
    {SIGILL, on_crash},     {SIGFPE, on_crash},  {SIGABRT, on_crash},
};

/* The least of keep that is not below fd; -1: none. */
static int next_kept(const int *keep, int n, int fd)
{
    int next = -1;

    for (int i = 0; i < n; i++)
        if (keep[i] >= fd && (next < 0 || keep[i] < next))
            next = keep[i];
    return next;
}

/* What whoever started us had open is no business of a guest's. */
static void close_others(const int *keep, int n)
{
    int from = STDERR_FILENO + 1, kept;

    for (; (kept = next_kept(keep, n, from)) >= 0; from = kept + 1)
        if (kept > from)
            (void)close_range((unsigned)from, (unsigned)kept - 1, 0);
    (void)close_range((unsigned)from, ~0u, 0);
}

int sandbox_early(const int *keep, int n)
{
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        struct sigaction sa = {.sa_sigaction = handlers[i].fn,
                               .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND)};

        sigemptyset(&sa.sa_mask);
        BUG_ON(sigaction(handlers[i].sig, &sa, NULL) != 0);
    }
    close_others(keep, n);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        log_error("sandbox: no_new_privs: %s: use --sandbox=off to debug",
                  strerror(errno));
        return -errno;
    }
    return 0;
}

static int install(const struct sock_filter *code, size_t n)
{
    /* The kernel's interface is not const-correct; it only reads. */
    union {
        const struct sock_filter *in;
        struct sock_filter *out;
    } filter = {.in = code};
    const struct sock_fprog prog = {.len = (unsigned short)n,
                                    .filter = filter.out};

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
        return -errno;
    return 0;
}

int sandbox_seal(void)
{
    const int ret = install(loop_code, ARRAY_LEN(loop_code));

    if (ret < 0)
        log_error("sandbox: seccomp: %s: use a kernel with "
                  "CONFIG_SECCOMP_FILTER, or --sandbox=off to debug",
                  strerror(-ret));
    return ret;
}

int sandbox_seal_helper(void)
{
    return install(helper_code, ARRAY_LEN(helper_code));
}

void sandbox_seal_vcpu(void)
{
    BUG_ON(install(vcpu_code, ARRAY_LEN(vcpu_code)) < 0);
}
