// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ioapic.c: the Intel 82093AA I/O APIC; see ioapic.h. Source: its datasheet
 * (order number 290566), chapter 3; the EOI register from the I/O APIC of
 * the ICH family, which calls itself version 0x20.
 *
 * A pin is told to be asserted or not, whatever its electrical polarity is:
 * the polarity bit is kept for the guest to read back and changes nothing,
 * for there is no wire that could be inverted.
 *
 * Edge: a rise sends the message, unless masked; then it is lost. Level: an
 * asserted pin sends once and sets remote IRR; the EOI clears that, and a
 * pin still asserted sends again. Delivery is immediate, so the delivery
 * status reads idle.
 *
 * Called by the devices through struct intr, by vCPU threads for register
 * accesses and EOIs. Must never loop for as long as a guest likes: an EOI
 * sends each pin at most once.
 */
#include "devices/platform/ioapic.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

/* Memory-mapped registers. */
#define REG_SELECT 0x00u
#define REG_WINDOW 0x10u
#define REG_EOI    0x40u

/* Registers behind the window. */
#define INDEX_ID      0x00u
#define INDEX_VERSION 0x01u
#define INDEX_ARB     0x02u
#define INDEX_BOOT    0x03u
#define INDEX_PINS    0x10u /* two per pin: low, high */

#define ID_MASK  0x0f000000u
#define VERSION  0x20u
#define BOOT_BUS 0x1u /* messages go over the system bus */

/* A redirection entry. */
#define ENTRY_VECTOR   0xffull
#define ENTRY_DELIVERY 0x700ull
#define ENTRY_LOGICAL  (1ull << 11)
#define ENTRY_POLARITY (1ull << 13)
#define ENTRY_RIRR     (1ull << 14)
#define ENTRY_LEVEL    (1ull << 15)
#define ENTRY_MASK     (1ull << 16)
#define ENTRY_DEST     (0xffull << 56)
#define ENTRY_WRITABLE                                                \
    (ENTRY_VECTOR | ENTRY_DELIVERY | ENTRY_LOGICAL | ENTRY_POLARITY | \
     ENTRY_LEVEL | ENTRY_MASK | ENTRY_DEST)

/* A guest may have its local APIC drop an interrupt, and never end it. */
#define MAX_LOST 16u

/* Delivery modes that a local APIC acknowledges: fixed, lowest priority. */
#define DELIVERY_LOWEST 0x100ull

/* A message as it goes over the bus (Intel SDM volume 3, 11.11). */
#define MSI_BASE       0xfee00000ull
#define MSI_DEST_SHIFT 12
#define MSI_LOGICAL    (1ull << 2)
#define MSI_ASSERT     (1u << 14)
#define MSI_LEVEL      (1u << 15)

struct message {
    uint64_t addr;
    uint32_t data;
    bool level;
};

struct pin {
    uint64_t entry;
    bool asserted;
    bool told;     /* route is what the hook was told last */
    bool edged;    /* an edge of a watched pin was sent, its EOI not seen yet */
    unsigned lost; /* edges since then, not sent */
    struct message route;
};

struct ioapic {
    struct msi_sink sink;
    struct ioapic_hooks hooks;
    uint32_t id; /* as in the ID register */
    uint8_t select;
    unsigned n_pins;
    struct pin pins[IOAPIC_MAX_PINS];
};

struct ioapic *ioapic_create(unsigned pins, const struct msi_sink *sink,
                             const struct ioapic_hooks *hooks)
{
    struct ioapic *io = calloc(1, sizeof(*io));

    BUG_ON(pins == 0 || pins > IOAPIC_MAX_PINS);
    BUG_ON(hooks && hooks->watched && !hooks->ended);
    if (!io) {
        log_error("ioapic: out of memory");
        return NULL;
    }
    io->n_pins = pins;
    io->sink = *sink;
    if (hooks)
        io->hooks = *hooks;
    for (unsigned i = 0; i < io->n_pins; i++)
        io->pins[i].entry = ENTRY_MASK;
    return io;
}

void ioapic_destroy(struct ioapic *io)
{
    free(io);
}

/*
 * Only fixed and lowest-priority messages can be level triggered: no EOI
 * answers the others, which the datasheet wants to be edges.
 */
static bool is_level(uint64_t entry)
{
    return (entry & ENTRY_LEVEL) && (entry & ENTRY_DELIVERY) <= DELIVERY_LOWEST;
}

static struct message entry_message(uint64_t entry)
{
    struct message m = {
        .addr = MSI_BASE | (entry >> 56) << MSI_DEST_SHIFT,
        .data = (uint32_t)(entry & (ENTRY_VECTOR | ENTRY_DELIVERY)),
        .level = is_level(entry),
    };

    if (entry & ENTRY_LOGICAL)
        m.addr |= MSI_LOGICAL;
    if (m.level)
        m.data |= MSI_LEVEL | MSI_ASSERT;
    return m;
}

static bool is_watched(const struct ioapic *io, const struct pin *p)
{
    return (io->hooks.watched >> (p - io->pins) & 1) &&
           (p->entry & ENTRY_DELIVERY) <= DELIVERY_LOWEST;
}

static void pin_send(struct ioapic *io, struct pin *p)
{
    const struct message m = entry_message(p->entry);

    p->edged = !m.level && is_watched(io, p);
    p->lost = 0;
    io->sink.send(io->sink.ctx, m.addr, m.data);
}

/*
 * A local APIC merges an edge with one that it has not handed over yet, and
 * keeps it behind one that it has: who counts watched edges cannot tell. So
 * none is sent before the last one has ended, unless it never does.
 */
static void pin_send_edge(struct ioapic *io, struct pin *p)
{
    if (p->edged && p->lost++ < MAX_LOST)
        return;
    pin_send(io, p);
}

/* Send for a level pin that is asserted and not waiting for an EOI. */
static void pin_service_level(struct ioapic *io, struct pin *p)
{
    if (!is_level(p->entry) || !p->asserted)
        return;
    if (p->entry & (ENTRY_MASK | ENTRY_RIRR))
        return;
    p->entry |= ENTRY_RIRR;
    pin_send(io, p);
}

void ioapic_set_pin(void *ioapic, unsigned pin, bool level)
{
    struct ioapic *io = ioapic;
    struct pin *p;
    bool rise;

    BUG_ON(pin >= io->n_pins);
    p = &io->pins[pin];
    rise = level && !p->asserted;
    p->asserted = level;
    if (is_level(p->entry))
        pin_service_level(io, p);
    else if (rise && !(p->entry & ENTRY_MASK))
        pin_send_edge(io, p);
}

static bool same_message(const struct message *a, const struct message *b)
{
    return a->addr == b->addr && a->data == b->data && a->level == b->level;
}

static void tell_route(struct ioapic *io, unsigned pin)
{
    struct pin *p = &io->pins[pin];
    struct message m = entry_message(p->entry);

    if (is_watched(io, p)) {
        m.level = true;
        m.data |= MSI_LEVEL | MSI_ASSERT;
    }
    if (!io->hooks.route || (p->entry & ENTRY_MASK))
        return;
    if (p->told && same_message(&m, &p->route))
        return;
    p->told = true;
    p->route = m;
    io->hooks.route(io->hooks.ctx, pin, m.addr, m.data, m.level);
}

/*
 * Change the bits of mask in an entry. Making a pin edge triggered clears
 * remote IRR: that is how software recovers a pin on chips without an EOI
 * register.
 */
static void write_entry(struct ioapic *io, unsigned pin, uint64_t v,
                        uint64_t mask)
{
    struct pin *p = &io->pins[pin];
    const uint64_t old = p->entry;

    mask &= ENTRY_WRITABLE;
    p->entry = (p->entry & ~mask) | (v & mask);
    if (!is_level(p->entry))
        p->entry &= ~ENTRY_RIRR;
    p->edged = false; /* its EOI may have another vector now */
    /* The route first: the EOI of what is sent next must be seen. */
    tell_route(io, pin);
    if (io->hooks.mask && ((old ^ p->entry) & ENTRY_MASK))
        io->hooks.mask(io->hooks.ctx, pin, p->entry & ENTRY_MASK);
    pin_service_level(io, p);
}

static void write_window(struct ioapic *io, uint32_t v)
{
    const unsigned half = io->select - INDEX_PINS;

    if (io->select == INDEX_ID)
        io->id = v & ID_MASK;
    if (io->select < INDEX_PINS || half / 2 >= io->n_pins)
        return;
    if (half % 2)
        write_entry(io, half / 2, (uint64_t)v << 32, ~0ull << 32);
    else
        write_entry(io, half / 2, v, UINT32_MAX);
}

static uint32_t read_window(const struct ioapic *io)
{
    const unsigned half = io->select - INDEX_PINS;

    switch (io->select) {
    case INDEX_ID:
    case INDEX_ARB: /* loaded from the ID, and there is nobody to lose to */
        return io->id;
    case INDEX_VERSION:
        return VERSION | (io->n_pins - 1) << 16;
    case INDEX_BOOT:
        return BOOT_BUS;
    default:
        break;
    }
    if (io->select < INDEX_PINS || half / 2 >= io->n_pins)
        return 0;
    return (uint32_t)(io->pins[half / 2].entry >> (half % 2 ? 32 : 0));
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
    for (unsigned i = 0; i < io->n_pins; i++) {
        struct pin *p = &io->pins[i];

        if ((p->entry & ENTRY_VECTOR) != vector)
            continue;
        if (p->edged) {
            p->edged = false;
            io->hooks.ended(io->hooks.ctx, i);
        }
        if (!(p->entry & ENTRY_RIRR))
            continue;
        p->entry &= ~ENTRY_RIRR;
        pin_service_level(io, p);
    }
}

/*
 * The registers are dwords on 16-byte boundaries. A narrower or wider read
 * sees the dword's low bytes, or zeroes above it.
 */
static void mmio_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct ioapic *io = dev;
    uint64_t v = 0;

    if (off == REG_SELECT)
        v = io->select;
    else if (off == REG_WINDOW)
        v = read_window(io);
    memcpy(data, &v, n);
}

/* Only the select and EOI registers, of one byte each, may be cut short. */
static void mmio_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct ioapic *io = dev;
    uint64_t v = 0;

    memcpy(&v, data, n);
    if (off == REG_SELECT)
        io->select = (uint8_t)v;
    else if (off == REG_WINDOW && n >= sizeof(uint32_t))
        write_window(io, (uint32_t)v);
    else if (off == REG_EOI)
        ioapic_eoi(io, (uint8_t)v);
}

const struct io_ops ioapic_ops = {
    .name = "ioapic",
    .read = mmio_read,
    .write = mmio_write,
};
