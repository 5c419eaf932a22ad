/* SPDX-License-Identifier: MIT */
/*
 * hostile-e1000: a driver of a PC's 82540EM that means harm: rings and buffers
 * where there is no RAM, rings of no length and of odd ones, heads and tails
 * behind their ends, frames without an end, segmentation of nonsense, registers
 * at random; all while frames come in. After each row the card must send again.
 * Source: Intel 317453.
 */
#include "abi/pc.h"
#include "console.h"
#include "cpu.h"
#include "prompt.h"
#include "report.h"
#include "string.h"

#include <stddef.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define ID             0x100e8086u
#define SLOTS          32u

enum {
    CTRL = 0x0000,
    RCTL = 0x0100,
    TCTL = 0x0400,
    RDBAL = 0x2800,
    RDBAH = 0x2804,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDBAH = 0x3804,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
};

#define CTRL_RST 0x04000000u
#define RCTL_ON  0x0400801au /* everything that comes, no check sequence */
#define TCTL_ON  0x0au
#define EOP      0x01000000u
#define IFCS     0x02000000u
#define TSE      0x04000000u
#define RS       0x08000000u
#define EXT      0x20000000u
#define DATA     0x00100000u /* with EXT: else a context */
#define DONE     0x01u

#define RING       64u
#define FRAME      60u
#define PATIENCE   3000000u
#define A_WHILE    300u
#define ALL_RANDOM 3000u

struct desc {
    uint64_t addr;
    uint32_t a, b;
};

static struct desc tx[RING] __attribute__((aligned(128)));
static struct desc rx[RING] __attribute__((aligned(128)));
static uint8_t in[RING][2048], out[16384];
static uintptr_t nic;

/* Where no RAM is: its end, the display, ROM, registers, this card's too. */
static uint64_t nowhere[8];
#define NOWHERES 8u

static uint32_t get(unsigned reg)
{
    return mmio_read32(nic + reg);
}

static void put(unsigned reg, uint32_t value)
{
    mmio_write32(nic + reg, value);
}

static uint32_t low(const volatile void *p)
{
    return (uint32_t)(uintptr_t)p;
}

static void a_while(void)
{
    for (unsigned i = 0; i < A_WHILE; i++)
        (void)get(CTRL);
}

/* ---- finding it ---- */

static uint32_t config(unsigned slot, unsigned reg)
{
    outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | reg);
    return inl(CONFIG_DATA);
}

static void find(void)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if (config(slot, 0) != ID)
            continue;
        nic = config(slot, 0x10) & ~0xfu;
        config(slot, 4);
        outl(CONFIG_DATA, 7);
        return;
    }
    test_error("there is no 82540EM");
}

static uint32_t cmos(uint8_t at)
{
    outb(0x70, at);
    return inb(0x71);
}

static void find_nowhere(void)
{
    nowhere[0] = (16u << 20) + (cmos(0x35) << 24 | cmos(0x34) << 16);
    nowhere[1] = nowhere[0] - 128;
    nowhere[2] = 0xa0000;
    nowhere[3] = 0xfffff000;
    nowhere[4] = 0xfee00000;
    nowhere[5] = nic;
    nowhere[6] = nic + TDBAL;
    nowhere[7] = UINT64_MAX - 127;
}

/* ---- a driver that knows its trade ---- */

static void start(void)
{
    put(CTRL, CTRL_RST);
    memset(tx, 0, sizeof(tx));
    for (unsigned i = 0; i < RING; i++)
        rx[i] = (struct desc){.addr = low(in[i])};
    put(TDBAL, low(tx));
    put(TDLEN, sizeof(tx));
    put(TCTL, TCTL_ON);
    put(RDBAL, low(rx));
    put(RDLEN, sizeof(rx));
    put(RDT, RING - 1);
    put(RCTL, RCTL_ON);
}

static void check_send(void)
{
    const volatile struct desc *d = &tx[0];

    tx[0] = (struct desc){.addr = low(out), .a = FRAME | EOP | IFCS | RS};
    put(TDT, 1);
    for (unsigned i = 0; i < PATIENCE && !(d->b & DONE); i++)
        cpu_pause();
    CHECK_EQ("transmit status of a good frame", d->b & DONE, DONE);
    put(RCTL, 0);
    CHECK_EQ("RCTL", get(RCTL), 0);
}

/* ---- where there is no RAM ---- */

static void tx_ring_nowhere(void)
{
    for (unsigned i = 0; i < NOWHERES; i++) {
        put(TDBAL, (uint32_t)nowhere[i]);
        put(TDBAH, (uint32_t)(nowhere[i] >> 32));
        put(TDT, RING - 1);
        a_while();
        start();
    }
}

static void rx_ring_nowhere(void)
{
    for (unsigned i = 0; i < NOWHERES; i++) {
        put(RCTL, 0);
        put(RDBAL, (uint32_t)nowhere[i]);
        put(RDBAH, (uint32_t)(nowhere[i] >> 32));
        put(RCTL, RCTL_ON);
        put(RDT, RING - 1);
        a_while();
        start();
    }
}

static void buffers_nowhere(void)
{
    for (unsigned i = 0; i < NOWHERES; i++) {
        for (unsigned n = 0; n < RING; n++) {
            tx[n] = (struct desc){.addr = nowhere[i],
                                  .a = FRAME * n | EOP | IFCS | RS};
            rx[n] = (struct desc){.addr = nowhere[i]};
        }
        put(TDT, RING - 1);
        a_while();
        start();
    }
}

/* Frames fall on both rings, and frames are made of them. */
static void on_itself(void)
{
    for (unsigned n = 0; n < RING; n++) {
        tx[n] = (struct desc){.addr = low(tx) + 16 * n,
                              .a = 1000u | EOP | IFCS | RS};
        rx[n] = (struct desc){.addr = low(n % 2 ? tx : rx) + 8 * n};
    }
    put(TDT, RING - 1);
    a_while();
}

/* ---- rings ---- */

static void ring_lengths(void)
{
    static const uint32_t lengths[] = {0,       1,        16,        127,
                                       128,     129,      0xfff80,   0xfffff,
                                       1 << 20, 1u << 31, UINT32_MAX};

    for (unsigned i = 0; i < 4 * (sizeof(lengths) / 4); i++) {
        const uint32_t tail = i % 4 == 0   ? 0
                              : i % 4 == 1 ? 8
                              : i % 4 == 2 ? 0xffff
                                           : UINT32_MAX;

        put(TDLEN, lengths[i / 4]);
        put(RDLEN, lengths[i / 4]);
        put(TDH, tail / 2);
        put(RDH, tail / 2);
        put(TDT, tail);
        put(RDT, tail);
        put(TDT, tail + 1);
        put(RDT, tail + 1);
        a_while();
        start();
    }
}

/* No descriptor ends the frame, and the ring goes round. */
static void no_end(void)
{
    static const uint32_t lengths[] = {0, 1, 60, 4096, 16288, 65535};

    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (unsigned n = 0; n < RING; n++)
            tx[n] = (struct desc){.addr = low(out), .a = lengths[i] | RS};
        for (unsigned round = 0; round < 40; round++) {
            put(TDT, (round * 7 + RING - 1) % RING);
            put(TDT, round * 7 % RING);
        }
        a_while();
        start();
    }
}

/* ---- segmentation ---- */

/* A context: offsets, type and header length, segment and frame. */
static void context(unsigned n, uint32_t ip, uint32_t tcp, uint32_t payload,
                    uint32_t mss, uint32_t header)
{
    tx[n] = (struct desc){
        .addr = (uint64_t)tcp << 32 | ip,
        .a = payload | EXT | TSE | EOP | IFCS | RS,
        .b = mss << 16 | header << 8,
    };
}

static void segments(void)
{
    static const uint32_t sizes[] = {0, 1, 2, 54, 255, 1460, 0xffff};
    const unsigned n_sizes = sizeof(sizes) / sizeof(sizes[0]);

    for (unsigned i = 0; i < n_sizes * n_sizes; i++) {
        const uint32_t mss = sizes[i % n_sizes], header = sizes[i / n_sizes];

        context(0, 0x00ffffffu * (i % 3), 0xffffff00u >> i % 24, 0xfffff, mss,
                header & 0xff);
        for (unsigned n = 1; n < RING; n++)
            tx[n] = (struct desc){
                .addr = low(out),
                .a = (i + n) * 977 % 16384 | EXT | DATA | TSE | IFCS | RS |
                     (n % 16 == 15 ? EOP : 0),
                .b = 0x300,
            };
        put(TDT, RING - 1);
        a_while();
        start();
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8 ^ *seed << 16;
}

static void at_random(void)
{
    static const uint16_t places[] = {0x0000, 0x00c0, 0x0100, 0x0400,
                                      0x2800, 0x3800, 0x5000, 0x5200,
                                      0x5400, 0x5600, 0x5800};
    uint32_t seed = 5;

    for (unsigned i = 0; i < ALL_RANDOM; i++) {
        const uint32_t reg =
            places[next_random(&seed) % 11] + (next_random(&seed) % 32) * 4;

        /* Rings stay out of the guest itself. */
        if ((reg & ~0x1004u) == RDBAL)
            put(reg, (uint32_t)nowhere[i % NOWHERES]);
        else
            put(reg, next_random(&seed));
        (void)get(next_random(&seed) & 0x1fffc);
    }
}

static const struct {
    const char *what;
    void (*run)(void);
} rows[] = {
    {"a transmit ring where no RAM is", tx_ring_nowhere},
    {"a receive ring where no RAM is", rx_ring_nowhere},
    {"buffers where no RAM is", buffers_nowhere},
    {"frames on the rings themselves", on_itself},
    {"rings of any length", ring_lengths},
    {"frames without an end", no_end},
    {"segmentation of nonsense", segments},
    {"registers at random", at_random},
};

void test_main(void)
{
    find();
    find_nowhere();
    memset(out, 0xff, sizeof(out));
    printf("case 35: an 82540EM\n");
    start();
    check_send();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("  %s\n", rows[i].what);
        start();
        rows[i].run();
        start();
        check_send();
    }
    put(CTRL, CTRL_RST);
    /* What the BIOS has left on is not for the vectors here. */
    outb(PC_PIC_MASTER + 1, 0xff);
    outb(PC_PIC_SLAVE + 1, 0xff);
    printf("QUIET\n");
    prompt_wait();
}
