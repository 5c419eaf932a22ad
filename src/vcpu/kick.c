// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kick.c: eventfds that KVM knows: writes of the guest that signal one
 * instead of leaving KVM_RUN (ioeventfd), and signals that interrupt the
 * guest (irqfd). Source: Linux Documentation/virt/kvm/api.rst, KVM_IOEVENTFD
 * and KVM_IRQFD.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static int ioeventfd(struct vm *vm, const struct kick_reg *reg, int fd,
                     uint32_t flags)
{
    const struct kvm_ioeventfd e = {
        .datamatch = reg->value,
        .addr = reg->addr,
        .len = reg->len,
        .fd = fd,
        .flags = flags | (reg->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0u) |
                 (reg->space == SPACE_PIO ? KVM_IOEVENTFD_FLAG_PIO : 0u),
    };

    return ioctl(vm->fd, KVM_IOEVENTFD, &e) < 0 ? -errno : 0;
}

static int kick_bind(void *ctx, const struct kick_reg *reg, int fd)
{
    const int ret = ioeventfd(ctx, reg, fd, 0);

    if (ret < 0)
        log_error("KVM_IOEVENTFD at %#llx: %s", (unsigned long long)reg->addr,
                  strerror(-ret));
    return ret;
}

static void kick_unbind(void *ctx, const struct kick_reg *reg, int fd)
{
    (void)ioeventfd(ctx, reg, fd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

struct kick_ops vm_kick_ops(struct vm *vm)
{
    return (struct kick_ops){
        .bind = kick_bind, .unbind = kick_unbind, .ctx = vm};
}

static int irqfd(struct vm *vm, unsigned gsi, int fd, uint32_t flags)
{
    const struct kvm_irqfd e = {.fd = (uint32_t)fd, .gsi = gsi, .flags = flags};

    return ioctl(vm->fd, KVM_IRQFD, &e) < 0 ? -errno : 0;
}

static int assign(struct vm *vm, unsigned gsi, int fd)
{
    const int ret = irqfd(vm, gsi, fd, 0);

    if (ret < 0)
        log_error("KVM_IRQFD of GSI %u: %s: %s", gsi, strerror(-ret),
                  kvm_advice(-ret));
    return ret;
}

int vm_irqfd(struct vm *vm, unsigned pin, int fd)
{
    const int ret = assign(vm, pin, fd);

    if (ret == 0)
        route_pin_live(vm, pin);
    return ret;
}

static int msi_open(void *ctx, int fd)
{
    struct vm *vm = ctx;
    const int route = route_msi_alloc(vm);
    int ret;

    if (route < 0)
        return route;
    ret = assign(vm, vm->pins + (unsigned)route, fd);
    if (ret == 0)
        return route;
    route_msi_free(vm, (unsigned)route);
    return ret;
}

static void msi_set(void *ctx, int route, uint64_t addr, uint32_t data)
{
    route_msi_set(ctx, (unsigned)route, addr, data);
}

static void msi_close(void *ctx, int route, int fd)
{
    struct vm *vm = ctx;

    (void)irqfd(vm, vm->pins + (unsigned)route, fd, KVM_IRQFD_FLAG_DEASSIGN);
    route_msi_free(vm, (unsigned)route);
}

struct msi_ops vm_msi_ops(struct vm *vm)
{
    return (struct msi_ops){.open = msi_open,
                            .set = msi_set,
                            .close = msi_close,
                            .claim = vm_claimed,
                            .ctx = vm};
}
