/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk-irq: a disk driven by interrupts, 32 requests deep, writes and then
 * reads, with event index or (event=0 on the command line) without: each
 * request is answered once, the CPU sleeps in between, no interrupt is lost,
 * and there are not more of them than requests. A driver that asks for none
 * gets none. Source: virtio 1.2, 2.7.7, 2.7.10.
 */
#include "apic.h"
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "ioapic.h"
#include "report.h"
#include "start_info.h"

#define VECTOR_DISK  (VECTOR_FIRST_IRQ + 4)
#define VECTOR_TIMER (VECTOR_FIRST_IRQ + 5)
#define DEPTH        32u
#define REQUESTS     256u
#define SECTORS      2u /* of each */
#define SEED         9u

static struct disk disk;
static uint8_t data[DEPTH][SECTORS * SECTOR];
static uint32_t room_of[VQ_MAX]; /* by head */
static volatile unsigned interrupts;
static unsigned kicks;

static void on_disk(struct trap_frame *frame)
{
    (void)frame;
    interrupts = interrupts + 1;
    (void)disk.dev.bus->causes(&disk.dev);
    apic_eoi();
}

/* Ends a wait in vain. */
static void on_timer(struct trap_frame *frame)
{
    (void)frame;
    test_error("asleep for seconds, and something was used: no interrupt");
}

static uint64_t sector_of(unsigned n)
{
    return 64 + (uint64_t)n * SECTORS;
}

static void begin(enum blk_type type, unsigned n, unsigned room)
{
    const uint64_t sector = sector_of(n);
    int head;

    if (type == BLK_OUT)
        pattern_fill(data[room], sector, SECTORS, SEED);
    else
        *(uint32_t *)(void *)data[room] = 0;
    head = disk_add(&disk, room, type, sector, data[room], SECTORS * SECTOR);
    if (head < 0)
        test_error("no room for request %u", n);
    room_of[head] = room;
}

static void end(enum blk_type type, uint16_t head)
{
    const unsigned room = room_of[head % VQ_MAX];
    const struct disk_request *r = &disk.requests[room];

    CHECK_EQ("status", r->status, BLK_OK);
    if (type == BLK_IN &&
        !pattern_is(data[room], r->header.sector, SECTORS, SEED))
        test_fail("sector %u: expected pattern 9, seen another",
                  (unsigned)r->header.sector);
}

/* Sleep until something is used; for 4 seconds at a bus clock of 1 GHz. */
static void await(void)
{
    while (!vq_has(&disk.q)) {
        apic_timer(APIC_ONE_SHOT, VECTOR_TIMER, 0xffffffffu);
        irq_wait();
    }
    apic_timer_stop();
}

static void rest(void)
{
    irq_enable();
    clock_delay(20 * CLOCK_MS);
    irq_disable();
}

/* Asks for an interrupt before each kick: there must be one for the first
 * answer to it, even where that is there before the CPU sleeps. */
static void all(enum blk_type type)
{
    unsigned begun = 0, ended = 0;
    uint32_t written;
    uint16_t head;

    for (; begun < DEPTH; begun++)
        begin(type, begun, begun);
    while (ended < REQUESTS) {
        (void)vq_arm(&disk.q);
        kicks += vq_kick(&disk.q);
        await();
        for (; vq_get(&disk.q, &head, &written); ended++) {
            end(type, head);
            if (begun < REQUESTS)
                begin(type, begun++, room_of[head % VQ_MAX]);
        }
    }
    rest();
    CHECK_EQ("requests answered", ended, REQUESTS);
}

/* Nobody waits, nobody is interrupted; what was on its way is over. */
static void silence(void)
{
    vq_quiet(&disk.q);
    rest();
    interrupts = 0;
    irq_enable();
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ("status", disk_do(&disk, BLK_IN, i, data[0], SECTOR), BLK_OK);
    rest();
    CHECK_EQ("interrupts nobody asked for", interrupts, 0);
}

void test_main(void)
{
    uint64_t event = 1;

    (void)start_info_option("event", &event);
    apic_init();
    ioapic_init();
    trap_set_handler(VECTOR_DISK, on_disk);
    trap_set_handler(VECTOR_TIMER, on_timer);
    disk_open(&disk, 0, DISK_FEATURES | (event ? VIRTIO_F_EVENT_IDX : 0));
    CHECK_EQ("event index", !!(disk.dev.features & VIRTIO_F_EVENT_IDX), event);
    disk.dev.bus->route(&disk.dev, VECTOR_DISK);
    all(BLK_OUT);
    disk_say(&disk, "wrote", sector_of(0), REQUESTS * SECTORS, SEED);
    all(BLK_IN);
    printf("%u requests, %u interrupts, %u kicks\n", 2 * REQUESTS, interrupts,
           kicks);
    CHECK_GE("interrupts", interrupts, 1);
    CHECK_LE("interrupts", interrupts, 2 * REQUESTS);
    silence();
}
