/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm.h: a KVM virtual machine: memory slots, split irqchip, messages.
 *
 * With vcpu.h and probe.h this is all anybody outside src/vcpu sees of KVM.
 */
#ifndef VCPU_VM_H
#define VCPU_VM_H

#include "mmu/gmem.h"
#include "vcpu/kvm_xen.h"
#include "vmm/intr.h"
#include "vmm/kick.h"
#include "vmm/types.h"

struct vm;

/*
 * Open /dev/kvm (or path) and check its API version and what vmm cannot do
 * without. Returns the fd or -errno, logged with what to do.
 */
must_check int kvm_open(const char *path);

/* How many vCPUs the host can give one VM. */
unsigned kvm_max_vcpus(int kvm_fd);

/* How many guest physical address bits the host's CPU has (36 if unsaid). */
unsigned kvm_phys_bits(void);

struct vm_config {
    int kvm_fd; /* borrowed */
    unsigned n_cpus;
    unsigned pins;          /* of the IOAPIC, at most LAYOUT_IOAPIC_MAX */
    enum kvm_xen_accel xen; /* offer the Xen ABI, in place of KVM's */
    uint32_t xen_version;   /* major << 16 | minor */
    bool hide_kvm; /* the guest shall not find KVM's paravirtual interface */
};

/*
 * Make a VM: split irqchip (local APICs in the kernel, the pins'
 * routes reserved for an IOAPIC here), unknown MSRs to us, CPUID policy
 * applied. NULL after logging.
 */
struct vm *vm_create(const struct vm_config *cfg);
void vm_destroy(struct vm *vm);

/*
 * Register every slot of guest RAM but the shadow; mem is borrowed for the
 * life of the vm. 0 or -errno, logged.
 */
must_check int vm_map(struct vm *vm, const struct gmem *mem);

/* A stretch of memory that comes and goes while the guest runs, or a ROM. */
struct vm_piece {
    gpa_t base;
    uint64_t size;  /* bytes, multiple of GUEST_PAGE; 0: nothing */
    void *host;     /* borrowed while it is there */
    bool read_only; /* the guest's writes leave the guest, as MMIO */
};

#define VM_MAX_PIECES 32

/*
 * Put a piece in the place of what number n was before: overlaps with other
 * pieces or RAM are a bug of the caller. A vCPU that reaches for it in the
 * middle of this finds nothing there. 0 or -errno, logged. Board lock held,
 * or no vCPU runs.
 */
must_check int vm_put_piece(struct vm *vm, unsigned n,
                            const struct vm_piece *piece);

/* Register a window of the same gmem (gmem_back) as well. 0 or -errno. */
must_check int vm_map_window(struct vm *vm, unsigned window);

/* A sink that delivers messages to this VM's local APICs. Any thread. */
struct msi_sink vm_msi_sink(struct vm *vm);

/*
 * The same for messages of PCI functions, and those of vm_msi_ops: with the
 * vector 0, which no local APIC takes, they are offered to `claim` first, which
 * says whether it dealt with them. NULL: nobody does. Board lock held.
 */
struct msi_sink vm_card_sink(struct vm *vm);
void vm_claim_messages(struct vm *vm,
                       bool (*claim)(void *ctx, uint64_t addr, uint32_t data),
                       void *ctx);

/*
 * Let KVM collect writes to [addr, addr+len) instead of leaving the guest for
 * each: they are delivered, in order, before the next exit's own access. For
 * registers whose write has no effect until another register is touched (an
 * index). A host that cannot do it loses nothing but time. Before vcpu_start.
 */
void vm_coalesce(struct vm *vm, enum space space, uint64_t addr, uint32_t len);

/*
 * Tell KVM where an IOAPIC pin is routed, so that a level-triggered vector
 * exits on EOI and an irqfd's edge goes where the guest wants it. Have the
 * shapes of ioapic_hooks.route and .mask (ctx is the vm).
 * Thread: board lock held.
 */
void vm_route_pin(void *vm, unsigned pin, uint64_t addr, uint32_t data,
                  bool level);
void vm_mask_pin(void *vm, unsigned pin, bool masked);

/* Guest writes that signal eventfds of ours. Lives as long as the vm. */
struct kick_ops vm_kick_ops(struct vm *vm);

/*
 * Each signal of the eventfd is one edge on an IOAPIC pin, for as long as the
 * vm lives; while the pin is masked it is lost. 0 or -errno, logged. Board
 * lock held.
 */
must_check int vm_irqfd(struct vm *vm, unsigned pin, int fd);

/* Eventfds whose signals are messages. Board lock held. */
struct msi_ops vm_msi_ops(struct vm *vm);

#endif
