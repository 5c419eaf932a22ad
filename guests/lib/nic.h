/* SPDX-License-Identifier: MIT */
/*
 * nic.h: a virtio network device with one pair of queues in use. Source:
 * virtio 1.2, 5.1.
 *
 * Frames of the tests are broadcasts of type NIC_TYPE (IEEE 802's for local
 * experiments): a number, and behind it nothing but the number's low byte.
 */
#ifndef GUEST_NIC_H
#define GUEST_NIC_H

#include "clock.h"
#include "vq.h"

#define NIC_TYPE     0x88b5u
#define NIC_RX       64u   /* receive buffers */
#define NIC_FRAME    1514u /* bytes at most, with the Ethernet header */
#define NIC_LEAST    60u
#define NIC_PATIENCE (2 * CLOCK_S)

#define NET_F_CSUM      (1ull << 0)
#define NET_F_MAC       (1ull << 5)
#define NET_F_HOST_TSO4 (1ull << 11)
#define NET_F_MRG_RXBUF (1ull << 15)
#define NET_F_STATUS    (1ull << 16)
#define NET_F_CTRL_VQ   (1ull << 17)
#define NET_F_CTRL_RX   (1ull << 18)
#define NET_F_CTRL_VLAN (1ull << 19)
#define NET_F_MQ        (1ull << 22)
#define NET_F_CTRL_MAC  (1ull << 23)

#define NIC_FEATURES                                                   \
    (NET_F_MAC | NET_F_STATUS | NET_F_CTRL_VQ | NET_F_CTRL_RX |        \
     NET_F_CTRL_VLAN | NET_F_CTRL_MAC | NET_F_CSUM | NET_F_HOST_TSO4 | \
     VIRTIO_F_INDIRECT)

enum net_config {
    NET_MAC = 0,
    NET_STATUS = 6, /* bit 0: the link is up */
    NET_MAX_PAIRS = 8,
};

struct net_header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
} __attribute__((packed));

struct frame {
    uint8_t to[6], from[6];
    uint16_t type; /* big endian */
    uint32_t number;
    uint8_t rest[NIC_FRAME - 18];
} __attribute__((packed));

struct packet {
    struct net_header header;
    struct frame frame;
};

struct nic {
    struct vq rx, tx, ctrl;
    struct virtio dev;
    struct packet in[NIC_RX];
    uint16_t room_of[VQ_MAX]; /* of in, by head */
    struct packet out;
};

/* The device, with its receive buffers posted; ERROR if there is none. */
void nic_open(struct nic *n, uint64_t features);
void nic_again(struct nic *n);

/* Make n->out a frame of len bytes. */
void nic_frame(struct nic *n, uint32_t number, uint32_t len);
/* Send n->out; true when the device gave the buffer back. */
bool nic_send(struct nic *n, uint32_t len);

/* Put a receive buffer back into the ring, by nic_post, after nic_receive. */
void nic_post(struct nic *n, unsigned room);
/* The next packet received (room, bytes with the header); false: none. */
bool nic_receive(struct nic *n, unsigned *room, uint32_t *len);
/* Is it one of the tests' frames, and whole? */
bool nic_frame_ok(const struct packet *p, uint32_t len);

/* A command with n bytes of data; the answer (0: fine), 0xff if none comes. */
uint8_t nic_command(struct nic *n, uint8_t class, uint8_t command,
                    const void *data, uint32_t len);

bool nic_link_up(const struct nic *n);

#endif
