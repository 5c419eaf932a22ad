// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * piix4_pm.c: the PIIX4's power management; see piix4_pm.h. Sources: the
 * 82371AB datasheet (order number 290562), 7.2, and ACPI 6.5, 4.8.3.
 *
 * The SCI is a level: up while an enabled event has its status and ACPI mode
 * is on. The PM timer is computed from the time; its status is set when its
 * uppermost bit toggles.
 *
 * Device monitors, throttling and general purpose I/O have nothing behind
 * them: they read as zero, but for the processor control register, which
 * keeps what is written.
 *
 * Registers are words, and may be reached by bytes: each byte of a register
 * has its effect by itself. A dword read of the timer is one moment.
 */
#include "devices/platform/piix4_pm.h"
#include "devices/platform/bytes.h"
#include "vmm/log.h"

#include <stdlib.h>

/* Offsets of the words that are kept. */
enum {
    REG_STS = PIIX4_PM1_EVT,
    REG_EN = PIIX4_PM1_EVT + 2,
    REG_CNT = PIIX4_PM1_CNT,
    REG_GP_STS = PIIX4_GPE0,
    REG_GP_EN = PIIX4_GPE0 + 2,
    REG_PCNTRL = 0x10,
    REG_PCNTRL_END = 0x14,
};

#define STS_TIMER  0x0001u
#define STS_BUTTON 0x0100u
#define STS_WAKE   0x8000u
/* Timer, global, power button, RTC. */
#define EN_MASK 0x0521u

#define CNT_SCI_EN    0x0001u
#define CNT_BRLD      0x0002u
#define CNT_TYP       0x1c00u
#define CNT_TYP_SHIFT 10
#define CNT_SLEEP     0x2000u
#define CNT_KEPT      (CNT_SCI_EN | CNT_BRLD | CNT_TYP)

#define WORDS (REG_PCNTRL_END / 2)

struct piix4_pm {
    struct chip_clock clock;
    struct piix4_pm_hooks hooks;
    struct intr *sci; /* borrowed */
    uint16_t word[WORDS];
    uint64_t start;     /* ns: when the timer was 0 */
    uint64_t ticks;     /* of the timer, as far as run */
    unsigned msb_shift; /* the bit whose toggling is an event */
    uint64_t armed;
    uint8_t smi[PIIX4_PM_SMI];
    struct log_limit limit;
};

struct piix4_pm *piix4_pm_create(const struct chip_clock *clock, bool wide,
                                 const struct piix4_pm_hooks *hooks,
                                 struct intr *sci)
{
    struct piix4_pm *pm = calloc(1, sizeof(*pm));

    if (!pm) {
        log_error("piix4_pm: out of memory");
        return NULL;
    }
    pm->clock = *clock;
    pm->hooks = *hooks;
    pm->sci = sci;
    pm->start = clock->now(clock->ctx);
    pm->msb_shift = wide ? 31 : 23;
    pm->armed = CLOCK_NEVER;
    return pm;
}

void piix4_pm_destroy(struct piix4_pm *pm)
{
    free(pm);
}

static uint16_t *word(struct piix4_pm *pm, unsigned reg)
{
    return &pm->word[reg / 2];
}

/* Bring the timer up to now. */
static void run(struct piix4_pm *pm)
{
    const uint64_t ns = pm->clock.now(pm->clock.ctx) - pm->start;
    const uint64_t ticks = clock_ticks(ns, PIIX4_PM_HZ);

    if (ticks >> pm->msb_shift != pm->ticks >> pm->msb_shift)
        *word(pm, REG_STS) |= STS_TIMER;
    pm->ticks = ticks;
}

/* When the timer's status may interrupt next. */
static uint64_t next_event(struct piix4_pm *pm)
{
    const uint64_t toggles = (pm->ticks >> pm->msb_shift) + 1;

    if (!(*word(pm, REG_EN) & STS_TIMER) || (*word(pm, REG_STS) & STS_TIMER))
        return CLOCK_NEVER;
    return pm->start + clock_ns(toggles << pm->msb_shift, PIIX4_PM_HZ);
}

static void settle(struct piix4_pm *pm)
{
    const uint64_t next = next_event(pm);
    const bool asks = (*word(pm, REG_STS) & *word(pm, REG_EN)) ||
                      (*word(pm, REG_GP_STS) & *word(pm, REG_GP_EN));

    intr_set(pm->sci, asks && (*word(pm, REG_CNT) & CNT_SCI_EN));
    if (next == pm->armed)
        return;
    pm->armed = next;
    pm->clock.arm(pm->clock.ctx, next);
}

void piix4_pm_tick(struct piix4_pm *pm)
{
    pm->armed = CLOCK_NEVER;
    run(pm);
    settle(pm);
}

bool piix4_pm_power_button(struct piix4_pm *pm)
{
    *word(pm, REG_STS) |= STS_BUTTON;
    piix4_pm_tick(pm);
    return (*word(pm, REG_EN) & STS_BUTTON) &&
           (*word(pm, REG_CNT) & CNT_SCI_EN);
}

void piix4_pm_event(struct piix4_pm *pm, unsigned gpe)
{
    BUG_ON(gpe >= PIIX4_GPES);
    *word(pm, REG_GP_STS) |= (uint16_t)(1u << gpe);
    piix4_pm_tick(pm);
}

/* SUS_TYP of PMCNTRL, as the PIIX4 has them. */
static const char *const sleep_names[] = {
    [PIIX4_S5_TYP] = "soft off",
    [PIIX4_S3_TYP] = "suspend to RAM (S3)",
    [2] = "power-on suspend, context lost",
    [3] = "power-on suspend, CPU context lost",
    [4] = "power-on suspend",
    [5] = "working state",
    [6] = "sleep type 6",
    [7] = "sleep type 7",
};

_Static_assert(ARRAY_LEN(sleep_names) == (CNT_TYP >> CNT_TYP_SHIFT) + 1,
               "a name for each type");

/* A sleep that is refused ends as it begins, so that no guest waits. */
static void sleep_now(struct piix4_pm *pm)
{
    const unsigned type = (*word(pm, REG_CNT) & CNT_TYP) >> CNT_TYP_SHIFT;

    if (type == PIIX4_S5_TYP) {
        pm->hooks.poweroff(pm->hooks.ctx);
        return;
    }
    log_guest(&pm->limit,
              "piix4_pm: the guest asked for %s, which this machine does not "
              "have; it is woken at once",
              sleep_names[type]);
    *word(pm, REG_STS) |= STS_WAKE;
}

/* v: the byte in its place in the word; mask: where that is. */
static void write_cnt(struct piix4_pm *pm, uint16_t v, uint16_t mask)
{
    uint16_t *cnt = word(pm, REG_CNT);

    mask &= CNT_KEPT;
    *cnt = (uint16_t)((*cnt & ~mask) | (v & mask));
    if (v & CNT_SLEEP)
        sleep_now(pm);
}

static void pm_set(void *dev, uint64_t off, uint8_t byte)
{
    struct piix4_pm *pm = dev;
    const unsigned reg = (unsigned)off & ~1u;
    const unsigned shift = 8 * (off % 2);
    uint16_t mask = (uint16_t)(0xffu << shift);
    const uint16_t v = (uint16_t)(byte << shift);

    if (off >= REG_PCNTRL_END)
        return;
    switch (reg) {
    case REG_STS:
    case REG_GP_STS:
        *word(pm, reg) &= (uint16_t)~v;
        return;
    case REG_CNT:
        write_cnt(pm, v, mask);
        return;
    case REG_EN:
        mask &= EN_MASK;
        break;
    case REG_GP_EN:
    case REG_PCNTRL:
    case REG_PCNTRL + 2:
        break;
    default:
        return;
    }
    *word(pm, reg) = (uint16_t)((*word(pm, reg) & ~mask) | (v & mask));
}

static uint8_t pm_byte(void *dev, uint64_t off)
{
    struct piix4_pm *pm = dev;
    const uint32_t timer =
        (uint32_t)(pm->ticks & ((2ull << pm->msb_shift) - 1));

    if (off >= PIIX4_PM_TMR && off < PIIX4_PM_TMR + 4)
        return (uint8_t)(timer >> 8 * (off - PIIX4_PM_TMR));
    if (off >= REG_PCNTRL_END)
        return 0;
    return (uint8_t)(*word(pm, (unsigned)off) >> 8 * (off % 2));
}

static void pm_read(void *dev, uint64_t off, void *data, unsigned n)
{
    run(dev);
    bytes_read(pm_byte, dev, off, data, n);
    settle(dev);
}

static void pm_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    run(dev);
    bytes_write(pm_set, dev, off, data, n);
    settle(dev);
}

const struct io_ops piix4_pm_ops = {
    .name = "piix4_pm",
    .read = pm_read,
    .write = pm_write,
};

/* The command and status bytes; firmware in SMM would read the first. */
static uint8_t smi_byte(void *dev, uint64_t off)
{
    const struct piix4_pm *pm = dev;

    return pm->smi[off];
}

static void smi_set(void *dev, uint64_t off, uint8_t v)
{
    struct piix4_pm *pm = dev;

    pm->smi[off] = v;
    if (off == 0 && v == PIIX4_ACPI_ENABLE)
        *word(pm, REG_CNT) |= CNT_SCI_EN;
    else if (off == 0 && v == PIIX4_ACPI_DISABLE)
        *word(pm, REG_CNT) &= (uint16_t)~CNT_SCI_EN;
}

static void smi_read(void *dev, uint64_t off, void *data, unsigned n)
{
    bytes_read(smi_byte, dev, off, data, n);
}

static void smi_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    run(dev);
    bytes_write(smi_set, dev, off, data, n);
    settle(dev);
}

const struct io_ops piix4_pm_smi_ops = {
    .name = "apm",
    .read = smi_read,
    .write = smi_write,
};
