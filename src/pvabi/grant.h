/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grant.h: the grant table of one guest.
 *
 * An entry of the table says which frame of its memory the guest lets which
 * domain use. The guest writes the entries, a back-end (domain 0, in this
 * process) pins one for as long as it uses the frame: that sets the bits by
 * which the guest sees that it may not take the frame back. What was checked
 * when the first pin was made holds until the last is gone, whatever the guest
 * writes into the entry meanwhile. A persistent grant is a pin that is kept.
 *
 * The table's frames are pages of guest RAM, where the guest asked for them
 * (XENMEM_add_to_physmap): nothing is laid over the guest's map. A frame that
 * is nowhere yet is a page of ours, and its content moves in when it is placed.
 *
 * Version 1 and version 2 with status frames. Transitive grants go from one
 * guest through a second to a third; there is one guest, so there are none.
 *
 * Thread: any, board lock held. The guest changes the table at any time.
 */
#ifndef PVABI_GRANT_H
#define PVABI_GRANT_H

#include "mmu/gmem.h"
#include "pvabi/xen_abi.h"
#include "vmm/types.h"

#include <sys/uio.h>

struct gnttab;

#define GNTTAB_FRAMES     64u /* as many as Xen gives by default */
#define GNTTAB_MAX_FRAMES 256u
#define GNTTAB_NO_FRAME   UINT64_MAX

/*
 * A table of one frame, version 1, which may grow to max_frames. mem is
 * borrowed. NULL after logging.
 */
struct gnttab *gnttab_create(struct gmem *mem, domid_t domid,
                             unsigned max_frames);
/* All pins are released. */
void gnttab_destroy(struct gnttab *gt);

/* As after creation; what was in the frames is lost. All pins are released. */
void gnttab_reset(struct gnttab *gt);

/*
 * Fill in an entry, as a domain builder does for the first few: domain 0 may
 * use the frame.
 */
void gnttab_seed(struct gnttab *gt, grant_ref_t ref, gfn_t gfn);

/* ---- back-ends: domain 0 ---- */

/*
 * Pin an entry, and give the host's iovec of len bytes at off of its frame,
 * for the kernel's eyes only. 0, or -errno and nothing is pinned:
 * -EINVAL   no such entry, or the range is not in what it grants
 * -EACCES   it grants nothing, or not to domain 0
 * -EPERM    it is read-only, and write was asked for
 * -EFAULT   its frame is not RAM
 * -EAGAIN   the guest changes it faster than it can be pinned
 * -EBUSY    it has 65535 pins
 */
must_check int gnttab_iov(struct gnttab *gt, grant_ref_t ref, unsigned off,
                          unsigned len, bool write, struct iovec *out);

/* The same for a whole frame as a window, for a ring. */
must_check int gnttab_win(struct gnttab *gt, grant_ref_t ref, bool write,
                          struct gwin *out);

/* Take one pin off, as it was made. */
void gnttab_release(struct gnttab *gt, grant_ref_t ref, bool write);

/* Pins there are in all. */
unsigned gnttab_pins(const struct gnttab *gt);

/* ---- the memory map ---- */

/*
 * XENMAPSPACE_grant_table: put frame idx (with XENMAPIDX_grant_table_status:
 * of the status) where the guest wants it, in RAM. The table grows as needed.
 * 0, -EINVAL: no such frame, -EFAULT: not RAM.
 */
must_check int gnttab_place(struct gnttab *gt, uint64_t idx, gfn_t gfn);

/* Where it is, or GNTTAB_NO_FRAME. */
uint64_t gnttab_frame(const struct gnttab *gt, uint64_t idx);

/* The guest takes a page out of its map: a frame that is there is nowhere. */
void gnttab_unplace(struct gnttab *gt, gfn_t gfn);

/* ---- GNTTABOP_*, with a copy of the guest's structure ---- */

/*
 * 0 or -errno for the hypercall; the structure's status says the rest. frames
 * has room for GNTTAB_MAX_FRAMES and gets op->nr_frames of them if the status
 * is GNTST_okay.
 */
int gnttab_op_setup_table(struct gnttab *gt, struct gnttab_setup_table *op,
                          uint64_t *frames);
int gnttab_op_get_status_frames(struct gnttab *gt,
                                struct gnttab_get_status_frames *op,
                                uint64_t *frames);
int gnttab_op_query_size(struct gnttab *gt, struct gnttab_query_size *op);
int gnttab_op_set_version(struct gnttab *gt, struct gnttab_set_version *op);
int gnttab_op_get_version(struct gnttab *gt, struct gnttab_get_version *op);
int gnttab_op_copy(struct gnttab *gt, struct gnttab_copy *op);
int gnttab_op_swap_grant_ref(struct gnttab *gt,
                             struct gnttab_swap_grant_ref *op);
int gnttab_op_cache_flush(struct gnttab *gt, struct gnttab_cache_flush *op);
/*
 * A guest has no other guest's frames to map, and its own it has: what it asks
 * for is checked, and then refused.
 */
int gnttab_op_map_grant_ref(struct gnttab *gt, struct gnttab_map_grant_ref *op);
int gnttab_op_unmap_grant_ref(struct gnttab *gt,
                              struct gnttab_unmap_grant_ref *op);

#endif
