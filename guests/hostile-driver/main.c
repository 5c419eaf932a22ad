/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-driver: a driver that does things at the wrong time, or with the
 * wrong registers. Numbers are those of the hostile cases: kicks nobody
 * waits for (13), a queue changed while in use (14), queues that cannot be
 * (15), resets with requests in flight (16), features (17), packed rings
 * that are not offered (18), the configuration space (22). Source: virtio
 * 1.2, 2.1, 2.2, 2.5, 3.1.
 */
#include "abi/layout.h"
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "report.h"
#include "string.h"

#define MARK      0xc3c3c3c3u
#define IN_FLIGHT 32u
#define RUN       8u /* sectors of each request in flight */

static uint8_t buffers[IN_FLIGHT][RUN * SECTOR] __attribute__((aligned(4096)));

static void set_status(uint8_t status)
{
    victim.dev.bus->set_status(&victim.dev, status);
}

/* ---- 13: kicks ---- */

static void early_kick(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("features taken", virtio_begin(v, v->features), 1);
    vq_open(&victim.q, v, 0, 0);
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_nothing();
    virtio_go(v); /* what was offered before is served now */
    hostile_expect_status(BLK_OK);
}

static void kick_after_failed(void)
{
    set_status(VIRTIO_FAILED);
    CHECK_EQ("FAILED", !!(virtio_status(&victim.dev) & VIRTIO_FAILED), 1);
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_nothing();
}

static void kick_after_reset(void)
{
    CHECK_EQ("reset", virtio_reset(&victim.dev), 1);
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_nothing();
    CHECK_EQ("device status", virtio_status(&victim.dev), 0);
}

static void kick_disabled(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("features taken", virtio_begin(v, v->features), 1);
    vq_clear(&victim.q, v, 0, 16);
    virtio_go(v);
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_nothing();
}

/* ---- 14: a queue in use does not change ---- */

static void changed_queue(void)
{
    struct virtio *v = &victim.dev;
    const struct virtio_place bad = {3, 0xd0000000, 0xd0001000, 0xd0002000};

    for (unsigned i = 0; i < 4; i++) {
        v->bus->queue_place(v, 0, &bad);
        v->bus->queue_enable(v, 0);
        v->bus->set_features(v, 0);
        v->bus->set_features(v, UINT64_MAX);
        hostile_request(BLK_IN, 0);
        hostile_fire(0);
        hostile_expect_status(BLK_OK);
        CHECK_EQ("FEATURES_OK", !!(virtio_status(v) & VIRTIO_FEATURES_OK), 1);
    }
}

static void enabled_late(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("features taken", virtio_begin(v, v->features), 1);
    virtio_go(v);
    vq_open(&victim.q, v, 0, 16); /* not allowed after DRIVER_OK */
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_nothing();
}

/* Bits of the status are only added; writing fewer takes none away. */
static void status_back(void)
{
    const uint8_t live = virtio_status(&victim.dev);

    set_status(VIRTIO_ACKNOWLEDGE);
    CHECK_EQ("device status", virtio_status(&victim.dev), live);
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

/* ---- 15: queues that cannot be ---- */

static void bad_place(const struct virtio_place *at)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("features taken", virtio_begin(v, v->features), 1);
    vq_clear(&victim.q, v, 0, 16);
    v->bus->queue_place(v, 0, at);
    v->bus->queue_enable(v, 0);
    virtio_go(v);
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    if (!virtio_await_status(v, VIRTIO_NEEDS_RESET, DISK_PATIENCE))
        test_fail("a queue of size %u at 0x%llx: expected NEEDS_RESET, seen "
                  "device status 0x%x",
                  at->size, (unsigned long long)at->desc, virtio_status(v));
    CHECK_EQ("status of a request", hostile_status(), BLK_NONE);
}

static void bad_sizes(void)
{
    const uint32_t max = victim.dev.bus->queue_max(&victim.dev, 0);
    const uint32_t sizes[] = {0,       3,       7,          255,
                              max - 1, max * 2, 0x8000,     0xffff,
                              0x10000, 0x10010, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct virtio_place at = vq_place(&victim.q);

        at.size = sizes[i];
        if (victim.dev.bus == &virtio_pci_bus && at.size > 0xffff)
            continue; /* the register has 16 bits */
        bad_place(&at);
    }
}

static void bad_addresses(void)
{
    const struct virtio_place good = vq_place(&victim.q);
    const uint64_t wrong[] = {
        LAYOUT_PCI_MMIO, LAYOUT_VIRTIO_MMIO, hostile_ram_end() - 16,
        LAYOUT_HOLE_END, 1ull << 52,         UINT64_MAX - 15,
    };

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct virtio_place at = good;

        at.size = 16;
        at.desc = wrong[i];
        bad_place(&at);
        at = good;
        at.size = 16;
        at.avail = wrong[i];
        bad_place(&at);
        at = good;
        at.size = 16;
        at.used = wrong[i];
        bad_place(&at);
    }
}

static void unaligned(void)
{
    struct virtio_place at = vq_place(&victim.q);

    at.size = 16;
    at.desc += 8;
    bad_place(&at);
    at.desc -= 8;
    at.avail += 1;
    bad_place(&at);
    at.avail -= 1;
    at.used += 2;
    bad_place(&at);
}

static void no_queue(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("features taken", virtio_begin(v, v->features), 1);
    virtio_go(v);
    clock_delay(10 * CLOCK_MS);
    CHECK_EQ("NEEDS_RESET", virtio_status(v) & VIRTIO_NEEDS_RESET, 0);
}

/* ---- 16: resets with requests in flight ---- */

static void begin_reads(void)
{
    for (unsigned i = 0; i < IN_FLIGHT; i++)
        if (disk_add(&victim, i, BLK_IN, i * RUN, buffers[i], RUN * SECTOR) < 0)
            test_error("no room for %u requests", IN_FLIGHT);
    vq_kick(&victim.q);
}

/* Each half sector of the buffers gets a mark, or has it still. */
static bool marks(bool set)
{
    for (unsigned i = 0; i < IN_FLIGHT; i++)
        for (unsigned at = 0; at < RUN * SECTOR; at += SECTOR / 2) {
            if (set)
                mmio_write32((uintptr_t)&buffers[i][at], MARK);
            else if (mmio_read32((uintptr_t)&buffers[i][at]) != MARK)
                return false;
        }
    return true;
}

/* From now on this memory is ours: nobody else writes it. */
static void mine_again(void)
{
    uint16_t used;

    marks(true);
    for (unsigned i = 0; i < IN_FLIGHT; i++)
        victim.requests[i].status = BLK_NONE;
    used = vq_used_idx(&victim.q);
    clock_delay(10 * CLOCK_MS);
    for (unsigned i = 0; i < IN_FLIGHT; i++)
        CHECK_EQ("late status", victim.requests[i].status, BLK_NONE);
    CHECK_EQ("no late data", marks(false), 1);
    CHECK_EQ("late used index", vq_used_idx(&victim.q), used);
}

static void reset_in_flight(void)
{
    for (unsigned round = 0; round < 8; round++) {
        disk_again(&victim);
        begin_reads();
        set_status(0);
        CHECK_EQ("device status after 0 was written",
                 virtio_status(&victim.dev), 0);
        mine_again();
    }
}

static void queue_reset_in_flight(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("queue reset offered", !!(v->features & VIRTIO_F_RING_RESET), 1);
    for (unsigned round = 0; round < 8; round++) {
        begin_reads();
        v->bus->queue_reset(v, 0);
        if (!clock_wait(!v->bus->queue_resetting(v, 0), DISK_PATIENCE))
            test_fail("a queue reset does not end");
        CHECK_EQ("enabled", v->bus->queue_enabled(v, 0), 0);
        mine_again();
        vq_open(&victim.q, v, 0, 0);
    }
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

/* Writes that a reset meets are done or not, each sector as a whole. */
static void writes_in_flight(void)
{
    const uint32_t seed = 77;

    for (unsigned round = 0; round < 2; round++) {
        disk_again(&victim);
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            const uint64_t sector = 512 + (uint64_t)i * RUN;

            pattern_fill(buffers[i], sector, RUN, seed + round);
            disk_say(&victim, "asked", sector, RUN, seed + round);
            if (disk_add(&victim, i, BLK_OUT, sector, buffers[i],
                         RUN * SECTOR) < 0)
                test_error("no room for %u requests", IN_FLIGHT);
        }
        vq_kick(&victim.q);
        set_status(0);
        mine_again();
    }
}

/* ---- 17, 18: features ---- */

/* Offer these and see whether FEATURES_OK stays. */
static bool takes(uint64_t features)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("reset", virtio_reset(v), 1);
    set_status(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    v->bus->set_features(v, features);
    set_status(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    return virtio_status(v) & VIRTIO_FEATURES_OK;
}

static void alien_features(void)
{
    const uint64_t offered = victim.dev.bus->features(&victim.dev);

    CHECK_EQ("what is offered is taken", takes(offered), 1);
    CHECK_EQ("without VERSION_1", takes(offered & ~VIRTIO_F_VERSION_1), 0);
    CHECK_EQ("nothing", takes(0), 0);
    CHECK_EQ("everything", takes(UINT64_MAX), 0);
    for (unsigned bit = 0; bit < 64; bit++)
        if (!(offered & 1ull << bit) && takes(VIRTIO_F_VERSION_1 | 1ull << bit))
            test_fail("feature %u, not offered: expected a refusal", bit);
}

static void features_skipped(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("reset", virtio_reset(v), 1);
    vq_open(&victim.q, v, 0, 16);
    set_status(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK);
    CHECK_EQ("NEEDS_RESET without FEATURES_OK",
             virtio_await_status(v, VIRTIO_NEEDS_RESET, DISK_PATIENCE), 1);
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    clock_delay(10 * CLOCK_MS);
    CHECK_EQ("used index", vq_used_idx(&victim.q), 0);
}

/* Once settled they stay: indirect was refused, and is not understood. */
static void features_changed(void)
{
    struct virtio *v = &victim.dev;
    static struct vq_desc one;

    CHECK_EQ("taken", takes(VIRTIO_F_VERSION_1), 1);
    v->bus->set_features(v, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT);
    set_status(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    vq_open(&victim.q, v, 0, 16);
    virtio_go(v);
    vq_put(&victim.q.desc[0], (uintptr_t)&one, sizeof(one), VQ_INDIRECT, 0);
    hostile_fire(0);
    hostile_expect_broken();
}

static void no_packed(void)
{
    const uint64_t offered = victim.dev.bus->features(&victim.dev);

    CHECK_EQ("packed rings offered", !!(offered & VIRTIO_F_PACKED), 0);
    CHECK_EQ("packed rings taken", takes(offered | VIRTIO_F_PACKED), 0);
}

/* ---- 22: the configuration space ---- */

#define PAGE         4096u
#define CONFIG_BYTES 60u /* up to the fields for secure erase */

static void behind_config(void)
{
    const uintptr_t config = victim.dev.config;
    const uintptr_t end = (config | (PAGE - 1)) + 1;

    for (uintptr_t at = config + CONFIG_BYTES; at < end; at += 4) {
        if (mmio_read32(at) != UINT32_MAX)
            test_fail("configuration 0x%lx: expected all-ones, seen 0x%x",
                      (unsigned long)(at - config), mmio_read32(at));
        mmio_write32(at, 0);
    }
    CHECK_EQ("across its end", mmio_read32(config + CONFIG_BYTES - 2),
             UINT32_MAX);
    CHECK_EQ("the last byte of the page", mmio_read8(end - 1), 0xff);
}

static void config_widths(void)
{
    const uintptr_t config = victim.dev.config;
    uint32_t whole = mmio_read32(config + BLK_CAPACITY);

    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ("a byte of it", mmio_read8(config + i),
                 whole >> (8 * i) & 0xff);
    CHECK_EQ("its middle", mmio_read16(config + 1), whole >> 8 & 0xffff);
    CHECK_EQ("in one", mmio_read64(config), victim.sectors);
}

static void config_writes(void)
{
    const uintptr_t config = victim.dev.config;
    const uint32_t before = victim.dev.bus->generation(&victim.dev);
    uint8_t was[CONFIG_BYTES];

    for (unsigned i = 0; i < CONFIG_BYTES; i++)
        was[i] = mmio_read8(config + i);
    for (unsigned i = 0; i < CONFIG_BYTES; i += 4) {
        if (i == BLK_WCE)
            continue;
        mmio_write32(config + i, 0xa5a5a5a5);
        mmio_write16(config + i + 1, 0x5a5a);
        mmio_write8(config + i + 3, 0x11);
        mmio_write64(config + i, UINT64_MAX);
    }
    for (unsigned i = 0; i < CONFIG_BYTES; i++)
        if (i != BLK_WCE && mmio_read8(config + i) != was[i])
            test_fail("configuration 0x%x: expected 0x%x as before, seen 0x%x",
                      i, was[i], mmio_read8(config + i));
    CHECK_EQ("generation", victim.dev.bus->generation(&victim.dev), before);
}

static const struct hostile_row rows[] = {
    {13, "a kick before DRIVER_OK", early_kick},
    {13, "a kick after FAILED", kick_after_failed},
    {13, "a kick after a reset", kick_after_reset},
    {13, "a kick of a queue not enabled", kick_disabled},
    {14, "a queue in use is changed", changed_queue},
    {14, "a queue enabled after DRIVER_OK", enabled_late},
    {14, "status bits taken back", status_back},
    {15, "queue sizes", bad_sizes},
    {15, "queues outside RAM", bad_addresses},
    {15, "unaligned queues", unaligned},
    {15, "no queue at all", no_queue},
    {16, "reset with reads in flight", reset_in_flight},
    {16, "queue reset with reads in flight", queue_reset_in_flight},
    {16, "reset with writes in flight", writes_in_flight},
    {17, "features not offered", alien_features},
    {17, "FEATURES_OK left out", features_skipped},
    {17, "features changed later", features_changed},
    {18, "packed rings", no_packed},
    {22, "behind the configuration", behind_config},
    {22, "parts of the configuration", config_widths},
    {22, "writes to the configuration", config_writes},
};

void test_main(void)
{
    hostile_main(rows, sizeof(rows) / sizeof(rows[0]));
}
