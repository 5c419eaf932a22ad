/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shinfo.h: shared_info and the vcpu_info of each vCPU: the words in which
 * Xen tells a guest of events and of the time.
 *
 * Until the guest maps shared_info it lives in a page of ours, so that what
 * happens before is not lost; mapping it moves its contents to the guest's
 * page. The same with a vcpu_info the guest registers elsewhere. Offsets
 * depend on the guest's word size, latched as Xen does: when the guest sets
 * up its hypercall page or callback, or maps the page.
 *
 * Thread: board lock held. The guest changes the same words at any time: a
 * word is fetched once, and no index is taken from it.
 * Source: Xen's public xen.h and vcpu.h.
 */
#ifndef PVABI_SHINFO_H
#define PVABI_SHINFO_H

#include "mmu/gmem.h"
#include "vmm/types.h"

struct shinfo;

/* NULL: out of memory, logged. */
struct shinfo *shinfo_create(unsigned n_vcpus);
void shinfo_destroy(struct shinfo *s);

/* As after creation: nothing mapped, nothing pending. */
void shinfo_reset(struct shinfo *s);

/* The guest's words are 32 bits wide, not 64. */
void shinfo_latch(struct shinfo *s, bool is32);
bool shinfo_is32(const struct shinfo *s);
unsigned shinfo_vcpus(const struct shinfo *s);

/* The guest's page for shared_info: its contents move there. */
void shinfo_map(struct shinfo *s, const struct gwin *page);
/* The page is the guest's no longer: the contents come home. */
void shinfo_unmap(struct shinfo *s);
bool shinfo_is_mapped(const struct shinfo *s);

/* Bytes of a vcpu_info, the same for both word sizes. */
#define SHINFO_VCPU_SIZE 64

/*
 * A vCPU's vcpu_info, SHINFO_VCPU_SIZE bytes, moves to win, and all its
 * events count as pending. 0, -ENOENT: no such vCPU, -EINVAL: it has one.
 */
must_check int shinfo_register_vcpu(struct shinfo *s, unsigned vcpu,
                                    const struct gwin *win);
/* All a vCPU's events count as pending, as after a move. */
void shinfo_mark_all(struct shinfo *s, unsigned vcpu);
bool shinfo_is_registered(const struct shinfo *s, unsigned vcpu);

/*
 * Where a vCPU's vcpu_info is now, or false: it has none yet, because it is
 * not among the first 32 and did not register one.
 */
bool shinfo_vcpu(const struct shinfo *s, unsigned vcpu, struct gwin *out);
/* Where its struct vcpu_time_info is. */
bool shinfo_vcpu_time(const struct shinfo *s, unsigned vcpu, struct gwin *out);

/* Ports that the 2-level words have bits for. */
uint32_t shinfo_ports(const struct shinfo *s);

/* One port's bits; port is below shinfo_ports. Setters say what was there. */
bool shinfo_pending(const struct shinfo *s, uint32_t port);
bool shinfo_masked(const struct shinfo *s, uint32_t port);
bool shinfo_set_pending(struct shinfo *s, uint32_t port);
bool shinfo_clear_pending(struct shinfo *s, uint32_t port);
bool shinfo_clear_mask(struct shinfo *s, uint32_t port);

/* The bit for the port's word in the vCPU's selector. */
bool shinfo_set_selector(struct shinfo *s, unsigned vcpu, uint32_t port);
/* evtchn_upcall_pending. A vCPU without a vcpu_info says it was set. */
bool shinfo_set_upcall(struct shinfo *s, unsigned vcpu);
bool shinfo_upcall(const struct shinfo *s, unsigned vcpu);

/* The wall clock at the guest's time 0, by wc_version's rules. */
void shinfo_set_wallclock(struct shinfo *s, uint64_t sec, uint32_t nsec);
/* Where wc_version, wc_sec and wc_nsec are in the page. */
size_t shinfo_wallclock_offset(const struct shinfo *s);

#endif
