// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_ahci.c: the AHCI controller, its ports and commands without a queue,
 * by AHCI 1.3 and Serial ATA 2.6.
 */
#include "ahci_rig.h"

#include <linux/pci_regs.h>

static void test_what_it_says_of_itself(void **state)
{
    struct rig *r = *state;
    const struct pci_func *f = ahci_func(r->hba);

    assert_int_equal(f->config[9] | f->config[10] << 8 | f->config[11] << 16,
                     0x010601);
    assert_int_equal(get(r, 0) & 0x1f, 5);       /* ports */
    assert_int_equal(get(r, 0) >> 8 & 0x1f, 31); /* slots */
    assert_int_equal(get(r, 0) >> 30, 3);        /* queues, 64 bits */
    assert_int_equal(get(r, GHC), 0x80000000u);
    assert_int_equal(get(r, PI), 0x3f);
    assert_int_equal(get(r, VS), 0x00010300);
    assert_int_equal(pget(r, 0, SIG), 0x00000101);
    assert_int_equal(pget(r, 1, SIG), 0xeb140101u);
    assert_int_equal(pget(r, 0, SSTS), 0x123);
    assert_int_equal(pget(r, 0, TFD), 0x150);
    /* Nothing is connected to the others. */
    assert_int_equal(pget(r, 2, SSTS), 0);
    assert_int_equal(pget(r, 2, TFD), 0x7f);
    assert_int_equal(pget(r, 2, SIG), 0xffffffffu);
    pput(r, 2, CMD, PCMD_ST | PCMD_FRE);
    pput(r, 2, CI, 1);
    assert_int_equal(pget(r, 2, CI), 1);
    pput(r, 2, CMD, 0);
    assert_int_equal(pget(r, 2, CI), 0);
}

/* 10.4.2: the link comes back with DIAG.X, and says who is there. */
static void test_comreset(void **state)
{
    struct rig *r = *state;
    uint8_t fis[20];

    pput(r, 0, FB, FRAMES(0));
    pput(r, 0, CMD, PCMD_FRE);
    assert_int_equal(pget(r, 0, CMD) & 0xc010, 0x4010);
    pput(r, 0, SERR, UINT32_MAX);
    assert_int_equal(pget(r, 0, PIS) & PIS_PCS, 0);
    pput(r, 0, SCTL, 0x301);
    assert_int_equal(pget(r, 0, SSTS), 0);
    assert_int_equal(pget(r, 0, TFD), 0x80);
    memset(fis, 0, sizeof(fis));
    poke(r, FRAMES(0) + 0x40, fis, sizeof(fis));
    pput(r, 0, SCTL, 0x300);
    assert_int_equal(pget(r, 0, SSTS), 0x123);
    assert_true(pget(r, 0, SERR) & SERR_DIAG_X);
    assert_true(pget(r, 0, PIS) & PIS_PCS);
    peek(r, FRAMES(0) + 0x40, fis, sizeof(fis));
    assert_int_equal(fis[0], 0x34);
    assert_int_equal(fis[2], 0x50);
    assert_int_equal(fis[4], 1);
    assert_int_equal(fis[12], 1);
    pput(r, 0, SERR, UINT32_MAX);
    assert_int_equal(pget(r, 0, PIS) & PIS_PCS, 0);
}

/* 10.7.2: a port's bit stands as long as the port has something to say. */
static void test_interrupts(void **state)
{
    struct rig *r = *state;

    start(r);
    issue(r, &(struct issue){.command = 0xe5});
    assert_int_equal(pget(r, 0, PIS), PIS_DHRS);
    assert_int_equal(get(r, IS), 1);
    assert_true(pin(r));
    put(r, IS, 1);
    assert_int_equal(get(r, IS), 1);
    pput(r, 0, PIS, PIS_DHRS);
    assert_true(pin(r));
    put(r, IS, 1);
    assert_int_equal(get(r, IS), 0);
    assert_false(pin(r));
    /* Masked at the port, and as a whole. */
    pput(r, 0, PIE, 0);
    issue(r, &(struct issue){.command = 0xe5});
    assert_false(pin(r));
    put(r, GHC, 0x80000000u);
    pput(r, 0, PIE, PIS_DHRS);
    assert_int_equal(get(r, IS), 1);
    assert_false(pin(r));
    put(r, GHC, 0x80000002u);
    assert_true(pin(r));
}

/* The capability of the function, by its id. */
static unsigned find_cap(const struct pci_func *f, uint8_t id)
{
    unsigned at = f->config[PCI_CAPABILITY_LIST];

    while (at && f->config[at] != id)
        at = f->config[at + 1];
    assert_int_not_equal(at, 0);
    return at;
}

static void enable_msi(struct rig *r, bool on)
{
    struct pci_func *f = ahci_func(r->hba);
    const unsigned at = find_cap(f, PCI_CAP_ID_MSI);
    const uint64_t addr = 0xfee01003;
    const uint16_t data = 0x4041, control = on ? 0x71 : 0;
    uint16_t said;

    pci_func_write(f, at + PCI_MSI_ADDRESS_LO, &addr, 4);
    pci_func_write(f, at + PCI_MSI_ADDRESS_HI, (const char *)&addr + 4, 4);
    pci_func_write(f, at + PCI_MSI_DATA_64, &data, 2);
    pci_func_write(f, at + PCI_MSI_FLAGS, &control, 2);
    /* 64-bit addresses, one message, and no more can be enabled. */
    pci_func_read(f, at + PCI_MSI_FLAGS, &said, 2);
    assert_int_equal(said, on ? 0x81 : 0x80);
}

/* 10.6.2: one for each bit of IS that appears, and none for what stands. */
static void test_messages(void **state)
{
    struct rig *r = *state;

    start(r);
    enable_msi(r, true);
    issue(r, &(struct issue){.command = 0xe5});
    assert_int_equal(r->messages, 1);
    assert_true(r->to == 0xfee01000);
    assert_int_equal(r->what, 0x4041);
    issue(r, &(struct issue){.command = 0xe5});
    assert_int_equal(r->messages, 1);
    /* Another port's, */
    issue(r, &(struct issue){.port = 1, .command = 0xa1, .bytes = 512});
    assert_int_equal(get(r, IS), 3);
    assert_int_equal(r->messages, 2);
    /* and one that was cleared while its port has more to say. */
    put(r, IS, 1);
    assert_int_equal(get(r, IS), 3);
    assert_int_equal(r->messages, 3);
    pput(r, 0, PIS, UINT32_MAX);
    put(r, IS, 1);
    assert_int_equal(get(r, IS), 2);
    assert_int_equal(r->messages, 3);
    /* As a whole off and on again. */
    put(r, GHC, 0x80000000u);
    put(r, GHC, 0x80000002u);
    assert_int_equal(r->messages, 4);
    assert_true(pin(r)); /* the function keeps it to itself */
    assert_false(ahci_func(r->hba)->line_up);
    /* Disabled, it is the pin again. */
    enable_msi(r, false);
    issue(r, &(struct issue){.command = 0xe5});
    assert_int_equal(get(r, IS), 3);
    assert_int_equal(r->messages, 4);
}

/* By PIO: the frame has the status before and after, and the count. */
static void test_identify(void **state)
{
    struct rig *r = *state;
    uint8_t id[512], fis[20], sum = 0;

    start(r);
    issue(r, &(struct issue){.command = 0xec, .slot = 3, .bytes = 512});
    assert_int_equal(pget(r, 0, PIS), PIS_PSS);
    assert_int_equal(pget(r, 0, CI), 0);
    assert_int_equal(pget(r, 0, TFD), 0x50);
    peek(r, FRAMES(0) + 0x20, fis, sizeof(fis));
    assert_int_equal(fis[0], 0x5f);
    assert_int_equal(fis[1], 0x60);
    assert_int_equal(fis[2], 0x58);
    assert_int_equal(fis[15], 0x50);
    assert_int_equal(fis[16] | fis[17] << 8, 512);
    assert_int_equal(moved(r, 0, 3), 512);
    peek(r, BUF(3), id, sizeof(id));
    for (unsigned i = 0; i < 512; i++)
        sum = (uint8_t)(sum + id[i]);
    assert_int_equal(sum, 0);
    assert_int_equal(id[150], 31); /* queue depth */
    assert_int_equal(id[152] | id[153] << 8, 0x106);
    assert_int_equal(id[120] | id[121] << 8, DISK_BYTES / 512);
    assert_int_equal(id[187], 0); /* no cable */
    /* A CD-ROM says no, and what it is. */
    issue(r, &(struct issue){.port = 1, .command = 0xec, .bytes = 512});
    assert_int_equal(pget(r, 1, TFD), 0x451);
    assert_int_equal(pget(r, 1, PIS), PIS_DHRS | PIS_TFES);
    assert_int_equal(ram_at(r, FRAMES(1) + 0x45), 0x14);
    assert_int_equal(ram_at(r, FRAMES(1) + 0x46), 0xeb);
}

static void test_read_by_dma(void **state)
{
    struct rig *r = *state;

    start(r);
    /* 48 bits, and 28. */
    issue(r, &(struct issue){
                 .command = 0x25, .lba = 7, .count = 3, .bytes = 1536});
    assert_int_equal(pget(r, 0, PIS), PIS_DHRS);
    assert_int_equal(moved(r, 0, 0), 1536);
    for (unsigned i = 0; i < 1536; i++)
        assert_int_equal(ram_at(r, BUF(0) + i), 7 + i / 512);
    issue(r,
          &(struct issue){
              .slot = 1, .command = 0xc8, .lba = 9, .count = 1, .bytes = 512});
    assert_int_equal(ram_at(r, BUF(1) + 511), 9);
    /* PIO of several blocks is one transfer here. */
    issue(r,
          &(struct issue){
              .slot = 2, .command = 0x20, .lba = 4, .count = 2, .bytes = 1024});
    assert_int_equal(ram_at(r, BUF(2) + 1023), 5);
    assert_int_equal(pget(r, 0, PIS), PIS_DHRS | PIS_PSS);
}

static void test_write_over_many_regions(void **state)
{
    struct rig *r = *state;
    uint8_t data[2048];

    start(r);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 3 + i / 256);
    poke(r, BUF(0), data, sizeof(data));
    prd(r, 0, 0, BUF(0), 100);
    prd(r, 0, 1, BUF(0) + 100, 2);
    prd(r, 0, 2, BUF(0) + 102, 1946);
    issue(
        r,
        &(struct issue){
            .command = 0x35, .lba = 20, .count = 4, .write = true, .prds = 3});
    assert_int_equal(pget(r, 0, TFD), 0x50);
    assert_memory_equal(r->disk->data + 20 * 512, data, sizeof(data));
    issue(r, &(struct issue){.command = 0xea});
    assert_int_equal(r->disk->submitted[BLK_FLUSH], 1);
}

/* More regions than one request has room for. */
static void test_a_long_table(void **state)
{
    struct rig *r = *state;
    const unsigned n = 3 * AHCI_IOV;

    start(r);
    for (unsigned i = 0; i < n; i++)
        prd(r, 0, i, BUF(0) + 64 * (n - 1 - i), 64);
    issue(r, &(struct issue){.command = 0x25, .count = n / 8, .prds = n});
    assert_int_equal(pget(r, 0, TFD), 0x50);
    assert_int_equal(moved(r, 0, 0), 64 * n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(ram_at(r, BUF(0) + 64 * (n - 1 - i)), i / 8);
    assert_true(r->disk->submitted[BLK_READ] >= 3);
}

/* Several slots: one after the other, each with its answer. */
static void test_commands_wait_for_each_other(void **state)
{
    struct rig *r = *state;

    start(r);
    r->disk->manual = true;
    for (unsigned s = 0; s < 4; s++)
        place(r, &(struct issue){.slot = s,
                                 .command = 0x25,
                                 .lba = 10 + s,
                                 .count = 1,
                                 .bytes = 512});
    pput(r, 0, CI, 0xf);
    assert_int_equal(r->disk->in_flight, 1);
    assert_int_equal(pget(r, 0, TFD) & 0x80, 0x80);
    fake_end(r->disk, 0);
    turns(r);
    assert_int_equal(pget(r, 0, CI), 0xe);
    assert_int_equal(pget(r, 0, CMD) >> 8 & 31, 1);
    r->disk->manual = false;
    fake_end(r->disk, 0);
    turns(r);
    assert_int_equal(pget(r, 0, CI), 0);
    for (unsigned s = 0; s < 4; s++)
        assert_int_equal(ram_at(r, BUF(s)), 10 + s);
}

/* 6.2.2: the port stops at the command that failed. */
static void test_errors_halt_the_port(void **state)
{
    struct rig *r = *state;

    start(r);
    place(r, &(struct issue){.slot = 5, .command = 0xe5});
    place(r, &(struct issue){
                 .slot = 4, .command = 0x25, .lba = 1u << 20, .count = 1});
    pput(r, 0, CI, 0x30);
    turns(r);
    assert_int_equal(pget(r, 0, PIS), PIS_TFES | PIS_DHRS);
    assert_int_equal(pget(r, 0, TFD), 0x1051); /* IDNF */
    assert_int_equal(pget(r, 0, CI), 0x30);
    assert_int_equal(pget(r, 0, CMD) >> 8 & 31, 4);
    /* Stop and start: it works. */
    pput(r, 0, CMD, PCMD_FRE);
    assert_int_equal(pget(r, 0, CI), 0);
    assert_int_equal(pget(r, 0, CMD) & PCMD_CR, 0);
    pput(r, 0, PIS, UINT32_MAX);
    pput(r, 0, CMD, PCMD_FRE | PCMD_ST);
    issue(r, &(struct issue){.command = 0xe5});
    assert_int_equal(pget(r, 0, PIS), PIS_DHRS);
    /* What the disk cannot read; and what is no command. */
    r->disk->result = -EIO;
    issue(r, &(struct issue){
                 .command = 0x25, .lba = 33, .count = 1, .bytes = 512});
    assert_int_equal(pget(r, 0, TFD), 0x4051);
    assert_int_equal(ram_at(r, FRAMES(0) + 0x44), 33);
    r->disk->result = 0;
    pput(r, 0, CMD, PCMD_FRE);
    pput(r, 0, CMD, PCMD_FRE | PCMD_ST);
    issue(r, &(struct issue){.command = 0xfe});
    assert_int_equal(pget(r, 0, TFD), 0x451);
}

static void test_an_error_of_a_stopped_port(void **state)
{
    struct rig *r = *state;

    start(r);
    /* The first frame after a reset of the link has nowhere to go. */
    pput(r, 0, CMD, PCMD_FRE);
    pput(r, 0, FB, RAM);
    pput(r, 0, SCTL, 1);
    pput(r, 0, SCTL, 0);
    assert_int_equal(pget(r, 0, PIS) & PIS_HBFS, PIS_HBFS);
    pput(r, 0, PIS, UINT32_MAX);
    pput(r, 0, FB, FRAMES(0));
    pput(r, 0, CMD, PCMD_FRE | PCMD_ST);
    issue(r, &(struct issue){.command = 0xe5});
    assert_int_equal(pget(r, 0, CI), 0);
    assert_int_equal(pget(r, 0, PIS) & (PIS_DHRS | PIS_HBFS), PIS_DHRS);
}

static void test_software_reset(void **state)
{
    struct rig *r = *state;
    uint8_t fis[20] = {0x27, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4};
    const uint32_t header[4] = {5, 0, TABLE(0), 0};

    start(r);
    poke(r, TABLE(0), fis, sizeof(fis));
    poke(r, LIST(0), header, sizeof(header));
    pput(r, 0, CI, 1);
    assert_int_equal(pget(r, 0, CI), 0);
    assert_int_equal(pget(r, 0, TFD) & 0x80, 0x80);
    /* Held, it hears nothing else. */
    place(r, &(struct issue){.slot = 7, .command = 0xe5});
    pput(r, 0, CI, 0x80);
    assert_int_equal(pget(r, 0, CI), 0x80);
    fis[15] = 0;
    poke(r, TABLE(0), fis, sizeof(fis));
    pput(r, 0, CI, 1);
    assert_int_equal(pget(r, 0, TFD), 0x50);
    assert_int_equal(pget(r, 0, CI), 0);
}

/* ST cleared while the disk works: CR stays until it has ended. */
static void test_stop_waits_for_the_disk(void **state)
{
    struct rig *r = *state;

    start(r);
    r->disk->manual = true;
    issue(r, &(struct issue){.command = 0x25, .count = 1, .bytes = 512});
    assert_int_equal(r->disk->in_flight, 1);
    pput(r, 0, CMD, PCMD_FRE);
    assert_true(pget(r, 0, CMD) & PCMD_CR);
    pput(r, 0, CMD, PCMD_FRE | PCMD_ST); /* not heard */
    turns(r);
    assert_int_equal(r->disk->in_flight, 0);
    assert_int_equal(pget(r, 0, CMD) & (PCMD_CR | PCMD_ST), 0);
    assert_int_equal(pget(r, 0, PIS), 0);
    /* The same by COMRESET, and by a reset of all. */
    pput(r, 0, CMD, PCMD_FRE | PCMD_ST);
    issue(r, &(struct issue){.command = 0x25, .count = 1, .bytes = 512});
    pput(r, 0, SCTL, 1);
    pput(r, 0, SCTL, 0);
    assert_int_equal(pget(r, 0, SSTS), 0);
    turns(r);
    assert_int_equal(pget(r, 0, SSTS), 0x123);
    issue(r, &(struct issue){.command = 0x25, .count = 1, .bytes = 512});
    assert_int_equal(r->disk->in_flight, 1);
    put(r, GHC, 0x80000001u);
    assert_int_equal(get(r, GHC), 0x80000001u);
    turns(r);
    assert_int_equal(get(r, GHC), 0x80000000u);
    assert_int_equal(pget(r, 0, CLB), 0);
    assert_int_equal(pget(r, 0, SSTS), 0x123);
    assert_int_equal(r->disk->in_flight, 0);
    assert_false(pin(r));
}

/* ---- the CD-ROM ---- */

static void packet(struct rig *r, const uint8_t *p, uint32_t bytes, bool dma)
{
    issue(r, &(struct issue){.port = 1,
                             .command = 0xa0,
                             .feature = dma,
                             .packet = p,
                             .bytes = bytes});
}

static void test_packets(void **state)
{
    struct rig *r = *state;
    static const uint8_t ready[12] = {0}, sense[12] = {3, 0, 0, 0, 18};
    static const uint8_t capacity[12] = {0x25};
    static const uint8_t read[12] = {0x28, 0, 0, 0, 0, 5, 0, 0, 2};
    static const uint8_t beyond[12] = {0x28, 0, 0xff};

    start(r);
    packet(r, ready, 0, false); /* a reset is told first */
    assert_int_equal(pget(r, 1, TFD), 0x6451);
    assert_true(pget(r, 1, PIS) & PIS_TFES);
    pput(r, 1, CMD, PCMD_FRE);
    pput(r, 1, PIS, UINT32_MAX);
    pput(r, 1, CMD, PCMD_FRE | PCMD_ST);
    packet(r, sense, 18, false);
    assert_int_equal(ram_at(r, BUF(0) + 12), 0x29);
    assert_int_equal(pget(r, 1, PIS), PIS_DHRS);
    packet(r, capacity, 8, true);
    assert_int_equal(ram_at(r, BUF(0) + 3), DISK_BYTES / 2048 - 1);
    packet(r, read, 4096, true);
    assert_int_equal(moved(r, 1, 0), 4096);
    assert_int_equal(ram_at(r, BUF(0)), 5 ^ 0x80);
    assert_int_equal(ram_at(r, BUF(0) + 4095), 6 ^ 0x80);
    assert_int_equal(ram_at(r, FRAMES(1) + 0x4c), 3); /* command end */
    packet(r, beyond, 2048, true);
    assert_int_equal(pget(r, 1, TFD), 0x5451);
}

static void test_an_unreadable_disc(void **state)
{
    struct rig *r = *state;
    static const uint8_t inquiry[12] = {0x12, 0, 0, 0, 36};
    static const uint8_t ready[12] = {0};
    static const uint8_t read[12] = {0x28, 0, 0, 0, 0, 5, 0, 0, 2};

    start(r);
    packet(r, inquiry, 36, false);
    assert_int_equal(ram_at(r, BUF(0)), 5);
    packet(r, ready, 0, false);
    pput(r, 1, CMD, PCMD_FRE);
    pput(r, 1, CMD, PCMD_FRE | PCMD_ST);
    r->cd->result = -EIO;
    packet(r, read, 4096, true);
    assert_int_equal(pget(r, 1, TFD), 0x3051);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_it_says_of_itself),
        TEST(test_comreset),
        TEST(test_interrupts),
        TEST(test_messages),
        TEST(test_identify),
        TEST(test_read_by_dma),
        TEST(test_write_over_many_regions),
        TEST(test_a_long_table),
        TEST(test_commands_wait_for_each_other),
        TEST(test_errors_halt_the_port),
        TEST(test_an_error_of_a_stopped_port),
        TEST(test_software_reset),
        TEST(test_stop_waits_for_the_disk),
        TEST(test_packets),
        TEST(test_an_unreadable_disc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
