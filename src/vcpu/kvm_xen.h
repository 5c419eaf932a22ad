/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm_xen.h: what the Xen guest ABI needs of KVM, in two engines.
 *
 * A hypercall leaves the guest either because KVM knows of Xen and intercepts
 * it (KVM_CAP_XEN_HVM), or because it is a port write: the hypercall page is
 * filled with stubs that do `out %eax, $LAYOUT_XEN_HCALL`, and where a kernel
 * has hypercall instructions of its own, the loader puts the equally long
 * `out` in their place. Upcalls are messages to the vCPU's local APIC, the
 * clock pages are those of KVM's own clock, whose layout is Xen's.
 *
 * A KVM that knows of Xen can do more by itself, without an exit: see what a
 * host does by kvm_xen_does. It then needs to be told where the guest has its
 * pages and what its ports are for. What is a vCPU's can be set on the vCPU's
 * own thread only: it is written down here, takes effect before the guest runs
 * on there, and is then told to vcpu_xen_ops.settled.
 *
 * Thread: board lock held, unless said otherwise.
 * Source: Linux Documentation/virt/kvm/api.rst (KVM_XEN_HVM_CONFIG,
 * KVM_XEN_HVM_SET_ATTR, KVM_XEN_VCPU_SET_ATTR, KVM_XEN_HVM_EVTCHN_SEND,
 * KVM_X86_SET_MSR_FILTER, KVM_CAP_SYNC_REGS), Xen's public arch-x86/cpuid.h.
 */
#ifndef VCPU_KVM_XEN_H
#define VCPU_KVM_XEN_H

#include "vmm/types.h"

struct vm;
struct vcpu;

enum kvm_xen_accel {
    KVM_XEN_OFF,
    KVM_XEN_KERNEL,
    KVM_XEN_USER,
    KVM_XEN_ACCELS,
};

/* "off", "kernel", "user". */
extern const char *const kvm_xen_names[KVM_XEN_ACCELS];

/* Can the host's KVM carry this engine? Any thread. */
bool kvm_xen_can(int kvm_fd, enum kvm_xen_accel accel);
/* The best one it can, or KVM_XEN_OFF. Any thread. */
enum kvm_xen_accel kvm_xen_best(int kvm_fd);

/* The engine of this machine. Any thread. */
enum kvm_xen_accel kvm_xen_engine(const struct vm *vm);

/* The MSR by which a guest asks for a hypercall page, and its CPUID leaves. */
#define KVM_XEN_MSR 0x40000000u

/* The guest's system time: nanoseconds since the machine was made. */
uint64_t kvm_xen_now(const struct vm *vm);

/*
 * Keep a struct vcpu_time_info at this guest address (all bits set: nowhere)
 * from the vCPU's next entry on. Thread: any, the vCPU may run.
 */
#define KVM_XEN_NOWHERE UINT64_MAX
void kvm_xen_set_clock(struct vcpu *v, uint64_t gpa);

/*
 * How a vCPU spent its time, in ns. ran: its thread, on a CPU of the host's.
 * waited: the same thread, for one; KVM writes that into guest memory, at
 * LAYOUT_XEN_STEAL, where the guest can change it; 0 if KVM does not. paused:
 * it was parked. The last two count from when the guest first had a clock.
 */
struct kvm_xen_times {
    uint64_t ran;
    uint64_t waited;
    uint64_t paused;
};

void kvm_xen_get_times(const struct vcpu *v, struct kvm_xen_times *out);

/*
 * Ask vcpu_xen_ops.upcall before the guest runs on, and deliver it. The second:
 * if one could not be delivered yet. Thread: any, board lock held.
 */
void kvm_xen_look(struct vcpu *v);
void kvm_xen_look_again(struct vcpu *v);

/* Tell KVM the guest's word size, for the hypercall page it may write. */
void kvm_xen_set_long_mode(struct vm *vm, bool is64);

/* ---- what KVM does without us ---- */

/*
 * Sends between ports, polls, and events to vCPUs, by 2-level words only;
 * clocks too. The rest is only there together with this.
 */
#define KVM_XEN_DOES_EVENTS    0x1u
#define KVM_XEN_DOES_TIMERS    0x2u /* the singleshot timer */
#define KVM_XEN_DOES_RUNSTATES 0x4u /* runstate areas, with update flag */

/* What this host's KVM does if the kernel engine is used. Any thread. */
unsigned kvm_xen_does(int kvm_fd);
/* What it does for this machine. Any thread. */
unsigned kvm_xen_vm_does(const struct vm *vm);

/*
 * shared_info is at this page now (all bits set: nowhere), its words so wide.
 * 0 or -errno.
 */
must_check int kvm_xen_map(struct vm *vm, uint64_t gfn, bool is64);

/*
 * A send to this port, which KVM does not know yet, raises target, itself or
 * another one, on a vCPU; with target 0 it signals fd. 0 or -errno.
 */
must_check int kvm_xen_give(struct vm *vm, uint32_t port, uint32_t target,
                            uint32_t vcpu, int fd);
/* A send to this port, or to any, is a hypercall of ours again. */
void kvm_xen_take(struct vm *vm, uint32_t port);
void kvm_xen_take_all(struct vm *vm);
/* Raise a port on a vCPU; false: KVM cannot, shared_info is nowhere. */
bool kvm_xen_raise(struct vm *vm, uint32_t port, uint32_t vcpu);

/* Where a vCPU has its vcpu_info (all bits set: nowhere); upcalls' vector. */
void kvm_xen_set_info(struct vcpu *v, uint64_t gpa);
void kvm_xen_set_vector(struct vcpu *v, uint8_t vector);
/*
 * The vector of upcalls for vCPUs that have none; 0: no interrupt. 0 or -errno.
 * KVM looks whether an upcall is pending when a vCPU is entered: nudge it.
 */
must_check int kvm_xen_set_callback(struct vm *vm, uint8_t vector);
void kvm_xen_nudge(struct vcpu *v);
/*
 * The singleshot timer raises this port; 0: it is not KVM's. It is to fire at
 * this system time; 0: as KVM has it.
 */
void kvm_xen_set_timer(struct vcpu *v, uint32_t port, uint64_t at);
/* Where a second struct vcpu_time_info is kept; all bits set: nowhere. */
void kvm_xen_set_time_copy(struct vcpu *v, uint64_t gpa);
/* Where the runstate is kept; all bits set: nowhere. */
void kvm_xen_set_runstate(struct vcpu *v, uint64_t gpa);
/* Runstates are written with XEN_RUNSTATE_UPDATE set meanwhile. */
void kvm_xen_set_update_flag(struct vm *vm, bool on);

struct kvm_xen_runstate {
    unsigned state; /* RUNSTATE_* */
    uint64_t since; /* system time */
    uint64_t time[4];
};

/* False: KVM does not know it. Thread: the vCPU's. */
bool kvm_xen_get_runstate(struct vcpu *v, struct kvm_xen_runstate *out);

#endif
