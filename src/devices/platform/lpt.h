/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lpt.h: a parallel port with a printer that is always ready, over a chr
 * backend: what is printed is written there. Thread: board lock held.
 */
#ifndef PLATFORM_LPT_H
#define PLATFORM_LPT_H

#include "devices/backend/chr.h"
#include "vmm/device.h"
#include "vmm/intr.h"

#define LPT_PORTS 3u

struct lpt;

/* chr and intr are borrowed. NULL: out of memory, logged. */
struct lpt *lpt_create(struct chr *chr, struct intr *intr);
void lpt_destroy(struct lpt *l);

extern const struct io_ops lpt_ops; /* LPT_PORTS ports, 0x378 */

#endif
