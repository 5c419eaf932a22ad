/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost_user.h: a device that lives in another process: the front-end's half
 * of the vhost-user protocol, as much of it as a file system needs.
 *
 * The other process maps the guest's memory and serves its queues by itself:
 * kicks reach it from KVM, and its interrupts are an eventfd. What is said
 * here is only where things are. Messages that set something have no answer;
 * the few that have are waited for, VHOST_USER_MS at most.
 *
 * Whoever is at the other end was started by us, but serves a hostile guest:
 * what it says is bounded and checked, and one that breaks the protocol, is
 * late or gone is lost for good.
 *
 * Source: "Vhost-user Protocol", in QEMU's documentation of interoperability.
 * Thread: the loop's, or any before there are threads.
 */
#ifndef BACKEND_VHOST_USER_H
#define BACKEND_VHOST_USER_H

#include "vmm/types.h"

#define VHOST_USER_MS      5000
#define VHOST_USER_REGIONS 8

struct vhost_user {
    int fd;            /* borrowed: the connection */
    const char *who;   /* borrowed: for messages */
    bool lost;         /* nothing is sent any more */
    bool starting;     /* whoever opens it says what went wrong */
    uint64_t features; /* virtio's, that the other process knows */
};

/* A part of guest memory, and where it is in a file. */
struct vhost_user_region {
    uint64_t gpa;
    uint64_t size;
    uint64_t offset;
    int fd; /* borrowed */
};

/* A queue as its driver set it up. */
struct vhost_user_ring {
    unsigned index;
    uint16_t size;
    uint64_t desc, avail, used; /* guest addresses */
    int kick;                   /* borrowed: signalled by the guest */
    int call;                   /* borrowed: signalled by the device */
};

/* Say hello and learn the features. 0 or -errno, not logged. */
must_check int vhost_user_open(struct vhost_user *u, int fd, const char *who);

/* Each: 0, or -errno, and the other process is lost. Logged once. */
must_check int vhost_user_set_features(struct vhost_user *u, uint64_t bits);
must_check int vhost_user_set_memory(struct vhost_user *u,
                                     const struct vhost_user_region *regions,
                                     unsigned n);
must_check int vhost_user_start(struct vhost_user *u,
                                const struct vhost_user_ring *ring);
/* The queue is at rest when this returns 0: the guest's memory is its own. */
must_check int vhost_user_stop(struct vhost_user *u, unsigned index);

/*
 * Something arrived, or the connection ended. False: it is lost, which is
 * said once.
 */
must_check bool vhost_user_check(struct vhost_user *u);

#endif
