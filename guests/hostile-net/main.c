/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile-net: a network driver that sends nonsense. Numbers are those of
 * the hostile cases: packets to send (29), receive buffers (30), the control
 * queue (31). Afterwards the device sends, answers commands and has its link
 * as before, and a disk beside it works. The command line says which case:
 * case=N. Source: virtio 1.2, 5.1.6.
 */
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "nic.h"
#include "prompt.h"
#include "report.h"
#include "start_info.h"
#include "string.h"

#include <stddef.h>

#define CLASS_RX   0u
#define CLASS_MAC  1u
#define CLASS_VLAN 2u
#define CLASS_MQ   4u
#define NO_ANSWER  0xffu

static struct nic nic;
static struct disk disk;
static uint8_t large[128 * 1024];

static uint32_t next_random(void)
{
    static uint32_t value = 0x87654321;

    value = value * 1664525u + 1013904223u;
    return value >> 4;
}

/* One buffer to send; it must come back, or the device asks for a reset. */
static void send(const void *data, uint32_t len, bool writable)
{
    const struct vq_buf buf = VQ_BUF(data, len);
    uint32_t written;
    uint16_t head;

    if (vq_add(&nic.tx, &buf, !writable, writable) < 0)
        test_error("no room in the queue");
    vq_kick(&nic.tx);
    if (clock_wait(vq_has(&nic.tx) ||
                       (virtio_status(&nic.dev) & VIRTIO_NEEDS_RESET),
                   NIC_PATIENCE)) {
        if (!vq_get(&nic.tx, &head, &written))
            nic_again(&nic);
        return;
    }
    test_fail("a packet of %u bytes: expected it back, seen nothing", len);
    nic_again(&nic);
}

/* ---- 29: packets to send ---- */

static void short_packets(void)
{
    for (uint32_t len = 0; len < 64; len++)
        send(large, len, false);
}

static void long_packets(void)
{
    static const uint32_t sizes[] = {1527,  9000,  65535,  65536,
                                     65549, 65550, 100000, sizeof(large)};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        send(large, sizes[i], false);
}

static void writable_packets(void)
{
    static const uint32_t sizes[] = {1, 12, 60, 1526};

    memset(large, 0x5a, 2048);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        send(large, sizes[i], true);
    CHECK_EQ("bytes that nobody writes", bytes_are(large, 0x5a, 2048), 1);
}

/* Headers of nonsense before a good frame. */
static void headers(void)
{
    struct packet *p = (struct packet *)(void *)large;

    for (unsigned i = 0; i < 400; i++) {
        nic_frame(&nic, i, 600);
        memcpy(p, &nic.out, sizeof(nic.out));
        p->header.flags = (uint8_t)(i % 4 ? 1 : next_random());
        p->header.gso_type = (uint8_t)(i % 3 ? i % 6 : next_random());
        p->header.hdr_len = (uint16_t)next_random();
        p->header.gso_size = (uint16_t)(i % 5 ? next_random() : 0);
        p->header.csum_start =
            (uint16_t)(next_random() % (i % 2 ? 700 : 65536));
        p->header.csum_offset = (uint16_t)next_random();
        p->header.num_buffers = (uint16_t)next_random();
        send(large, sizeof(p->header) + (i % 7 ? 600 : i % 64), false);
    }
}

/* A packet in as many pieces as the queue has entries. */
static void pieces(void)
{
    struct vq_buf bufs[VQ_MAX];
    const unsigned n = nic.tx.size;
    uint32_t written;
    uint16_t head;

    for (unsigned i = 0; i < n; i++)
        bufs[i] = VQ_BUF(large + i, i % 2);
    CHECK_EQ("room", vq_add(&nic.tx, bufs, n, 0) >= 0 ? 1u : 0u, 1);
    vq_kick(&nic.tx);
    CHECK_EQ("answer", vq_wait(&nic.tx, NIC_PATIENCE), 1);
    (void)vq_get(&nic.tx, &head, &written);
}

/* ---- 30: receive buffers ---- */

/* Post buffers of this size; the harness' host may send at any time. */
static void odd_buffers(uint32_t len, bool writable)
{
    const struct vq_buf buf = VQ_BUF(large, len);

    CHECK_EQ("features taken", virtio_begin(&nic.dev, NIC_FEATURES), 1);
    vq_open(&nic.rx, &nic.dev, 0, 0);
    vq_open(&nic.tx, &nic.dev, 1, 0);
    vq_open(&nic.ctrl, &nic.dev, 2, 0);
    for (unsigned i = 0; i < 16; i++)
        (void)vq_add(&nic.rx, &buf, !writable, writable);
    virtio_go(&nic.dev);
    vq_kick(&nic.rx);
    clock_delay(30 * CLOCK_MS);
}

static void receive_buffers(void)
{
    static const uint32_t sizes[] = {0, 1, 11, 12, 13, 60, 1525};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        odd_buffers(sizes[i], true);
        odd_buffers(sizes[i], false);
    }
}

/* ---- 31: the control queue ---- */

static void unknown_commands(void)
{
    for (unsigned class = 0; class < 256; class += 3)
        for (unsigned command = 3; command < 256; command += 50)
            CHECK_NE("a command nobody knows",
                     nic_command(&nic, (uint8_t)(class + 6), (uint8_t)command,
                                 large, 4),
                     0);
    CHECK_NE("an unknown receive mode",
             nic_command(&nic, CLASS_RX, 77, large, 1), 0);
}

static void command_lengths(void)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 5, 7, 64, 4096};

    memset(large, 0, 4096);
    for (uint8_t class = 0; class < 6; class ++)
        for (uint8_t command = 0; command < 6; command++)
            for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                CHECK_NE("an answer",
                         nic_command(&nic, class, command, large, sizes[i]),
                         NO_ANSWER);
}

/* Tables whose counts say more than there is, up to 2^32 - 1. */
static void mac_tables(void)
{
    static const uint32_t counts[] = {1,          2,          1000,
                                      0x2aaaaaab, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        memset(large, 0, 64);
        memcpy(large, &counts[i], 4);
        CHECK_NE("a table that is cut off",
                 nic_command(&nic, CLASS_MAC, 0, large, 8), 0);
    }
}

static void queue_pairs(void)
{
    static const uint16_t pairs[] = {0, 2, 9, 0x8000, 0x8001, 0xffff};

    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        CHECK_NE("pairs of queues",
                 nic_command(&nic, CLASS_MQ, 0, &pairs[i], 2), 0);
}

static void vlans(void)
{
    static const uint16_t ids[] = {4096, 0x7fff, 0xffff};

    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        CHECK_NE("a VLAN there cannot be",
                 nic_command(&nic, CLASS_VLAN, 0, &ids[i], 2), 0);
}

/* The answer has no place, or one that is not to be written. */
static void no_answer(void)
{
    static uint8_t words[3] = {CLASS_RX, 0, 1};
    const struct vq_buf all = VQ_BUF(words, 3);
    const struct vq_buf none = VQ_BUF(words, 0);

    (void)vq_add(&nic.ctrl, &all, 1, 0);
    vq_kick(&nic.ctrl);
    clock_delay(10 * CLOCK_MS);
    nic_again(&nic);
    (void)vq_add(&nic.ctrl, &none, 0, 1);
    vq_kick(&nic.ctrl);
    clock_delay(10 * CLOCK_MS);
    CHECK_EQ("the command, not written over", words[2], 1);
}

/* ---- running ---- */

static const struct row {
    unsigned number;
    const char *what;
    void (*run)(void);
} rows[] = {
    {29, "short packets", short_packets},
    {29, "long packets", long_packets},
    {29, "packets to be written", writable_packets},
    {29, "headers of nonsense", headers},
    {29, "a packet in pieces", pieces},
    {30, "receive buffers", receive_buffers},
    {31, "commands nobody knows", unknown_commands},
    {31, "commands of any length", command_lengths},
    {31, "address tables", mac_tables},
    {31, "pairs of queues", queue_pairs},
    {31, "VLANs", vlans},
    {31, "no room for an answer", no_answer},
};

static void check_all_well(void)
{
    const uint8_t on = 1;

    nic_again(&nic);
    for (uint32_t i = 0; i < 4; i++) {
        nic_frame(&nic, i, 100);
        CHECK_EQ("a good frame comes back", nic_send(&nic, 100), 1);
    }
    CHECK_EQ("a good command", nic_command(&nic, CLASS_RX, 0, &on, 1), 0);
    CHECK_EQ("device status", virtio_status(&nic.dev), 15);
    CHECK_EQ("link", nic_link_up(&nic), 1);
    disk_check(&disk, 0, 8, 0);
}

void test_main(void)
{
    uint64_t number = 0;
    unsigned ran = 0;

    (void)start_info_option("case", &number);
    disk_open(&disk, 0, DISK_FEATURES);
    nic_open(&nic, NIC_FEATURES);
    check_all_well();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].number != number)
            continue;
        printf("case %u: %s\n", rows[i].number, rows[i].what);
        rows[i].run();
        check_all_well();
        ran++;
    }
    if (!ran)
        test_error("the command line has no case=N of this guest");
    printf("QUIET\n");
    prompt_wait();
}
