/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk-mq: each CPU drives a queue of its own, all at the same time, over
 * neighbouring sectors: everything arrives where it belongs. One queue is
 * reset meanwhile and set up again, and the others do not notice. The
 * command line says how many there must be: cpus=N. Source: virtio 1.2,
 * 5.2.4 (num_queues), 2.6.1 (queue reset).
 */
#include "acpi.h"
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "report.h"
#include "smp.h"
#include "start_info.h"
#include "virtio_pci.h"

#define MAX_QUEUES 4u
#define ROUNDS     32u
#define SECTORS    4u /* of a request */
#define PATIENCE   (20 * CLOCK_S)

/* A CPU's share: its queue and one request at a time. */
struct share {
    struct vq q;
    struct disk_request request;
    uint8_t data[SECTORS * SECTOR];
    uint32_t errors;
};

static struct disk disk; /* for its device; the queues are the shares' */
static struct share shares[MAX_QUEUES];
static uint32_t ready, done;
static bool go;

static uint8_t ask(struct share *s, enum blk_type type, uint64_t sector)
{
    const struct vq_buf bufs[] = {
        VQ_BUF(&s->request.header, sizeof(s->request.header)),
        VQ_BUF(s->data, sizeof(s->data)),
        VQ_BUF(&s->request.status, 1),
    };
    uint32_t written;
    uint16_t head;

    s->request.header = (struct blk_header){.type = type, .sector = sector};
    s->request.status = BLK_NONE;
    (void)vq_add(&s->q, bufs, type == BLK_IN ? 1 : 2, type == BLK_IN ? 2 : 1);
    vq_kick(&s->q);
    while (!vq_get(&s->q, &head, &written))
        cpu_pause();
    return s->request.status;
}

/* Rounds of the CPUs lie beside each other, so that mistakes are seen. */
static uint64_t sector_of(unsigned cpu, unsigned round)
{
    return ((uint64_t)round * MAX_QUEUES + cpu) * SECTORS;
}

static void work(unsigned cpu)
{
    struct share *s = &shares[cpu];

    for (unsigned i = 0; i < ROUNDS; i++) {
        pattern_fill(s->data, sector_of(cpu, i), SECTORS, 20 + cpu);
        s->errors += ask(s, BLK_OUT, sector_of(cpu, i)) != BLK_OK;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        s->errors += ask(s, BLK_IN, sector_of(cpu, i)) != BLK_OK;
        s->errors += !pattern_is(s->data, sector_of(cpu, i), SECTORS, 20 + cpu);
    }
}

/* On each CPU but the first. */
static void other(unsigned cpu)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        cpu_pause();
    if (cpu < MAX_QUEUES)
        work(cpu);
    __atomic_add_fetch(&done, 1, __ATOMIC_RELEASE);
}

static void open_queue(uint16_t i)
{
    const struct virtio *v = &disk.dev;

    vq_open(&shares[i].q, &disk.dev, i, 16);
    if (v->bus == &virtio_pci_bus)
        CHECK_EQ("notify offset of the queue",
                 mmio_read16(v->base + VPCI_QUEUE_NOTIFY_OFF), i);
}

static void set_up(unsigned queues)
{
    if (!virtio_find(&disk.dev, VIRTIO_ID_BLOCK, 0))
        test_error("there is no disk");
    CHECK_EQ("features taken",
             virtio_begin(&disk.dev, BLK_F_MQ | VIRTIO_F_RING_RESET), 1);
    CHECK_EQ("F_MQ", !!(disk.dev.features & BLK_F_MQ), queues > 1);
    CHECK_EQ("queues", mmio_read16(disk.dev.config + BLK_NUM_QUEUES), queues);
    CHECK_EQ("size of one more",
             disk.dev.bus->queue_max(&disk.dev, (uint16_t)queues), 0);
    for (uint16_t i = 0; i < queues; i++)
        open_queue(i);
    virtio_go(&disk.dev);
}

/* This CPU's queue comes and goes while the others work. */
static void reset_queue(void)
{
    struct virtio *v = &disk.dev;

    for (unsigned i = 0; i < 8; i++) {
        v->bus->queue_reset(v, 0);
        if (!clock_wait(!v->bus->queue_resetting(v, 0), PATIENCE))
            test_error("a queue reset does not end");
        CHECK_EQ("enabled after its reset", v->bus->queue_enabled(v, 0), 0);
        vq_open(&shares[0].q, v, 0, 16);
        CHECK_EQ("read by a queue set up again",
                 ask(&shares[0], BLK_IN, sector_of(0, i)), BLK_OK);
    }
}

void test_main(void)
{
    uint64_t cpus = 0;
    unsigned running, queues;

    if (!start_info_option("cpus", &cpus))
        test_error("the command line has no cpus=N");
    queues = cpus < MAX_QUEUES ? (unsigned)cpus : MAX_QUEUES;
    apic_init();
    (void)clock_ns();
    set_up(queues);
    running = smp_start_all(other);
    CHECK_EQ("CPUs", running, cpus);
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    work(0);
    reset_queue();
    if (!clock_wait(__atomic_load_n(&done, __ATOMIC_ACQUIRE) == running - 1,
                    PATIENCE))
        test_error("%u of %u CPUs done in time", done, running - 1);
    for (unsigned i = 0; i < queues; i++) {
        CHECK_EQ("errors of a CPU", shares[i].errors, 0);
        for (unsigned n = 0; n < ROUNDS; n++)
            disk_say(&disk, "wrote", sector_of(i, n), SECTORS, 20 + i);
    }
}
