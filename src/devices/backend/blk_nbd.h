/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk_nbd.h: what the halves of the NBD client share, and its tests.
 *
 * The protocol is that of doc/proto.md of the NBD project: fixed newstyle
 * negotiation, simple replies. Numbers are big endian.
 */
#ifndef BACKEND_BLK_NBD_H
#define BACKEND_BLK_NBD_H

#include "devices/backend/blk.h"

/* Transmission flags of an export. */
#define NBD_READ_ONLY         0x0002u
#define NBD_SEND_FLUSH        0x0004u
#define NBD_SEND_FUA          0x0008u
#define NBD_SEND_TRIM         0x0020u
#define NBD_SEND_WRITE_ZEROES 0x0040u

#define NBD_REQUEST_MAGIC 0x25609513u
#define NBD_REPLY_MAGIC   0x67446698u
#define NBD_REQUEST_BYTES 28
#define NBD_REPLY_BYTES   16

enum nbd_type {
    NBD_READ = 0,
    NBD_WRITE = 1,
    NBD_DISC = 2,
    NBD_FLUSH = 3,
    NBD_TRIM = 4,
    NBD_WRITE_ZEROES = 6,
};

#define NBD_FLAG_FUA     0x0001u
#define NBD_FLAG_NO_HOLE 0x0002u

struct nbd_export {
    uint64_t size;
    uint16_t flags;
    uint32_t min_block; /* a power of two */
    uint32_t max_block; /* bytes in one request; a multiple of min_block */
};

/*
 * Negotiate for the export of this name on a connected blocking socket, with
 * its time-outs. disk is for messages. 0 or -errno, logged.
 */
must_check int nbd_handshake(int fd, const char *disk, const char *name,
                             struct nbd_export *out);

/* A disk on a socket that has been negotiated; takes fd. NULL after logging. */
struct blk *nbd_open_export(const struct blk_config *cfg, int fd,
                            const struct nbd_export *export);

#endif
