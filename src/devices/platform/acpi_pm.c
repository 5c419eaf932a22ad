// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * acpi_pm.c: the registers of hardware-reduced ACPI; see acpi_pm.h.
 *
 * Three byte-wide ports (ACPI 6.5, 4.8.3.7 sleep control and status; 4.8.3.6
 * reset) and one event-select register of the generic event device (5.6.9),
 * which AML reads in the _EVT method of the power button's interrupt.
 *
 * The interrupt of the event device is an edge: the select register keeps
 * the event until it is read, so that an edge during masking loses nothing
 * but time.
 */
#include "devices/platform/acpi_pm.h"
#include "abi/layout.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

/* Offsets among the ports. */
enum { PORT_SLEEP_CTL, PORT_SLEEP_STS, PORT_RESET };

_Static_assert(LAYOUT_SLEEP_STS - LAYOUT_SLEEP_CTL == PORT_SLEEP_STS &&
                   LAYOUT_RESET - LAYOUT_SLEEP_CTL == PORT_RESET,
               "the ports are claimed as one range");

/* Sleep control: bits 4:2 SLP_TYPx, bit 5 SLP_EN (write only). */
#define SLP_TYP_SHIFT 2
#define SLP_TYP_MASK  0x7u
/* Sleep status: bit 7 WAK_STS, cleared by writing 1. */
#define WAK_STS 0x80u

struct acpi_pm {
    struct acpi_pm_events events;
    struct intr *ged;     /* borrowed */
    uint32_t ged_pending; /* events not yet read by the guest */
    uint8_t slp_typ;
    uint8_t sleep_sts;
    struct log_limit limit;
};

struct acpi_pm *acpi_pm_create(const struct acpi_pm_events *events,
                               struct intr *ged)
{
    struct acpi_pm *pm = calloc(1, sizeof(*pm));

    if (!pm) {
        log_error("acpi_pm: out of memory");
        return NULL;
    }
    pm->events = *events;
    pm->ged = ged;
    return pm;
}

void acpi_pm_destroy(struct acpi_pm *pm)
{
    free(pm);
}

static void write_sleep_ctl(struct acpi_pm *pm, uint8_t v)
{
    pm->slp_typ = (v >> SLP_TYP_SHIFT) & SLP_TYP_MASK;
    if (!(v & LAYOUT_SLP_EN))
        return;
    if (pm->slp_typ == LAYOUT_S5_TYP)
        pm->events.poweroff(pm->events.ctx);
    else
        log_guest(&pm->limit,
                  "acpi: the guest asked for sleep type %u, which does not "
                  "exist here; ignored",
                  pm->slp_typ);
}

static void write_reset(struct acpi_pm *pm, uint8_t v)
{
    if (v == LAYOUT_RESET_VALUE)
        pm->events.reset(pm->events.ctx);
}

static void write_port(struct acpi_pm *pm, uint64_t port, uint8_t v)
{
    switch (port) {
    case PORT_SLEEP_CTL:
        write_sleep_ctl(pm, v);
        break;
    case PORT_SLEEP_STS:
        pm->sleep_sts &= (uint8_t) ~(v & WAK_STS);
        break;
    default:
        write_reset(pm, v);
        break;
    }
}

static uint8_t read_port(const struct acpi_pm *pm, uint64_t port)
{
    switch (port) {
    case PORT_SLEEP_CTL:
        return (uint8_t)(pm->slp_typ << SLP_TYP_SHIFT);
    case PORT_SLEEP_STS:
        return pm->sleep_sts;
    default:
        return 0; /* the reset register keeps nothing */
    }
}

/* A wide access to byte registers is one access to each, low port first. */
static void ports_read(void *dev, uint64_t off, void *data, unsigned n)
{
    uint8_t *bytes = data;

    for (unsigned i = 0; i < n; i++)
        bytes[i] = read_port(dev, off + i);
}

static void ports_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    const uint8_t *bytes = data;

    for (unsigned i = 0; i < n; i++)
        write_port(dev, off + i, bytes[i]);
}

const struct io_ops acpi_pm_ports_ops = {
    .name = "acpi_pm",
    .read = ports_read,
    .write = ports_write,
};

/* Reading the select register takes the events out of it. */
static void ged_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct acpi_pm *pm = dev;
    uint64_t v = 0;

    if (off == 0) {
        v = pm->ged_pending;
        if (n < sizeof(pm->ged_pending))
            v &= (1u << (8 * n)) - 1;
        pm->ged_pending &= ~(uint32_t)v;
    }
    memcpy(data, &v, n);
}

/* The select register is read only. */
static void ged_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    (void)dev;
    (void)off;
    (void)data;
    (void)n;
}

const struct io_ops acpi_pm_ged_ops = {
    .name = "ged",
    .read = ged_read,
    .write = ged_write,
};

void acpi_pm_power_button(struct acpi_pm *pm)
{
    pm->ged_pending |= LAYOUT_GED_EVT_POWER;
    intr_pulse(pm->ged);
}
