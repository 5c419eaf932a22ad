// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The console device with two ports: how they are introduced, who is there,
 * and a driver that does it all wrong.
 */
#include "vcons_rig.h"

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

#define PORTS(name) cmocka_unit_test_setup_teardown(name, setup_ports, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PORTS(ports_are_introduced),          PORTS(bytes_of_a_second_port),
        PORTS(clients_come_and_go),           PORTS(messages_wait_for_buffers),
        PORTS(messages_that_make_no_sense),   PORTS(small_buffers_for_messages),
        PORTS(a_broken_ring_stops_all_ports), PORTS(a_driver_without_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
