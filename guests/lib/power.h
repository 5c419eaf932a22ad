/* SPDX-License-Identifier: MIT */
/*
 * power.h: ending the machine by the registers the FADT names.
 * Source: ACPI 6.5, 4.8.3.6 (reset), 4.8.3.7 (sleep control).
 */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

/* Enter S5. Says so and stops if the machine stays on. */
_Noreturn void power_off(void);

/* Reset the machine. Says so and stops if nothing happens. */
_Noreturn void power_reset(void);

/* End by a triple fault. */
_Noreturn void power_triple_fault(void);

#endif
