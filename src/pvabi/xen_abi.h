/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen_abi.h: Xen's public headers, in one version of their interface.
 *
 * They come from Debian's libxen-dev and are never redefined by hand. What
 * they define by this program's pointer size is the 64-bit layout; that of
 * 32-bit guests has the suffix _x86_32.
 */
#ifndef PVABI_XEN_ABI_H
#define PVABI_XEN_ABI_H

#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/foreign/x86_32.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

/* A guest's domain id, and that of all back-ends. */
#define XEN_GUEST_DOMID   1
#define XEN_BACKEND_DOMID 0

#endif
