/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm.h: a KVM virtual machine: memory slots, split irqchip, MSI.
 *
 * With vcpu.h and kvm.h this is all anybody outside src/vcpu sees of KVM.
 */
#ifndef VCPU_VM_H
#define VCPU_VM_H

#include "mmu/gmem.h"
#include "vmm/intr.h"
#include "vmm/types.h"

struct vm;

/*
 * Open /dev/kvm (or path) and check API version and what we cannot do
 * without. Returns the fd or -errno, logged with what to do.
 */
must_check int kvm_open(const char *path);

/* How many vCPUs the host can give one VM. */
unsigned kvm_max_vcpus(int kvm_fd);

struct vm_config {
    int kvm_fd; /* borrowed */
    unsigned n_cpus;
};

/* Make a VM with split irqchip (24 IOAPIC pins). NULL after logging. */
struct vm *vm_create(const struct vm_config *cfg);
void vm_destroy(struct vm *vm);

/* Register every slot of guest RAM. 0 or -errno, logged. */
must_check int vm_map(struct vm *vm, const struct gmem *mem);

/* A sink that delivers messages to this VM's local APICs. Any thread. */
struct msi_sink vm_msi_sink(struct vm *vm);

/*
 * Tell KVM where an IOAPIC pin is routed, so that a level-triggered vector
 * exits on EOI. Has the shape of ioapic_hooks.route (ctx is the vm).
 */
void vm_route_pin(void *vm, unsigned pin, uint64_t addr, uint32_t data,
                  bool level);

/* The TSC frequency KVM gives guests, in kHz, or 0. */
uint32_t vm_tsc_khz(const struct vm *vm);

#endif
