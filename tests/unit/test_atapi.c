// SPDX-License-Identifier: GPL-2.0-or-later
/* The CD-ROM: packets, sense data, sectors of 2048 bytes. */
#include "ide_rig.h"

#define CD_SECTORS (DISK_BYTES / 2048)

struct packet {
    unsigned char b[12];
};

/* Send a packet; limit is the most bytes of a DRQ block. */
static void packet(struct rig *r, const struct packet *p, unsigned limit,
                   bool dma)
{
    put(r->ch2, DEVICE, 0xa0);
    put(r->ch2, FEATURE, dma);
    put(r->ch2, LBA1, limit & 0xff);
    put(r->ch2, LBA2, limit >> 8);
    put(r->ch2, COMMAND, 0xa0);
    assert_true(alt_status(r->ch2) & DRQ);
    assert_int_equal(get(r->ch2, COUNT), 1); /* a command, to the drive */
    pio_out(r->ch2, p->b, sizeof(p->b));
}

static void assert_good(struct rig *r)
{
    assert_int_equal(get(r->ch2, COMMAND) & (BSY | DRQ | ERR | DRDY), DRDY);
    assert_int_equal(get(r->ch2, COUNT), 3);
}

/* The first command after a reset hears of it. */
static void hear_of_reset(struct rig *r)
{
    const struct packet ready = {{0}}, sense = {{3, 0, 0, 0, 18}};
    unsigned char out[18];

    packet(r, &ready, 0, false);
    assert_int_equal(get(r->ch2, COMMAND) & ERR, ERR);
    assert_int_equal(get(r->ch2, FEATURE) >> 4, 6);
    packet(r, &sense, 18, false);
    pio_in(r->ch2, out, sizeof(out));
    assert_int_equal(out[2], 6);
    assert_int_equal(out[12], 0x29);
    assert_good(r);
    packet(r, &ready, 0, false);
    assert_good(r);
}

static void identifies_itself(void **state)
{
    struct rig *r = *state;
    uint16_t w[256];

    put(r->ch2, COMMAND, 0xec);
    assert_int_equal(get(r->ch2, COMMAND) & ERR, ERR);
    assert_int_equal(get(r->ch2, LBA1), 0x14);
    put(r->ch2, COMMAND, 0xa1);
    pio_in(r->ch2, w, sizeof(w));
    assert_int_equal(w[0], 0x85c0);
    assert_int_equal(get(r->ch2, COMMAND) & (BSY | DRQ | ERR), 0);
}

static void a_reset_is_told_once(void **state)
{
    struct rig *r = *state;

    hear_of_reset(r);
    put(r->ch2, COMMAND, 0x08);
    assert_int_equal(get(r->ch2, LBA1), 0x14);
    hear_of_reset(r);
}

/* A read under way ends before the drive can be asked anything new. */
static void device_reset_waits_for_the_disk(void **state)
{
    struct rig *r = *state;
    const struct packet read = {{0x28, 0, 0, 0, 0, 5, 0, 0, 1}};

    hear_of_reset(r);
    r->cd->manual = true;
    packet(r, &read, 2048, false);
    assert_int_equal(r->cd->in_flight, 1);
    put(r->ch2, COMMAND, 0x08);
    assert_true(alt_status(r->ch2) & BSY);
    put(r->ch2, COMMAND, 0xa1);
    assert_int_equal(r->cd->in_flight, 1);
    turns(r);
    assert_int_equal(r->cd->in_flight, 0);
    assert_int_equal(alt_status(r->ch2), 0);
    assert_int_equal(get(r->ch2, LBA1), 0x14);
    r->cd->manual = false;
    hear_of_reset(r);
}

static void inquiry_and_capacity(void **state)
{
    struct rig *r = *state;
    const struct packet inquiry = {{0x12, 0, 0, 0, 36}};
    const struct packet capacity = {{0x25}};
    unsigned char out[36];

    packet(r, &inquiry, 36, false);
    assert_int_equal(get(r->ch2, LBA1), 36);
    assert_int_equal(get(r->ch2, COUNT), 2); /* data, to the host */
    pio_in(r->ch2, out, 36);
    assert_int_equal(out[0], 5);
    assert_memory_equal(out + 8, "VMM     ", 8);
    assert_good(r);
    hear_of_reset(r);
    packet(r, &capacity, 8, false);
    pio_in(r->ch2, out, 8);
    assert_int_equal(out[2] << 8 | out[3], CD_SECTORS - 1);
    assert_int_equal(out[6] << 8 | out[7], 2048);
    assert_good(r);
}

static void reads_in_blocks(void **state)
{
    struct rig *r = *state;
    const struct packet read = {{0x28, 0, 0, 0, 0, 5, 0, 0, 40}};
    unsigned char out[2048];
    unsigned rises;

    hear_of_reset(r);
    rises = r->rises;
    packet(r, &read, 2048, false);
    for (unsigned i = 0; i < 40; i++) {
        if (i % 32 == 0)
            turns(r);
        assert_int_equal(r->rises, rises + 1 + i);
        assert_int_equal(get(r->ch2, LBA2), 8);
        get(r->ch2, COMMAND);
        pio_in(r->ch2, out, sizeof(out));
        assert_int_equal(out[0], (5 + i) ^ 0x80);
        assert_int_equal(out[2047], (5 + i) ^ 0x80);
    }
    assert_int_equal(r->rises, rises + 41);
    assert_good(r);
}

static void reads_by_dma(void **state)
{
    struct rig *r = *state;
    const struct packet read = {{0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 2}};
    const struct packet inquiry = {{0x12, 0, 0, 0, 36}};

    hear_of_reset(r);
    prd(r, 0, 0x10000, 4096, true);
    packet(r, &read, 0, true);
    bm_go(r, 1, true);
    turns(r);
    assert_good(r);
    assert_int_equal(ram_at(r, 0x10000), 3 ^ 0x80);
    assert_int_equal(ram_at(r, 0x10000 + 4095), 4 ^ 0x80);
    assert_int_equal(bm_get(r, 10) & (BM_ACTIVE | BM_INTR), BM_INTR);
    /* What is not on the disc comes so too. */
    bm_put(r, 8, 0, 1);
    prd(r, 0, 0x20000, 36, true);
    packet(r, &inquiry, 0, true);
    bm_go(r, 1, true);
    assert_good(r);
    assert_int_equal(ram_at(r, 0x20008), 'V');
}

static void what_is_wrong_is_sensed(void **state)
{
    struct rig *r = *state;
    static const struct {
        struct packet p;
        uint8_t asc;
    } rows[] = {
        {{{0xff}}, 0x20},
        {{{0x28, 0, 0, 0, 0, CD_SECTORS - 1, 0, 0, 2}}, 0x21},
        {{{0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff}}, 0x21},
        {{{0xa8, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}}, 0x21},
        {{{0x5a, 0, 0x3e, 0, 0, 0, 0, 0, 8}}, 0x24},
        {{{0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 8}}, 0x39},
        {{{0x12, 1, 0, 0, 36}}, 0x24},
        {{{0x43, 0, 5}}, 0x24},
        {{{0x1b, 0, 0, 0, 2}}, 0x53},
    };
    const struct packet sense = {{3, 0, 0, 0, 18}};
    unsigned char out[18];

    hear_of_reset(r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        packet(r, &rows[i].p, 0, false);
        assert_int_equal(get(r->ch2, COMMAND) & (BSY | DRQ | ERR), ERR);
        packet(r, &sense, 18, false);
        pio_in(r->ch2, out, sizeof(out));
        assert_int_equal(out[2], 5);
        assert_int_equal(out[12], rows[i].asc);
    }
    r->cd->result = -EIO;
    packet(r, &(struct packet){{0x28, 0, 0, 0, 0, 0, 0, 0, 1}}, 2048, false);
    turns(r);
    assert_int_equal(get(r->ch2, FEATURE) >> 4, 3);
}

static void table_of_contents(void **state)
{
    struct rig *r = *state;
    const struct packet lba = {{0x43, 0, 0, 0, 0, 0, 0, 0, 20}};
    const struct packet msf = {{0x43, 2, 0, 0, 0, 0, 0xaa, 0, 12}};
    unsigned char out[20];

    hear_of_reset(r);
    packet(r, &lba, 20, false);
    pio_in(r->ch2, out, 20);
    assert_int_equal(out[1], 18);
    assert_int_equal(out[6], 1);
    assert_int_equal(out[14], 0xaa);
    assert_int_equal(out[18] << 8 | out[19], CD_SECTORS);
    assert_good(r);
    packet(r, &msf, 12, false);
    pio_in(r->ch2, out, 12);
    assert_int_equal(out[9], 0);
    assert_int_equal(out[10], (CD_SECTORS + 150) / 75);
    assert_int_equal(out[11], (CD_SECTORS + 150) % 75);
}

/* An answer is cut to what the host has room for; every other one is whole. */
static void allocation_length(void **state)
{
    struct rig *r = *state;
    static const unsigned char codes[] = {0x46, 0x4a, 0x51, 0x5a, 0xbd};
    unsigned char out[64];

    hear_of_reset(r);
    for (size_t i = 0; i < sizeof(codes); i++) {
        struct packet p = {{codes[i], 1, 0x3f, 0, 0x10, 0, 0, 0, 4, 4}};

        if (codes[i] == 0xbd)
            p.b[8] = 0;
        packet(r, &p, 64, false);
        assert_int_equal(get(r->ch2, LBA1), 4);
        pio_in(r->ch2, out, 4);
        assert_good(r);
        p.b[8] = 0;
        p.b[9] = 0;
        packet(r, &p, 64, false);
        assert_good(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(identifies_itself),
        TEST(a_reset_is_told_once),
        TEST(device_reset_waits_for_the_disk),
        TEST(inquiry_and_capacity),
        TEST(reads_in_blocks),
        TEST(reads_by_dma),
        TEST(what_is_wrong_is_sensed),
        TEST(table_of_contents),
        TEST(allocation_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
