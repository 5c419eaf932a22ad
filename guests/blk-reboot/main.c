/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk-reboot: the machine is reset again and again while its disk is busy:
 * reads and writes are in flight when the reset register is written. What
 * was acknowledged before is there after, the new machine's memory is left
 * alone by what the old one began, and the disk serves. Which boot it is is
 * written in sector 0; the command line says how many there shall be:
 * boots=N. In the end the harness compares the image.
 */
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "power.h"
#include "report.h"
#include "start_info.h"

#include <stddef.h>

#define IN_FLIGHT 24u
#define RUN       8u  /* sectors of each request in flight */
#define KEPT      64u /* the first of IN_FLIGHT * RUN sectors */
#define MARK      0xc3c3c3c3u
#define SEED      100u /* and more with each boot */

static struct disk disk;
static uint8_t data[IN_FLIGHT][RUN * SECTOR] __attribute__((aligned(4096)));
static uint32_t counter[SECTOR / 4];

/* Memory that the last machine's reads went to is ours, and stays so. */
static bool marks(bool set)
{
    for (unsigned i = 0; i < IN_FLIGHT; i++)
        for (unsigned at = 0; at < RUN * SECTOR; at += SECTOR) {
            if (set)
                mmio_write32((uintptr_t)&data[i][at], MARK);
            else if (mmio_read32((uintptr_t)&data[i][at]) != MARK)
                return false;
        }
    return true;
}

/* The number of this boot, from 0; the next one finds one more. */
static uint32_t count_boot(void)
{
    uint32_t boot;

    if (disk_do(&disk, BLK_IN, 0, counter, SECTOR) != BLK_OK)
        test_error("sector 0 cannot be read");
    if (pattern_is(counter, 0, 1, 0)) /* as the harness made it */
        counter[1] = 0;
    boot = counter[1];
    if (boot && (counter[0] != MARK || disk_write(&disk, 8, 1, boot) != BLK_OK))
        test_error("boot %u: sector 0 is of nobody", boot);
    counter[0] = MARK;
    counter[1] = boot + 1;
    if (disk_do(&disk, BLK_OUT, 0, counter, SECTOR) != BLK_OK ||
        disk_do(&disk, BLK_FLUSH, 0, NULL, 0) != BLK_OK)
        test_error("sector 0 cannot be written");
    disk_say(&disk, "discarded", 0, 1, 0); /* the harness need not know it */
    return boot;
}

/* As much as can be in flight, half of it writes. */
static void be_busy(uint32_t boot)
{
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        const uint64_t sector = KEPT + (uint64_t)i * RUN;
        const bool write = i % 2;

        if (write) {
            pattern_fill(data[i], sector, RUN, SEED + boot);
            disk_say(&disk, "asked", sector, RUN, SEED + boot);
        }
        if (disk_add(&disk, i, write ? BLK_OUT : BLK_IN, sector, data[i],
                     RUN * SECTOR) < 0)
            test_error("no room in the queue");
    }
    vq_kick(&disk.q);
}

void test_main(void)
{
    uint64_t boots = 0;
    uint32_t boot;

    (void)start_info_option("boots", &boots);
    CHECK_EQ("RAM, fresh", bytes_are(data[0], 0, SECTOR), 1);
    marks(true);
    disk_open(&disk, 0, DISK_FEATURES);
    boot = count_boot();
    if (boot)
        disk_check(&disk, 8, 1, boot);
    clock_delay(20 * CLOCK_MS);
    if (!marks(false))
        test_error("boot %u: memory was written by the machine before", boot);
    if (boot + 1 >= boots)
        return;
    be_busy(boot);
    power_reset();
}
