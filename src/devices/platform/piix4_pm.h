/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * piix4_pm.h: power management of the 82371AB (PIIX4): the fixed ACPI
 * registers, the PM timer, sixteen general purpose events, and the SMI
 * command port, which turns ACPI mode on and off without any SMM.
 *
 * Of the sleep states there is soft off. Others are refused: the guest wakes
 * at once.
 *
 * Thread: board lock held.
 */
#ifndef PLATFORM_PIIX4_PM_H
#define PLATFORM_PIIX4_PM_H

#include "devices/platform/clock.h"
#include "vmm/device.h"
#include "vmm/intr.h"

#define PIIX4_PM_PORTS 64u
#define PIIX4_PM_SMI   2u
#define PIIX4_PM_HZ    3579545u

/* Offsets, as the FADT needs them. */
#define PIIX4_PM1_EVT 0x00u /* four ports: status, enable */
#define PIIX4_PM1_CNT 0x04u /* two */
#define PIIX4_PM_TMR  0x08u /* four */
#define PIIX4_GPE0    0x0cu /* four: status, enable */

/* What the FADT and \_S5 must say. */
#define PIIX4_ACPI_ENABLE  0xf1u
#define PIIX4_ACPI_DISABLE 0xf0u
#define PIIX4_S5_TYP       0u
/* What suspend to RAM would be: there is none, and no \_S3 (piix4_pm.c). */
#define PIIX4_S3_TYP 1u

#define PIIX4_GPES 16u

struct piix4_pm;

struct piix4_pm_hooks {
    void (*poweroff)(void *ctx);
    void *ctx; /* borrowed */
};

/*
 * wide: the PM timer has 32 bits, not the PIIX4's 24 (and the FADT must say
 * so). clock and hooks are copied, sci is borrowed. NULL: out of memory,
 * logged.
 */
struct piix4_pm *piix4_pm_create(const struct chip_clock *clock, bool wide,
                                 const struct piix4_pm_hooks *hooks,
                                 struct intr *sci);
void piix4_pm_destroy(struct piix4_pm *pm);

extern const struct io_ops piix4_pm_ops;     /* PIIX4_PM_PORTS ports */
extern const struct io_ops piix4_pm_smi_ops; /* PIIX4_PM_SMI ports, 0xb2 */

/* The deadline given to clock.arm has passed. */
void piix4_pm_tick(struct piix4_pm *pm);

/* Press the power button. Returns whether the guest asked to be told. */
bool piix4_pm_power_button(struct piix4_pm *pm);

/* A general purpose event, below PIIX4_GPES, has happened. */
void piix4_pm_event(struct piix4_pm *pm, unsigned gpe);

#endif
