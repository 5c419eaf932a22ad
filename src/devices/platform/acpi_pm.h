/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi_pm.h: the hardware-reduced ACPI registers: sleep control and status,
 * reset, and the generic event device that carries the power button.
 * Source: ACPI 6.5, 4.8.3.6, 4.8.3.7, 5.6.9. Thread: board lock held.
 */
#ifndef PLATFORM_ACPI_PM_H
#define PLATFORM_ACPI_PM_H

#include "vmm/device.h"
#include "vmm/intr.h"

struct acpi_pm;

/* What the guest asked of the platform. */
struct acpi_pm_events {
    void (*poweroff)(void *ctx);
    void (*reset)(void *ctx);
    void *ctx; /* borrowed */
};

/* events is copied; ged (the event device's line) is borrowed. */
struct acpi_pm *acpi_pm_create(const struct acpi_pm_events *events,
                               struct intr *ged);
void acpi_pm_destroy(struct acpi_pm *pm);

extern const struct io_ops acpi_pm_ports_ops; /* 3 ports from SLEEP_CTL */
extern const struct io_ops acpi_pm_ged_ops;   /* 16 bytes of MMIO */
#define ACPI_PM_PORTS 3u
#define ACPI_PM_GED   16u

/* Press the power button once. */
void acpi_pm_power_button(struct acpi_pm *pm);

#endif
