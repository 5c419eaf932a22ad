// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cmd_doctor.c: `vmm doctor`: can this host run guests? One line a fact; the
 * last fact is a guest that was really run. Exit status 0 if all that is
 * required is there, 1 if not.
 */
#include "cmd.h"

#include "abi/layout.h"
#include "mmu/gmem.h"
#include "vcpu/probe.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmm/exitcode.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GUEST_RAM  (2 * MIB)
#define GUEST_CODE 0x1000
#define GUEST_PORT 0xf4
#define GUEST_SUM  4753 /* 1 + 2 + ... + 97 */

/* 32-bit: add 97 down to 1 into ax, write it to the port, halt. */
static const unsigned char guest_code[] = {
    0x31, 0xc0,                   /* xor  %eax, %eax */
    0xb9, 97,   0,          0, 0, /* mov  $97, %ecx */
    0x01, 0xc8,                   /* 1: add %ecx, %eax */
    0x49,                         /* dec  %ecx */
    0x75, 0xfb,                   /* jnz  1b */
    0x66, 0xe7, GUEST_PORT,       /* out  %ax, $0xf4 */
    0xf4,                         /* hlt */
    0xeb, 0xfd,                   /* jmp  . - 1 */
};

static int report(bool ok, bool required, const char *fmt, ...)
    printf_like(3, 4);

/* Print one fact; returns 1 if it is a required one that is missing. */
static int report(bool ok, bool required, const char *fmt, ...)
{
    va_list ap;

    printf("%-8s", ok ? "ok" : required ? "MISSING" : "no");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    return !ok && required;
}

static int check_features(int kvm_fd)
{
    struct kvm_feature f;
    int bad = 0;

    for (unsigned i = 0; kvm_probe(kvm_fd, i, &f); i++) {
        const bool counts = f.value > 1;

        if (counts)
            bad += report(true, false, "%s = %d: %s", f.name, f.value, f.use);
        else
            bad += report(f.value > 0, f.need == KVM_REQUIRED, "%s: %s", f.name,
                          f.use);
    }
    return bad;
}

/* Which engine a guest of Xen would get, and what KVM does of it by itself. */
static void check_xen(int kvm_fd)
{
    static const struct {
        unsigned bit;
        const char *text;
    } parts[] = {
        {KVM_XEN_DOES_EVENTS, "event channels without an exit"},
        {KVM_XEN_DOES_TIMERS, "singleshot timers without an exit"},
        {KVM_XEN_DOES_RUNSTATES, "runstates with the time that was stolen"},
    };
    const enum kvm_xen_accel best = kvm_xen_best(kvm_fd);
    const unsigned does = kvm_xen_does(kvm_fd);

    (void)report(best != KVM_XEN_OFF, false, "--abi=xen: %s",
                 best == KVM_XEN_KERNEL ? "hypercalls by KVM "
                                          "(--xen-accel=kernel)"
                 : best == KVM_XEN_USER ? "hypercalls by port writes "
                                          "(--xen-accel=user)"
                                        : "needs a newer kernel");
    for (size_t i = 0; best == KVM_XEN_KERNEL && i < ARRAY_LEN(parts); i++)
        (void)report(does & parts[i].bit, false, "--xen-accel=kernel: %s",
                     parts[i].text);
}

/* ---- the self-test guest ---- */

struct self_test {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    bool right;
};

static void test_done(struct self_test *t, bool right)
{
    t->done = true;
    t->right = right;
    pthread_cond_broadcast(&t->cond);
}

static void test_access(void *ctx, enum space space, uint64_t addr, void *data,
                        unsigned n, bool write)
{
    uint16_t sum = 0;

    if (n == sizeof(sum))
        memcpy(&sum, data, sizeof(sum));
    test_done(ctx, space == SPACE_PIO && addr == GUEST_PORT && write &&
                       sum == GUEST_SUM);
}

static void test_eoi(void *ctx, uint8_t vector)
{
    (void)ctx;
    (void)vector;
}

static void test_ended(void *ctx, enum vcpu_end how)
{
    (void)how;
    test_done(ctx, false);
}

static void test_nothing(void *ctx)
{
    (void)ctx;
}

static bool test_prepare(void *ctx)
{
    (void)ctx;
    return true;
}

static bool test_wait(struct self_test *t)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&t->lock);
    while (!t->done)
        if (pthread_cond_timedwait(&t->cond, &t->lock, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&t->lock);
    return t->done && t->right;
}

static bool test_cpu(struct vm *vm, struct self_test *t)
{
    const struct vcpu_ops ops = {
        .access = test_access,
        .eoi = test_eoi,
        .ended = test_ended,
        .prepare = test_prepare,
        .first_entry = test_nothing,
        .seal_thread = test_nothing,
        .ctx = t,
    };
    const struct entry_state entry = {.kind = ENTRY_PVH, .rip = GUEST_CODE};
    struct vcpu *v = vcpu_create(vm, 0, &t->lock, &ops);
    bool right = false;

    if (!v)
        return false;
    vcpu_init_kick();
    if (vcpu_set_entry(v, &entry) == 0 && vcpu_start(v) == 0) {
        right = test_wait(t);
        vcpu_kick(v, VCPU_REASON_STOP);
        vcpu_join(v);
    }
    vcpu_destroy(v);
    return right;
}

static bool self_test(int kvm_fd)
{
    struct self_test t = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .cond = PTHREAD_COND_INITIALIZER};
    const struct vm_config cfg = {
        .kvm_fd = kvm_fd, .n_cpus = 1, .pins = LAYOUT_IOAPIC_PINS};
    struct gmem *mem = gmem_create(GUEST_RAM, GMEM_ANON);
    struct vm *vm = mem ? vm_create(&cfg) : NULL;
    bool right = false;

    if (vm && vm_map(vm, mem) == 0 &&
        gmem_write(mem, GPA(GUEST_CODE), guest_code, sizeof(guest_code)) == 0)
        right = test_cpu(vm, &t);
    vm_destroy(vm);
    gmem_destroy(mem);
    return right;
}

/* ---- the rest of the host ---- */

static int check_kvm(void)
{
    const int fd = kvm_open("/dev/kvm");
    int bad;

    if (fd < 0)
        return report(false, true, "/dev/kvm: %s", strerror(-fd));
    bad = report(true, true, "/dev/kvm: usable, %s", kvm_hardware());
    bad += check_features(fd);
    check_xen(fd);
    bad += report(self_test(fd), true, "self-test guest: run on a vCPU");
    close(fd);
    return bad;
}

static int check_io_uring(void)
{
    struct loop *loop;
    const int ret = loop_create(&loop, NULL);

    if (ret == 0)
        loop_destroy(loop);
    return report(ret == 0, true, "io_uring: %s",
                  ret ? strerror(-ret) : "usable");
}

/* The first line of a small file under /sys or /proc; false if it has none. */
static bool first_line(const char *path, char *buf, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, buf, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    buf[n] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
    return true;
}

static void check_huge_pages(void)
{
    char line[128];
    const char *thp = "/sys/kernel/mm/transparent_hugepage/enabled";

    if (first_line(thp, line, sizeof(line)))
        report(!strstr(line, "[never]"), false, "transparent huge pages: %s",
               line);
    else
        report(false, false, "transparent huge pages: not in this kernel");
    if (first_line("/proc/sys/vm/nr_hugepages", line, sizeof(line)))
        report(strcmp(line, "0") != 0, false,
               "huge page pool: %s pages (for --hugepages)", line);
    else
        report(false, false, "huge page pool: not in this kernel");
}

int cmd_doctor(int argc, char **argv)
{
    int bad;

    if (argc > 0) {
        log_error("vmm doctor: '%s': it takes no arguments", argv[0]);
        return VMM_EXIT_USAGE;
    }
    bad = check_kvm();
    bad += check_io_uring();
    check_huge_pages();
    if (bad)
        printf("%d required thing%s missing: guests cannot run here\n", bad,
               bad == 1 ? " is" : "s are");
    else
        printf("this host can run guests\n");
    return bad ? VMM_EXIT_HOST : VMM_EXIT_OK;
}
