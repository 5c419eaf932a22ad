/* SPDX-License-Identifier: MIT */
/*
 * hostile-ahci: a driver of a PC's AHCI controller that means harm: lists,
 * tables, frames and buffers where there is no RAM, tables without an end or of
 * nothing, commands on their own memory, tags twice, registers at random. Port
 * 0 is the victim. After each row it must serve again, and port 1, the
 * bystander, must not have noticed. Nothing is written to either disk. Source:
 * AHCI 1.3.
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
#define CLASS          0x010601u
#define SLOTS          32u

enum { GHC = 0x04, IS = 0x08 };
enum {
    CLB = 0x00,
    CLBU = 0x04,
    FB = 0x08,
    FBU = 0x0c,
    PIS = 0x10,
    PIE = 0x14,
    CMD = 0x18,
    TFD = 0x20,
    SCTL = 0x2c,
    SERR = 0x30,
    SACT = 0x34,
    CI = 0x38,
};

#define GHC_HR     0x00000001u
#define GHC_ON     0x80000002u
#define CMD_ST     0x00000001u
#define CMD_FRE    0x00000010u
#define CMD_CR     0x00008000u
#define PIS_FATAL  0x79000000u /* TFES, HBFS, HBDS, IFS, and overflow */
#define TFD_BUSY   0x88u
#define READ_DMA   0x25u
#define READ_NCQ   0x60u
#define READ_PIO   0x24u
#define IDENTIFY   0xecu
#define PATIENCE   2000000u
#define A_WHILE    2000u
#define SECTOR     512u
#define ALL_RANDOM 3000u

struct header {
    uint32_t flags, moved, table, table_high;
    uint32_t reserved[4];
};

struct region {
    uint32_t addr, addr_high, reserved, count;
};

struct table {
    uint8_t fis[128];
    struct region regions[64];
};

struct port {
    struct header list[32];
    uint8_t frames[256];
    struct table tables[2];
    uint8_t data[16 * SECTOR];
} __attribute__((aligned(1024)));

static struct port ports[2];
static uint8_t first[2][SECTOR]; /* what the disks begin with */
static uintptr_t hba;
static uint32_t ram_end;

/* Where no RAM is: its end, the display, ROM, registers, this card's too. */
static uint32_t nowhere[8];
#define NOWHERES 8u

static uint32_t get(unsigned p, unsigned reg)
{
    return mmio_read32(hba + 0x100 + 0x80 * p + reg);
}

static void put(unsigned p, unsigned reg, uint32_t value)
{
    mmio_write32(hba + 0x100 + 0x80 * p + reg, value);
}

static uint32_t low(const volatile void *p)
{
    return (uint32_t)(uintptr_t)p;
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
        if (config(slot, 8) >> 8 != CLASS)
            continue;
        hba = config(slot, 0x24) & ~0xfu;
        config(slot, 4);
        outl(CONFIG_DATA, 6); /* memory, bus master */
        return;
    }
    test_error("there is no AHCI controller");
}

static uint32_t cmos(uint8_t at)
{
    outb(0x70, at);
    return inb(0x71);
}

static void find_nowhere(void)
{
    ram_end = (16u << 20) + (cmos(0x35) << 24 | cmos(0x34) << 16);
    nowhere[0] = ram_end;
    nowhere[1] = 0xa0000;
    nowhere[2] = 0xfffff000;
    nowhere[3] = 0xfee00000;
    nowhere[4] = 0xfec00000;
    nowhere[5] = (uint32_t)hba;
    nowhere[6] = (uint32_t)hba + 0x100;
    nowhere[7] = 0xfffffc00;
}

/* ---- a driver that knows its trade ---- */

static void make(unsigned p, uint8_t command, uint32_t lba, unsigned count)
{
    struct port *m = &ports[p];
    uint8_t *fis = m->tables[0].fis;

    memset(&m->tables[0], 0, sizeof(m->tables[0]));
    fis[0] = 0x27;
    fis[1] = 0x80;
    fis[2] = command;
    fis[4] = (uint8_t)lba;
    fis[5] = (uint8_t)(lba >> 8);
    fis[6] = (uint8_t)(lba >> 16);
    fis[7] = 0x40;
    fis[8] = (uint8_t)(lba >> 24);
    fis[12] = (uint8_t)count;
    fis[13] = (uint8_t)(count >> 8);
    m->tables[0].regions[0] =
        (struct region){low(m->data), 0, 0, SECTOR * (count ? count : 1) - 1};
    m->list[0] =
        (struct header){.flags = 5 | 1u << 16, .table = low(&m->tables[0])};
}

/* Until the command has ended, well or not; or for so long. */
static uint32_t wait(unsigned p, unsigned turns)
{
    uint32_t is = 0;

    for (unsigned i = 0; i < turns && !(is & PIS_FATAL); i++) {
        is = get(p, PIS);
        if (!get(p, CI) && !get(p, SACT))
            break;
        cpu_pause();
    }
    return is & PIS_FATAL;
}

static void stop(unsigned p)
{
    put(p, CMD, CMD_FRE);
    for (unsigned i = 0; i < PATIENCE && get(p, CMD) & CMD_CR; i++)
        cpu_pause();
    CHECK_EQ("PxCMD.CR of a stopped port", get(p, CMD) & CMD_CR, 0);
}

static void start(unsigned p)
{
    put(p, CLB, low(ports[p].list));
    put(p, CLBU, 0);
    put(p, FB, low(ports[p].frames));
    put(p, FBU, 0);
    put(p, SERR, UINT32_MAX);
    put(p, PIS, UINT32_MAX);
    put(p, PIE, 0);
    put(p, CMD, CMD_FRE | CMD_ST);
}

/* Whatever state it is in, the way that 10.4.2 knows. */
static void recover(unsigned p)
{
    stop(p);
    put(p, SCTL, 1);
    put(p, SCTL, 0);
    for (unsigned i = 0; i < PATIENCE && get(p, TFD) & TFD_BUSY; i++)
        cpu_pause();
    start(p);
}

static void check_read(unsigned p)
{
    memset(ports[p].data, 0xee, SECTOR);
    make(p, READ_DMA, 0, 1);
    put(p, CI, 1);
    CHECK_EQ("errors of a good read", wait(p, PATIENCE), 0);
    CHECK_EQ("PxCI after a good read", get(p, CI), 0);
    CHECK_EQ("bytes that differ",
             memcmp(ports[p].data, first[p], SECTOR) ? 1 : 0, 0);
}

static void fire(void)
{
    put(0, CI, 1);
    wait(0, A_WHILE);
}

/* ---- where there is no RAM ---- */

static void list_nowhere(void)
{
    for (unsigned i = 0; i < NOWHERES; i++) {
        stop(0);
        start(0);
        make(0, READ_DMA, 0, 1);
        stop(0);
        put(0, CLB, nowhere[i]);
        put(0, CLBU, i == 7 ? UINT32_MAX : 0);
        put(0, CMD, CMD_FRE | CMD_ST);
        fire();
        /* What is read there is no frame, if it can be read at all. */
        CHECK_NE("PxIS", get(0, PIS) & PIS_FATAL, 0);
    }
}

static void frames_nowhere(void)
{
    for (unsigned i = 0; i < NOWHERES; i++) {
        recover(0);
        stop(0);
        put(0, FB, nowhere[i] & ~0xffu);
        put(0, FBU, i == 7 ? UINT32_MAX : 0);
        put(0, CMD, CMD_FRE | CMD_ST);
        make(0, READ_DMA, 0, 1);
        fire();
    }
}

static void table_nowhere(void)
{
    for (unsigned i = 0; i < NOWHERES; i++) {
        recover(0);
        make(0, READ_DMA, 0, 1);
        ports[0].list[0].table = nowhere[i];
        ports[0].list[0].table_high = i == 7 ? UINT32_MAX : 0;
        fire();
        CHECK_NE("PxIS", get(0, PIS) & PIS_FATAL, 0);
    }
}

static void data_nowhere(void)
{
    static const uint8_t commands[] = {READ_DMA, READ_PIO, IDENTIFY};

    for (unsigned i = 0; i < NOWHERES * sizeof(commands); i++) {
        recover(0);
        make(0, commands[i / NOWHERES], 0, 1);
        ports[0].tables[0].regions[0].addr = nowhere[i % NOWHERES];
        ports[0].tables[0].regions[0].addr_high =
            i % NOWHERES == 7 ? UINT32_MAX : 0;
        fire();
        CHECK_NE("PxIS", get(0, PIS) & PIS_FATAL, 0);
    }
}

/* The last half of a sector is behind the end of RAM. */
static void data_across_the_end(void)
{
    make(0, READ_DMA, 0, 1);
    ports[0].tables[0].regions[0].addr = ram_end - SECTOR / 2;
    fire();
    CHECK_NE("PxIS", get(0, PIS) & PIS_FATAL, 0);
}

/* ---- tables ---- */

/* Too short, of nothing, of odd pieces, longer than RAM. */
static void table_lengths(void)
{
    static const uint32_t entries[] = {0, 1, 2, 63, 64, 65, 0x1000, 0xffff};

    for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        recover(0);
        make(0, READ_DMA, 0, 16);
        for (unsigned n = 0; n < 64; n++)
            ports[0].tables[0].regions[n] =
                (struct region){low(ports[0].data) + n, 0, UINT32_MAX, 0};
        ports[0].list[0].flags = 5 | entries[i] << 16;
        fire();
    }
}

/* An entry of 4 MiB for each sector, and 65536 sectors for one entry. */
static void absurd_counts(void)
{
    make(0, READ_DMA, 0, 1);
    ports[0].tables[0].regions[0].count = UINT32_MAX;
    fire();
    recover(0);
    make(0, READ_DMA, 0, 0);
    fire();
    recover(0);
    make(0, READ_DMA, UINT32_MAX, 0);
    fire();
    recover(0);
    make(0, READ_DMA, UINT32_MAX, 0xffff);
    memset(ports[0].tables[0].fis + 8, 0xff, 3);
    fire();
    CHECK_NE("PxIS of a read behind the end", get(0, PIS) & PIS_FATAL, 0);
}

/* What is read falls on list, table and frames themselves. */
static void on_itself(void)
{
    const uint32_t at[] = {low(ports[0].list), low(ports[0].frames),
                           low(&ports[0].tables[0]),
                           low(ports[0].tables[0].regions)};

    for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        recover(0);
        make(0, READ_DMA, 0, 16);
        ports[0].tables[0].regions[0].addr = at[i] & ~1u;
        ports[0].tables[0].regions[0].count = 16 * SECTOR - 1;
        fire();
        memset(&ports[0], 0, sizeof(ports[0]));
    }
    recover(0);
    stop(0);
    put(0, FB, low(ports[0].list));
    put(0, CMD, CMD_FRE | CMD_ST);
    make(0, READ_DMA, 0, 1);
    fire();
}

/* ---- frames ---- */

static void frames(void)
{
    for (unsigned i = 0; i < 256; i++) {
        recover(0);
        make(0, READ_DMA, 0, 1);
        ports[0].tables[0].fis[0] = (uint8_t)i; /* the type */
        ports[0].list[0].flags = (i & 31) | (i * 8 & 0xffe0) | 1u << 16;
        put(0, CI, 1);
    }
    for (unsigned i = 0; i < 256; i++) {
        /* Whatever writes to the disk is left out. */
        if ((i & 0xf0) == 0x30 || (i & 0xf0) == 0xc0 || i == 0x61 ||
            i == 0x06 || i == 0x45 || i == 0xca || i == 0xe8 || i == 0xea)
            continue;
        recover(0);
        make(0, (uint8_t)i, i * 77777, i);
        fire();
    }
}

/* ---- the queue ---- */

static void tags(void)
{
    for (unsigned i = 0; i < 32; i++) {
        recover(0);
        for (unsigned slot = 0; slot < 32; slot++) {
            make(0, READ_NCQ, slot, 1);
            ports[0].tables[0].fis[3] = 1;
            ports[0].tables[0].fis[12] = (uint8_t)(i << 3); /* its tag */
            ports[0].list[slot] = ports[0].list[0];
        }
        put(0, SACT, i % 2 ? UINT32_MAX : 1u << i);
        put(0, CI, UINT32_MAX);
        put(0, CI, UINT32_MAX);
        if (i % 4 == 3)
            make(0, READ_DMA, 0, 1);
        wait(0, A_WHILE);
    }
}

/* The port, the link, all of it is reset while the disk works. */
static void resets(void)
{
    for (unsigned i = 0; i < 48; i++) {
        make(0, READ_DMA, 0, 16);
        put(0, CI, 1);
        if (i % 3 == 0)
            put(0, CMD, CMD_FRE);
        if (i % 3 == 1)
            put(0, SCTL, 1);
        put(0, CMD, CMD_FRE | CMD_ST);
        put(0, CI, UINT32_MAX);
        recover(0);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8 ^ *seed << 16;
}

static void at_random(void)
{
    static const uint32_t places[] = {0, 0xfffffc00};
    uint32_t seed = 4;

    for (unsigned i = 0; i < ALL_RANDOM; i++) {
        const uint32_t reg = next_random(&seed) % 32 * 4;
        const uint32_t value = next_random(&seed);

        /* Lists stay where they are, or lead nowhere. */
        if (reg <= FBU)
            put(0, reg & ~7u, places[value & 1]);
        else
            put(0, reg, value);
        (void)get(0, next_random(&seed) % 32 * 4);
    }
}

static void all_reset(void)
{
    make(0, READ_DMA, 0, 16);
    put(0, CI, 1);
    mmio_write32(hba + GHC, GHC_HR);
    for (unsigned i = 0; i < PATIENCE && mmio_read32(hba + GHC) & GHC_HR; i++)
        cpu_pause();
    CHECK_EQ("GHC after a reset", mmio_read32(hba + GHC), 0x80000000u);
    mmio_write32(hba + GHC, GHC_ON);
    recover(1);
}

static const struct {
    const char *what;
    void (*run)(void);
} rows[] = {
    {"command lists where no RAM is", list_nowhere},
    {"frames to where no RAM is", frames_nowhere},
    {"command tables where no RAM is", table_nowhere},
    {"data to where no RAM is", data_nowhere},
    {"data across the end of RAM", data_across_the_end},
    {"tables too short and too long", table_lengths},
    {"absurd counts", absurd_counts},
    {"a command on its own memory", on_itself},
    {"all kinds of frames and commands", frames},
    {"tags twice", tags},
    {"resets under way", resets},
    {"registers at random", at_random},
    {"the controller's reset under way", all_reset},
};

void test_main(void)
{
    find();
    find_nowhere();
    mmio_write32(hba + GHC, GHC_ON);
    printf("case 35: an AHCI controller\n");
    for (unsigned p = 0; p < 2; p++) {
        recover(p);
        make(p, READ_DMA, 0, 1);
        put(p, CI, 1);
        CHECK_EQ("errors of the first read", wait(p, PATIENCE), 0);
        memcpy(first[p], ports[p].data, SECTOR);
    }
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("  %s\n", rows[i].what);
        recover(0);
        rows[i].run();
        check_read(1);
        recover(0);
        check_read(0);
    }
    /* What the BIOS has left on is not for the vectors here. */
    outb(PC_PIC_MASTER + 1, 0xff);
    outb(PC_PIC_SLAVE + 1, 0xff);
    printf("QUIET\n");
    prompt_wait();
}
