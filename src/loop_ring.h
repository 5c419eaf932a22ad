/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_ring.h: making the one io_uring of a loop.
 */
#ifndef VMM_LOOP_RING_H
#define VMM_LOOP_RING_H

#include "vmm/types.h"

struct io_uring;

/*
 * Make a ring that takes the loop's operations and no others, from the
 * calling thread alone. 0 or -errno, logged.
 */
must_check int loop_ring_open(struct io_uring *ring);

#endif
