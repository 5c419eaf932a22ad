/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vnc_wire.h: what vmm and its VNC server, vmm-vnc, say to each other over a
 * pair of SOCK_SEQPACKET sockets, one structure a packet; and the picture,
 * which is in a file that both map: width dots of 0x00RRGGBB a row, rows
 * without gaps, never more than VNC_FRAME_BYTES.
 *
 * Neither side believes the other: vmm may have been taken over by its guest,
 * vmm-vnc by somebody in the network. Every number is checked where it comes
 * in, and a packet of another size is dropped.
 */
#ifndef VMM_VNC_WIRE_H
#define VMM_VNC_WIRE_H

#include "vmm/types.h"

#define VNC_MAX_WIDTH   4608u
#define VNC_MAX_HEIGHT  1600u
#define VNC_FRAME_BYTES (4ull * VNC_MAX_WIDTH * VNC_MAX_HEIGHT)

/* Descriptors that vmm-vnc is started with. */
#define VNC_FD_LISTEN 3
#define VNC_FD_WIRE   4
#define VNC_FD_FRAME  5

/* From vmm: the picture has this size, and these rows of it are new. */
struct vnc_damage {
    uint32_t width;
    uint32_t height;
    uint32_t first;
    uint32_t end;
};

enum vnc_kind {
    VNC_VIEWERS, /* a: how many there are */
    VNC_KEY,     /* a: the key as in keymap.h, b: it goes down */
    VNC_POINTER, /* a, b: moved by so much, c: wheel, d: buttons of ps2.h */
};

/* From vmm-vnc. */
struct vnc_event {
    uint32_t kind;
    int32_t a;
    int32_t b;
    int32_t c;
    uint32_t d;
};

#endif
