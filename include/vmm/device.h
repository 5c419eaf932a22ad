/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.h: what a bus needs to know of a device.
 *
 * Thread: every callback runs with the board lock held, on a vCPU thread
 * (register access) or on the loop thread (host events). A callback never
 * blocks, never allocates and never takes a lock.
 */
#ifndef VMM_DEVICE_H
#define VMM_DEVICE_H

#include "vmm/types.h"

struct io_ops {
    const char *name;
    /*
     * off: byte offset in the claimed range; n: 1, 2, 4 or 8; the access
     * lies inside the range. read fills all n bytes of data.
     */
    void (*read)(void *dev, uint64_t off, void *data, unsigned n);
    void (*write)(void *dev, uint64_t off, const void *data, unsigned n);
};

#endif
