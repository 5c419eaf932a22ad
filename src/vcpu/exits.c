// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exits.c: what happens when KVM_RUN returns, as a table by exit reason.
 *
 * Every reason has its name here, so that a log or a report never shows a
 * bare number; a reason without a handler ends the guest with that name,
 * since we asked for none of those. Runs on the vCPU thread with the board
 * lock held. Source: Linux Documentation/virt/kvm/api.rst, section 5.
 */
#include "vcpu/vm_priv.h"

#include "vmm/copyonce.h"
#include "vmm/log.h"

#include <stdio.h>

typedef bool exit_fn(struct vcpu *v);

static bool exit_io(struct vcpu *v)
{
    const struct kvm_run *run = v->run;
    unsigned char *data = (unsigned char *)v->run + run->io.data_offset;
    const bool write = run->io.direction == KVM_EXIT_IO_OUT;
    const unsigned n = run->io.size;

    if (xen_is_call(v)) {
        xen_port_call(v);
        return true;
    }
    for (uint32_t i = 0; i < run->io.count; i++, data += n)
        v->ops->access(v->ops->ctx, SPACE_PIO, run->io.port, data, n, write);
    return true;
}

static bool exit_mmio(struct vcpu *v)
{
    struct kvm_run *run = v->run;

    v->ops->access(v->ops->ctx, SPACE_MMIO, run->mmio.phys_addr, run->mmio.data,
                   run->mmio.len, run->mmio.is_write);
    return true;
}

static bool exit_eoi(struct vcpu *v)
{
    v->ops->eoi(v->ops->ctx, v->run->eoi.vector);
    return true;
}

static bool exit_rdmsr(struct vcpu *v)
{
    if (!xen_rdmsr(v))
        msr_exit(v, false);
    return true;
}

static bool exit_wrmsr(struct vcpu *v)
{
    if (!xen_wrmsr(v))
        msr_exit(v, true);
    return true;
}

/* KVM_RUN came back for a signal: the reasons are looked at by the caller. */
static bool exit_nothing(struct vcpu *v)
{
    (void)v;
    return true;
}

static bool exit_shutdown(struct vcpu *v)
{
    if (v->ops->shutdown) {
        log_info("guest: vcpu%u: triple fault", v->id);
        v->ops->shutdown(v->ops->ctx);
        return false;
    }
    exit_end(v, VCPU_END_TRIPLE, "triple fault (KVM_EXIT_SHUTDOWN)");
    return false;
}

static bool exit_fail_entry(struct vcpu *v)
{
    char what[128];

    snprintf(what, sizeof(what),
             "the CPU refused to enter the guest (KVM_EXIT_FAIL_ENTRY, "
             "hardware reason %#llx)",
             v->run->fail_entry.hardware_entry_failure_reason);
    exit_end(v, VCPU_END_ENTRY, what);
    return false;
}

static const char *const internal_names[] = {
    [KVM_INTERNAL_ERROR_EMULATION] = "instruction emulation failed",
    [KVM_INTERNAL_ERROR_SIMUL_EX] = "simultaneous exceptions",
    [KVM_INTERNAL_ERROR_DELIVERY_EV] = "exit while delivering an event",
    [KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "unexpected exit",
};

/* The instruction KVM could not emulate, if it says so: " at bytes ..." */
static void emulation_bytes(const struct kvm_run *run, char *buf, size_t size)
{
    unsigned n = run->emulation_failure.insn_size;
    size_t at;

    buf[0] = '\0';
    if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION ||
        run->emulation_failure.ndata < 3 ||
        !(run->emulation_failure.flags &
          KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
        return;
    if (n > sizeof(run->emulation_failure.insn_bytes))
        n = sizeof(run->emulation_failure.insn_bytes);
    at = (size_t)snprintf(buf, size, ", bytes");
    for (unsigned i = 0; i < n && at + 4 < size; i++)
        at += (size_t)snprintf(buf + at, size - at, " %02x",
                               run->emulation_failure.insn_bytes[i]);
}

static bool exit_internal(struct vcpu *v)
{
    const uint32_t sub = v->run->internal.suberror;
    const char *name = NULL;
    char bytes[80], what[192];

    if (sub < ARRAY_LEN(internal_names))
        name = internal_names[sub];
    emulation_bytes(v->run, bytes, sizeof(bytes));
    snprintf(what, sizeof(what), "%s (KVM_EXIT_INTERNAL_ERROR %u%s)",
             name ? name : "KVM gave up", sub, bytes);
    exit_end(v, VCPU_END_INTERNAL, what);
    return false;
}

#define NAMED(reason)       [reason] = {#reason, NULL}
#define HANDLED(reason, fn) [reason] = {#reason, fn}

static const struct {
    const char *name;
    exit_fn *fn;
} exits[] = {
    NAMED(KVM_EXIT_UNKNOWN),
    NAMED(KVM_EXIT_EXCEPTION),
    HANDLED(KVM_EXIT_IO, exit_io),
    NAMED(KVM_EXIT_HYPERCALL),
    NAMED(KVM_EXIT_DEBUG),
    NAMED(KVM_EXIT_HLT),
    HANDLED(KVM_EXIT_MMIO, exit_mmio),
    HANDLED(KVM_EXIT_IRQ_WINDOW_OPEN, exit_nothing),
    HANDLED(KVM_EXIT_SHUTDOWN, exit_shutdown),
    HANDLED(KVM_EXIT_FAIL_ENTRY, exit_fail_entry),
    HANDLED(KVM_EXIT_INTR, exit_nothing),
    NAMED(KVM_EXIT_SET_TPR),
    NAMED(KVM_EXIT_TPR_ACCESS),
    NAMED(KVM_EXIT_NMI),
    HANDLED(KVM_EXIT_INTERNAL_ERROR, exit_internal),
    NAMED(KVM_EXIT_SYSTEM_EVENT),
    HANDLED(KVM_EXIT_IOAPIC_EOI, exit_eoi),
    NAMED(KVM_EXIT_HYPERV),
    HANDLED(KVM_EXIT_X86_RDMSR, exit_rdmsr),
    HANDLED(KVM_EXIT_X86_WRMSR, exit_wrmsr),
    NAMED(KVM_EXIT_DIRTY_RING_FULL),
    NAMED(KVM_EXIT_X86_BUS_LOCK),
    HANDLED(KVM_EXIT_XEN, xen_exit),
    NAMED(KVM_EXIT_NOTIFY),
};

const char *vcpu_exit_name(unsigned reason)
{
    return reason < ARRAY_LEN(exits) ? exits[reason].name : NULL;
}

void exit_end(struct vcpu *v, enum vcpu_end how, const char *what)
{
    v->dead = true;
    log_error("guest: vcpu%u: %s", v->id, what);
    vcpu_dump(v);
    v->ops->ended(v->ops->ctx, how);
}

/* Entries of the ring behind its header, in the one page it has. */
#define RING_ENTRIES                                         \
    ((GUEST_PAGE - sizeof(struct kvm_coalesced_mmio_ring)) / \
     sizeof(struct kvm_coalesced_mmio))

/*
 * Deliver the writes KVM collected since the last exit. The ring belongs to
 * the VM and shows in every vCPU's mapping; the board lock makes us its one
 * reader. KVM, not the guest, writes it.
 */
static void deliver_collected(struct vcpu *v)
{
    struct kvm_coalesced_mmio_ring *ring = v->ring;

    /* Pairs with KVM's write barrier between an entry and last. */
    while (ring->first != load_acquire32(&ring->last)) {
        struct kvm_coalesced_mmio e = ring->coalesced_mmio[ring->first];

        v->ops->access(v->ops->ctx, e.pio ? SPACE_PIO : SPACE_MMIO, e.phys_addr,
                       e.data, e.len, true);
        store_release32(&ring->first, (ring->first + 1) % RING_ENTRIES);
    }
}

void vcpu_deliver(struct vcpu *v)
{
    if (v->ring)
        deliver_collected(v);
}

bool exit_dispatch(struct vcpu *v)
{
    const uint32_t reason = v->run->exit_reason;
    const char *name = vcpu_exit_name(reason);
    char what[96];

    vcpu_deliver(v);
    v->up = true;
    v->stats.exits++;
    if (reason < VCPU_EXIT_REASONS)
        v->stats.by_reason[reason]++;
    if (reason < ARRAY_LEN(exits) && exits[reason].fn)
        return exits[reason].fn(v);
    snprintf(what, sizeof(what), "unexpected exit %u (%s)", reason,
             name ? name : "unknown to vmm");
    exit_end(v, VCPU_END_KVM, what);
    return false;
}
