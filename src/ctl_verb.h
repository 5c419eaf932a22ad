/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_verb.h: what can be asked of a running guest, without the socket.
 *
 * A request is one JSON object, {"vmm":1,"cmd":"status"}; so is the answer,
 * {"vmm":1,"ok":true,...} or {"vmm":1,"ok":false,"error":"..."}. A verb is
 * a row of one table in ctl_verb.c.
 *
 * Thread: loop, board lock held.
 */
#ifndef VMM_CTL_VERB_H
#define VMM_CTL_VERB_H

#include "keymap.h"
#include "vmm/types.h"

#include <jansson.h>

#define CTL_VERSION      1
#define CTL_STOP_TIMEOUT 30 /* seconds, where "stop" names none */

/* A picture of the guest's screen: three bytes a dot, rows without gaps. */
struct ctl_picture {
    void *data; /* owned; malloc'ed */
    size_t size;
    unsigned width;
    unsigned height;
};

/*
 * What a person in front of the guest would see and do. Each returns
 * -EOPNOTSUPP if the guest has no display, or no keyboard; -EAGAIN while it
 * reboots.
 */
struct ctl_seat_ops {
    /*
     * Add to out what is on the screen: "graphics" (a bool), and "width" and
     * "height" of a picture, or "text" (lines) and "cursor" ([column, row]).
     */
    int (*screen)(void *ctx, json_t *out);
    /* Fill in a picture, given to the caller. Also -ENOMEM. */
    int (*picture)(void *ctx, struct ctl_picture *out);
    /* Type so many strokes. Also -ENOBUFS: too many are not yet typed. */
    int (*type)(void *ctx, const struct key_stroke *strokes, unsigned n);
};

/*
 * What the machine can do for the control socket; given by the board. Called
 * on the loop thread with the board lock held. None may be NULL.
 */
struct ctl_ops {
    /*
     * Add to out what there is to say: mode, cpus, memory (bytes), state
     * ("running" or "paused"), exits. Name, pid, version and uptime are
     * there already.
     */
    void (*status)(void *ctx, json_t *out);
    /* Press the power button. 0, or -EOPNOTSUPP if the guest has none. */
    int (*power_button)(void *ctx);
    /*
     * End the guest now. why completes "ended by ..." for the log and for
     * rundir_release; it is a constant.
     */
    void (*kill)(void *ctx, const char *why);
    /* Both are idempotent; 0 or -errno. */
    int (*pause)(void *ctx);
    int (*resume)(void *ctx);
    /* A resume whose guest is to end: nothing may pause it again. */
    int (*resume_to_end)(void *ctx);
    /*
     * Look at a disk's size again and tell the guest. 0 and the size in bytes,
     * -ENODEV if there is no disk of that id, or another -errno.
     */
    int (*resize)(void *ctx, const char *disk, uint64_t *size);
    /* The guest's xenstore, or NULL if it has none. */
    struct xs *(*store)(void *ctx);
    /*
     * Ask the guest to keep so many bytes of its memory. 0, -ERANGE if it has
     * less, or -EOPNOTSUPP if it has no balloon.
     */
    int (*balloon)(void *ctx, uint64_t target);
    const struct ctl_seat_ops *seat; /* borrowed */
    void *ctx;                       /* borrowed; also of seat's functions */
};

/* The guest as the verbs see it. */
struct ctl_guest {
    const struct ctl_ops *ops; /* borrowed */
    const char *name;          /* borrowed */
    uint64_t started;          /* CLOCK_MONOTONIC seconds */
    /* End the guest the hard way in so many seconds, unless it ends before. */
    void (*arm_stop)(void *owner, unsigned seconds);
    void *owner; /* borrowed */
    /* Set by the owner: another picture is on its way, and one is enough. */
    bool picture_busy;
    /* Behind the answer just given goes this, if there is one: the owner's. */
    struct ctl_picture picture;
};

/*
 * Answer one request of n bytes, newline not included. Returns the answer as
 * one line with its newline, to be freed by the caller, or NULL if there is
 * no memory for it. Any bytes at all are allowed.
 */
char *ctl_answer(struct ctl_guest *guest, const char *line, size_t n);

/* A refusal in the same form, for what is not a request. */
char *ctl_refusal(const char *error);

#endif
