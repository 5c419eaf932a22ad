/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc-nic: a PC's 82540EM, driven without interrupts: EEPROM, PHY and
 * negotiation, then frames that the harness sends back, over both rings many
 * times around, in one buffer and in several. Source: Intel 317453.
 *
 * A frame is a broadcast of type 88b5: a number, and behind it nothing but the
 * number's low byte (tests/guest/netns.py).
 */
#include "console.h"
#include "cpu.h"
#include "report.h"

#include <stddef.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define ID             0x100e8086u
#define SLOTS          32u

enum {
    CTRL = 0x0000,
    STATUS = 0x0008,
    EERD = 0x0014,
    MDIC = 0x0020,
    ICR = 0x00c0,
    IMS = 0x00d0,
    RCTL = 0x0100,
    TCTL = 0x0400,
    RDBAL = 0x2800,
    RDLEN = 0x2808,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDLEN = 0x3808,
    TDT = 0x3818,
    GPRC = 0x4074,
    GPTC = 0x4080,
    RAL = 0x5400,
    RAH = 0x5404,
};

#define CTRL_RST   0x04000000u
#define STATUS_LU  0x02u
#define EERD_START 0x01u
#define EERD_DONE  0x10u
#define MDIC_READ  0x08200000u /* of PHY 1 */
#define MDIC_WRITE 0x04200000u
#define MDIC_READY 0x10000000u
#define ICR_TXDW   0x01u
#define ICR_LSC    0x04u
#define ICR_RXT0   0x80u
#define EOP_IFCS   0x03000000u
#define RS         0x08000000u
#define DONE       0x01u
#define EOP        0x02u

#define RING     8u
#define FRAMES   50u
#define HEADER   14u
#define LONGEST  1514u
#define BUFFER   2048u
#define PATIENCE 3000000u

struct desc {
    uint64_t addr;
    uint32_t a, b; /* transmit: command, status; receive: length, status */
};

static struct desc tx[RING] __attribute__((aligned(128)));
static struct desc rx[RING] __attribute__((aligned(128)));
static uint8_t in[RING][BUFFER], out[LONGEST];
static uintptr_t nic;
static unsigned tx_at, rx_at;

static uint32_t get(unsigned reg)
{
    return mmio_read32(nic + reg);
}

static void put(unsigned reg, uint32_t value)
{
    mmio_write32(nic + reg, value);
}

static void wait_for(unsigned reg, uint32_t bit)
{
    for (unsigned i = 0; i < PATIENCE; i++)
        if (get(reg) & bit)
            return;
    test_error("register %04x has no %08x", reg, bit);
}

/* ---- configuration space, as a BIOS left it ---- */

static uint32_t config(unsigned slot, unsigned reg)
{
    outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | reg);
    return inl(CONFIG_DATA);
}

static unsigned find(void)
{
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (config(slot, 0) == ID)
            return slot;
    test_error("there is no 82540EM");
}

static void open_card(void)
{
    const unsigned slot = find();

    CHECK_EQ("class", config(slot, 8) >> 8, 0x020000);
    CHECK_EQ("interrupt pin", config(slot, 0x3c) >> 8 & 0xff, 1);
    nic = config(slot, 0x10) & ~0xfu;
    config(slot, 4);
    outl(CONFIG_DATA, 7); /* ports, memory, bus master */
    put(CTRL, CTRL_RST);
    CHECK_EQ("CTRL.RST", get(CTRL) & CTRL_RST, 0);
}

/* ---- EEPROM and PHY ---- */

static uint16_t word(unsigned at)
{
    put(EERD, at << 8 | EERD_START);
    wait_for(EERD, EERD_DONE);
    return (uint16_t)(get(EERD) >> 16);
}

static void check_eeprom(void)
{
    uint16_t sum = 0;

    for (unsigned i = 0; i < 64; i++)
        sum = (uint16_t)(sum + word(i));
    CHECK_EQ("EEPROM's sum", sum, 0xbaba);
    CHECK_EQ("RAL", get(RAL), word(0) | (uint32_t)word(1) << 16);
    CHECK_EQ("RAH", get(RAH), word(2) | 0x80000000u);
}

static uint16_t phy(unsigned at)
{
    put(MDIC, MDIC_READ | at << 16);
    wait_for(MDIC, MDIC_READY);
    return (uint16_t)get(MDIC);
}

static void check_phy(void)
{
    CHECK_EQ("PHY id", phy(2), 0x0141);
    CHECK_EQ("PHY id", phy(3), 0x0c20);
    put(IMS, ICR_LSC);
    put(MDIC, MDIC_WRITE | 0x1340); /* negotiate anew */
    CHECK_EQ("link while negotiating", get(STATUS) & STATUS_LU, 0);
    CHECK_EQ("ICR.LSC", get(ICR) & ICR_LSC, ICR_LSC);
    wait_for(STATUS, STATUS_LU);
    CHECK_EQ("ICR.LSC", get(ICR) & ICR_LSC, ICR_LSC);
    CHECK_EQ("PHY status", phy(17) & 0xec00, 0xac00);
}

/* ---- frames ---- */

static uint32_t low(const void *p)
{
    return (uint32_t)(uintptr_t)p;
}

static void start(void)
{
    for (unsigned i = 0; i < RING; i++)
        rx[i] = (struct desc){.addr = low(in[i])};
    put(TDBAL, low(tx));
    put(TDLEN, sizeof(tx));
    put(TCTL, 0x0a);
    put(RDBAL, low(rx));
    put(RDLEN, sizeof(rx));
    put(RDT, RING - 1);
    put(RCTL, 0x04008002u); /* on, broadcasts, no check sequence */
}

static void make(uint32_t number, unsigned len)
{
    static const uint8_t type[2] = {0x88, 0xb5};

    for (unsigned i = 0; i < 6; i++) {
        out[i] = 0xff;
        out[6 + i] = (uint8_t)(get(i < 4 ? RAL : RAH) >> 8 * (i % 4));
    }
    out[12] = type[0];
    out[13] = type[1];
    for (unsigned i = 0; i < 4; i++)
        out[HEADER + i] = (uint8_t)(number >> 8 * i);
    for (unsigned i = HEADER + 4; i < len; i++)
        out[i] = (uint8_t)number;
}

static void put_tx(unsigned from, unsigned n, uint32_t command)
{
    tx[tx_at] = (struct desc){.addr = low(out + from), .a = n | command};
    tx_at = (tx_at + 1) % RING;
}

/* In so many buffers. */
static void send(unsigned len, unsigned parts)
{
    const unsigned part = len / parts;
    const volatile struct desc *last;

    for (unsigned i = 0; i + 1 < parts; i++)
        put_tx(i * part, part, 0);
    last = &tx[tx_at];
    put_tx((parts - 1) * part, len - (parts - 1) * part, EOP_IFCS | RS);
    put(TDT, tx_at);
    for (unsigned i = 0; i < PATIENCE && !(last->b & DONE); i++)
        cpu_pause();
    CHECK_EQ("transmit status", last->b, DONE);
}

/* The frame of the tests that comes next; others are not looked at. */
static const uint8_t *receive(unsigned *len)
{
    for (;;) {
        volatile struct desc *d = &rx[rx_at];
        const uint8_t *frame = in[rx_at];

        for (unsigned i = 0; i < PATIENCE && !(d->b & DONE); i++)
            cpu_pause();
        if (!(d->b & DONE))
            test_error("no frame came back");
        CHECK_EQ("receive status", d->b & 3, DONE | EOP);
        *len = d->a & 0xffff;
        d->b = 0;
        put(RDT, rx_at);
        rx_at = (rx_at + 1) % RING;
        if (frame[12] == 0x88 && frame[13] == 0xb5)
            return frame;
    }
}

static void there_and_back(uint32_t number)
{
    const unsigned len = 60 + number * 29 % (LONGEST - 60);
    const uint8_t *frame;
    unsigned got, wrong = 0;

    make(number, len);
    send(len, 1 + number % 4);
    frame = receive(&got);
    CHECK_EQ("length", got, len);
    for (unsigned i = 12; i < len && i < got; i++)
        wrong += frame[i] != out[i];
    CHECK_EQ("wrong bytes", wrong, 0);
}

void test_main(void)
{
    uint32_t causes;

    open_card();
    check_eeprom();
    check_phy();
    start();
    test_ready();
    for (uint32_t i = 0; i < FRAMES; i++)
        there_and_back(i);
    causes = get(ICR);
    CHECK_EQ("causes", causes & (ICR_TXDW | ICR_RXT0), ICR_TXDW | ICR_RXT0);
    CHECK_EQ("frames sent", get(GPTC), FRAMES);
    CHECK_GE("frames received", get(GPRC), FRAMES);
    put(CTRL, CTRL_RST);
    CHECK_EQ("RCTL", get(RCTL), 0);
}
