/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk.h: guest memory by the guest's own linear addresses.
 *
 * For what a guest hands over by pointer: the page tables are walked as its
 * CPU would, in all paging modes (none, 32-bit, PAE, 4 and 5 levels), and the
 * bytes go through gmem's doors. The tables are the guest's: an entry is
 * fetched once, what it names is checked, and a walk has as many steps as
 * there are levels. Accessed and dirty bits are left alone. Access is the
 * hypervisor's: protection keys, SMAP and the user bit do not count, a page
 * that is read-only is not written.
 *
 * Thread: any. Source: Intel SDM vol. 3A chapter 4.
 */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "mmu/gmem.h"
#include "vmm/hcall.h"
#include "vmm/types.h"

/*
 * The guest physical address behind gva, and for how many bytes on that holds
 * (to the end of its page). 0 or -EFAULT.
 */
must_check int walk_gva(const struct gmem *m, const struct paging *p, gva_t gva,
                        bool write, gpa_t *out, uint64_t *run);

/* Copy from and to linear addresses. 0, or -EFAULT: a part may be copied. */
must_check int walk_read(const struct gmem *m, const struct paging *p,
                         gva_t from, void *dst, size_t n);
must_check int walk_write(struct gmem *m, const struct paging *p, gva_t to,
                          const void *src, size_t n);

#endif
