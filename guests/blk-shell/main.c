/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk-shell: does with a disk what it is told on the console, a line each,
 * and answers "#N ..." with the number of the line; tests of failing hosts
 * are scripts for it. Numbers are decimal.
 *
 *   r SECTOR COUNT SEED   read, compare: status, 1 if it is that pattern
 *   w SECTOR COUNT SEED   write a pattern: status
 *   f                     flush: status
 *   d SECTOR COUNT        discard: status
 *   z SECTOR COUNT UNMAP  write zeroes: status
 *   b SECTOR COUNT        begin a read and do not wait
 *   e                     wait for it, as long as it takes: its status
 *   x                     reset and begin again: milliseconds it took
 *   n DISK / o DISK       take that disk, not knowing / knowing of flushes
 *   s                     device status, sectors, F_RO, generation
 *   t                     milliseconds since the start
 *   R                     reset the machine: READY comes again
 *   q                     power off
 */
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "power.h"
#include "prompt.h"
#include "report.h"

#include <stddef.h>

static struct disk disk;
static uint8_t data[DISK_RUN * SECTOR] __attribute__((aligned(4096)));
static uint64_t began;
static unsigned lines;

static unsigned now_ms(void)
{
    return (unsigned)((clock_ns() - began) >> 20); /* nearly */
}

static uint32_t length(uint64_t count)
{
    return (uint32_t)(count < DISK_RUN ? count : DISK_RUN) * SECTOR;
}

static void read_and_compare(uint64_t sector, uint64_t count, uint32_t seed)
{
    uint8_t status = disk_do(&disk, BLK_IN, sector, data, length(count));
    bool same = status == BLK_OK &&
                pattern_is(data, sector, length(count) / SECTOR, seed);

    printf("#%u %u %u\n", lines, status, same);
}

static void write_pattern(uint64_t sector, uint64_t count, uint32_t seed)
{
    pattern_fill(data, sector, length(count) / SECTOR, seed);
    printf("#%u %u\n", lines,
           disk_do(&disk, BLK_OUT, sector, data, length(count)));
}

static uint8_t range(uint32_t type, uint64_t sector, uint64_t count,
                     uint32_t flags)
{
    struct blk_range *r = &disk.requests[0].range;

    *r = (struct blk_range){sector, (uint32_t)count, flags};
    return disk_do(&disk, type, 0, r, sizeof(*r));
}

static void begin_read(uint64_t sector, uint64_t count)
{
    (void)disk_add(&disk, 1, BLK_IN, sector, data, length(count));
    vq_kick(&disk.q);
    printf("#%u begun\n", lines);
}

static void end_read(void)
{
    uint32_t written;
    uint16_t head;

    while (!vq_get(&disk.q, &head, &written))
        cpu_pause();
    printf("#%u %u\n", lines, disk.requests[1].status);
}

static void again(void)
{
    unsigned from = now_ms();

    disk.dev.bus->set_status(&disk.dev, 0);
    while (virtio_status(&disk.dev) != 0)
        cpu_pause();
    disk_again(&disk);
    printf("#%u %u\n", lines, now_ms() - from);
}

static void take(unsigned nth, bool flushes)
{
    disk_open(&disk, nth,
              flushes ? DISK_FEATURES
                      : DISK_FEATURES & ~(BLK_F_FLUSH | BLK_F_WCE));
    printf("#%u %u\n", lines, !!(disk.dev.features & BLK_F_FLUSH));
}

static void state(void)
{
    struct virtio *v = &disk.dev;
    uint32_t low = mmio_read32(v->config + BLK_CAPACITY);

    printf("#%u %u %u %u %u\n", lines, virtio_status(v), low,
           !!(v->bus->features(v) & BLK_F_RO), v->bus->generation(v));
}

/* False: power off. */
static bool obey(char order, uint64_t a, uint64_t b, uint64_t c)
{
    switch (order) {
    case 'r':
        read_and_compare(a, b, (uint32_t)c);
        break;
    case 'w':
        write_pattern(a, b, (uint32_t)c);
        break;
    case 'f':
        printf("#%u %u\n", lines, disk_do(&disk, BLK_FLUSH, 0, NULL, 0));
        break;
    case 'd':
        printf("#%u %u\n", lines, range(BLK_DISCARD, a, b, 0));
        break;
    case 'z':
        printf("#%u %u\n", lines, range(BLK_ZEROES, a, b, c ? 1 : 0));
        break;
    case 'b':
        begin_read(a, b);
        break;
    case 'e':
        end_read();
        break;
    case 'x':
        again();
        break;
    case 'n':
    case 'o':
        take((unsigned)a, order == 'o');
        break;
    case 's':
        state();
        break;
    case 't':
        printf("#%u %u\n", lines, now_ms());
        break;
    case 'R':
        power_reset();
    default:
        return false;
    }
    return true;
}

void test_main(void)
{
    char line[80];
    const char *at;
    uint64_t a, b, c;

    began = clock_ns();
    disk_open(&disk, 0, DISK_FEATURES);
    test_ready();
    do {
        prompt_line(line, sizeof(line));
        lines++;
        at = line + (line[0] ? 1 : 0);
        if (*at == ' ')
            at++;
        a = prompt_number(&at);
        b = prompt_number(&at);
        c = prompt_number(&at);
    } while (obey(line[0], a, b, c));
}
