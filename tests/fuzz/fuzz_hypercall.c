// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_hypercall.c: a guest that makes any hypercall with any argument, in
 * both word sizes, with structures that are nearly right at the edges of its
 * memory. Timers run, lines go up and down and back-ends are told between
 * calls. Whatever it did:
 * version is answered afterwards, and a reset leaves nothing behind.
 *
 * An input is steps of 64 bytes: what to do, five arguments, and 32 bytes that
 * are put where the second argument points. With bytes left over, there is a
 * kernel that knows of Xen: it is never told a thing twice, and after a reset
 * it has nothing of the guest's.
 */
#include "kernel_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
    uint8_t nr;
    uint8_t flags; /* IS64, and a number for the vCPU */
    uint8_t kinds; /* of the arguments, a bit each: an address */
    uint8_t where; /* which address */
    uint32_t arg[5];
    uint8_t bytes[32];
    uint64_t skip; /* ns that pass */
};

_Static_assert(sizeof(struct step) == 64, "a step");

#define IS64      0x80
#define DENIED    0x40
#define ARENA     0x4000u
#define ARENAS    8u
#define MAX_STEPS 256u

/* Addresses in a few pages, at the end of RAM, and anywhere. */
static uint64_t address(const struct step *s, uint32_t arg)
{
    switch (s->where >> 5) {
    case 0:
        return RIG_RAM - arg % 64;
    case 1:
        return (uint64_t)arg << (s->where & 31);
    default:
        return ARENA + arg % (ARENAS * 4096);
    }
}

/* A line goes up or down, a device sends a message without a vector. */
static void interrupt(struct hcall_rig *r, const struct step *s)
{
    const unsigned what = s->skip >> 48 & 0xfff;

    if (what & 0x40)
        rig_set_gsi(r, what % RIG_GSIS, what & 0x20);
    if (what & 0x80)
        (void)xen_message(r->xen,
                          0xfee00000u | (uint64_t)s->arg[3] << 12 |
                              (uint64_t)s->arg[4] << 32,
                          s->arg[2]);
}

static void run(struct hcall_rig *r, const struct step *s)
{
    struct hcall h = {.vcpu = s->flags % RIG_CPUS,
                      .nr = s->nr & 0x3f,
                      .is64 = s->flags & IS64,
                      .denied = (s->flags & DENIED) && s->nr == 0xff};

    for (unsigned i = 0; i < 5; i++)
        h.arg[i] = s->kinds >> i & 1 ? address(s, s->arg[i]) : s->arg[i];
    /* Fails where there is no RAM, and is then for the call to find out. */
    if (gmem_write(r->mem, GPA(h.arg[1 + (s->kinds >> 7)]), s->bytes,
                   sizeof(s->bytes)) < 0)
        h.arg[5] = 1;
    (void)xen_hypercall(r->xen, &h);
    r->now += s->skip % 100000000;
    for (unsigned i = 0; i < RIG_CPUS; i++)
        if (r->timers[i] && r->timers[i] <= r->now)
            xen_timer(r->xen, i);
    if (r->posts) {
        r->posts = 0;
        xen_dispatch(r->xen);
    }
    if (s->nr & 0x80)
        (void)xen_hypercall_page(r->xen, h.arg[0], h.is64);
    interrupt(r, s);
}

/* The kernel does what it was asked for, sooner or later. */
static void settle(struct kernel *k, const struct step *s)
{
    const unsigned vcpu = s->where % RIG_CPUS;
    const uint64_t left = k->vcpus[vcpu].timer_port ? 0 : s->skip % 1000;

    k->refuses = s->skip >> 60 == 1;
    if (s->skip >> 63)
        xen_settled(k->r.xen, vcpu, s->skip >> 62 & 1, left);
}

static void all_is_forgotten(const struct kernel *k)
{
    for (unsigned i = 0; i < RIG_CPUS; i++) {
        BUG_ON(k->r.timers[i] || k->r.clocks[i] != KERNEL_NOWHERE);
        BUG_ON(k->vcpus[i].info != KERNEL_NOWHERE || k->vcpus[i].vector);
        BUG_ON(k->vcpus[i].runstate != KERNEL_NOWHERE);
        BUG_ON(k->vcpus[i].timer_port);
    }
    for (unsigned i = 0; i < EVTCHN_MAX_PORTS; i++)
        BUG_ON(k->sends[i].given);
    BUG_ON(k->gfn != KERNEL_NOWHERE || k->callback || k->r.led);
}

/* As after creation; clocks are nowhere without a word to a kernel's. */
static bool begin(struct kernel *k, bool knows_xen)
{
    bool ok;

    if (knows_xen) {
        ok = kernel_make(k);
    } else {
        *k = (struct kernel){.gfn = KERNEL_NOWHERE};
        for (unsigned i = 0; i < RIG_CPUS; i++)
            k->vcpus[i].info = k->vcpus[i].runstate = KERNEL_NOWHERE;
        ok = rig_make(&k->r);
    }
    for (unsigned i = 0; i < RIG_CPUS; i++)
        k->r.clocks[i] = KERNEL_NOWHERE;
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct hcall version = {.nr = __HYPERVISOR_xen_version, .is64 = true};
    static struct kernel k;

    log_set_level(LOG_ERROR);
    if (!begin(&k, size % sizeof(struct step)))
        return 0;
    for (unsigned i = 0; i < MAX_STEPS && size >= sizeof(struct step); i++) {
        struct step s;

        memcpy(&s, data, sizeof(s));
        data += sizeof(s);
        size -= sizeof(s);
        run(&k.r, &s);
        settle(&k, &s);
    }
    BUG_ON(xen_hypercall(k.r.xen, &version) != (4 << 16 | 17));
    k.refuses = false;
    xen_reset(k.r.xen);
    all_is_forgotten(&k);
    rig_free(&k.r);
    return 0;
}
