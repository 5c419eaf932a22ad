/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grant_priv.h: what the files of the grant table share.
 */
#ifndef PVABI_GRANT_PRIV_H
#define PVABI_GRANT_PRIV_H

#include "pvabi/grant.h"

#define V1_PER_FRAME     (GUEST_PAGE / sizeof(struct grant_entry_v1))
#define V2_PER_FRAME     (GUEST_PAGE / sizeof(union grant_entry_v2))
#define STATUS_PER_FRAME (GUEST_PAGE / sizeof(grant_status_t))
#define MAX_STATUS       (GNTTAB_MAX_FRAMES * V2_PER_FRAME / STATUS_PER_FRAME)

/* A frame of the table: where it is in guest RAM, else in a page of ours. */
struct gnt_frame {
    struct gwin win;
    uint64_t gfn; /* GNTTAB_NO_FRAME: ours */
};

/* What an entry is pinned by, and what it said when it first was. */
struct gnt_pin {
    uint64_t gfn;
    unsigned char *host; /* the frame, for windows and iovecs */
    uint16_t readers, writers;
    uint16_t off, len; /* of the frame */
};

struct gnttab {
    struct gmem *mem; /* borrowed */
    domid_t domid;
    unsigned version;    /* 1 or 2 */
    unsigned max_frames; /* to grow to */
    unsigned n_frames;
    unsigned n_status; /* 0 in version 1 */
    unsigned n_pins;
    struct gnt_frame frames[GNTTAB_MAX_FRAMES];
    struct gnt_frame status[MAX_STATUS];
    unsigned char *pages; /* owned: max_frames, then the status frames */
    struct gnt_pin *pins; /* owned, one for each entry there can be */
};

/* Entries there are. */
static inline unsigned gnt_entries(const struct gnttab *gt)
{
    return gt->n_frames *
           (unsigned)(gt->version == 1 ? V1_PER_FRAME : V2_PER_FRAME);
}

/* Make the table n frames long, if it is not; n is at most max_frames. */
void gnt_grow(struct gnttab *gt, unsigned n);

/*
 * Pin for that domain: whole frames alone if whole. 0, and the pin made is in
 * gt->pins[ref], or -errno as gnttab_iov.
 */
must_check int gnt_pin(struct gnttab *gt, grant_ref_t ref, domid_t domid,
                       bool write, bool whole);

/* An entry of whichever version, by value; and back. */
union gnt_entry {
    struct grant_entry_v1 v1;
    union grant_entry_v2 v2;
};

void gnt_entry_get(const struct gnttab *gt, grant_ref_t ref,
                   union gnt_entry *out);
void gnt_entry_put(const struct gnttab *gt, grant_ref_t ref,
                   const union gnt_entry *in);

#endif
