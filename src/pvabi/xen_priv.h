/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xen_priv.h: what the files of the hypercalls share. */
#ifndef PVABI_XEN_PRIV_H
#define PVABI_XEN_PRIV_H

#include "pvabi/grant.h"
#include "pvabi/xen.h"
#include "pvabi/xen_abi.h"
#include "vmm/copyonce.h"
#include "vmm/log.h"

#define XEN_NOWHERE UINT64_MAX
#define XEN_PARAMS  39 /* HVM_NR_PARAMS of Xen 4.17 */

#define XEN_RUNSTATES 4u

/* runstate.c */
struct xen_runstate {
    uint64_t until;               /* system time, all of which is in time */
    uint64_t time[XEN_RUNSTATES]; /* by RUNSTATE_* */
    struct xen_times seen;
    bool up;
};

struct xen_vcpu {
    uint8_t vector;      /* HVMOP_set_evtchn_upcall_vector; 0: none */
    uint64_t info;       /* gpa of a registered vcpu_info, or XEN_NOWHERE */
    uint64_t singleshot; /* system time; 0: not set */
    uint64_t next_tick;  /* of the periodic timer; 0: not set */
    uint64_t period;
    /* What the guest registered by linear address */
    uint64_t runstate; /* of the first byte, as physical; XEN_NOWHERE: none */
    uint64_t runstate_tail; /* of the part in the next page */
    uint32_t runstate_head; /* bytes in the first page */
    bool runstate_is32;
    uint64_t runstate_tick; /* of a coarse clock: when it was last written */
    struct xen_runstate account;
    uint64_t time_copy; /* gpa of the second vcpu_time_info */
    uint32_t time_version;
    uint32_t timer_port; /* raised by the kernel's timer; 0: ours is it */
    bool timer_out;      /* and ours is to have the kernel's time */
    bool kernel;         /* the kernel raises its events */
};

/* What the number of a physical interrupt stands for. */
struct pirq {
    enum {
        PIRQ_FREE,
        PIRQ_GIVEN, /* to the guest, for a use of its own */
        PIRQ_LINE,
        PIRQ_MESSAGE,
    } use;
    uint8_t gsi; /* PIRQ_LINE: which */
};

struct xen {
    struct gmem *mem;                /* borrowed */
    const struct machine_desc *desc; /* borrowed */
    struct chr *console;             /* borrowed */
    uint32_t version;
    struct xen_ops ops;
    const struct xen_accel *accel; /* borrowed; NULL: none */
    bool kernel_shinfo;            /* the kernel knows where shared_info is */
    /* Sends that are the kernel's, a bit a port. */
    uint64_t given[EVTCHN_MAX_PORTS / 64];
    struct shinfo *si;  /* owned */
    struct evtchn *ev;  /* owned */
    struct gnttab *gt;  /* owned */
    uint64_t si_gpa;    /* where the guest has shared_info, or XEN_NOWHERE */
    bool latched;       /* the guest's word size is known */
    struct xen_via via; /* of vCPU 0, if it has no vector */
    bool line_up;       /* via's */
    uint8_t callback;   /* the vector of vCPUs that have none; 0: none */
    bool drivers_only;
    unsigned n_gsis;     /* lines that can be events; 0: nothing can */
    uint64_t ended_gsis; /* those whose ends are wanted, a bit each */
    struct pirq pirqs[EVTCHN_MAX_PIRQS];
    uint64_t params[XEN_PARAMS];
    uint64_t assists; /* VMASST_TYPE_* bits */
    uint64_t max_pages;
    uint64_t gone_pages; /* that the guest gave back */
    unsigned n_vcpus;
    struct xen_vcpu *vcpus; /* owned */
    struct xen_stats stats;
    struct log_limit limit; /* of what a guest gets wrong */
};

/* One hypercall, or one of a multicall, being answered. */
struct xcall {
    struct xen *x;
    const struct hcall *h; /* where it comes from */
    uint64_t arg[HCALL_MAX_ARGS];
    bool is64;
    bool nested; /* in a multicall */
};

/* hypercall.c: bytes at an address of the guest's. 0 or -EFAULT. */
must_check int xcall_in(const struct xcall *c, uint64_t gva, void *dst,
                        size_t n);
must_check int xcall_out(const struct xcall *c, uint64_t gva, const void *src,
                         size_t n);
/* An array's element i; the sum is checked. */
must_check int xcall_in_at(const struct xcall *c, uint64_t gva, uint64_t i,
                           void *dst, size_t n);
must_check int xcall_out_at(const struct xcall *c, uint64_t gva, uint64_t i,
                            const void *src, size_t n);
/* One of the caller's unsigned longs in an array. */
must_check int xcall_word_in(const struct xcall *c, uint64_t gva, uint64_t i,
                             uint64_t *out);
must_check int xcall_word_out(const struct xcall *c, uint64_t gva, uint64_t i,
                              uint64_t v);

typedef int64_t xcall_fn(struct xcall *c);

xcall_fn hc_xen_version, hc_memory_op, hc_sched_op, hc_vcpu_op, hc_hvm_op,
    hc_set_timer_op, hc_console_io, hc_vm_assist, hc_event_channel_op,
    hc_physdev_op, hc_grant_table_op;

/* xen.c */
void xen_latch(struct xen *x, bool is64);
/* shared_info is at this page now. 0 or -errno. */
must_check int xen_map_shinfo(struct xen *x, uint64_t gfn);
/* The page may have been one of ours: it is the guest's to reuse. */
void xen_unmap_page(struct xen *x, uint64_t gfn);
/* A page the guest can have something put on, backed if need be. */
must_check int xen_back(struct xen *x, uint64_t gfn);
/* Tell the machine where all clocks are. */
void xen_place_clocks(struct xen *x);
/* Where a vCPU's vcpu_info is in the guest's memory, or XEN_NOWHERE. */
uint64_t xen_info(const struct xen *x, unsigned vcpu);
void xen_upcall(struct xen *x, unsigned vcpu);
/* Upcalls of vCPU 0 go out by another line; it is one. */
void xen_set_via(struct xen *x, const struct xen_via *via);
/* accel.c: upcalls of vCPUs without a vector come by this one. 0 or -errno. */
must_check int accel_callback(struct xen *x, uint8_t vector);
static inline bool xen_is_self(domid_t dom)
{
    return dom == DOMID_SELF || dom == XEN_GUEST_DOMID;
}

/* areas.c: what the guest registered beside its vcpu_info. */
void areas_init(struct xen_vcpu *v);
/* The guest's areas are nobody's any more. */
void areas_reset(struct xen *x);
must_check int areas_set_runstate(struct xcall *c, unsigned vcpu, uint64_t gva);
must_check int areas_set_time(struct xcall *c, unsigned vcpu, uint64_t gva);
/* The same by physical address, in one page; all bits set: none. */
must_check int areas_put_runstate(struct xcall *c, unsigned vcpu, uint64_t gpa);
must_check int areas_put_time(struct xcall *c, unsigned vcpu, uint64_t gpa);
/* Bring both up to date, the runstate if that was not just done. */
void areas_refresh(struct xen *x, unsigned vcpu);
/* A vCPU went up or down. */
void areas_changed(struct xen *x, unsigned vcpu);
/* As the kernel knows it; false: it does not. The vCPU's thread. */
bool areas_own_runstate(const struct xen *x, unsigned vcpu,
                        struct vcpu_runstate_info *out);

/* runstate.c: take account up to now; what it says since. */
void runstate_account(struct xen *x, unsigned vcpu);
void runstate_get(const struct xen *x, unsigned vcpu,
                  struct vcpu_runstate_info *out);

/* accel.c: what of events the kernel does. */
void accel_bound(void *ctx, uint32_t port, const struct evtchn_info *info);
void accel_closed(void *ctx, uint32_t port);
void accel_reset(void *ctx);
bool accel_raise(void *ctx, uint32_t port, unsigned vcpu);
/* shared_info is about to move, or has moved. */
void accel_unmap(struct xen *x);
void accel_map(struct xen *x);
/* A vCPU has another vector, or what the kernel needs of it is elsewhere. */
void accel_vcpu(struct xen *x, unsigned vcpu);

/* hc_physdev.c: as evtchn_ops.pirq; and no number stands for anything. */
void pirq_bound(void *ctx, uint32_t pirq, bool bound);
void pirq_reset(struct xen *x);

/* hc_vcpu_life.c: rows of vcpu_op. */
int vcpu_op_initialise(struct xcall *c, unsigned vcpu);
int vcpu_op_up(struct xcall *c, unsigned vcpu);
int vcpu_op_down(struct xcall *c, unsigned vcpu);
int vcpu_op_is_up(struct xcall *c, unsigned vcpu);
int vcpu_op_send_nmi(struct xcall *c, unsigned vcpu);

/* timer.c */
/* A timer of the kernel's raises this port from now on; 0: none does. */
void timer_give(struct xen *x, unsigned vcpu, uint32_t port);
/* The kernel's, which is not to be used any more, was to fire then. */
void timer_returned(struct xen *x, unsigned vcpu, uint64_t at);
int timer_singleshot(struct xen *x, unsigned vcpu, uint64_t at);
void timer_stop_singleshot(struct xen *x, unsigned vcpu);
int timer_periodic(struct xen *x, unsigned vcpu, uint64_t period);
void timer_stop_periodic(struct xen *x, unsigned vcpu);

#endif
