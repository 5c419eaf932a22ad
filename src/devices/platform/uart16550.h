/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uart16550.h: a National PC16550D on eight I/O ports over a chr backend.
 * Thread: board lock held.
 */
#ifndef PLATFORM_UART16550_H
#define PLATFORM_UART16550_H

#include "devices/backend/chr.h"
#include "vmm/device.h"
#include "vmm/intr.h"

struct uart16550;

/* chr and intr are borrowed. NULL: out of memory, logged. */
struct uart16550 *uart16550_create(struct chr *chr, struct intr *intr);
void uart16550_destroy(struct uart16550 *u);

extern const struct io_ops uart16550_ops; /* eight ports */

#endif
