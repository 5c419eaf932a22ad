/* SPDX-License-Identifier: MIT */
/*
 * nic.c: see nic.h.
 */
#include "nic.h"

#include "cpu.h"
#include "report.h"
#include "string.h"

#define NO_ANSWER 0xffu

void nic_post(struct nic *n, unsigned room)
{
    const struct vq_buf buf = VQ_BUF(&n->in[room], sizeof(n->in[room]));
    int head = vq_add(&n->rx, &buf, 0, 1);

    if (head >= 0)
        n->room_of[head] = (uint16_t)room;
}

static void start(struct nic *n, uint64_t features)
{
    if (!virtio_begin(&n->dev, features))
        test_error("the network device does not take its features");
    vq_open(&n->rx, &n->dev, 0, 0);
    vq_open(&n->tx, &n->dev, 1, 0);
    if (n->dev.features & NET_F_CTRL_VQ)
        vq_open(&n->ctrl, &n->dev, 2, 0);
    for (unsigned room = 0; room < NIC_RX; room++)
        nic_post(n, room);
    virtio_go(&n->dev);
    vq_kick(&n->rx);
}

void nic_open(struct nic *n, uint64_t features)
{
    if (!virtio_find(&n->dev, VIRTIO_ID_NET, 0))
        test_error("there is no network device");
    start(n, features);
}

void nic_again(struct nic *n)
{
    start(n, n->dev.features);
}

static uint16_t swapped(uint16_t value)
{
    return (uint16_t)(value << 8 | value >> 8);
}

void nic_frame(struct nic *n, uint32_t number, uint32_t len)
{
    struct frame *f = &n->out.frame;

    memset(&n->out, 0, sizeof(n->out.header));
    memset(f->to, 0xff, sizeof(f->to));
    for (unsigned i = 0; i < 6; i++)
        f->from[i] = mmio_read8(n->dev.config + NET_MAC + i);
    f->type = swapped(NIC_TYPE);
    f->number = number;
    memset(f->rest, (uint8_t)number, len - 18);
}

bool nic_send(struct nic *n, uint32_t len)
{
    const struct vq_buf bufs[] = {
        VQ_BUF(&n->out.header, sizeof(n->out.header)),
        VQ_BUF(&n->out.frame, len),
    };
    uint32_t written;
    uint16_t head;

    if (vq_add(&n->tx, bufs, 2, 0) < 0)
        return false;
    vq_kick(&n->tx);
    return vq_wait(&n->tx, NIC_PATIENCE) && vq_get(&n->tx, &head, &written);
}

bool nic_receive(struct nic *n, unsigned *room, uint32_t *len)
{
    uint16_t head;

    if (!vq_get(&n->rx, &head, len))
        return false;
    *room = n->room_of[head % VQ_MAX];
    return true;
}

bool nic_frame_ok(const struct packet *p, uint32_t len)
{
    const struct frame *f = &p->frame;
    const uint32_t fixed = sizeof(p->header) + 18;

    if (len < fixed || f->type != swapped(NIC_TYPE))
        return false;
    for (uint32_t i = 0; i < len - fixed; i++)
        if (f->rest[i] != (uint8_t)f->number)
            return false;
    return true;
}

uint8_t nic_command(struct nic *n, uint8_t class, uint8_t command,
                    const void *data, uint32_t len)
{
    static uint8_t words[2], answer;
    const struct vq_buf bufs[] = {VQ_BUF(words, 2), VQ_BUF(data, len),
                                  VQ_BUF(&answer, 1)};
    const struct vq_buf bare[] = {VQ_BUF(words, 2), VQ_BUF(&answer, 1)};
    uint32_t written;
    uint16_t head;

    words[0] = class;
    words[1] = command;
    answer = NO_ANSWER;
    if (vq_add(&n->ctrl, len ? bufs : bare, len ? 2 : 1, 1) < 0)
        return NO_ANSWER;
    vq_kick(&n->ctrl);
    if (!vq_wait(&n->ctrl, NIC_PATIENCE) || !vq_get(&n->ctrl, &head, &written))
        return NO_ANSWER;
    return __atomic_load_n(&answer, __ATOMIC_ACQUIRE);
}

bool nic_link_up(const struct nic *n)
{
    return mmio_read16(n->dev.config + NET_STATUS) & 1;
}
