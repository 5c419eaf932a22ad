/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtq.h: a virtio 1.2 split ring, seen from the device.
 *
 * The ring lies in guest memory and the guest changes it while we look: each
 * field is copied once into a local, the local is checked, and nobody looks
 * back. The configuration (size, addresses) is snapshotted by virtq_start.
 * What a hostile ring can do is make itself broken: virtq_pop answers
 * -EPROTO, and the transport sets NEEDS_RESET.
 *
 * Source: virtio 1.2, 2.7 (split virtqueues), 2.7.10 (event index).
 * Thread: loop, board lock held.
 */
#ifndef VIRTIO_VIRTQ_H
#define VIRTIO_VIRTQ_H

#include "mmu/gwin.h"
#include "vmm/types.h"

#include <string.h>
#include <sys/uio.h>

#define VIRTQ_MAX_SIZE  1024u /* entries; what a transport offers at most */
#define VIRTQ_MAX_IOV   (VIRTQ_MAX_SIZE + 2)
#define VIRTQ_MAX_BYTES ((uint64_t)1 << 32)

/* What the driver wrote, snapshotted at start. */
struct virtq_config {
    uint16_t size; /* power of two, 1..VIRTQ_MAX_SIZE */
    gpa_t desc;    /* 16-byte aligned, 16 * size bytes */
    gpa_t avail;   /* 2-byte aligned, 6 + 2 * size bytes */
    gpa_t used;    /* 4-byte aligned, 6 + 8 * size bytes */
};

struct virtq {
    struct virtq_config cfg;
    struct gmem *mem; /* borrowed */
    struct gwin desc, avail, used;
    bool event_idx; /* VIRTIO_F_EVENT_IDX was negotiated */
    bool indirect;  /* VIRTIO_F_INDIRECT_DESC was negotiated */
    bool running;
    bool broken;
    const char *why;     /* broken: what the guest did, for the log */
    uint16_t avail_idx;  /* the driver's index, as last loaded */
    uint16_t next_avail; /* next entry to pop */
    uint16_t next_used;  /* next entry to push, not yet published */
    uint16_t signalled;  /* used index at the last interrupt decision */
    uint16_t in_flight;  /* popped and not pushed */
    uint8_t busy[VIRTQ_MAX_SIZE / 8]; /* heads in flight */
};

/* One popped chain. The iovecs are of the caller's array. */
struct vchain {
    uint16_t head;
    int n_out; /* iov[0 .. n_out): the driver's, to be read */
    int n_in;  /* iov[n_out .. n_out+n_in): to be written */
    uint64_t out_bytes;
    uint64_t in_bytes;
    struct iovec *iov; /* caller's, of max entries */
    int max;
};

/* 0, or -EINVAL: the configuration is against the rules or outside RAM. */
must_check int virtq_start(struct virtq *q, struct gmem *mem,
                           const struct virtq_config *cfg, bool event_idx,
                           bool indirect);

/* Forget everything; the guest's memory is not touched again. */
void virtq_stop(struct virtq *q);

/*
 * Take the next chain. c->iov and c->max are set by the caller; a chain that
 * needs more than max is a broken one, so VIRTQ_MAX_IOV suits every ring. An
 * empty buffer has no iovec. Returns 1, 0 if there is none, or -EPROTO: the
 * guest broke the ring (q->broken).
 */
must_check int virtq_pop(struct virtq *q, struct vchain *c);

/*
 * Put a chain into the used ring, not yet visible. written: bytes. On a
 * broken ring the chain only ends; the guest's memory is left alone.
 */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);

/*
 * Make what was pushed visible and leave the driver alone for now: it may meet
 * it on its own account. A virtq_publish, soon, says whether it waits.
 */
void virtq_show(struct virtq *q);

/*
 * Make what was pushed visible (release store, full barrier). Returns true
 * if the driver wants an interrupt for it.
 */
must_check bool virtq_publish(struct virtq *q);

/* Tell the driver not to kick while we are at it anyway. */
void virtq_quiet(struct virtq *q);

/*
 * Ask for kicks again. Returns true if chains arrived in between: pop again
 * before waiting (enable, full barrier, recheck).
 */
must_check bool virtq_listen(struct virtq *q);

/* The same as below, whatever the segments. */
size_t vchain_gather(const struct vchain *c, uint64_t off, void *dst, size_t n);
size_t vchain_scatter(const struct vchain *c, uint64_t off, const void *src,
                      size_t n);

/*
 * Copy from byte off of what is to be read, or to byte off of what is to be
 * written; once, and never over the end. Return the bytes copied. Inline is
 * what headers and status bytes are: the first segment holds them.
 */
static inline size_t vchain_read(const struct vchain *c, uint64_t off,
                                 void *dst, size_t n)
{
    if (off || !c->n_out || n > c->iov->iov_len)
        return vchain_gather(c, off, dst, n);
    fetch_copy(dst, c->iov->iov_base, n);
    return n;
}

static inline size_t vchain_write(const struct vchain *c, uint64_t off,
                                  const void *src, size_t n)
{
    const struct iovec *in = c->iov + c->n_out;

    if (off || !c->n_in || n > in->iov_len)
        return vchain_scatter(c, off, src, n);
    memcpy(in->iov_base, src, n);
    return n;
}

#endif
