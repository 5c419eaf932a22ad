// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i8259.c: a pair of Intel 8259A; see i8259.h. Sources: the 8259A datasheet
 * (order number 231468) and, for the edge/level registers, the 82371AB
 * (PIIX4, order number 290562), 4.2.4 and 4.2.6.
 *
 * Requests: an edge input latches a request when it rises, and withdraws it
 * when it falls before the acknowledge: that is where the spurious
 * interrupt 7 comes from, and why who drives an edge input keeps it high
 * until the next edge is due. A level input is a request for as long as it
 * is high.
 *
 * Priority: the inputs form a ring that begins behind `lowest`. A request
 * interrupts if nobody in service is of the same or of a higher priority;
 * special mask mode forgets those in service that are masked, special fully
 * nested mode lets the cascade input interrupt itself.
 *
 * As in the bridges that swallowed the chip: level triggering is chosen for
 * each input by the ELCR, and LTIM, ADI and the call interval count for
 * nothing; the chip answers as in 8086 mode whatever ICW4 said of it. The
 * buffered mode bits drive a pin that is not there.
 *
 * Register accesses and acknowledge cycles: vCPU threads; inputs: any; with
 * the board lock. Nothing here loops over more than eight inputs.
 */
#include "devices/platform/i8259.h"
#include "devices/platform/bytes.h"
#include "vmm/log.h"

#include <stdlib.h>

#define INPUTS 8u
#define NONE   INPUTS /* no input */

/* Written to the first port. */
#define ICW1        0x10u
#define ICW1_IC4    0x01u /* ICW4 follows */
#define ICW1_SINGLE 0x02u /* no ICW3 follows */
#define OCW3        0x08u
#define OCW3_RIS    0x01u
#define OCW3_RR     0x02u
#define OCW3_POLL   0x04u
#define OCW3_SMM    0x20u
#define OCW3_ESMM   0x40u
#define OCW2_LEVEL  0x07u
#define OCW2_EOI    0x20u
#define OCW2_SL     0x40u
#define OCW2_R      0x80u

#define ICW2_BASE 0xf8u
#define ICW3_ID   0x07u
#define ICW4_AEOI 0x02u
#define ICW4_SFNM 0x10u

#define POLL_REQUEST 0x80u
#define SPURIOUS     7u /* what answers when nobody asked */
#define NO_VECTOR    0xffu

/* The system timer, keyboard, cascade; RTC and coprocessor: always edges. */
#define ELCR_MASTER 0xf8u
#define ELCR_SLAVE  0xdeu

enum { MASTER, SLAVE };

/* Which initialization word the second port takes next. */
enum expect { READY, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

struct pic {
    uint8_t irr; /* requests: latched edges, live levels */
    uint8_t imr;
    uint8_t isr;
    uint8_t lines;    /* the inputs as they are */
    uint8_t elcr;     /* set: level triggered */
    uint8_t base;     /* vector of input 0 */
    uint8_t icw3;     /* master: who has a slave; slave: its identity */
    uint8_t lowest;   /* the input of lowest priority */
    enum expect next; /* not READY: being initialized, asks for nothing */
    bool single;
    bool want_icw4;
    bool auto_eoi;
    bool rotate_aeoi;
    bool nested; /* special fully nested mode */
    bool special_mask;
    bool poll;     /* the next read is a poll */
    bool read_isr; /* the first port reads ISR, not IRR */
};

struct i8259 {
    struct pic pic[2];
    struct intr *out; /* borrowed */
    struct i8259_hooks hooks;
};

struct i8259 *i8259_create(struct intr *out, const struct i8259_hooks *hooks)
{
    struct i8259 *pics = calloc(1, sizeof(*pics));

    if (!pics) {
        log_error("i8259: out of memory");
        return NULL;
    }
    pics->out = out;
    if (hooks)
        pics->hooks = *hooks;
    for (unsigned i = MASTER; i <= SLAVE; i++) {
        pics->pic[i].lowest = INPUTS - 1;
        pics->pic[i].imr = UINT8_MAX; /* until somebody sets them up */
    }
    pics->pic[MASTER].icw3 = 1u << I8259_CASCADE;
    pics->pic[SLAVE].icw3 = I8259_CASCADE;
    return pics;
}

void i8259_destroy(struct i8259 *pics)
{
    free(pics);
}

/* 0 is the highest priority. */
static unsigned rank(const struct pic *p, unsigned input)
{
    return (input - p->lowest - 1) % INPUTS;
}

/* Of the inputs in a set, the one of highest priority; NONE if empty. */
static unsigned first(const struct pic *p, uint8_t set)
{
    for (unsigned i = 1; i <= INPUTS; i++) {
        const unsigned input = (p->lowest + i) % INPUTS;

        if (set & 1u << input)
            return input;
    }
    return NONE;
}

static bool has_slave(const struct i8259 *pics, const struct pic *p,
                      unsigned input)
{
    return p == &pics->pic[MASTER] && !p->single && (p->icw3 & 1u << input);
}

/* The request that may interrupt now, or NONE. */
static unsigned pending(const struct i8259 *pics, const struct pic *p)
{
    const unsigned request = first(p, p->irr & (uint8_t)~p->imr);
    uint8_t serviced = p->isr;
    unsigned busy;

    if (p->next != READY || request == NONE)
        return NONE;
    if (p->special_mask)
        serviced &= (uint8_t)~p->imr;
    busy = first(p, serviced);
    if (busy == NONE || rank(p, request) < rank(p, busy))
        return request;
    if (busy == request && p->nested && has_slave(pics, p, request))
        return request;
    return NONE;
}

static void drive(struct pic *p, unsigned input, bool level)
{
    const uint8_t bit = (uint8_t)(1u << input);
    const bool was = p->lines & bit;

    if (!level) {
        p->lines &= (uint8_t)~bit;
        p->irr &= (uint8_t)~bit;
        return;
    }
    p->lines |= bit;
    if (!was || (p->elcr & bit))
        p->irr |= bit;
}

/* Let what changed be seen: the slave's output, then the master's. */
static void update(struct i8259 *pics)
{
    drive(&pics->pic[MASTER], I8259_CASCADE,
          pending(pics, &pics->pic[SLAVE]) != NONE);
    intr_set(pics->out, pending(pics, &pics->pic[MASTER]) != NONE);
}

void i8259_set_line(void *i8259, unsigned irq, bool level)
{
    struct i8259 *pics = i8259;

    BUG_ON(irq >= I8259_LINES || irq == I8259_CASCADE);
    drive(&pics->pic[irq / INPUTS], irq % INPUTS, level);
    update(pics);
}

static void tell_acked(const struct i8259 *pics, const struct pic *p,
                       unsigned input)
{
    const unsigned chip = p == &pics->pic[SLAVE];

    if (pics->hooks.acked && !has_slave(pics, p, input))
        pics->hooks.acked(pics->hooks.ctx, chip * INPUTS + input);
}

/*
 * An acknowledge pulse reaches one chip: the request of highest priority
 * goes into service. Automatic EOI ends the service at once, but the output
 * was low in between: the master must see an edge for the slave's next.
 */
static unsigned acknowledge(struct i8259 *pics, struct pic *p)
{
    const unsigned input = pending(pics, p);
    const uint8_t bit = (uint8_t)(1u << input);

    if (input == NONE)
        return NONE;
    p->isr |= bit;
    if (!(p->elcr & bit))
        p->irr &= (uint8_t)~bit;
    update(pics);
    if (p->auto_eoi) {
        p->isr &= (uint8_t)~bit;
        if (p->rotate_aeoi)
            p->lowest = (uint8_t)input;
        update(pics);
    }
    return input;
}

/* The slave's half of an acknowledge cycle, when the master called id. */
static int ack_slave(struct i8259 *pics, unsigned id)
{
    struct pic *slave = &pics->pic[SLAVE];
    unsigned input;

    if ((slave->icw3 & ICW3_ID) != id)
        return NO_VECTOR; /* nobody drives the bus */
    input = acknowledge(pics, slave);
    if (input == NONE)
        return slave->base | SPURIOUS;
    tell_acked(pics, slave, input);
    return slave->base | (int)input;
}

int i8259_ack(struct i8259 *pics)
{
    struct pic *master = &pics->pic[MASTER];
    const unsigned input = acknowledge(pics, master);

    if (input == NONE)
        return master->base | SPURIOUS;
    if (has_slave(pics, master, input))
        return ack_slave(pics, input);
    tell_acked(pics, master, input);
    return master->base | (int)input;
}

static void write_imr(struct i8259 *pics, struct pic *p, uint8_t v)
{
    const unsigned base = p == &pics->pic[SLAVE] ? INPUTS : 0;
    const uint8_t changed = p->imr ^ v;

    p->imr = v;
    for (unsigned i = 0; i < INPUTS && pics->hooks.masked; i++)
        if (changed & 1u << i)
            pics->hooks.masked(pics->hooks.ctx, base + i, v & 1u << i);
}

/*
 * The edge detectors forget: an input that is high must fall and rise
 * again. Level inputs still ask.
 */
static void write_icw1(struct i8259 *pics, struct pic *p, uint8_t v)
{
    p->next = WANT_ICW2;
    p->single = v & ICW1_SINGLE;
    p->want_icw4 = v & ICW1_IC4;
    p->irr &= p->elcr;
    p->isr = 0;
    p->lowest = INPUTS - 1;
    p->special_mask = false;
    p->read_isr = false;
    p->poll = false;
    p->rotate_aeoi = false;
    if (!p->want_icw4) {
        p->auto_eoi = false;
        p->nested = false;
    }
    write_imr(pics, p, 0);
}

/* What a non-specific EOI ends; special mask mode hides who is masked. */
static unsigned in_service(const struct pic *p)
{
    uint8_t serviced = p->isr;

    if (p->special_mask)
        serviced &= (uint8_t)~p->imr;
    return first(p, serviced);
}

static void write_ocw2(struct pic *p, uint8_t v)
{
    unsigned input = v & OCW2_LEVEL;

    if (!(v & (OCW2_SL | OCW2_EOI))) { /* 100 and 000: set and clear */
        p->rotate_aeoi = v & OCW2_R;
        return;
    }
    if (!(v & OCW2_SL))
        input = in_service(p);
    if (input == NONE)
        return;
    if (v & OCW2_EOI)
        p->isr &= (uint8_t) ~(1u << input);
    if (v & OCW2_R)
        p->lowest = (uint8_t)input;
}

static void write_ocw3(struct pic *p, uint8_t v)
{
    if (v & OCW3_ESMM)
        p->special_mask = v & OCW3_SMM;
    if (v & OCW3_POLL)
        p->poll = true;
    else if (v & OCW3_RR)
        p->read_isr = v & OCW3_RIS;
}

static enum expect after_icw3(const struct pic *p)
{
    return p->want_icw4 ? WANT_ICW4 : READY;
}

/* The second port: initialization words in their order, then the mask. */
static void write_second(struct i8259 *pics, struct pic *p, uint8_t v)
{
    switch (p->next) {
    case WANT_ICW2:
        p->base = v & ICW2_BASE;
        p->next = p->single ? after_icw3(p) : WANT_ICW3;
        break;
    case WANT_ICW3:
        p->icw3 = v;
        p->next = after_icw3(p);
        break;
    case WANT_ICW4:
        p->auto_eoi = v & ICW4_AEOI;
        p->nested = v & ICW4_SFNM;
        p->next = READY;
        break;
    case READY:
    default:
        write_imr(pics, p, v);
        break;
    }
}

static void pic_write(struct i8259 *pics, struct pic *p, uint64_t off,
                      uint8_t v)
{
    if (off)
        write_second(pics, p, v);
    else if (v & ICW1)
        write_icw1(pics, p, v);
    else if (v & OCW3)
        write_ocw3(p, v);
    else
        write_ocw2(p, v);
    update(pics);
}

/* A read after the poll command is an acknowledge of this chip alone. */
static uint8_t read_poll(struct i8259 *pics, struct pic *p)
{
    const unsigned input = acknowledge(pics, p);

    p->poll = false;
    if (input == NONE)
        return 0;
    tell_acked(pics, p, input);
    return (uint8_t)(POLL_REQUEST | input);
}

static uint8_t pic_read(struct i8259 *pics, struct pic *p, uint64_t off)
{
    if (p->poll)
        return read_poll(pics, p);
    if (off)
        return p->imr;
    return p->read_isr ? p->isr : p->irr;
}

static uint8_t master_byte(void *dev, uint64_t off)
{
    struct i8259 *pics = dev;

    return pic_read(pics, &pics->pic[MASTER], off);
}

static void master_set(void *dev, uint64_t off, uint8_t v)
{
    struct i8259 *pics = dev;

    pic_write(pics, &pics->pic[MASTER], off, v);
}

static uint8_t slave_byte(void *dev, uint64_t off)
{
    struct i8259 *pics = dev;

    return pic_read(pics, &pics->pic[SLAVE], off);
}

static void slave_set(void *dev, uint64_t off, uint8_t v)
{
    struct i8259 *pics = dev;

    pic_write(pics, &pics->pic[SLAVE], off, v);
}

static uint8_t elcr_byte(void *dev, uint64_t off)
{
    const struct i8259 *pics = dev;

    return pics->pic[off].elcr;
}

/* An input that becomes a level asks if it is high; an edge must come. */
static void elcr_set(void *dev, uint64_t off, uint8_t v)
{
    struct i8259 *pics = dev;
    struct pic *p = &pics->pic[off];
    const uint8_t old = p->elcr;

    p->elcr = v & (off == MASTER ? ELCR_MASTER : ELCR_SLAVE);
    p->irr |= p->lines & p->elcr;
    p->irr &= (uint8_t) ~(old & (uint8_t)~p->elcr);
    update(pics);
}

static void master_read(void *dev, uint64_t off, void *data, unsigned n)
{
    bytes_read(master_byte, dev, off, data, n);
}

static void master_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    bytes_write(master_set, dev, off, data, n);
}

static void slave_read(void *dev, uint64_t off, void *data, unsigned n)
{
    bytes_read(slave_byte, dev, off, data, n);
}

static void slave_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    bytes_write(slave_set, dev, off, data, n);
}

static void elcr_read(void *dev, uint64_t off, void *data, unsigned n)
{
    bytes_read(elcr_byte, dev, off, data, n);
}

static void elcr_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    bytes_write(elcr_set, dev, off, data, n);
}

const struct io_ops i8259_master_ops = {
    .name = "i8259",
    .read = master_read,
    .write = master_write,
};

const struct io_ops i8259_slave_ops = {
    .name = "i8259 slave",
    .read = slave_read,
    .write = slave_write,
};

const struct io_ops i8259_elcr_ops = {
    .name = "elcr",
    .read = elcr_read,
    .write = elcr_write,
};
