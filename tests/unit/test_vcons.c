// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The console device: bytes both ways at the reader's and the guest's own
 * pace, ports and their names, sizes, and a driver that does it all wrong.
 */
#include "mmio_rig.h"

#include "devices/virtio/vcons.h"
#include "fake_chr.h"

#include <linux/virtio_console.h>
#include <stdlib.h>

#define F_MUST  BIT(VIRTIO_F_VERSION_1)
#define F_SIZE  BIT(VIRTIO_CONSOLE_F_SIZE)
#define F_MULTI BIT(VIRTIO_CONSOLE_F_MULTIPORT)

#define RX     0 /* of port 0 */
#define TX     1
#define CTL_RX 2
#define CTL_TX 3
#define RX1    4 /* of port 1 */
#define TX1    5
#define QUEUES 6

#define RX_SIZE 16
#define TX_SIZE 64
#define CTL(i)  (0x200000u + (i)*0x100u) /* buffers for messages */

struct rig {
    struct mmio_rig m;
    struct chr chrs[2];
    struct vcons *dev;
};

static void plug(struct rig *r, bool multiport)
{
    const struct vcons_config cfg = {
        .ports = {{.chr = &r->chrs[0], .console = true},
                  {.chr = &r->chrs[1], .name = "agent"}},
        .n_ports = multiport ? 2 : 1,
        .multiport = multiport,
        .sized = true,
    };

    r->dev = vcons_create(r->m.loop, &cfg);
    assert_non_null(r->dev);
    rig_plug(&r->m, &vcons_ops, r->dev);
}

static struct rig *open_rig(void)
{
    struct rig *r = calloc(1, sizeof(*r));

    log_set_level(LOG_ERROR);
    rig_open(&r->m);
    r->chrs[0].room = r->chrs[1].room = CHR_BUF;
    return r;
}

static int setup(void **state)
{
    struct rig *r = open_rig();

    plug(r, false);
    *state = r;
    return 0;
}

static int setup_ports(void **state)
{
    struct rig *r = open_rig();

    plug(r, true);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    vcons_destroy(r->dev);
    assert_null(r->chrs[0].front.owner);
    assert_int_equal(r->chrs[0].lost + r->chrs[1].lost, 0);
    rig_close(&r->m);
    free(r);
    return 0;
}

static unsigned char *guest(struct rig *r, uint64_t gpa)
{
    return r->m.rings[0].ram + gpa;
}

/* ---- the guest's side ---- */

static void offer(struct rig *r, unsigned q, uint16_t head, uint64_t gpa,
                  uint32_t len)
{
    const bool in = q % 2 == 0;

    ring_desc(&r->m.rings[q], head, gpa, len, in ? WRITABLE : 0, 0);
    ring_offer(&r->m.rings[q], head);
}

static void go_on(struct rig *r, unsigned q)
{
    kick(&r->m, q);
    spin(&r->m);
}

static void print(struct rig *r, unsigned q, const char *text)
{
    memcpy(guest(r, DATA), text, strlen(text));
    offer(r, q, 0, DATA, (uint32_t)strlen(text));
    go_on(r, q);
}

static void assert_out(const struct chr *c, const char *text)
{
    assert_int_equal(c->n_out, strlen(text));
    assert_memory_equal(c->out, text, c->n_out);
}

/* The next used element of q; its length. */
static uint32_t taken(struct rig *r, unsigned q, uint16_t head)
{
    struct vring_used_elem e = {0};

    assert_true(ring_take(&r->m.rings[q], &e));
    assert_int_equal(e.id, head);
    return e.len;
}

static bool is_taken(struct rig *r, unsigned q)
{
    struct vring_used_elem e;

    return ring_take(&r->m.rings[q], &e);
}

/* ---- bytes ---- */

static void output_reaches_the_reader(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, RX_SIZE);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_DEVICE_ID), 3);
    print(r, TX, "hello\n");
    assert_out(&r->chrs[0], "hello\n");
    assert_int_equal(taken(r, TX, 0), 0);
    assert_int_equal(interrupts(&r->m), 1);
}

static void output_of_many_pieces(void **state)
{
    struct rig *r = *state;
    struct ring *ring = &r->m.rings[TX];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    memcpy(guest(r, DATA), "onetwothree", 11);
    ring_desc(ring, 0, DATA, 3, NEXT, 1);
    ring_desc(ring, 1, DATA + 3, 3, NEXT, 2);
    ring_desc(ring, 2, DATA + 6, 0, NEXT, 3);
    ring_desc(ring, 3, DATA + 6, 5, 0, 0);
    ring_offer(ring, 0);
    go_on(r, TX);
    assert_out(&r->chrs[0], "onetwothree");
}

/* The reader takes a little at a time; the chain waits, in order. */
static void a_slow_reader(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    c->room = 4;
    memcpy(guest(r, DATA), "0123456789abc", 13);
    offer(r, TX, 0, DATA, 10);
    offer(r, TX, 1, DATA + 10, 3);
    go_on(r, TX);
    assert_out(c, "0123");
    assert_false(is_taken(r, TX));
    fake_drain(c, 5);
    spin(&r->m);
    assert_out(c, "012345678");
    assert_false(is_taken(r, TX));
    fake_drain(c, 1);
    spin(&r->m);
    assert_out(c, "0123456789");
    assert_int_equal(taken(r, TX, 0), 0);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "0123456789abc");
    assert_int_equal(taken(r, TX, 1), 0);
    print(r, TX, "!");
    assert_out(c, "0123456789abc!");
}

/* More than a turn's worth, in order and to the end. */
static void megabytes_of_output(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    c->room = SIZE_MAX;
    for (size_t i = 0; i < MIB; i++)
        *guest(r, DATA + i) = (unsigned char)(i % 251);
    offer(r, TX, 0, DATA, (uint32_t)MIB);
    go_on(r, TX);
    spin(&r->m);
    assert_int_equal(c->n_out, MIB);
    for (size_t i = MIB - FAKE_OUT; i < MIB; i++)
        assert_int_equal(c->out[i % FAKE_OUT], i % 251);
    assert_int_equal(taken(r, TX, 0), 0);
}

static void input_waits_for_buffers(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    fake_type(c, "abcdefgh", 8);
    spin(&r->m);
    assert_int_equal(chr_pending(c), 8);
    offer(r, RX, 0, DATA, 3);
    offer(r, RX, 1, DATA + 0x100, 0); /* of no use */
    offer(r, RX, 2, DATA + 0x200, 64);
    go_on(r, RX);
    assert_int_equal(taken(r, RX, 0), 3);
    assert_memory_equal(guest(r, DATA), "abc", 3);
    assert_int_equal(taken(r, RX, 1), 0);
    assert_int_equal(taken(r, RX, 2), 5);
    assert_memory_equal(guest(r, DATA + 0x200), "defgh", 5);
    /* A buffer is not taken before there is something for it. */
    offer(r, RX, 3, DATA + 0x300, 64);
    go_on(r, RX);
    assert_false(is_taken(r, RX));
    fake_type(c, "\r", 1);
    spin(&r->m);
    assert_int_equal(taken(r, RX, 3), 1);
    assert_int_equal(*guest(r, DATA + 0x300), '\r');
}

static void input_in_front_of_the_driver(void **state)
{
    struct rig *r = *state;

    fake_type(&r->chrs[0], "early", 5);
    negotiate(&r->m, F_MUST);
    make_ring(&r->m, RX, RX_SIZE);
    set_queue(&r->m, RX, &r->m.rings[RX].cfg);
    wr(&r->m, VIRTIO_MMIO_QUEUE_READY, 1);
    offer(r, RX, 0, DATA, 64);
    wr(&r->m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(&r->m);
    assert_int_equal(taken(r, RX, 0), 5);
}

/* What was written is not written again, what waits is given back. */
static void reset_in_the_middle_of_a_chain(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST, 2, RX_SIZE);
    c->room = 2;
    print(r, TX, "hello");
    assert_out(c, "he");
    drive(&r->m, F_MUST, 2, RX_SIZE);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "he");
    print(r, TX, "new");
    assert_out(c, "henew");
}

static void one_queue_is_reset_alone(void **state)
{
    struct rig *r = *state;
    struct chr *c = &r->chrs[0];

    drive(&r->m, F_MUST | BIT(VIRTIO_F_RING_RESET), 2, RX_SIZE);
    c->room = 2;
    print(r, TX, "hello");
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, RX);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "hello");
    c->room = 1;
    print(r, TX, "xy");
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, TX);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    fake_drain(c, 100);
    spin(&r->m);
    assert_out(c, "hellox");
}

static void emergency_write(void **state)
{
    struct rig *r = *state;
    const unsigned at =
        VIRTIO_MMIO_CONFIG + offsetof(struct virtio_console_config, emerg_wr);

    wr(&r->m, at, '!'); /* no driver yet */
    drive(&r->m, F_MUST | BIT(VIRTIO_CONSOLE_F_EMERG_WRITE), 2, RX_SIZE);
    wr(&r->m, at, '?' | 0x4100);
    assert_out(&r->chrs[0], "!?");
    wr(&r->m, VIRTIO_MMIO_CONFIG, 7);
    assert_out(&r->chrs[0], "!?");
}

/* ---- size ---- */

static void size_in_the_configuration(void **state)
{
    struct rig *r = *state;
    uint16_t size[2];
    uint32_t generation;

    vcons_resize(r->dev, 80, 25);
    assert_int_equal(interrupts(&r->m), 0);
    drive(&r->m, F_MUST | F_SIZE, 2, RX_SIZE);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG, size, sizeof(size));
    assert_int_equal(size[0], 80);
    assert_int_equal(size[1], 25);
    generation = rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION);
    vcons_resize(r->dev, 132, 43);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 1);
    assert_int_not_equal(rd(&r->m, VIRTIO_MMIO_CONFIG_GENERATION), generation);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG, size, sizeof(size));
    assert_int_equal(size[0], 132);
    vcons_resize(r->dev, 132, 43);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 0);
}

/* ---- ports ---- */

static void drive_ports(struct rig *r, uint64_t features)
{
    negotiate(&r->m, F_MUST | F_MULTI | features);
    for (unsigned q = 0; q < QUEUES; q++) {
        make_ring(&r->m, q, RX_SIZE);
        set_queue(&r->m, q, &r->m.rings[q].cfg);
        wr(&r->m, VIRTIO_MMIO_QUEUE_READY, 1);
    }
    wr(&r->m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(&r->m);
    for (uint16_t i = 0; i < RX_SIZE; i++)
        offer(r, CTL_RX, i, CTL(i), 0x100);
}

static void tell(struct rig *r, uint32_t id, uint16_t event, uint16_t value)
{
    const struct virtio_console_control m = {id, event, value};

    memcpy(guest(r, DATA + 0x8000), &m, sizeof(m));
    offer(r, CTL_TX, 0, DATA + 0x8000, sizeof(m));
    go_on(r, CTL_TX);
}

/* The next message of the device is this one; what follows its header. */
static const char *told(struct rig *r, uint32_t id, uint16_t event,
                        uint16_t value, uint32_t more)
{
    struct virtio_console_control m;
    struct vring_used_elem e = {0};

    assert_true(ring_take(&r->m.rings[CTL_RX], &e));
    assert_int_equal(e.len, sizeof(m) + more);
    memcpy(&m, guest(r, CTL(e.id)), sizeof(m));
    assert_int_equal(m.id, id);
    assert_int_equal(m.event, event);
    assert_int_equal(m.value, value);
    return (const char *)guest(r, CTL(e.id)) + sizeof(m);
}

static void meet(struct rig *r, uint64_t features)
{
    drive_ports(r, features);
    tell(r, UINT32_MAX, VIRTIO_CONSOLE_DEVICE_READY, 1);
    told(r, 0, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
    told(r, 1, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
}

static void assert_silent(struct rig *r)
{
    assert_false(is_taken(r, CTL_RX));
}

static void ports_are_introduced(void **state)
{
    struct rig *r = *state;
    uint32_t ports;

    vcons_resize(r->dev, 80, 25);
    meet(r, F_SIZE);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG + 4, &ports, sizeof(ports));
    assert_int_equal(ports, 2);
    assert_silent(r);
    tell(r, 0, VIRTIO_CONSOLE_PORT_READY, 1);
    told(r, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, 0);
    told(r, 0, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
    assert_memory_equal(told(r, 0, VIRTIO_CONSOLE_RESIZE, 1, 4), "\120\0\31\0",
                        4);
    assert_silent(r);
    tell(r, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    assert_memory_equal(told(r, 1, VIRTIO_CONSOLE_PORT_NAME, 1, 5), "agent", 5);
    told(r, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
    assert_silent(r);
    vcons_resize(r->dev, 100, 30);
    spin(&r->m);
    assert_memory_equal(told(r, 0, VIRTIO_CONSOLE_RESIZE, 1, 4), "\144\0\36\0",
                        4);
    assert_silent(r);
}

static void bytes_of_a_second_port(void **state)
{
    struct rig *r = *state;

    meet(r, 0);
    tell(r, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    print(r, TX1, "ping");
    assert_out(&r->chrs[1], "ping");
    assert_out(&r->chrs[0], "");
    /* Nobody in the guest has it open: input stays where it is. */
    fake_type(&r->chrs[1], "pong", 4);
    offer(r, RX1, 0, DATA, 64);
    go_on(r, RX1);
    assert_int_equal(chr_pending(&r->chrs[1]), 4);
    tell(r, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
    assert_int_equal(taken(r, RX1, 0), 4);
    assert_memory_equal(guest(r, DATA), "pong", 4);
    tell(r, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
    fake_type(&r->chrs[1], "x", 1);
    offer(r, RX1, 1, DATA, 64);
    go_on(r, RX1);
    assert_false(is_taken(r, RX1));
}

/* The guest hears who comes and goes, on a port that is no terminal. */
static void clients_come_and_go(void **state)
{
    struct rig *r = *state;

    r->chrs[0].absent = r->chrs[1].absent = true;
    meet(r, 0);
    tell(r, 0, VIRTIO_CONSOLE_PORT_READY, 1);
    told(r, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, 0);
    told(r, 0, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
    fake_presence(&r->chrs[1], true); /* not known to the driver yet */
    fake_presence(&r->chrs[1], false);
    tell(r, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    told(r, 1, VIRTIO_CONSOLE_PORT_NAME, 1, 5);
    assert_silent(r);
    fake_presence(&r->chrs[1], true);
    spin(&r->m);
    told(r, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
    fake_presence(&r->chrs[1], false);
    spin(&r->m);
    told(r, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
    fake_presence(&r->chrs[0], true);
    spin(&r->m);
    assert_silent(r);
}

/* Messages wait for buffers; what is due twice is said once. */
static void messages_wait_for_buffers(void **state)
{
    struct rig *r = *state;

    drive_ports(r, 0);
    for (unsigned i = 0; i < RX_SIZE / 2; i++)
        tell(r, UINT32_MAX, VIRTIO_CONSOLE_DEVICE_READY, 1);
    for (unsigned i = 0; i < RX_SIZE; i++)
        told(r, i % 2, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
    for (unsigned i = 0; i < 1000; i++)
        tell(r, UINT32_MAX, VIRTIO_CONSOLE_DEVICE_READY, 1);
    assert_silent(r);
    for (uint16_t i = 0; i < RX_SIZE; i++)
        offer(r, CTL_RX, i, CTL(i), 0x100);
    go_on(r, CTL_RX);
    told(r, 0, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
    told(r, 1, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
    assert_silent(r);
}

static void messages_that_make_no_sense(void **state)
{
    struct rig *r = *state;

    meet(r, 0);
    tell(r, 2, VIRTIO_CONSOLE_PORT_READY, 1);
    tell(r, UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
    tell(r, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
    tell(r, 0, 0xffff, 1);
    tell(r, 1, VIRTIO_CONSOLE_PORT_READY, 0);
    tell(r, 0, VIRTIO_CONSOLE_DEVICE_READY, 0);
    for (uint32_t n = 0; n < 8; n++) {
        offer(r, CTL_TX, 0, DATA, n);
        go_on(r, CTL_TX);
    }
    assert_silent(r);
    assert_false(needs_reset(&r->m));
    tell(r, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    told(r, 1, VIRTIO_CONSOLE_PORT_NAME, 1, 5);
}

/* A buffer too small for a message loses it, and only it. */
static void small_buffers_for_messages(void **state)
{
    struct rig *r = *state;
    struct vring_used_elem e;

    negotiate(&r->m, F_MUST | F_MULTI);
    for (unsigned q = 0; q < QUEUES; q++) {
        make_ring(&r->m, q, RX_SIZE);
        set_queue(&r->m, q, &r->m.rings[q].cfg);
        wr(&r->m, VIRTIO_MMIO_QUEUE_READY, 1);
    }
    wr(&r->m, VIRTIO_MMIO_STATUS, S_LIVE);
    offer(r, CTL_RX, 0, CTL(0), 8);
    offer(r, CTL_RX, 1, CTL(1), 9);
    offer(r, CTL_RX, 2, CTL(2), 7);
    tell(r, 1, VIRTIO_CONSOLE_PORT_READY, 1);
    assert_true(ring_take(&r->m.rings[CTL_RX], &e));
    assert_int_equal(e.len, 0); /* the name */
    told(r, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
    tell(r, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    assert_true(ring_take(&r->m.rings[CTL_RX], &e));
    assert_int_equal(e.len, 0);
}

/* hostile case 33 */
static void a_flood_of_empty_chains(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, TX_SIZE / 4);
    r->chrs[0].room = SIZE_MAX;
    for (unsigned round = 0; round < 50; round++) {
        for (uint16_t i = 0; i < TX_SIZE / 4; i++)
            offer(r, TX, i, DATA, 0);
        go_on(r, TX);
    }
    assert_int_equal(ring_used_idx(&r->m.rings[TX]), 50 * TX_SIZE / 4);
    assert_out(&r->chrs[0], "");
}

static void a_broken_ring_stops_all_ports(void **state)
{
    struct rig *r = *state;

    meet(r, 0);
    ring_offer(&r->m.rings[TX1], 0x4000);
    go_on(r, TX1);
    assert_true(needs_reset(&r->m));
    fake_type(&r->chrs[0], "x", 1);
    fake_drain(&r->chrs[0], 1);
    fake_presence(&r->chrs[1], false);
    vcons_resize(r->dev, 1, 2);
    spin(&r->m);
    meet(r, 0);
    print(r, TX1, "again");
    assert_out(&r->chrs[1], "again");
}

/* A driver that knows nothing of ports has a terminal all the same. */
static void a_driver_without_ports(void **state)
{
    struct rig *r = *state;

    drive(&r->m, F_MUST, 2, RX_SIZE);
    print(r, TX, "hvc");
    assert_out(&r->chrs[0], "hvc");
    offer(r, RX, 0, DATA, 8);
    go_on(r, RX);
    fake_type(&r->chrs[0], "k", 1);
    spin(&r->m);
    assert_int_equal(taken(r, RX, 0), 1);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PORTS(name) cmocka_unit_test_setup_teardown(name, setup_ports, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(output_reaches_the_reader),
        TEST(output_of_many_pieces),
        TEST(a_slow_reader),
        TEST(megabytes_of_output),
        TEST(input_waits_for_buffers),
        TEST(input_in_front_of_the_driver),
        TEST(reset_in_the_middle_of_a_chain),
        TEST(one_queue_is_reset_alone),
        TEST(emergency_write),
        TEST(size_in_the_configuration),
        PORTS(ports_are_introduced),
        PORTS(bytes_of_a_second_port),
        PORTS(clients_come_and_go),
        PORTS(messages_wait_for_buffers),
        PORTS(messages_that_make_no_sense),
        PORTS(small_buffers_for_messages),
        TEST(a_flood_of_empty_chains),
        PORTS(a_broken_ring_stops_all_ports),
        PORTS(a_driver_without_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
