// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vcpu.c: a vCPU's life: made, started, run, kicked, parked, joined.
 *
 * The run loop takes the board lock in one place, around what follows an
 * exit. To get a vCPU out of KVM_RUN, a reason bit is set first, then
 * run->immediate_exit, then the thread gets a signal:
 *   - it is in KVM_RUN: the signal ends KVM_RUN with EINTR;
 *   - it is about to enter: immediate_exit makes KVM_RUN return at once;
 *   - it is handling an exit: it sees the bit before it enters again.
 * The vCPU clears immediate_exit before it reads the bits, so that no kick
 * is lost between the two.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KICK_SIGNAL SIGUSR1
/* The deepest path is a report with its formatted lines. */
#define STACK_SIZE (128 * KIB)

static void on_kick(int sig)
{
    (void)sig; /* its only purpose is to interrupt KVM_RUN */
}

void vcpu_init_kick(void)
{
    struct sigaction sa = {.sa_handler = on_kick};

    sigemptyset(&sa.sa_mask);
    BUG_ON(sigaction(KICK_SIGNAL, &sa, NULL) != 0);
}

static int set_cpuid(struct vcpu *v)
{
    struct cpuid_table t = v->vm->cpuid;

    cpuid_set_topology(&t, v->id, v->vm->n_cpus);
    if (v->vm->xen != KVM_XEN_OFF)
        cpuid_set_xen(&t, v->vm->xen_version, v->id);
    return ioctl(v->fd, KVM_SET_CPUID2, &t.head) < 0 ? -errno : 0;
}

/* Each step of making a vCPU, with the name its failure is reported by. */
static int map_run(struct vcpu *v)
{
    void *run = mmap(NULL, v->vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                     v->fd, 0);

    if (run == MAP_FAILED)
        return -errno;
    v->run = run;
    if (v->vm->coalesced_page)
        v->ring = (struct kvm_coalesced_mmio_ring *)((unsigned char *)run +
                                                     v->vm->coalesced_page *
                                                         GUEST_PAGE);
    xen_setup_vcpu(v);
    return 0;
}

static int make_fd(struct vcpu *v)
{
    v->fd = ioctl(v->vm->fd, KVM_CREATE_VCPU, (unsigned long)v->id);
    return v->fd < 0 ? -errno : 0;
}

static const struct {
    int (*run)(struct vcpu *v);
    const char *name;
} vcpu_steps[] = {
    {make_fd, "KVM_CREATE_VCPU"},
    {map_run, "mmap of the vCPU"},
    {set_cpuid, "KVM_SET_CPUID2"},
    {msr_init, "KVM_SET_MSRS"},
    {xen_kernel_setup_vcpu, "KVM_XEN_VCPU_SET_ATTR"},
};

struct vcpu *vcpu_create(struct vm *vm, unsigned id, pthread_mutex_t *lock,
                         const struct vcpu_ops *ops)
{
    struct vcpu *v = calloc(1, sizeof(*v));

    if (!v) {
        log_error("vcpu%u: out of memory", id);
        return NULL;
    }
    v->vm = vm;
    v->id = id;
    v->fd = -1;
    v->lock = lock;
    v->ops = ops;
    v->xen_clock = KVM_XEN_NOWHERE;
    v->runs = id == 0;
    pthread_cond_init(&v->parked_cond, NULL);
    pthread_cond_init(&v->resume_cond, NULL);
    for (size_t i = 0; i < ARRAY_LEN(vcpu_steps); i++) {
        const int ret = vcpu_steps[i].run(v);

        if (ret < 0) {
            log_error("vcpu%u: %s: %s: %s", id, vcpu_steps[i].name,
                      strerror(-ret), kvm_advice(-ret));
            vcpu_destroy(v);
            return NULL;
        }
    }
    return v;
}

void vcpu_destroy(struct vcpu *v)
{
    if (!v)
        return;
    BUG_ON(v->started);
    if (v->run)
        munmap(v->run, v->vm->run_size);
    if (v->fd >= 0)
        close(v->fd);
    pthread_cond_destroy(&v->parked_cond);
    pthread_cond_destroy(&v->resume_cond);
    free(v);
}

int vcpu_set_entry(struct vcpu *v, const struct entry_state *e)
{
    const int ret = template_load(v, e);

    if (ret < 0)
        log_error("vcpu%u: KVM_SET_SREGS: %s: run 'vmm doctor'", v->id,
                  strerror(-ret));
    return ret;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Park while PAUSE is set or the vCPU is dead; STOP ends it. Lock held. */
static void park(struct vcpu *v)
{
    const uint64_t from = now_ns();

    v->parked = true;
    pthread_cond_broadcast(&v->parked_cond);
    while (!(v->reasons & VCPU_REASON_STOP) &&
           (v->dead || (v->reasons & VCPU_REASON_PAUSE)))
        pthread_cond_wait(&v->resume_cond, v->lock);
    v->parked = false;
    v->parked_ns += now_ns() - from;
}

/* Look at the reasons to stay out of KVM_RUN. Returns false to end. */
static bool heed_reasons(struct vcpu *v)
{
    /* Cleared before the bits are read: pairs with vcpu_kick. */
    __atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (!v->reasons && !v->dead)
        return true;
    pthread_mutex_lock(v->lock);
    if (atomic_fetch_and(&v->reasons, ~VCPU_REASON_WORK) & VCPU_REASON_WORK) {
        xen_vcpu_work(v);
        context_work(v);
    }
    park(v);
    pthread_mutex_unlock(v->lock);
    return !(v->reasons & VCPU_REASON_STOP);
}

static void handle_exit(struct vcpu *v)
{
    pthread_mutex_lock(v->lock);
    upcall_left(v);
    if (!exit_dispatch(v))
        v->dead = true;
    pthread_mutex_unlock(v->lock);
}

static void run_failed(struct vcpu *v, int err)
{
    char what[160];

    snprintf(what, sizeof(what), "KVM_RUN: %s: %s", strerror(err),
             kvm_advice(err));
    pthread_mutex_lock(v->lock);
    exit_end(v, VCPU_END_KVM, what);
    pthread_mutex_unlock(v->lock);
}

/*
 * EAGAIN: a CPU that waited for SIPI has just got it. The boot CPU waits for
 * one only if it was stopped: else it is KVM that could not start a thread of
 * its own.
 */
static bool is_passing(struct vcpu *v, int err)
{
    const bool waited = v->id > 0 || v->stopped;

    if (err == EAGAIN && waited)
        context_woken(v);
    /* INIT, which may have come meanwhile, makes KVM forget the clock. */
    if (v->id > 0 && v->vm->xen != KVM_XEN_OFF)
        atomic_fetch_or(&v->reasons, VCPU_REASON_WORK);
    return err == EINTR || (err == EAGAIN && waited);
}

static void run_loop(struct vcpu *v)
{
    while (heed_reasons(v)) {
        if (v->ops->ack)
            intr_inject(v);
        upcall_inject(v);
        if (ioctl(v->fd, KVM_RUN, 0) == 0)
            handle_exit(v);
        else if (!is_passing(v, errno))
            run_failed(v, errno);
    }
}

static void *vcpu_main(void *arg)
{
    struct vcpu *v = arg;
    char name[16];

    snprintf(name, sizeof(name), "vcpu%u", v->id);
    pthread_setname_np(pthread_self(), name);
    if (v->id == 0)
        v->dead = !v->ops->prepare(v->ops->ctx);
    v->ops->seal_thread(v->ops->ctx);
    if (v->id == 0 && !v->dead)
        v->ops->first_entry(v->ops->ctx);
    run_loop(v);
    return NULL;
}

bool vcpu_is_up(const struct vcpu *v)
{
    return (v->id == 0 || v->up) && !v->stopped;
}

int vcpu_start(struct vcpu *v)
{
    pthread_attr_t attr;
    int ret;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    ret = pthread_create(&v->thread, &attr, vcpu_main, v);
    pthread_attr_destroy(&attr);
    if (ret) {
        log_error("vcpu%u: cannot start its thread: %s: raise the process "
                  "limit (ulimit -u)",
                  v->id, strerror(ret));
        return -ret;
    }
    v->started = true;
    return 0;
}

void vcpu_kick(struct vcpu *v, unsigned reasons)
{
    atomic_fetch_or(&v->reasons, reasons);
    /* After the bits, before the signal: pairs with heed_reasons. */
    __atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (v->started)
        pthread_kill(v->thread, KICK_SIGNAL);
}

void vcpu_join(struct vcpu *v)
{
    if (!v->started)
        return;
    pthread_mutex_lock(v->lock);
    pthread_cond_broadcast(&v->resume_cond);
    pthread_mutex_unlock(v->lock);
    pthread_join(v->thread, NULL);
    v->started = false;
}

void vcpu_wait_parked(struct vcpu *v)
{
    while (v->started && !v->parked)
        pthread_cond_wait(&v->parked_cond, v->lock);
}

void vcpu_resume(struct vcpu *v)
{
    atomic_fetch_and(&v->reasons, ~VCPU_REASON_PAUSE);
    /* Else the guest's watchdogs take the pause for a lockup. */
    (void)ioctl(v->fd, KVM_KVMCLOCK_CTRL, 0);
    pthread_cond_broadcast(&v->resume_cond);
}

void vcpu_get_stats(const struct vcpu *v, struct vcpu_stats *out)
{
    *out = v->stats;
}
