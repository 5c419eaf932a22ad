/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-console: a terminal without the multiport feature and, on a device
 * of its own, a port with a name. Output ends for any number of bytes in any
 * pieces (hostile case 33), messages introduce the port, and those that make
 * no sense do nothing. Run with both leading nowhere. Source: virtio 1.2, 5.3.
 */
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "vq.h"

#define PATIENCE (20 * CLOCK_S)
#define FLOOD    (1u << 20)

#define F_MULTIPORT   (1ull << 1)
#define F_EMERG_WRITE (1ull << 2)
#define MAX_PORTS     4u /* in the configuration space */
#define EMERG_WRITE   8u

enum { RX, TX, CTL_RX, CTL_TX };

enum {
    DEVICE_READY,
    DEVICE_ADD,
    DEVICE_REMOVE,
    PORT_READY,
    CONSOLE_PORT,
    RESIZE,
    PORT_OPEN,
    PORT_NAME,
};

struct message {
    uint32_t id;
    uint16_t event;
    uint16_t value;
    char name[24];
};

#define HEAD 8u /* bytes of a message without a name */

static struct virtio term, ports;
static struct vq term_rx, term_tx, rx, tx, ctl_rx, ctl_tx;
static uint8_t bytes[FLOOD];
static struct message said, heard[16];

/* One chain, there and back. */
static void send(struct vq *q, const struct vq_buf *bufs, unsigned n)
{
    uint32_t written;
    uint16_t head;

    if (vq_add(q, bufs, n, 0) < 0)
        test_error("no room in the queue");
    vq_kick(q);
    if (!vq_wait(q, PATIENCE))
        test_error("output does not end");
    vq_get(q, &head, &written);
    CHECK_EQ("bytes written", written, 0);
}

static void check_output(struct vq *q)
{
    const struct vq_buf whole = VQ_BUF(bytes, FLOOD);
    const struct vq_buf none = VQ_BUF(bytes, 0);
    struct vq_buf pieces[32];

    for (unsigned i = 0; i < 32; i++)
        pieces[i] = VQ_BUF(bytes + i * 3, i * 2);
    send(q, &none, 1);
    send(q, pieces, 32);
    for (unsigned i = 0; i < 4; i++)
        send(q, &whole, 1);
}

/* A buffer for input stays the device's: there is no input. */
static void check_no_input(struct vq *q)
{
    const struct vq_buf buf = VQ_BUF(bytes, 64);

    vq_add(q, &buf, 0, 1);
    vq_kick(q);
    CHECK_EQ("input", vq_wait(q, CLOCK_S / 20), 0);
}

static void tell(uint32_t id, uint16_t event, uint16_t value, uint32_t n)
{
    const struct vq_buf buf = VQ_BUF(&said, n);

    said = (struct message){.id = id, .event = event, .value = value};
    send(&ctl_tx, &buf, 1);
}

/* The next message is this one. */
static void expect(uint32_t id, uint16_t event, const char *name)
{
    const uint32_t n = (uint32_t)strlen(name);
    const struct message *m;
    uint32_t written;
    uint16_t head;

    if (!vq_wait(&ctl_rx, PATIENCE) || !vq_get(&ctl_rx, &head, &written))
        test_error("no message %u", event);
    m = &heard[head];
    CHECK_EQ("length", written, HEAD + n);
    CHECK_EQ("port", m->id, id);
    CHECK_EQ("event", m->event, event);
    CHECK_EQ("value", m->value, 1);
    CHECK_EQ("name", memcmp(m->name, name, n) == 0, 1);
}

static void check_messages(void)
{
    for (unsigned i = 0; i < 8; i++) {
        const struct vq_buf buf = VQ_BUF(&heard[i], sizeof(heard[i]));

        /* Heads are handed out in order: a message is found by its own. */
        if (vq_add(&ctl_rx, &buf, 0, 1) != (int)i)
            test_error("a head out of order");
    }
    vq_kick(&ctl_rx);
    tell(1, PORT_READY, 1, HEAD); /* no such port */
    tell(0xffffffff, PORT_OPEN, 1, HEAD);
    tell(0, 0x7777, 1, HEAD);
    tell(0, PORT_READY, 1, HEAD - 1); /* not all of it */
    tell(0, DEVICE_READY, 0, HEAD);
    tell(0, DEVICE_READY, 1, HEAD);
    expect(0, DEVICE_ADD, "");
    tell(0, PORT_READY, 1, HEAD);
    expect(0, PORT_NAME, "agent");
    expect(0, PORT_OPEN, "");
    tell(0, PORT_OPEN, 1, HEAD);
    CHECK_EQ("a message too many", vq_wait(&ctl_rx, CLOCK_S / 20), 0);
}

static void check_terminal(void)
{
    CHECK_EQ("features taken", virtio_begin(&term, F_EMERG_WRITE), 1);
    CHECK_EQ("multiport offered", term.bus->features(&term) & F_MULTIPORT, 0);
    for (unsigned i = 0; i < 100; i++)
        mmio_write32(term.config + EMERG_WRITE, '!');
    vq_open(&term_rx, &term, RX, 0);
    vq_open(&term_tx, &term, TX, 0);
    virtio_go(&term);
    check_output(&term_tx);
    check_no_input(&term_rx);
    CHECK_EQ("NEEDS_RESET", virtio_status(&term) & VIRTIO_NEEDS_RESET, 0);
}

void test_main(void)
{
    if (!virtio_find(&term, VIRTIO_ID_CONSOLE, 0) ||
        !virtio_find(&ports, VIRTIO_ID_CONSOLE, 1))
        test_error("there are no two devices");
    check_terminal();
    CHECK_EQ("features taken", virtio_begin(&ports, F_MULTIPORT), 1);
    CHECK_EQ("multiport", ports.features & F_MULTIPORT, F_MULTIPORT);
    CHECK_EQ("ports", mmio_read32(ports.config + MAX_PORTS), 1);
    vq_open(&rx, &ports, RX, 0);
    vq_open(&tx, &ports, TX, 0);
    vq_open(&ctl_rx, &ports, CTL_RX, 8);
    vq_open(&ctl_tx, &ports, CTL_TX, 0);
    virtio_go(&ports);
    check_messages();
    check_output(&tx);
    check_no_input(&rx);
    CHECK_EQ("NEEDS_RESET", virtio_status(&ports) & VIRTIO_NEEDS_RESET, 0);
}
