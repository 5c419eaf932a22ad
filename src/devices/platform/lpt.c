// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lpt.c: a PC's parallel port; see lpt.h. Source: IBM PC/AT Technical
 * Reference, parallel printer adapter; the direction bit from IBM's PS/2.
 *
 * The printer takes a byte when STROBE is raised and acknowledges it at
 * once, unless the backend is full: then it is busy, holds the byte, and
 * acknowledges when there is room. A byte that is strobed into a busy
 * printer is lost, as it would be.
 *
 * The interrupt is the end of the acknowledge pulse. Its line stays high
 * from there until the next one begins, so that no edge is withdrawn.
 *
 * Register access: vCPU threads; the backend's callback: loop thread. Must
 * never wait for the backend.
 */
#include "devices/platform/lpt.h"
#include "devices/platform/bytes.h"
#include "vmm/log.h"

#include <stdlib.h>

enum { PORT_DATA, PORT_STATUS, PORT_CONTROL };

/* BUSY# and ACK# high, selected, no error; the lowest bits float. */
#define STATUS_READY 0xdfu
#define STATUS_FREE  0x80u /* BUSY# */

#define CTL_STROBE 0x01u
#define CTL_INIT   0x04u /* low: the printer is reset */
#define CTL_SELECT 0x08u
#define CTL_IRQ    0x10u
#define CTL_INPUT  0x20u /* the data lines are not driven */
#define CTL_KEPT   0x3fu
#define CTL_FLOAT  0xc0u /* reads as ones */

#define DATA_FLOAT 0xffu

struct lpt {
    struct chr *chr;   /* borrowed */
    struct intr *intr; /* borrowed */
    uint8_t data;
    uint8_t control;
    uint8_t held; /* a byte the backend had no room for */
    bool busy;
};

static void acknowledge(struct lpt *l)
{
    intr_lower(l->intr);
    if (l->control & CTL_IRQ)
        intr_raise(l->intr);
}

static void print(struct lpt *l, uint8_t v)
{
    if (chr_room(l->chr) == 0) {
        l->held = v;
        l->busy = true;
        return;
    }
    chr_write(l->chr, &v, 1);
    acknowledge(l);
}

static void on_writable(void *owner)
{
    struct lpt *l = owner;

    if (!l->busy)
        return;
    l->busy = false;
    print(l, l->held);
}

struct lpt *lpt_create(struct chr *chr, struct intr *intr)
{
    struct lpt *l = calloc(1, sizeof(*l));
    const struct chr_front front = {.writable = on_writable, .owner = l};

    if (!l) {
        log_error("lpt: out of memory");
        return NULL;
    }
    l->chr = chr;
    l->intr = intr;
    l->control = CTL_INIT | CTL_SELECT;
    chr_attach(chr, &front);
    return l;
}

void lpt_destroy(struct lpt *l)
{
    if (!l)
        return;
    chr_attach(l->chr, NULL);
    free(l);
}

static void write_control(struct lpt *l, uint8_t v)
{
    const bool strobe = (v & ~l->control) & CTL_STROBE;

    l->control = v & CTL_KEPT;
    if (!(l->control & CTL_IRQ))
        intr_lower(l->intr);
    if (!(l->control & CTL_INIT))
        l->busy = false;
    else if (strobe && !l->busy)
        print(l, l->data);
}

static void port_set(void *dev, uint64_t off, uint8_t v)
{
    struct lpt *l = dev;

    if (off == PORT_DATA)
        l->data = v;
    else if (off == PORT_CONTROL)
        write_control(l, v);
}

static uint8_t port_byte(void *dev, uint64_t off)
{
    const struct lpt *l = dev;

    if (off == PORT_DATA)
        return l->control & CTL_INPUT ? DATA_FLOAT : l->data;
    if (off == PORT_CONTROL)
        return l->control | CTL_FLOAT;
    return l->busy ? STATUS_READY & (uint8_t)~STATUS_FREE : STATUS_READY;
}

static void lpt_read(void *dev, uint64_t off, void *data, unsigned n)
{
    bytes_read(port_byte, dev, off, data, n);
}

static void lpt_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    bytes_write(port_set, dev, off, data, n);
}

const struct io_ops lpt_ops = {
    .name = "lpt",
    .read = lpt_read,
    .write = lpt_write,
};
