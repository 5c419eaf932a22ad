/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mc146818.h: the PC's real-time clock with its 128 bytes of CMOS RAM
 * (Motorola MC146818A, as in the PIIX).
 *
 * The time is the guest's: it begins with what the owner gives and goes on
 * with the chip's clock, whatever the guest writes to it. Periodic
 * interrupts that come too late are treated as clock.h says.
 *
 * Thread: board lock held.
 */
#ifndef PLATFORM_MC146818_H
#define PLATFORM_MC146818_H

#include "devices/platform/clock.h"
#include "vmm/device.h"
#include "vmm/intr.h"

#define MC146818_PORTS   2u
#define MC146818_BYTES   128u
#define MC146818_CENTURY 0x32u /* what the FADT must say */

/* CMOS bytes by which a board tells its firmware of the memory. */
#define CMOS_SHUTDOWN  0x0fu /* why the CPU was reset */
#define CMOS_FLOPPIES  0x10u
#define CMOS_EQUIPMENT 0x14u
#define CMOS_BASE_KIB  0x15u /* two bytes: below 640 KiB */
#define CMOS_EXT_KIB   0x17u /* two bytes: from 1 MiB, at most 63 MiB */
#define CMOS_EXT_KIB2  0x30u /* the same once more */
#define CMOS_EXT_64KIB 0x34u /* two bytes: from 16 MiB, in units of 64 KiB */
#define CMOS_HIGH      0x5bu /* three bytes: above 4 GiB, in 64 KiB */

struct mc146818;

/*
 * wall: nanoseconds since 1970 as the guest shall see them now, in the time
 * zone it expects. clock is copied, irq8 borrowed. NULL: out of memory,
 * logged.
 */
struct mc146818 *mc146818_create(const struct chip_clock *clock, uint64_t wall,
                                 struct intr *irq8);
void mc146818_destroy(struct mc146818 *rtc);

extern const struct io_ops mc146818_ops; /* MC146818_PORTS ports, 0x70 */

/* Set or get a byte of CMOS RAM as the board, without side effects. */
void mc146818_set(struct mc146818 *rtc, unsigned index, uint8_t v);
uint8_t mc146818_get(const struct mc146818 *rtc, unsigned index);

/* Write the usual memory sizes: bytes below the hole, bytes above 4 GiB. */
void mc146818_set_memory(struct mc146818 *rtc, uint64_t low, uint64_t high);

/* The deadline given to clock.arm has passed. */
void mc146818_tick(struct mc146818 *rtc);

/* The RESET pin: interrupts off; time, alarm and RAM stay. */
void mc146818_reset(struct mc146818 *rtc);

/* Did the guest write port 0x70 with bit 7 set (NMI off)? */
bool mc146818_nmi_masked(const struct mc146818 *rtc);

#endif
