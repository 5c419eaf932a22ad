// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mc146818.c: the real-time clock; see mc146818.h. Source: the Motorola
 * MC146818A datasheet (MC146818A/D); the century in CMOS byte 0x32 as PCs
 * have it (ACPI 6.5, 5.2.9, CENTURY).
 *
 * The registers are the truth, as the guest wrote them: binary or BCD, 12 or
 * 24 hours, sense or nonsense. Seconds that have passed are added whenever
 * somebody looks: the registers become a day and a second of it, and come
 * back. What was nonsense is brought into range by that, as a carry does it
 * in the chip, and nothing else tidies it.
 *
 * The divider chain runs from `origin`: its seconds and the periodic
 * interrupt have their edges at whole multiples from there. It is held in
 * reset by DV 11x; every other setting is taken to be the PC's crystal of
 * 32.768 kHz.
 *
 * There is no daylight saving: DSE stays 0, as in the successors.
 */
#include "devices/platform/mc146818.h"
#include "devices/platform/bytes.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of the RAM that are registers. */
enum {
    REG_SEC,
    REG_SEC_ALARM,
    REG_MIN,
    REG_MIN_ALARM,
    REG_HOUR,
    REG_HOUR_ALARM,
    REG_WDAY,
    REG_MDAY,
    REG_MONTH,
    REG_YEAR,
    REG_A,
    REG_B,
    REG_C,
    REG_D,
};

#define A_UIP      0x80u
#define A_RATE     0x0fu
#define A_HOLD     0x60u /* DV2 and DV1: the chain is held in reset */
#define A_PC       0x26u /* 32.768 kHz, 1024 Hz */
#define B_SET      0x80u
#define B_PIE      0x40u
#define B_AIE      0x20u
#define B_UIE      0x10u
#define B_SQWE     0x08u
#define B_BINARY   0x04u
#define B_24H      0x02u
#define B_DSE      0x01u
#define C_PF       0x40u
#define C_AF       0x20u
#define C_UF       0x10u
#define C_IRQF     0x80u
#define D_VRT      0x80u
#define FLAGS      (C_PF | C_AF | C_UF) /* as their enables in B */
#define HOUR_PM    0x80u
#define ALARM_ANY  0xc0u
#define INDEX_MASK 0x7fu
#define INDEX_NMI  0x80u

#define CRYSTAL    32768u
#define MINUTE     60u
#define HOUR       3600u
#define DAY        86400u
#define CYCLE      400u /* years, after which the calendar repeats */
#define CYCLE_DAYS 146097u
#define UIP_NS     2228000ull /* 244 us before an update, 1984 us of it */
#define FIRST_NS   (CLOCK_SECOND / 2) /* from the chain's start */
#define EPOCH_WDAY 4u                 /* 1 January 1970 was a Thursday */

struct mc146818 {
    uint8_t ram[MC146818_BYTES];
    uint8_t index;
    bool nmi_masked;
    struct chip_clock clock;
    struct intr *irq8; /* borrowed */
    struct owed owed;  /* periodic interrupts */
    uint64_t origin;   /* ns; may lie before 0, modulo 2^64 */
    uint64_t seconds;  /* of the chain, as far as run */
    uint64_t periods;  /* of the periodic interrupt, as far as run */
    uint64_t armed;
};

/* What the time registers say. */
struct moment {
    uint64_t day; /* as to_days counts them */
    uint64_t second;
};

static uint8_t encode(const struct mc146818 *rtc, unsigned v)
{
    if (rtc->ram[REG_B] & B_BINARY)
        return (uint8_t)v;
    return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

static unsigned decode(const struct mc146818 *rtc, uint8_t v)
{
    if (rtc->ram[REG_B] & B_BINARY)
        return v;
    return v / 16u * 10 + v % 16;
}

static uint8_t encode_hour(const struct mc146818 *rtc, unsigned v)
{
    if (rtc->ram[REG_B] & B_24H)
        return encode(rtc, v);
    return (uint8_t)(encode(rtc, (v + 11) % 12 + 1) | (v >= 12 ? HOUR_PM : 0));
}

static unsigned decode_hour(const struct mc146818 *rtc, uint8_t v)
{
    if (rtc->ram[REG_B] & B_24H)
        return decode(rtc, v);
    return decode(rtc, v & (uint8_t)~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/*
 * Days since 1 March, 400 years before the year 0. A year that begins in March
 * ends with the leap day, and its months have 30.6 days on average, rounded.
 */
static uint64_t to_days(unsigned year, unsigned month, unsigned mday)
{
    const unsigned m = (month + 9) % 12;
    const uint64_t y = year + CYCLE - (m >= 10); /* stays above 0 */
    const uint64_t days = y * 365 + y / 4 - y / 100 + y / 400;

    return days + (m * 306 + 5) / 10 + mday;
}

/* The year that a day lies in, and how many days of it have passed. */
static uint64_t march_year(uint64_t days, uint64_t *of_year)
{
    uint64_t y = days * CYCLE / CYCLE_DAYS + 2; /* not too low */
    uint64_t start;

    do {
        y--;
        start = y * 365 + y / 4 - y / 100 + y / 400 + 1;
    } while (start > days);
    *of_year = days - start;
    return y;
}

static void store_date(struct mc146818 *rtc, uint64_t days)
{
    uint64_t of_year;
    uint64_t y = march_year(days, &of_year) - CYCLE;
    const unsigned m = (unsigned)(of_year * 10 + 4) / 306;

    y += m >= 10;
    rtc->ram[REG_MDAY] =
        encode(rtc, (unsigned)of_year - (m * 306 + 5) / 10 + 1);
    rtc->ram[REG_MONTH] = encode(rtc, (m + 2) % 12 + 1);
    rtc->ram[REG_YEAR] = encode(rtc, (unsigned)(y % 100));
    rtc->ram[MC146818_CENTURY] = encode(rtc, (unsigned)(y / 100 % 100));
}

static struct moment load_moment(const struct mc146818 *rtc)
{
    const uint8_t *ram = rtc->ram;
    const unsigned year =
        decode(rtc, ram[MC146818_CENTURY]) * 100 + decode(rtc, ram[REG_YEAR]);

    return (struct moment){
        .day = to_days(year, decode(rtc, ram[REG_MONTH]),
                       decode(rtc, ram[REG_MDAY])),
        .second = decode_hour(rtc, ram[REG_HOUR]) * HOUR +
                  decode(rtc, ram[REG_MIN]) * MINUTE +
                  decode(rtc, ram[REG_SEC]),
    };
}

static void store_time(struct mc146818 *rtc, uint64_t second)
{
    rtc->ram[REG_HOUR] = encode_hour(rtc, (unsigned)(second / HOUR));
    rtc->ram[REG_MIN] = encode(rtc, (unsigned)(second / MINUTE % 60));
    rtc->ram[REG_SEC] = encode(rtc, (unsigned)(second % MINUTE));
}

/* Add seconds to the registers; the day of the week goes its own way. */
static void add_seconds(struct mc146818 *rtc, uint64_t n)
{
    const struct moment now = load_moment(rtc);
    const uint64_t second = now.second + n;
    const unsigned wday = decode(rtc, rtc->ram[REG_WDAY]);

    store_time(rtc, second % DAY);
    if (second < DAY)
        return;
    store_date(rtc, now.day + second / DAY);
    rtc->ram[REG_WDAY] =
        encode(rtc, (unsigned)((wday + 6 + second / DAY) % 7) + 1);
}

static bool alarm_matches(const struct mc146818 *rtc, unsigned reg,
                          uint8_t value)
{
    return rtc->ram[reg] >= ALARM_ANY || rtc->ram[reg] == value;
}

/* Is there a second (minute) at all that the alarm byte can mean? */
static bool alarm_possible(const struct mc146818 *rtc, unsigned reg)
{
    return rtc->ram[reg] >= ALARM_ANY || decode(rtc, rtc->ram[reg]) < 60;
}

/* Seconds until the alarm, 1 to a day; 0 if it never comes. */
static unsigned alarm_in(const struct mc146818 *rtc)
{
    const unsigned now = (unsigned)(load_moment(rtc).second % DAY);
    unsigned t = now + 1;

    if (!alarm_possible(rtc, REG_SEC_ALARM) ||
        !alarm_possible(rtc, REG_MIN_ALARM))
        return 0;
    /* An hour, a minute, a second at a time: 150 steps at most. */
    while (t <= now + DAY) {
        const unsigned s = t % DAY;

        if (!alarm_matches(rtc, REG_HOUR_ALARM, encode_hour(rtc, s / HOUR)))
            t += HOUR - s % HOUR;
        else if (!alarm_matches(rtc, REG_MIN_ALARM,
                                encode(rtc, s / MINUTE % 60)))
            t += MINUTE - s % MINUTE;
        else if (!alarm_matches(rtc, REG_SEC_ALARM, encode(rtc, s % MINUTE)))
            t++;
        else
            return t - now;
    }
    return 0;
}

static bool is_held(const struct mc146818 *rtc)
{
    return (rtc->ram[REG_A] & A_HOLD) == A_HOLD;
}

static uint64_t elapsed(const struct mc146818 *rtc)
{
    return rtc->clock.now(rtc->clock.ctx) - rtc->origin;
}

/* The periodic interrupt's period as a power of two of the crystal's. */
static unsigned rate_shift(const struct mc146818 *rtc)
{
    const unsigned rate = rtc->ram[REG_A] & A_RATE;

    return rate < 3 ? rate + 6 : rate - 1; /* 1 and 2 are 8 and 9 */
}

static bool has_rate(const struct mc146818 *rtc)
{
    return (rtc->ram[REG_A] & A_RATE) && !is_held(rtc);
}

static uint64_t period_ns(const struct mc146818 *rtc)
{
    return clock_ns(1ull << rate_shift(rtc), CRYSTAL);
}

static uint64_t count_periods(const struct mc146818 *rtc)
{
    return clock_ticks(elapsed(rtc), CRYSTAL) >> rate_shift(rtc);
}

static void run_seconds(struct mc146818 *rtc)
{
    const uint64_t seconds = elapsed(rtc) / CLOCK_SECOND;
    const uint64_t n = seconds - rtc->seconds;
    unsigned alarm;

    rtc->seconds = seconds;
    if (n == 0 || (rtc->ram[REG_B] & B_SET))
        return;
    alarm = alarm_in(rtc);
    if (alarm && alarm <= n)
        rtc->ram[REG_C] |= C_AF;
    rtc->ram[REG_C] |= C_UF;
    add_seconds(rtc, n);
}

static void run_periods(struct mc146818 *rtc)
{
    const uint64_t now = rtc->clock.now(rtc->clock.ctx);
    const uint64_t periods = count_periods(rtc);
    const uint64_t n = periods - rtc->periods;

    rtc->periods = periods;
    if (n) {
        rtc->ram[REG_C] |= C_PF;
        owed_deliver(&rtc->owed, now, n, period_ns(rtc));
    } else if (owed_next(&rtc->owed, period_ns(rtc)) <= now) {
        rtc->ram[REG_C] |= C_PF;
        owed_pay(&rtc->owed, now);
    }
    if (!(rtc->ram[REG_B] & B_PIE))
        owed_clear(&rtc->owed);
}

/* Bring the registers up to now. */
static void run(struct mc146818 *rtc)
{
    if (is_held(rtc))
        return;
    run_seconds(rtc);
    if (has_rate(rtc))
        run_periods(rtc);
}

static uint64_t min_time(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* An event already flagged needs no call: its line is up. */
static uint64_t next_event(const struct mc146818 *rtc)
{
    const unsigned wanted = rtc->ram[REG_B] & (uint8_t)~rtc->ram[REG_C];
    const bool counts = !(rtc->ram[REG_B] & B_SET);
    const unsigned alarm = counts && (wanted & C_AF) ? alarm_in(rtc) : 0;
    uint64_t next = CLOCK_NEVER;

    if (is_held(rtc))
        return CLOCK_NEVER;
    if (counts && (wanted & C_UF))
        next = rtc->origin + (rtc->seconds + 1) * CLOCK_SECOND;
    if (alarm)
        next =
            min_time(next, rtc->origin + (rtc->seconds + alarm) * CLOCK_SECOND);
    if ((wanted & C_PF) && has_rate(rtc)) {
        next = min_time(
            next, rtc->origin +
                      clock_ns((rtc->periods + 1) << rate_shift(rtc), CRYSTAL));
        next = min_time(next, owed_next(&rtc->owed, period_ns(rtc)));
    }
    return next;
}

static void settle(struct mc146818 *rtc)
{
    const uint64_t next = next_event(rtc);

    intr_set(rtc->irq8, rtc->ram[REG_B] & rtc->ram[REG_C] & FLAGS);
    if (next == rtc->armed)
        return;
    rtc->armed = next;
    rtc->clock.arm(rtc->clock.ctx, next);
}

void mc146818_tick(struct mc146818 *rtc)
{
    rtc->armed = CLOCK_NEVER;
    run(rtc);
    settle(rtc);
}

static uint8_t read_c(struct mc146818 *rtc)
{
    uint8_t v = rtc->ram[REG_C];

    if (v & rtc->ram[REG_B] & FLAGS)
        v |= C_IRQF;
    if (v & rtc->ram[REG_B] & C_PF)
        owed_take(&rtc->owed);
    rtc->ram[REG_C] = 0;
    return v;
}

static bool update_in_progress(const struct mc146818 *rtc)
{
    return !is_held(rtc) && !(rtc->ram[REG_B] & B_SET) &&
           elapsed(rtc) % CLOCK_SECOND >= CLOCK_SECOND - UIP_NS;
}

static uint8_t read_ram(struct mc146818 *rtc)
{
    switch (rtc->index) {
    case REG_A:
        return rtc->ram[REG_A] | (update_in_progress(rtc) ? A_UIP : 0);
    case REG_C:
        return read_c(rtc);
    default:
        return rtc->ram[rtc->index];
    }
}

/* Whoever changes the rate has not missed ticks of the new one. */
static void write_a(struct mc146818 *rtc, uint8_t v)
{
    const bool was_held = is_held(rtc);

    rtc->ram[REG_A] = v & (uint8_t)~A_UIP;
    if (was_held && !is_held(rtc)) {
        rtc->origin = rtc->clock.now(rtc->clock.ctx) - FIRST_NS;
        rtc->seconds = 0;
    }
    rtc->periods = count_periods(rtc);
    owed_clear(&rtc->owed);
}

static void write_b(struct mc146818 *rtc, uint8_t v)
{
    v &= (uint8_t)~B_DSE;
    if ((v & B_SET) && !(rtc->ram[REG_B] & B_SET))
        v &= (uint8_t)~B_UIE;
    if (!(v & B_PIE))
        owed_clear(&rtc->owed);
    rtc->ram[REG_B] = v;
}

static void write_ram(struct mc146818 *rtc, uint8_t v)
{
    switch (rtc->index) {
    case REG_A:
        write_a(rtc, v);
        break;
    case REG_B:
        write_b(rtc, v);
        break;
    case REG_C:
    case REG_D:
        break; /* read only */
    default:
        rtc->ram[rtc->index] = v;
        break;
    }
}

static uint8_t port_byte(void *dev, uint64_t off)
{
    return off ? read_ram(dev) : UINT8_MAX; /* the index is write only */
}

static void port_set(void *dev, uint64_t off, uint8_t v)
{
    struct mc146818 *rtc = dev;

    if (off) {
        write_ram(rtc, v);
        return;
    }
    rtc->index = v & INDEX_MASK;
    rtc->nmi_masked = v & INDEX_NMI;
}

static void rtc_read(void *dev, uint64_t off, void *data, unsigned n)
{
    run(dev);
    bytes_read(port_byte, dev, off, data, n);
    settle(dev);
}

static void rtc_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    run(dev);
    bytes_write(port_set, dev, off, data, n);
    settle(dev);
}

const struct io_ops mc146818_ops = {
    .name = "mc146818",
    .read = rtc_read,
    .write = rtc_write,
};

void mc146818_set(struct mc146818 *rtc, unsigned index, uint8_t v)
{
    BUG_ON(index <= REG_D || index >= MC146818_BYTES);
    rtc->ram[index] = v;
}

uint8_t mc146818_get(const struct mc146818 *rtc, unsigned index)
{
    BUG_ON(index >= MC146818_BYTES);
    return rtc->ram[index];
}

/* A little-endian number, as large as the bytes allow. */
static void set_number(struct mc146818 *rtc, unsigned index, unsigned bytes,
                       uint64_t v)
{
    const uint64_t most = (1ull << 8 * bytes) - 1;

    v = min_time(v, most);
    for (unsigned i = 0; i < bytes; i++)
        mc146818_set(rtc, index + i, (uint8_t)(v >> 8 * i));
}

void mc146818_set_memory(struct mc146818 *rtc, uint64_t low, uint64_t high)
{
    const uint64_t base = min_time(low, 640 * KIB) / KIB;
    const uint64_t ext = low > MIB ? min_time(low - MIB, 63 * MIB) / KIB : 0;
    const uint64_t ext64 = low > 16 * MIB ? (low - 16 * MIB) / (64 * KIB) : 0;

    set_number(rtc, CMOS_BASE_KIB, 2, base);
    set_number(rtc, CMOS_EXT_KIB, 2, ext);
    set_number(rtc, CMOS_EXT_KIB2, 2, ext);
    set_number(rtc, CMOS_EXT_64KIB, 2, ext64);
    set_number(rtc, CMOS_HIGH, 3, high / (64 * KIB));
}

void mc146818_reset(struct mc146818 *rtc)
{
    run(rtc);
    rtc->ram[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    rtc->ram[REG_C] = 0;
    owed_clear(&rtc->owed);
    settle(rtc);
}

bool mc146818_nmi_masked(const struct mc146818 *rtc)
{
    return rtc->nmi_masked;
}

struct mc146818 *mc146818_create(const struct chip_clock *clock, uint64_t wall,
                                 struct intr *irq8)
{
    struct mc146818 *rtc = calloc(1, sizeof(*rtc));
    const uint64_t days = wall / CLOCK_SECOND / DAY;

    if (!rtc) {
        log_error("mc146818: out of memory");
        return NULL;
    }
    rtc->clock = *clock;
    rtc->irq8 = irq8;
    rtc->armed = CLOCK_NEVER;
    rtc->origin = clock->now(clock->ctx) - wall % CLOCK_SECOND;
    rtc->ram[REG_A] = A_PC;
    rtc->ram[REG_B] = B_24H;
    rtc->ram[REG_D] = D_VRT;
    rtc->periods = count_periods(rtc);
    store_time(rtc, wall / CLOCK_SECOND % DAY);
    store_date(rtc, to_days(1970, 1, 1) + days);
    rtc->ram[REG_WDAY] = encode(rtc, (unsigned)((days + EPOCH_WDAY) % 7) + 1);
    return rtc;
}

void mc146818_destroy(struct mc146818 *rtc)
{
    free(rtc);
}
