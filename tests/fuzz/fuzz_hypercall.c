// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_hypercall.c: a guest that makes any hypercall with any argument, in
 * both word sizes, with structures that are nearly right at the edges of its
 * memory. Timers run and back-ends are told between calls. Whatever it did:
 * version is answered afterwards, and a reset leaves nothing behind.
 *
 * An input is steps of 64 bytes: what to do, five arguments, and 32 bytes that
 * are put where the second argument points.
 */
#include "hcall_rig.h"

#include "vmm/log.h"

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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct hcall version = {.nr = __HYPERVISOR_xen_version, .is64 = true};
    struct hcall_rig r;

    log_set_level(LOG_ERROR);
    if (!rig_make(&r))
        return 0;
    for (unsigned i = 0; i < MAX_STEPS && size >= sizeof(struct step); i++) {
        struct step s;

        memcpy(&s, data, sizeof(s));
        data += sizeof(s);
        size -= sizeof(s);
        run(&r, &s);
    }
    BUG_ON(xen_hypercall(r.xen, &version) != (4 << 16 | 17));
    xen_reset(r.xen);
    for (unsigned i = 0; i < RIG_CPUS; i++)
        BUG_ON(r.timers[i] || r.clocks[i] != UINT64_MAX);
    rig_free(&r);
    return 0;
}
