/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-pirq: a PC that is a guest of Xen and has interrupts of emulated devices
 * as events: the IDE channel's, an edge; the AHCI controller's by its pin, a
 * level, and by its message; each is quiet again where it was before once it is
 * unmapped or closed. The 8259s and the I/O APIC are masked throughout.
 * From version 4.19 on none of this is there. Sources: Xen's public physdev.h;
 * ATA/ATAPI-6; AHCI 1.3.
 */
#include "abi/pc.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "xen.h"

#include <xen/features.h>
#include <xen/physdev.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CLASS          0x010601u
#define SLOTS          32u
#define CAP_MSI        0x05u

#define PATIENCE (5 * CLOCK_S)
#define QUIET    (20 * CLOCK_MS)
#define TIMES    3u

#define GSI_IDE  14
#define GSI_PIRQ 16 /* of PIRQA# */
#define PIRQS    4u

#define IDE_STATUS   (PC_IDE0 + 7)
#define IDE_BSY      0x80u
#define IDE_DRQ      0x08u
#define IDE_IDENTIFY 0xecu
#define IDE_WORDS    256u

enum { GHC = 0x04, IS = 0x08 };
enum { FB = 0x108, FBU = 0x10c, PIS = 0x110, PIE = 0x114, CMD = 0x118 };
enum { SCTL = 0x12c, SERR = 0x130 };
#define GHC_ON  0x80000002u
#define CMD_FRE 0x00000010u
#define PIS_PCS 0x00000040u /* a drive was connected, as PxSERR says */

static uint8_t frames[256] __attribute__((aligned(256)));
static unsigned slot;
static uintptr_t hba;

/* ---- pirqs ---- */

static long physdev(unsigned op, const void *arg)
{
    return xen_call2(__HYPERVISOR_physdev_op, op, arg);
}

/* The number, or an error. */
static long map(unsigned gsi)
{
    struct physdev_map_pirq m = {.domid = DOMID_SELF,
                                 .type = MAP_PIRQ_TYPE_GSI,
                                 .index = (int)gsi,
                                 .pirq = -1};
    const long ret = physdev(PHYSDEVOP_map_pirq, &m);

    return ret < 0 ? ret : m.pirq;
}

static long unmap(long pirq)
{
    struct physdev_unmap_pirq u = {.domid = DOMID_SELF, .pirq = (int)pirq};

    return physdev(PHYSDEVOP_unmap_pirq, &u);
}

static void end(long pirq)
{
    const struct physdev_eoi e = {.irq = (uint32_t)pirq};

    CHECK_EQ("end", (uint32_t)physdev(PHYSDEVOP_eoi, &e), 0);
}

static bool needs_end(long pirq)
{
    struct physdev_irq_status_query q = {.irq = (uint32_t)pirq};

    CHECK_EQ("status", (uint32_t)physdev(PHYSDEVOP_irq_status_query, &q), 0);
    return q.flags & XENIRQSTAT_needs_eoi;
}

static unsigned bind(long pirq)
{
    struct evtchn_bind_pirq b = {.pirq = (uint32_t)pirq};

    CHECK_EQ("bind", (uint32_t)xen_event(EVTCHNOP_bind_pirq, &b), 0);
    return b.port;
}

static void close_port(unsigned port)
{
    const struct evtchn_close c = {.port = port};

    CHECK_EQ("close", (uint32_t)xen_event(EVTCHNOP_close, &c), 0);
}

/* Has the event come, with an upcall, before time is over? It is taken. */
static bool took(unsigned port, uint64_t patience)
{
    const unsigned upcalls = xen_upcalls[0];
    bool ok;

    irq_enable();
    ok = clock_wait(xen_is_pending(port), patience);
    /* The upcall may come a little later than the bit. */
    ok = ok && clock_wait(xen_upcalls[0] != upcalls, PATIENCE);
    irq_disable();
    xen_shared.vcpu_info[0].evtchn_upcall_pending = 0;
    xen_shared.vcpu_info[0].evtchn_pending_sel = 0;
    xen_clear(port);
    return ok;
}

static void expect(const char *what, unsigned port, bool event)
{
    CHECK_EQ(what, took(port, event ? PATIENCE : QUIET), event);
}

/* ---- an edge: the IDE channel ---- */

static void identify(void)
{
    outb(PC_IDE0_CTL, 0);
    outb(PC_IDE0 + 6, 0xa0);
    outb(IDE_STATUS, IDE_IDENTIFY);
}

/* The line falls, and the drive has nothing to say any more. */
static void finish(void)
{
    while ((inb(IDE_STATUS) & (IDE_BSY | IDE_DRQ)) != IDE_DRQ)
        cpu_pause();
    for (unsigned i = 0; i < IDE_WORDS; i++)
        (void)inw(PC_IDE0);
}

static void check_edge(void)
{
    const long pirq = map(GSI_IDE);
    unsigned port;

    CHECK_EQ("it is mapped once", (unsigned long)map(GSI_IDE),
             (unsigned long)pirq);
    CHECK_EQ("it is an edge", needs_end(pirq), false);
    port = bind(pirq);
    for (unsigned i = 0; i < TIMES; i++) {
        identify();
        expect("an edge", port, true);
        end(pirq);
        expect("the edge again", port, false);
        finish();
    }
    CHECK_EQ("unmap", (uint32_t)unmap(pirq), 0);
    identify();
    expect("the edge unmapped", port, false);
    finish();
    close_port(port);
}

/* ---- a level: the AHCI controller ---- */

static uint32_t config(unsigned reg)
{
    outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | (reg & ~3u));
    return inl(CONFIG_DATA);
}

static void set_config(unsigned reg, uint32_t value)
{
    (void)config(reg);
    outl(CONFIG_DATA, value);
}

static void put(unsigned reg, uint32_t value)
{
    mmio_write32(hba + reg, value);
}

static void find_controller(void)
{
    for (slot = 0; slot < SLOTS; slot++)
        if (config(8) >> 8 == CLASS)
            break;
    if (slot == SLOTS)
        test_error("there is no AHCI controller");
    hba = config(0x24) & ~0xfu;
    set_config(4, 6); /* memory, bus master */
    put(GHC, GHC_ON);
    put(FB, (uint32_t)(uintptr_t)frames);
    put(FBU, 0);
    put(CMD, CMD_FRE);
    put(PIS, UINT32_MAX);
    put(IS, UINT32_MAX);
    put(PIE, PIS_PCS);
}

/* After a reset of the link the drive is there anew. */
static void reset_link(void)
{
    put(SCTL, 1);
    clock_delay(2 * CLOCK_MS);
    put(SCTL, 0);
}

static void quiet(void)
{
    put(SERR, UINT32_MAX);
    put(PIS, UINT32_MAX);
    put(IS, UINT32_MAX);
}

/* Which of the four lines it is; all of them are bound. */
static unsigned find_line(const unsigned *ports)
{
    unsigned found = PIRQS;

    reset_link();
    for (unsigned n = 0; n < PIRQS; n++) {
        if (!xen_is_pending(ports[n]))
            continue;
        CHECK_EQ("no other line", found, PIRQS);
        found = n;
    }
    if (found == PIRQS)
        test_error("the controller has no interrupt");
    expect("a level", ports[found], true);
    return found;
}

static void check_level(void)
{
    unsigned ports[PIRQS], n;
    long pirqs[PIRQS];

    for (n = 0; n < PIRQS; n++) {
        pirqs[n] = map(GSI_PIRQ + n);
        CHECK_EQ("it is a level", needs_end(pirqs[n]), true);
        ports[n] = bind(pirqs[n]);
    }
    n = find_line(ports);
    for (unsigned i = 0; i < TIMES; i++) {
        expect("the level, not ended", ports[n], false);
        end(pirqs[n]);
        expect("the level", ports[n], true);
    }
    quiet();
    end(pirqs[n]);
    expect("the level fallen", ports[n], false);
    /* What came while nobody listened is told when somebody does. */
    close_port(ports[n]);
    reset_link();
    ports[n] = bind(pirqs[n]);
    expect("the level, bound", ports[n], true);
    quiet();
    for (n = 0; n < PIRQS; n++) {
        close_port(ports[n]);
        CHECK_EQ("unmap", (uint32_t)unmap(pirqs[n]), 0);
    }
}

/* ---- a message ---- */

static void check_message(void)
{
    struct physdev_get_free_pirq f = {.type = MAP_PIRQ_TYPE_MSI};
    unsigned cap = config(0x34) & 0xff;
    unsigned port;
    long pirq;

    while (cap && (config(cap) & 0xff) != CAP_MSI)
        cap = config(cap) >> 8 & 0xff;
    if (!cap)
        test_error("the controller has no messages");
    CHECK_EQ("a number", (uint32_t)physdev(PHYSDEVOP_get_free_pirq, &f), 0);
    pirq = (long)f.pirq;
    port = bind(pirq);
    /* The vector 0, and the number in the place of the destination. */
    set_config(cap + 4, 0xfee00000u | (f.pirq & 0xff) << 12);
    set_config(cap + 8, f.pirq & ~0xffu);
    set_config(cap + 12, 0x4300);
    set_config(cap, config(cap) | 1u << 16);
    for (unsigned i = 0; i < TIMES; i++) {
        reset_link();
        expect("a message", port, true);
        CHECK_EQ("it has no end", needs_end(pirq), false);
        quiet();
        expect("the message again", port, false);
    }
    close_port(port);
    reset_link();
    quiet();
    CHECK_EQ("unmap", (uint32_t)unmap(pirq), 0);
}

void test_main(void)
{
    struct xen_feature_info features = {.submap_idx = 0};
    bool offered;

    xen_init();
    offered = xen_call2(__HYPERVISOR_xen_version, XENVER_version, NULL) <
              (4 << 16 | 19);
    CHECK_EQ("features",
             (uint32_t)xen_call2(__HYPERVISOR_xen_version, XENVER_get_features,
                                 &features),
             0);
    CHECK_EQ("pirqs", features.submap >> XENFEAT_hvm_pirqs & 1, offered);
    CHECK_EQ("no vector yet", (uint32_t)map(GSI_IDE),
             (uint32_t)(offered ? XEN_EINVAL : XEN_ENOSYS));
    xen_take_events(0);
    if (!offered) {
        CHECK_EQ("not offered", (uint32_t)map(GSI_IDE), (uint32_t)XEN_ENOSYS);
        return;
    }
    outb(PC_PIC_MASTER + 1, 0xff);
    outb(PC_PIC_SLAVE + 1, 0xff);
    check_edge();
    find_controller();
    check_level();
    check_message();
}
