// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_ahci_queue.c: queued commands of AHCI by Serial ATA 2.6, 13.6 and
 * 13.7, and what a hostile driver gives a port.
 */
#include "ahci_rig.h"

static void read_queued(struct rig *r, unsigned slot, uint64_t lba, unsigned n)
{
    issue_queued(r, (struct issue){.slot = slot,
                                   .command = 0x60,
                                   .lba = lba,
                                   .count = n,
                                   .bytes = 512 * n});
}

static void restart(struct rig *r)
{
    pput(r, 0, CMD, PCMD_FRE);
    turns(r);
    pput(r, 0, PIS, UINT32_MAX);
    pput(r, 0, CMD, PCMD_FRE | PCMD_ST);
}

static void test_all_slots_at_once(void **state)
{
    struct rig *r = *state;

    start(r);
    r->disk->manual = true;
    for (unsigned s = 0; s < 32; s++)
        read_queued(r, s, 31 - s, 1);
    assert_int_equal(r->disk->in_flight, 32);
    assert_int_equal(pget(r, 0, CI), 0);
    assert_int_equal(pget(r, 0, SACT), 0xffffffffu);
    assert_int_equal(pget(r, 0, TFD), 0x50);
    assert_false(pin(r));
    /* What ends in one turn is told at once. */
    fake_end(r->disk, 0);
    fake_end(r->disk, 0);
    assert_int_equal(pget(r, 0, SACT), 0xffffffffu);
    turns(r);
    assert_int_equal(pget(r, 0, SACT), 0xfffffffcu);
    assert_int_equal(pget(r, 0, PIS), PIS_SDBS);
    assert_int_equal(ram_at(r, FRAMES(0) + 0x58), 0xa1);
    assert_int_equal(ram_at(r, FRAMES(0) + 0x5a), 0x50);
    assert_int_equal(ram_at(r, FRAMES(0) + 0x5c), 3);
    assert_true(pin(r));
    while (r->disk->in_flight)
        fake_end(r->disk, 0);
    turns(r);
    assert_int_equal(pget(r, 0, SACT), 0);
    for (unsigned s = 0; s < 32; s++)
        assert_int_equal(ram_at(r, BUF(s) + 511), 31 - s);
}

static void test_write_and_fua(void **state)
{
    struct rig *r = *state;
    uint8_t data[1024];

    start(r);
    memset(data, 0x5a, sizeof(data));
    poke(r, BUF(2), data, sizeof(data));
    issue_queued(r, (struct issue){.slot = 2,
                                   .command = 0x61,
                                   .lba = 40,
                                   .count = 2,
                                   .bytes = 1024,
                                   .write = true});
    turns(r);
    assert_int_equal(pget(r, 0, SACT), 0);
    assert_memory_equal(r->disk->data + 40 * 512, data, sizeof(data));
    assert_int_equal(r->disk->submitted[BLK_FLUSH], 0);
    issue_queued(r, (struct issue){.slot = 2,
                                   .command = 0x61,
                                   .lba = 40,
                                   .count = 2,
                                   .bytes = 1024,
                                   .write = true,
                                   .device = 0xc0});
    turns(r);
    assert_int_equal(pget(r, 0, SACT), 0);
    assert_int_equal(r->disk->submitted[BLK_FLUSH], 1);
}

/* A command without a queue waits until the queue is empty, and others. */
static void test_queued_and_not(void **state)
{
    struct rig *r = *state;

    start(r);
    r->disk->manual = true;
    read_queued(r, 1, 3, 1);
    place(r, &(struct issue){.slot = 4, .command = 0xea});
    pput(r, 0, CI, 0x10);
    assert_int_equal(r->disk->submitted[BLK_FLUSH], 0);
    fake_end(r->disk, 0);
    turns(r);
    assert_int_equal(r->disk->submitted[BLK_FLUSH], 1);
    read_queued(r, 0, 3, 1);
    assert_int_equal(r->disk->in_flight, 1);
    fake_end(r->disk, 0);
    turns(r);
    assert_int_equal(r->disk->in_flight, 1);
    fake_end(r->disk, 0);
    turns(r);
    assert_int_equal(pget(r, 0, SACT) | pget(r, 0, CI), 0);
}

/* 6.2.2.2: the rest is not told; the log says which it was. */
static void test_a_queued_error(void **state)
{
    struct rig *r = *state;
    uint8_t log[512], sum = 0;

    start(r);
    r->disk->manual = true;
    for (unsigned s = 0; s < 4; s++)
        read_queued(r, s, 0x123400 % 300 + s, 1);
    fake_end(r->disk, -EIO);
    turns(r);
    assert_int_equal(pget(r, 0, PIS), PIS_SDBS | PIS_TFES);
    assert_int_equal(pget(r, 0, TFD), 0x4051);
    assert_int_equal(pget(r, 0, SACT), 0xf);
    while (r->disk->in_flight)
        fake_end(r->disk, 0);
    turns(r);
    assert_int_equal(pget(r, 0, SACT), 0xf);
    r->disk->manual = false;
    restart(r);
    assert_int_equal(pget(r, 0, SACT), 0);
    for (unsigned again = 0; again < 2; again++) {
        issue(r, &(struct issue){.command = again ? 0x47 : 0x2f,
                                 .lba = 0x10,
                                 .count = 1,
                                 .bytes = 512,
                                 .slot = 9});
        peek(r, BUF(9), log, sizeof(log));
        assert_int_equal(log[0], again ? 0x80 : 0);
        assert_int_equal(log[2], again ? 0 : 0x51);
        assert_int_equal(log[3], again ? 0 : 0x40);
        sum = 0;
        for (unsigned i = 0; i < 512; i++)
            sum = (uint8_t)(sum + log[i]);
        assert_int_equal(sum, 0);
    }
    issue(r,
          &(struct issue){.command = 0x2f, .lba = 0, .count = 1, .bytes = 512});
    assert_int_equal(ram_at(r, BUF(0) + 32), 1);
    issue(r, &(struct issue){
                 .command = 0x2f, .lba = 0x11, .count = 1, .bytes = 512});
    assert_int_equal(pget(r, 0, TFD), 0x451);
}

static void test_queued_commands_that_are_none(void **state)
{
    struct rig *r = *state;

    start(r);
    r->disk->manual = true;
    /* Beyond the end; a tag that is not its slot. */
    read_queued(r, 0, DISK_BYTES / 512, 1);
    assert_int_equal(pget(r, 0, TFD), 0x1051);
    restart(r);
    read_queued(r, 0, UINT64_MAX >> 16, 0);
    assert_int_equal(pget(r, 0, TFD), 0x1051);
    restart(r);
    place(r, &(struct issue){.slot = 3,
                             .command = 0x60,
                             .feature = 1,
                             .count = 4 << 3,
                             .bytes = 512});
    pput(r, 0, CI, 8);
    assert_int_equal(pget(r, 0, TFD), 0x451);
    restart(r);
    /* The same tag twice. */
    read_queued(r, 5, 1, 1);
    assert_int_equal(r->disk->in_flight, 1);
    read_queued(r, 5, 1, 1);
    assert_int_equal(pget(r, 0, TFD), 0x451);
    assert_int_equal(r->disk->in_flight, 1);
    restart(r);
    assert_int_equal(r->disk->in_flight, 0);
    r->disk->manual = false;
    r->disk->info.read_only = true;
    issue_queued(r, (struct issue){.slot = 2,
                                   .command = 0x61,
                                   .count = 1,
                                   .bytes = 512,
                                   .write = true});
    assert_int_equal(pget(r, 0, TFD), 0x451);
    /* The CD-ROM has no queue. */
    issue_queued(r, (struct issue){
                        .port = 1, .command = 0x60, .count = 1, .bytes = 512});
    assert_int_equal(pget(r, 1, TFD), 0x451);
}

/* ---- lists and tables that are none ---- */

static void test_memory_that_is_none(void **state)
{
    struct rig *r = *state;
    const uint32_t away[4] = {5u | 1u << 16, 0, 0xfee00000u, 0};
    const uint32_t top[4] = {5u | 1u << 16, 0, 0xffffff80u, 0xffffffffu};

    start(r);
    pput(r, 0, CMD, PCMD_FRE);
    pput(r, 0, CLB, RAM);
    pput(r, 0, CMD, PCMD_FRE | PCMD_ST);
    pput(r, 0, CI, 1);
    assert_int_equal(pget(r, 0, PIS), PIS_HBFS);
    pput(r, 0, CLB, LIST(0));
    restart(r);
    poke(r, LIST(0), away, sizeof(away));
    pput(r, 0, CI, 1);
    assert_int_equal(pget(r, 0, PIS), PIS_HBFS);
    restart(r);
    poke(r, LIST(0), top, sizeof(top));
    pput(r, 0, CI, 1);
    assert_int_equal(pget(r, 0, PIS), PIS_HBFS);
    restart(r);
    /* A frame of another kind. */
    place(r, &(struct issue){.command = 0xe5});
    poke(r, TABLE(0), &(uint8_t){0x46}, 1);
    pput(r, 0, CI, 1);
    assert_int_equal(pget(r, 0, PIS), PIS_IFS);
    /* Frames for the driver where no RAM is. */
    pput(r, 0, FB, 0xfee00000u);
    restart(r);
    issue(r, &(struct issue){.command = 0xe5});
    assert_true(pget(r, 0, PIS) & PIS_HBFS);
    pput(r, 0, FB, FRAMES(0));
    restart(r);
    issue(r, &(struct issue){.command = 0xe5});
    assert_int_equal(pget(r, 0, PIS), PIS_DHRS);
}

static void test_tables_that_are_none(void **state)
{
    struct rig *r = *state;
    const struct issue read = {.command = 0x25, .count = 4, .prds = 2};

    start(r);
    /* Too short, and none at all. */
    prd(r, 0, 0, BUF(0), 512);
    prd(r, 0, 1, BUF(0), 100);
    issue(r, &read);
    assert_int_equal(pget(r, 0, PIS), PIS_OFS);
    assert_int_equal(pget(r, 0, CI), 1);
    restart(r);
    issue(r, &(struct issue){.command = 0x25, .count = 4});
    assert_int_equal(pget(r, 0, PIS), PIS_OFS);
    restart(r);
    /* Out of RAM, over its end, and around the end of all addresses. */
    prd(r, 0, 0, 0xfee00000u, 2048);
    issue(r, &read);
    assert_int_equal(pget(r, 0, PIS), PIS_HBFS);
    restart(r);
    prd(r, 0, 0, RAM - 512, 2048);
    issue(r, &read);
    assert_int_equal(pget(r, 0, PIS), PIS_HBFS);
    restart(r);
    prd(r, 0, 0, UINT64_MAX - 511, 2048);
    issue(r, &read);
    assert_int_equal(pget(r, 0, PIS), PIS_HBFS);
    restart(r);
    /* An answer into too little: what fits, and an overflow is told. */
    issue(r, &(struct issue){.command = 0xec, .bytes = 100});
    assert_int_equal(pget(r, 0, PIS), PIS_OFS | PIS_PSS);
    assert_int_equal(moved(r, 0, 0), 100);
    /* The same of a queued command. */
    restart(r);
    issue_queued(r, (struct issue){
                        .slot = 1, .command = 0x60, .count = 2, .bytes = 512});
    turns(r);
    assert_true(pget(r, 0, PIS) & PIS_OFS);
    restart(r);
    read_queued(r, 1, 2, 1);
    turns(r);
    assert_int_equal(pget(r, 0, PIS), PIS_SDBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_slots_at_once),
        TEST(test_write_and_fua),
        TEST(test_queued_and_not),
        TEST(test_a_queued_error),
        TEST(test_queued_commands_that_are_none),
        TEST(test_memory_that_is_none),
        TEST(test_tables_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
