// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * route.c: where KVM sends a GSI; see vm.h.
 *
 * GSIs below vm->pins are the IOAPIC's pins, those above are messages. KVM
 * needs a pin's route for two things: to know which vectors leave the guest
 * on EOI (level triggered), and to deliver for an irqfd that is bound to it.
 * A pin that is neither has none, because setting the table waits until no
 * vCPU uses the old one.
 *
 * Board lock held. Source: Linux Documentation/virt/kvm/api.rst,
 * KVM_SET_GSI_ROUTING.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static bool is_routed(const struct vm *vm, unsigned gsi)
{
    const struct vm_route *r = &vm->routes[gsi];

    if (gsi >= vm->pins)
        return r->set;
    return r->set && (r->level || (r->live && !r->masked));
}

static void update(struct vm *vm)
{
    static struct log_limit limit;
    unsigned n = 0;

    for (unsigned gsi = 0; gsi < vm->pins + vm->n_msis; gsi++) {
        const struct vm_route *r = &vm->routes[gsi];

        if (!is_routed(vm, gsi))
            continue;
        vm->table.entries[n++] = (struct kvm_irq_routing_entry){
            .gsi = gsi,
            .type = KVM_IRQ_ROUTING_MSI,
            .u.msi = {.address_lo = (uint32_t)r->addr,
                      .address_hi = (uint32_t)(r->addr >> 32),
                      .data = r->data},
        };
    }
    vm->table.head.nr = n;
    if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, &vm->table.head) < 0)
        log_guest(&limit, "interrupt routes: %s", strerror(errno));
}

void vm_route_pin(void *ctx, unsigned pin, uint64_t addr, uint32_t data,
                  bool level)
{
    struct vm *vm = ctx;
    struct vm_route *r = &vm->routes[pin];
    bool was_routed;

    BUG_ON(pin >= vm->pins);
    was_routed = is_routed(vm, pin);
    r->addr = addr;
    r->data = data;
    r->level = level;
    r->set = true;
    if (was_routed || is_routed(vm, pin))
        update(vm);
}

void vm_mask_pin(void *ctx, unsigned pin, bool masked)
{
    struct vm *vm = ctx;
    bool was_routed;

    BUG_ON(pin >= vm->pins);
    was_routed = is_routed(vm, pin);
    vm->routes[pin].masked = masked;
    if (was_routed != is_routed(vm, pin))
        update(vm);
}

void route_pin_live(struct vm *vm, unsigned pin)
{
    BUG_ON(pin >= vm->pins);
    vm->routes[pin].live = true;
    if (is_routed(vm, pin))
        update(vm);
}

int route_msi_alloc(struct vm *vm)
{
    static struct log_limit limit;

    for (unsigned i = 0; i < VM_MAX_MSIS; i++) {
        struct vm_route *r = &vm->routes[vm->pins + i];
        const bool stale = r->stale;

        if (r->live)
            continue;
        *r = (struct vm_route){.live = true};
        if (i >= vm->n_msis)
            vm->n_msis = i + 1;
        if (stale)
            update(vm);
        return (int)i;
    }
    /* A guest may ask again and again. */
    log_guest(&limit,
              "interrupts: more than %u message vectors: use fewer devices "
              "or queues",
              VM_MAX_MSIS);
    return -ENOSPC;
}

/* Setting the table is slow, and nothing signals this route any more. */
void route_msi_free(struct vm *vm, unsigned route)
{
    struct vm_route *r = &vm->routes[vm->pins + route];

    *r = (struct vm_route){.stale = r->set};
}

void route_msi_set(struct vm *vm, unsigned route, uint64_t addr, uint32_t data)
{
    struct vm_route *r = &vm->routes[vm->pins + route];

    if (r->set && r->addr == addr && r->data == data)
        return;
    r->addr = addr;
    r->data = data;
    r->set = true;
    update(vm);
}
