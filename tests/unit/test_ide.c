// SPDX-License-Identifier: GPL-2.0-or-later
/* The ATA disk: registers, addresses, PIO and DMA, resets, errors. */
#include "ide_rig.h"

#include <stdio.h>

#define SECTORS (DISK_BYTES / 512)

static void signature_after_reset(void **state)
{
    struct rig *r = *state;

    assert_int_equal(get(r->ch, COUNT), 1);
    assert_int_equal(get(r->ch, LBA0), 1);
    assert_int_equal(get(r->ch, LBA1), 0);
    assert_int_equal(get(r->ch, LBA2), 0);
    assert_int_equal(get(r->ch, FEATURE), 1);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_int_equal(get(r->ch2, LBA1), 0x14);
    assert_int_equal(get(r->ch2, LBA2), 0xeb);
    assert_int_equal(get(r->ch2, COMMAND), 0);
    /* There is no slave: status 0, and the master goes on. */
    put(r->ch, DEVICE, 0x10);
    assert_int_equal(get(r->ch, COMMAND), 0);
    put(r->ch, COMMAND, 0xec);
    assert_int_equal(r->rises, 0);
}

static void identify_says_what_there_is(void **state)
{
    struct rig *r = *state;
    uint16_t w[256];
    uint8_t sum = 0;

    command28(r->ch, 0, 0, 0xec);
    assert_int_equal(r->rises, 1);
    assert_int_equal(get(r->ch, COMMAND) & (DRQ | BSY | ERR), DRQ);
    assert_false(r->intr[0].level);
    pio_in(r->ch, w, sizeof(w));
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_int_equal(r->rises, 1);
    assert_int_equal(w[0], 0x0040);
    assert_int_equal(w[60] | (uint32_t)w[61] << 16, SECTORS);
    assert_int_equal(w[100], SECTORS);
    assert_int_equal(w[1], SECTORS / (16 * 63));
    assert_true(w[49] & 0x0300);
    assert_true(w[83] & 0x0400);
    assert_int_equal(w[10], 'V' << 8 | 'M');
    assert_int_equal(w[27], 'V' << 8 | 'M');
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + ((uint8_t *)w)[i]);
    assert_int_equal(sum, 0);
}

/* Sectors first.. came in, each of one byte value. */
static void expect_sectors(struct ide_channel *ch, unsigned first, unsigned n)
{
    unsigned char got[512];

    for (unsigned i = 0; i < n; i++) {
        pio_in(ch, got, sizeof(got));
        for (unsigned b = 0; b < sizeof(got); b++)
            assert_int_equal(got[b], (unsigned char)(first + i));
    }
}

static void reads_by_pio(void **state)
{
    struct rig *r = *state;

    command28(r->ch, 7, 3, 0x20);
    assert_true(alt_status(r->ch) & BSY);
    turns(r);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(r->rises, 1 + i);
        assert_true(get(r->ch, COMMAND) & DRQ);
        expect_sectors(r->ch, 7 + i, 1);
    }
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_int_equal(r->rises, 3);
}

static void reads_more_than_a_buffer(void **state)
{
    struct rig *r = *state;

    command48(r->ch, 0, 300, 0x24);
    for (unsigned done = 0; done < 300;) {
        const unsigned n = 300 - done < 128 ? 300 - done : 128;

        turns(r);
        expect_sectors(r->ch, done, n);
        done += n;
    }
    assert_int_equal(get(r->ch, COMMAND), 0x50);
}

static void multiple_has_one_interrupt_a_block(void **state)
{
    struct rig *r = *state;

    command28(r->ch, 0, 8, 0xc6);
    assert_int_equal(r->rises, 1);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    command28(r->ch, 2, 20, 0xc4);
    turns(r);
    assert_int_equal(r->rises, 2);
    get(r->ch, COMMAND);
    expect_sectors(r->ch, 2, 8);
    assert_int_equal(r->rises, 3);
    get(r->ch, COMMAND);
    expect_sectors(r->ch, 10, 8);
    get(r->ch, COMMAND);
    expect_sectors(r->ch, 18, 4);
    assert_int_equal(r->rises, 4);
    /* Not a power of two, or too many. */
    command28(r->ch, 0, 3, 0xc6);
    assert_int_equal(get(r->ch, COMMAND) & ERR, ERR);
    command28(r->ch, 0, 32, 0xc6);
    assert_int_equal(get(r->ch, FEATURE), 4);
}

static void writes_by_pio(void **state)
{
    struct rig *r = *state;
    unsigned char data[1024];

    memset(data, 0xa5, sizeof(data));
    command28(r->ch, 9, 2, 0x30);
    /* 9.6: the first block is asked for without an interrupt. */
    assert_int_equal(r->rises, 0);
    assert_true(alt_status(r->ch) & DRQ);
    pio_out(r->ch, data, 512);
    assert_int_equal(r->rises, 1);
    get(r->ch, COMMAND);
    pio_out(r->ch, data + 512, 512);
    assert_true(alt_status(r->ch) & BSY);
    turns(r);
    assert_int_equal(r->rises, 2);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_memory_equal(r->disk->data + 9 * 512, data, sizeof(data));
    assert_int_equal(r->disk->data[11 * 512], 11);
}

static void cylinders_heads_sectors(void **state)
{
    struct rig *r = *state;

    /* 16 heads of 63: cylinder 0, head 2, sector 5. */
    put(r->ch, DEVICE, 0xa2);
    put(r->ch, COUNT, 1);
    put(r->ch, LBA0, 5);
    put(r->ch, LBA1, 0);
    put(r->ch, LBA2, 0);
    put(r->ch, COMMAND, 0x20);
    turns(r);
    expect_sectors(r->ch, 2 * 63 + 4, 1);
    /* Another translation: 4 heads of 17; cylinder 1, head 3, sector 17. */
    put(r->ch, DEVICE, 0xa3);
    put(r->ch, COUNT, 17);
    put(r->ch, COMMAND, 0x91);
    put(r->ch, DEVICE, 0xa3);
    put(r->ch, COUNT, 1);
    put(r->ch, LBA0, 17);
    put(r->ch, LBA1, 1);
    put(r->ch, COMMAND, 0x20);
    turns(r);
    expect_sectors(r->ch, (1 * 4 + 3) * 17 + 16, 1);
    /* Sectors count from 1. */
    put(r->ch, LBA0, 0);
    put(r->ch, COMMAND, 0x20);
    assert_int_equal(get(r->ch, COMMAND) & ERR, ERR);
    assert_int_equal(get(r->ch, FEATURE), 0x10);
}

static void out_of_range(void **state)
{
    struct rig *r = *state;

    command28(r->ch, SECTORS - 1, 2, 0x20);
    assert_int_equal(get(r->ch, COMMAND) & (ERR | DRQ | BSY), ERR);
    assert_int_equal(get(r->ch, FEATURE), 0x10);
    command48(r->ch, 0xffffffffffffull, 0, 0x25);
    assert_int_equal(get(r->ch, FEATURE), 0x10);
    command28(r->ch, SECTORS - 1, 1, 0x40);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_int_equal(r->disk->submitted[BLK_READ], 0);
}

static void dma_moves_guest_memory(void **state)
{
    struct rig *r = *state;

    /* Regions that split sectors. */
    prd(r, 0, 0x10000, 100, false);
    prd(r, 1, 0x20000, 1000, false);
    prd(r, 2, 0x30000, 4 * 512 - 1100, true);
    command28(r->ch, 1, 4, 0xc8);
    assert_int_equal(r->disk->submitted[BLK_READ], 0);
    bm_go(r, 0, true);
    assert_int_equal(bm_get(r, 2) & (BM_ACTIVE | BM_INTR), BM_ACTIVE);
    turns(r);
    assert_int_equal(bm_get(r, 2) & (BM_ACTIVE | BM_INTR), BM_INTR);
    assert_int_equal(r->rises, 1);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_int_equal(ram_at(r, 0x10000 + 99), 1);
    assert_int_equal(ram_at(r, 0x20000), 1);
    assert_int_equal(ram_at(r, 0x20000 + 412), 2);
    assert_int_equal(ram_at(r, 0x30000 + 947), 4);
    assert_int_equal(ram_at(r, 0x30000 + 948), 0);
    bm_put(r, 0, 0, 1);
    /* And back, the bus master started first. */
    prd(r, 0, 0x30000, 512, true);
    bm_go(r, 0, false);
    command48(r->ch, 20, 1, 0x35);
    turns(r);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_int_equal(r->disk->data[20 * 512], ram_at(r, 0x30000));
}

static void many_small_regions(void **state)
{
    struct rig *r = *state;
    const unsigned n = 8 * 512 / 2;

    for (unsigned i = 0; i < n; i++)
        prd(r, i, 0x100000 + 4 * i, 2, i == n - 1);
    command28(r->ch, 0, 8, 0xc8);
    bm_go(r, 0, true);
    turns(r);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(ram_at(r, 0x100000 + 4 * i), i / 256);
}

static void table_longer_or_shorter(void **state)
{
    struct rig *r = *state;

    prd(r, 0, 0x10000, 2048, true);
    command28(r->ch, 1, 2, 0xc8);
    bm_go(r, 0, true);
    turns(r);
    /* Longer: an interrupt, and still active. */
    assert_int_equal(bm_get(r, 2) & 7, BM_ACTIVE | BM_INTR);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    bm_put(r, 0, 0, 1);
    assert_int_equal(bm_get(r, 2) & BM_ACTIVE, 0);
    /* Shorter: what fits moves, then the bus master gives up. */
    prd(r, 0, 0x10000, 512, true);
    command28(r->ch, 5, 2, 0xc8);
    bm_go(r, 0, true);
    turns(r);
    assert_int_equal(ram_at(r, 0x10000), 5);
    assert_int_equal(bm_get(r, 2) & 3, BM_ERROR);
    assert_true(alt_status(r->ch) & (DRQ | BSY));
    control(r->ch, 4);
    turns(r);
    control(r->ch, 0);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
}

static void table_outside_ram(void **state)
{
    struct rig *r = *state;

    prd(r, 0, RAM - 256, 512, true);
    command28(r->ch, 1, 1, 0xc8);
    bm_go(r, 0, true);
    turns(r);
    assert_int_equal(bm_get(r, 2) & 3, BM_ERROR);
    assert_int_equal(r->disk->submitted[BLK_READ], 0);
    assert_int_equal(ram_at(r, RAM - 1), 0);
    bm_put(r, 0, 0, 1);
    bm_put(r, 4, 0xfffffff8, 4);
    bm_put(r, 0, BM_START, 1);
    turns(r);
    assert_int_equal(bm_get(r, 2) & 3, BM_ERROR);
}

static void reset_ends_what_is_in_flight(void **state)
{
    struct rig *r = *state;

    r->disk->manual = true;
    prd(r, 0, 0x10000, 512, true);
    command28(r->ch, 3, 1, 0xc8);
    bm_go(r, 0, true);
    turns(r);
    assert_int_equal(r->disk->in_flight, 1);
    control(r->ch, 4);
    control(r->ch, 0);
    /* BSY until the disk has let go of guest memory. */
    assert_true(alt_status(r->ch) & BSY);
    turns(r);
    assert_int_equal(r->disk->in_flight, 0);
    assert_int_equal(alt_status(r->ch), 0x50);
    assert_int_equal(ram_at(r, 0x10000), 0);
    assert_int_equal(r->rises, 0);
    r->disk->manual = false;
    command28(r->ch, 3, 1, 0x20);
    turns(r);
    expect_sectors(r->ch, 3, 1);
}

/* What it was doing ends nowhere, and there is no drive any more. */
static void pulled_out(void **state)
{
    struct rig *r = *state;

    r->disk->manual = true;
    r->disk->writethrough = true;
    prd(r, 0, 0x10000, 512, true);
    command28(r->ch, 3, 1, 0xc8);
    bm_go(r, 0, true);
    turns(r);
    assert_int_equal(r->disk->in_flight, 1);
    assert_true(ide_unplug(r->ide, 0, 0));
    assert_false(ide_unplug(r->ide, 0, 0));
    assert_false(ide_unplug(r->ide, 0, 1));
    assert_int_equal(get(r->ch, COMMAND), 0xff);
    assert_int_equal(alt_status(r->ch), 0xff);
    turns(r);
    assert_int_equal(r->disk->in_flight, 0);
    assert_int_equal(ram_at(r, 0x10000), 0);
    assert_int_equal(r->rises, 0);
    assert_false(r->disk->writethrough);
    /* Neither a command nor a reset wakes it. */
    command28(r->ch, 3, 1, 0x20);
    control(r->ch, 4);
    turns(r);
    control(r->ch, 0);
    turns(r);
    assert_int_equal(r->disk->submitted[BLK_READ], 1);
    assert_int_equal(get(r->ch, COMMAND), 0xff);
    /* The other channel's is as it was. */
    assert_int_not_equal(get(r->ch2, COMMAND), 0xff);
}

/* A command that was waiting for the bus master does not outlive a reset. */
static void held_in_reset(void **state)
{
    struct rig *r = *state;

    prd(r, 0, 0x10000, 512, true);
    command28(r->ch, 3, 1, 0xc8);
    control(r->ch, 4);
    turns(r);
    bm_go(r, 0, true);
    turns(r);
    assert_int_equal(r->disk->submitted[BLK_READ], 0);
    assert_true(alt_status(r->ch) & BSY);
    control(r->ch, 0);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
}

static void disk_errors_are_told(void **state)
{
    struct rig *r = *state;

    r->disk->result = -EIO;
    command28(r->ch, 0x42, 2, 0x20);
    turns(r);
    assert_int_equal(get(r->ch, COMMAND) & (ERR | DRQ | BSY), ERR);
    assert_int_equal(get(r->ch, FEATURE), 0x40);
    assert_int_equal(get(r->ch, LBA0), 0x42);
    assert_int_equal(r->rises, 1);
    command28(r->ch, 0, 0, 0xe7);
    turns(r);
    assert_int_equal(get(r->ch, COMMAND) & ERR, ERR);
    r->disk->result = 0;
    command28(r->ch, 0, 0, 0xe7);
    turns(r);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    assert_int_equal(r->disk->submitted[BLK_FLUSH], 2);
}

static void read_only_disk(void **state)
{
    struct rig *r = *state;

    r->disk->info.read_only = true;
    command28(r->ch, 0, 1, 0x30);
    assert_int_equal(get(r->ch, COMMAND) & (ERR | DRQ), ERR);
    assert_int_equal(get(r->ch, FEATURE), 4);
}

static void interrupts_can_be_turned_off(void **state)
{
    struct rig *r = *state;

    control(r->ch, 2);
    command28(r->ch, 0, 0, 0xec);
    assert_int_equal(r->rises, 0);
    control(r->ch, 0);
    assert_int_equal(r->rises, 1);
    /* Alternate status leaves it, status takes it. */
    alt_status(r->ch);
    assert_true(r->intr[0].level);
    get(r->ch, COMMAND);
    assert_false(r->intr[0].level);
}

static void task_file_remembers(void **state)
{
    struct rig *r = *state;

    put(r->ch, LBA1, 0x12);
    put(r->ch, LBA1, 0x34);
    assert_int_equal(get(r->ch, LBA1), 0x34);
    control(r->ch, 0x80);
    assert_int_equal(get(r->ch, LBA1), 0x12);
    put(r->ch, LBA0, 0);
    assert_int_equal(get(r->ch, LBA1), 0x34);
}

static void small_commands(void **state)
{
    struct rig *r = *state;

    command28(r->ch, 0, 0, 0xe0);
    command28(r->ch, 0, 7, 0xe5);
    assert_int_equal(get(r->ch, COUNT), 0);
    command28(r->ch, 0, 0, 0xe1);
    command28(r->ch, 0, 7, 0xe5);
    assert_int_equal(get(r->ch, COUNT), 0xff);
    command28(r->ch, 0, 0, 0xf8);
    assert_int_equal(get(r->ch, LBA0), (SECTORS - 1) & 0xff);
    assert_int_equal(get(r->ch, LBA1), (SECTORS - 1) >> 8);
    command28(r->ch, 0, 0, 0x00);
    assert_int_equal(get(r->ch, FEATURE), 4);
    command28(r->ch, 0, 0, 0xa0);
    assert_int_equal(get(r->ch, FEATURE), 4);
    /* Transfer modes: UDMA 5 is there, UDMA 6 is not. */
    put(r->ch, FEATURE, 3);
    command28(r->ch, 0, 0x45, 0xef);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    put(r->ch, FEATURE, 3);
    command28(r->ch, 0, 0x46, 0xef);
    assert_int_equal(get(r->ch, FEATURE), 4);
    /* Write cache off and on. */
    put(r->ch, FEATURE, 0x82);
    command28(r->ch, 0, 0, 0xef);
    assert_true(r->disk->writethrough);
    put(r->ch, FEATURE, 0x02);
    command28(r->ch, 0, 0, 0xef);
    assert_false(r->disk->writethrough);
    /* SMART wants its key. */
    put(r->ch, FEATURE, 0xda);
    command28(r->ch, 0xc24f00, 0, 0xb0);
    assert_int_equal(get(r->ch, COMMAND), 0x50);
    put(r->ch, FEATURE, 0xda);
    command28(r->ch, 0, 0, 0xb0);
    assert_int_equal(get(r->ch, FEATURE), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signature_after_reset),
        TEST(identify_says_what_there_is),
        TEST(reads_by_pio),
        TEST(reads_more_than_a_buffer),
        TEST(multiple_has_one_interrupt_a_block),
        TEST(writes_by_pio),
        TEST(cylinders_heads_sectors),
        TEST(out_of_range),
        TEST(dma_moves_guest_memory),
        TEST(many_small_regions),
        TEST(table_longer_or_shorter),
        TEST(table_outside_ram),
        TEST(reset_ends_what_is_in_flight),
        TEST(pulled_out),
        TEST(held_in_reset),
        TEST(disk_errors_are_told),
        TEST(read_only_disk),
        TEST(interrupts_can_be_turned_off),
        TEST(task_file_remembers),
        TEST(small_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
