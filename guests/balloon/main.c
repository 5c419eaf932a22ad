/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * balloon: what is inflated is the host's and reads as zeroes when touched,
 * its neighbours stay; so with reports. Numbers that name no RAM, odd
 * lengths, duplicates and lists larger than all of RAM do nothing else
 * (hostile case 34). Run with 64 MiB, of which 48 are to be kept. Source:
 * virtio 1.2, 5.5.
 */
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "vq.h"

#define PATIENCE (20 * CLOCK_S)
#define PAGE     4096u
#define PAGES    8u
#define MANY     65536u

#define ID_BALLOON  5u
#define F_STATS     (1ull << 1)
#define F_REPORTING (1ull << 5)
#define NUM_PAGES   0u /* in the configuration space */
#define ACTUAL      4u

enum { INFLATE, DEFLATE, STATS, REPORTS = 4 };

static struct virtio dev;
static struct vq queues[5];
static uint8_t area[PAGES * PAGE] __attribute__((aligned(4096)));
static uint32_t many[MANY];

static void use(void)
{
    memset(area, 'x', sizeof(area));
}

/* Pages of the area that are as they were used, a bit each. */
static unsigned kept(void)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < PAGES; i++) {
        const volatile uint8_t *page = area + i * PAGE;

        if (page[0] == 'x' && page[PAGE - 1] == 'x')
            bits |= 1u << i;
        else
            CHECK_EQ("a byte of a page given up", page[0] | page[PAGE - 1], 0);
    }
    return bits;
}

static uint32_t number(unsigned page)
{
    return (uint32_t)((uintptr_t)area / PAGE) + page;
}

static void give(unsigned queue, const struct vq_buf *bufs, unsigned n_out,
                 unsigned n_in)
{
    struct vq *q = &queues[queue];
    uint32_t written;
    uint16_t head;

    if (vq_add(q, bufs, n_out, n_in) < 0)
        test_error("no room in the queue");
    vq_kick(q);
    if (!vq_wait(q, PATIENCE))
        test_error("no answer on queue %u", queue);
    vq_get(q, &head, &written);
    CHECK_EQ("bytes written", written, 0);
}

static void tell(unsigned queue, const void *numbers, uint32_t bytes)
{
    const struct vq_buf buf = VQ_BUF(numbers, bytes);

    give(queue, &buf, 1, 0);
}

static void check_pages(void)
{
    const uint32_t three[] = {number(1), number(2), number(5)};

    use();
    tell(INFLATE, three, sizeof(three));
    CHECK_EQ("pages kept", kept(), 0xd9);
    tell(DEFLATE, three, sizeof(three));
    use();
    CHECK_EQ("pages in use again", kept(), 0xff);
}

static void check_nonsense(void)
{
    const uint32_t odd[] = {0x10000,    number(3), 0xffffffff, number(3),
                            0xfffffffe, 0x00fee00, number(3),  number(4)};

    use();
    tell(INFLATE, odd, sizeof(odd) - 1); /* all but the last number */
    CHECK_EQ("pages kept", kept(), 0xf7);
    tell(INFLATE, odd + 1, 3);
    tell(INFLATE, odd, 0);
    tell(DEFLATE, odd, sizeof(odd) - 2);
    /* Four times as many pages as there are, none of them RAM. */
    for (uint32_t i = 0; i < MANY; i++)
        many[i] = 0x10000 + i;
    tell(INFLATE, many, sizeof(many));
    mmio_write32(dev.config + ACTUAL, 0xffffffff);
    mmio_write32(dev.config + NUM_PAGES, 7); /* not the driver's */
    CHECK_EQ("num_pages", mmio_read32(dev.config + NUM_PAGES), 4096);
    mmio_write32(dev.config + ACTUAL, 0);
}

static void check_reports(void)
{
    const struct vq_buf bufs[] = {VQ_BUF(area, 2 * PAGE),
                                  VQ_BUF(area + 4 * PAGE + 1, 2 * PAGE)};

    use();
    give(REPORTS, bufs, 0, 2);
    CHECK_EQ("first byte behind the report", area[2 * PAGE], 'x');
    CHECK_EQ("bytes of a page reported in part", area[4 * PAGE], 'x');
    CHECK_EQ("first byte of a page reported", area[5 * PAGE], 0);
    CHECK_EQ("bytes of the page at its end", area[6 * PAGE], 'x');
    CHECK_EQ("pages kept", kept() & 0x0c, 0x0c);
    /* A buffer to be read is no report. */
    use();
    give(REPORTS, bufs, 2, 0);
    CHECK_EQ("pages kept", kept(), 0xff);
}

void test_main(void)
{
    if (!virtio_find(&dev, ID_BALLOON, 0))
        test_error("there is no balloon");
    CHECK_EQ("features taken", virtio_begin(&dev, F_STATS | F_REPORTING), 1);
    CHECK_EQ("statistics offered", dev.features & F_STATS, F_STATS);
    CHECK_EQ("reports offered", dev.features & F_REPORTING, F_REPORTING);
    vq_open(&queues[INFLATE], &dev, INFLATE, 0);
    vq_open(&queues[DEFLATE], &dev, DEFLATE, 0);
    vq_open(&queues[STATS], &dev, STATS, 0);
    vq_open(&queues[REPORTS], &dev, REPORTS, 0);
    virtio_go(&dev);
    CHECK_EQ("num_pages", mmio_read32(dev.config + NUM_PAGES), 4096);
    check_pages();
    check_nonsense();
    check_reports();
    CHECK_EQ("NEEDS_RESET", virtio_status(&dev) & VIRTIO_NEEDS_RESET, 0);
}
