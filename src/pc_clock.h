/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc_clock.h: the time of a PC's chips, and their deadlines.
 *
 * Each chip that ticks has an alarm here and a chip_clock made of it. One
 * timer of the loop is set for the earliest deadline of all. A chip that a
 * vCPU thread programs leaves its deadline in the alarm; the loop is woken
 * only if that is sooner than what it waits for already.
 *
 * The clock is the host's monotonic one: it goes on while the guest is paused
 * or the process stopped, and what the chips owe for that time is theirs to
 * say (clock.h).
 *
 * Thread: create and destroy on the loop, the rest with the board lock held.
 */
#ifndef VMM_PC_CLOCK_H
#define VMM_PC_CLOCK_H

#include "devices/platform/clock.h"
#include "vmm/loop.h"

#define PC_CLOCK_ALARMS 16u /* four chips and eight network cards */

struct pc_clock;

/* NULL: out of memory, logged. loop is borrowed. */
struct pc_clock *pc_clock_create(struct loop *loop);
void pc_clock_destroy(struct pc_clock *c);

/*
 * The next alarm, for a chip that is made with this clock; when its deadline
 * has passed, tick(chip) is called on the loop, once chip is known.
 */
struct chip_clock pc_clock_alarm(struct pc_clock *c, void (*tick)(void *chip));
/* The chip made with the newest alarm. */
void pc_clock_own(struct pc_clock *c, void *chip);

#endif
