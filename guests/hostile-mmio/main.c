/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-mmio: the registers of virtio-mmio, used wrongly. Numbers are
 * those of the hostile cases: kicks (13), features (17), offsets, widths and
 * queues there are not (21). Source: virtio 1.2, 4.2.2.
 */
#include "cpu.h"
#include "hostile.h"
#include "report.h"
#include "virtio_mmio.h"

static uintptr_t reg(unsigned offset)
{
    return victim.dev.base + offset;
}

static void set_status(uint8_t status)
{
    victim.dev.bus->set_status(&victim.dev, status);
}

static void kick_nobody(void)
{
    static const uint32_t queues[] = {1,       4,          255,       0xffff,
                                      0x10000, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
        mmio_write32(reg(MMIO_QUEUE_NOTIFY), queues[i]);
    mmio_write16(reg(MMIO_QUEUE_NOTIFY), 0xffff);
    mmio_write8(reg(MMIO_QUEUE_NOTIFY + 1), 0xff);
    hostile_expect_nothing();
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

static void alien_words(void)
{
    struct virtio *v = &victim.dev;

    CHECK_EQ("reset", virtio_reset(v), 1);
    v->bus->set_features(v, VIRTIO_F_VERSION_1);
    mmio_write32(reg(MMIO_DEVICE_FEATURES_SEL), 2);
    CHECK_EQ("features from 64 on", mmio_read32(reg(MMIO_DEVICE_FEATURES)), 0);
    mmio_write32(reg(MMIO_DRIVER_FEATURES_SEL), 0xffffffff);
    mmio_write32(reg(MMIO_DRIVER_FEATURES), 1);
    set_status(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    CHECK_EQ("FEATURES_OK", virtio_status(v) & VIRTIO_FEATURES_OK, 0);
}

/* ---- 21: the registers of virtio-mmio ---- */

static bool is_register(unsigned offset)
{
    static const uint16_t known[] = {
        MMIO_MAGIC,       MMIO_VERSION,          MMIO_DEVICE_ID,
        MMIO_VENDOR_ID,   MMIO_DEVICE_FEATURES,  MMIO_QUEUE_NUM_MAX,
        MMIO_QUEUE_READY, MMIO_INTERRUPT_STATUS, MMIO_STATUS,
        MMIO_QUEUE_RESET, MMIO_GENERATION,
    };

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (offset == known[i])
            return true;
    return false;
}

static void undefined_offsets(void)
{
    for (unsigned offset = 0; offset < MMIO_CONFIG; offset += 4) {
        if (is_register(offset))
            continue;
        if (mmio_read32(reg(offset)) != UINT32_MAX)
            test_fail("offset 0x%x: expected all-ones, seen 0x%x", offset,
                      mmio_read32(reg(offset)));
    }
}

/* Only whole words are registers (4.2.2.2). */
static void other_widths(void)
{
    for (unsigned offset = 0; offset < MMIO_CONFIG; offset++) {
        if (offset == MMIO_QUEUE_NOTIFY)
            continue;
        CHECK_EQ("a byte of a register", mmio_read8(reg(offset)), 0xff);
        if (offset + 2 <= MMIO_CONFIG)
            CHECK_EQ("two bytes", mmio_read16(reg(offset)), 0xffff);
        if (offset % 4 && offset + 4 <= MMIO_CONFIG)
            CHECK_EQ("four bytes across", mmio_read32(reg(offset)), UINT32_MAX);
        mmio_write8(reg(offset), 0);
        mmio_write16(reg(offset), 0);
        if (offset % 4)
            mmio_write32(reg(offset), 0);
    }
    CHECK_NE("device status", virtio_status(&victim.dev), 0);
}

/* Everything but Status, which would reset it, with everything. */
static void nonsense_writes(void)
{
    uint32_t value = 0x12345678;

    for (unsigned i = 0; i < 4096; i++) {
        unsigned offset = (value >> 8) % MMIO_CONFIG & ~3u;

        value = value * 1664525u + 1013904223u;
        if (offset != MMIO_STATUS && offset != MMIO_QUEUE_RESET &&
            offset != MMIO_QUEUE_READY)
            mmio_write32(reg(offset), value);
    }
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

static void no_such_queue(void)
{
    static const uint32_t queues[] = {1,      31,      32,        64,
                                      0xffff, 0x10000, 0xffffffff};
    const struct virtio_place at = vq_place(&victim.q);

    for (unsigned i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
        mmio_write32(reg(MMIO_QUEUE_SEL), queues[i]);
        CHECK_EQ("size", mmio_read32(reg(MMIO_QUEUE_NUM_MAX)), 0);
        CHECK_EQ("ready", mmio_read32(reg(MMIO_QUEUE_READY)), 0);
        mmio_write32(reg(MMIO_QUEUE_NUM), 16);
        mmio_write32(reg(MMIO_QUEUE_DESC), (uint32_t)at.desc);
        mmio_write32(reg(MMIO_QUEUE_READY), 1);
        CHECK_EQ("ready", mmio_read32(reg(MMIO_QUEUE_READY)), 0);
        mmio_write32(reg(MMIO_QUEUE_RESET), 1);
        CHECK_EQ("in reset", mmio_read32(reg(MMIO_QUEUE_RESET)), 0);
    }
    hostile_request(BLK_IN, 0);
    hostile_fire(0);
    hostile_expect_status(BLK_OK);
}

static const struct hostile_row rows[] = {
    {13, "kicks of queues there are not", kick_nobody},
    {17, "features nobody has a bit for", alien_words},
    {21, "offsets without a register", undefined_offsets},
    {21, "other widths", other_widths},
    {21, "nonsense in all registers", nonsense_writes},
    {21, "queues there are not", no_such_queue},
};

void test_main(void)
{
    hostile_main(rows, sizeof(rows) / sizeof(rows[0]));
}
