/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * board_xen_kernel.h: the part of Xen's guest ABI that the host's KVM does by
 * itself, as src/pvabi asks for it (struct xen_accel), and the eventfds by
 * which KVM says that a guest sent to a back-end.
 *
 * Thread: create, use and destroy on the loop thread while no vCPU runs.
 */
#ifndef VMM_BOARD_XEN_KERNEL_H
#define VMM_BOARD_XEN_KERNEL_H

#include "pvabi/xen.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmm/loop.h"

struct board_xen_kernel;

/* All borrowed, for its life. NULL after logging. */
struct board_xen_kernel *board_xen_kernel_create(struct loop *loop,
                                                 struct vm *vm,
                                                 struct vcpu *const *cpus);
void board_xen_kernel_destroy(struct board_xen_kernel *k);

/* For struct xen_config; lives as long as k. */
const struct xen_accel *board_xen_kernel_ops(const struct board_xen_kernel *k);
/* Whose back-ends are told of sends; NULL: nobody's. Borrowed. */
void board_xen_kernel_use(struct board_xen_kernel *k, struct xen *xen);

#endif
