// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uart16550.c: the National PC16550D; see uart16550.h. Source: its datasheet
 * (SNLS378), sections 8.0 to 8.6.
 *
 * The line is infinitely fast: what is written is transmitted at once, what
 * the backend has is received whenever the receiver FIFO has room. Two
 * things follow. The transmitter is busy only while the backend is full, and
 * then a FIFO holds what the guest still writes. The character time-out,
 * four character times without a change, has always just passed, so that
 * bytes below the trigger level interrupt as a time-out at once.
 *
 * Input is pulled, never pushed: what does not fit into the FIFO stays with
 * the backend, and an overrun can happen in loopback mode only. The far end
 * honours hardware flow control: it waits until the guest is ready to
 * receive (receiver_open), so that what was typed or piped in before is not
 * thrown away when a driver resets the FIFOs. And it pauses now and then
 * (RX_BURST): an interrupt handler that always finds another byte would
 * never return, or give up while the line is high, and the interrupt is an
 * edge.
 *
 * Register access: vCPU threads; backend callbacks: loop thread; always with
 * the board lock. Must never wait for the backend.
 */
#include "devices/platform/uart16550.h"
#include "vmm/log.h"

#include <stdlib.h>

#define FIFO_SIZE 16u

/* Bytes received in a row, until the loop has run once more. */
#define RX_BURST 256u

/* Offsets from the first port. */
enum {
    REG_DATA, /* RBR, THR; DLL with DLAB */
    REG_IER,  /* DLM with DLAB */
    REG_IIR,  /* FCR when written */
    REG_LCR,
    REG_MCR,
    REG_LSR,
    REG_MSR,
    REG_SCR,
};

#define IER_RDA   0x01u /* received data available */
#define IER_THRE  0x02u /* transmitter holding register empty */
#define IER_LINE  0x04u /* receiver line status */
#define IER_MODEM 0x08u /* modem status */
#define IER_MASK  0x0fu

#define IIR_NONE    0x01u
#define IIR_MODEM   0x00u
#define IIR_THRE    0x02u
#define IIR_RDA     0x04u
#define IIR_LINE    0x06u
#define IIR_TIMEOUT 0x0cu
#define IIR_FIFO    0xc0u /* the FIFOs are enabled */

#define FCR_ENABLE      0x01u
#define FCR_CLEAR_RX    0x02u
#define FCR_CLEAR_TX    0x04u
#define FCR_TRIGGER_POS 6

#define LCR_BREAK 0x40u
#define LCR_DLAB  0x80u

#define MCR_DTR  0x01u
#define MCR_RTS  0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u
#define MCR_LOOP 0x10u
#define MCR_MASK 0x1fu

#define LSR_DR         0x01u
#define LSR_OE         0x02u
#define LSR_BI         0x10u
#define LSR_THRE       0x20u
#define LSR_TEMT       0x40u
#define LSR_FIFO_ERROR 0x80u

#define MSR_DCTS   0x01u
#define MSR_DDSR   0x02u
#define MSR_TERI   0x04u
#define MSR_DDCD   0x08u
#define MSR_CTS    0x10u
#define MSR_DSR    0x20u
#define MSR_RI     0x40u
#define MSR_DCD    0x80u
#define MSR_DELTAS 0x0fu

/* Outside loopback somebody listens: the lines of a connected modem. */
#define MSR_CONNECTED (MSR_CTS | MSR_DSR | MSR_DCD)

struct fifo {
    uint8_t byte[FIFO_SIZE];
    uint8_t error[FIFO_SIZE]; /* LSR bits that came with the byte */
    unsigned head;
    unsigned n;
};

struct uart16550 {
    struct chr *chr;   /* borrowed */
    struct intr *intr; /* borrowed */
    struct fifo rx;
    struct fifo tx; /* used only while the backend has no room */
    uint8_t ier;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t msr;
    uint8_t scr;
    uint8_t dll;
    uint8_t dlm;
    bool fifos;       /* FCR bit 0 */
    unsigned trigger; /* receiver FIFO level that interrupts */
    unsigned burst;   /* bytes received since the loop offered some */
    bool overrun;     /* LSR bit 1 */
    bool thre;        /* the THRE interrupt is pending */
    bool polling;     /* the last access read LSR */
};

static void fifo_put(struct fifo *f, uint8_t byte, uint8_t error)
{
    const unsigned at = (f->head + f->n++) % FIFO_SIZE;

    f->byte[at] = byte;
    f->error[at] = error;
}

static uint8_t fifo_take(struct fifo *f)
{
    const uint8_t byte = f->byte[f->head];

    f->head = (f->head + 1) % FIFO_SIZE;
    f->n--;
    return byte;
}

static bool fifo_has_error(const struct fifo *f)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->error[(f->head + i) % FIFO_SIZE])
            return true;
    return false;
}

static unsigned fifo_capacity(const struct uart16550 *u)
{
    return u->fifos ? FIFO_SIZE : 1;
}

static bool transmitter_empty(const struct uart16550 *u)
{
    return u->tx.n == 0 && ((u->mcr & MCR_LOOP) || chr_room(u->chr) > 0);
}

static uint8_t line_errors(const struct uart16550 *u)
{
    uint8_t v = u->overrun ? LSR_OE : 0;

    if (u->rx.n)
        v |= u->rx.error[u->rx.head];
    return v;
}

/* The interrupt of highest priority, as IIR bits 3:0 (datasheet table V). */
static uint8_t interrupt_id(const struct uart16550 *u)
{
    if ((u->ier & IER_LINE) && line_errors(u))
        return IIR_LINE;
    if ((u->ier & IER_RDA) && u->rx.n)
        return u->rx.n >= u->trigger ? IIR_RDA : IIR_TIMEOUT;
    if ((u->ier & IER_THRE) && u->thre)
        return IIR_THRE;
    if ((u->ier & IER_MODEM) && (u->msr & MSR_DELTAS))
        return IIR_MODEM;
    return IIR_NONE;
}

/*
 * A PC connects the interrupt through a gate that OUT2 opens. The bit counts
 * in loopback mode too, as in the chipsets that swallowed the chip, so that
 * software can test its interrupts there.
 */
static void update_line(struct uart16550 *u)
{
    intr_set(u->intr, (u->mcr & MCR_OUT2) && interrupt_id(u) != IIR_NONE);
}

/*
 * May the far end send? With RTS raised, as a driver does when somebody
 * opens the port; with DTR alone it says not to, or not yet. Small kernels
 * forget both but enable the interrupt.
 */
static bool receiver_open(const struct uart16550 *u)
{
    if (u->mcr & MCR_LOOP)
        return false;
    if (u->mcr & (MCR_RTS | MCR_DTR))
        return u->mcr & MCR_RTS;
    return (u->mcr & MCR_OUT2) && (u->ier & IER_RDA);
}

/* Take from the backend what the receiver has room for. */
static void fill_receiver(struct uart16550 *u)
{
    uint8_t bytes[FIFO_SIZE];
    size_t n;

    if (u->rx.n >= fifo_capacity(u))
        return;
    if (u->burst >= RX_BURST) {
        chr_want_input(u->chr);
        return;
    }
    n = chr_read(u->chr, bytes, fifo_capacity(u) - u->rx.n);
    u->burst += (unsigned)n;
    for (size_t i = 0; i < n; i++)
        fifo_put(&u->rx, bytes[i], 0);
}

static void pull_input(struct uart16550 *u)
{
    if (receiver_open(u))
        fill_receiver(u);
}

/* A character arrives from the chip's own transmitter. */
static void receive_loopback(struct uart16550 *u, uint8_t byte, uint8_t error)
{
    if (u->rx.n < fifo_capacity(u)) {
        fifo_put(&u->rx, byte, error);
        return;
    }
    u->overrun = true;
    /* Without FIFOs the new character replaces the old one. */
    if (!u->fifos) {
        u->rx.byte[u->rx.head] = byte;
        u->rx.error[u->rx.head] = error;
    }
}

/* Move held bytes out as far as there is room. */
static void drain_transmitter(struct uart16550 *u)
{
    while (u->tx.n && chr_room(u->chr)) {
        const uint8_t byte = fifo_take(&u->tx);

        chr_write(u->chr, &byte, 1);
    }
}

/*
 * While the holding register is empty again right after this write, the
 * interrupt stays or becomes pending; the line need not drop in between.
 */
static void write_thr(struct uart16550 *u, uint8_t byte)
{
    if (u->mcr & MCR_LOOP)
        receive_loopback(u, byte, 0);
    else if (u->tx.n == 0 && chr_room(u->chr))
        chr_write(u->chr, &byte, 1);
    else if (u->tx.n < fifo_capacity(u))
        fifo_put(&u->tx, byte, 0);
    /* else: the guest did not look at THRE; a real chip loses it as well */
    u->thre = transmitter_empty(u);
}

static uint8_t read_rbr(struct uart16550 *u)
{
    uint8_t byte = 0;

    if (u->rx.n)
        byte = fifo_take(&u->rx);
    /* One call for a FIFO full of bytes, not one for each. */
    if (u->rx.n == 0)
        pull_input(u);
    return byte;
}

/* Enabling the THRE interrupt while the register is empty raises it. */
static void write_ier(struct uart16550 *u, uint8_t v)
{
    const uint8_t changed = u->ier ^ v;

    u->ier = v & IER_MASK;
    if (changed & IER_THRE)
        u->thre = (u->ier & IER_THRE) && transmitter_empty(u);
    pull_input(u);
}

/* Reading IIR acknowledges the THRE interrupt, if that is what it says. */
static uint8_t read_iir(struct uart16550 *u)
{
    const uint8_t id = interrupt_id(u);

    if (id == IIR_THRE)
        u->thre = false;
    return id | (u->fifos ? IIR_FIFO : 0);
}

static void clear_rx(struct uart16550 *u)
{
    u->rx.n = 0;
    pull_input(u);
}

static void clear_tx(struct uart16550 *u)
{
    u->tx.n = 0;
    u->thre = transmitter_empty(u);
}

static void write_fcr(struct uart16550 *u, uint8_t v)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    const bool on = v & FCR_ENABLE;
    const bool switched = on != u->fifos;

    u->fifos = on;
    /* The other bits mean nothing unless the FIFOs are on. */
    u->trigger = on ? levels[v >> FCR_TRIGGER_POS] : 1;
    if (switched || (on && (v & FCR_CLEAR_RX)))
        clear_rx(u);
    if (switched || (on && (v & FCR_CLEAR_TX)))
        clear_tx(u);
}

/* Setting break in loopback mode is received as one null with BI. */
static void write_lcr(struct uart16550 *u, uint8_t v)
{
    const bool started = (v & LCR_BREAK) && !(u->lcr & LCR_BREAK);

    u->lcr = v;
    if (started && (u->mcr & MCR_LOOP))
        receive_loopback(u, 0, LSR_BI);
}

/* The modem inputs: the chip's own outputs in loopback mode. */
static uint8_t modem_inputs(uint8_t mcr)
{
    uint8_t in = 0;

    if (!(mcr & MCR_LOOP))
        return MSR_CONNECTED;
    if (mcr & MCR_DTR)
        in |= MSR_DSR;
    if (mcr & MCR_RTS)
        in |= MSR_CTS;
    if (mcr & MCR_OUT1)
        in |= MSR_RI;
    if (mcr & MCR_OUT2)
        in |= MSR_DCD;
    return in;
}

static void update_modem(struct uart16550 *u)
{
    const uint8_t in = modem_inputs(u->mcr);
    const uint8_t changed = in ^ u->msr;
    uint8_t deltas = u->msr & MSR_DELTAS;

    if (changed & MSR_CTS)
        deltas |= MSR_DCTS;
    if (changed & MSR_DSR)
        deltas |= MSR_DDSR;
    if (changed & MSR_DCD)
        deltas |= MSR_DDCD;
    /* Only the trailing edge of the ring indicator counts. */
    if ((changed & MSR_RI) && !(in & MSR_RI))
        deltas |= MSR_TERI;
    u->msr = in | deltas;
}

static void write_mcr(struct uart16550 *u, uint8_t v)
{
    u->mcr = v & MCR_MASK;
    update_modem(u);
    pull_input(u);
}

/*
 * Reading LSR clears the errors it shows. A guest that reads it twice in a
 * row with nothing to wait for in the transmitter polls for input, whether
 * or not it raised RTS.
 */
static uint8_t read_lsr(struct uart16550 *u, bool again)
{
    const bool empty = transmitter_empty(u);
    uint8_t v;

    if (again && empty && !(u->mcr & MCR_LOOP) && u->rx.n == 0)
        fill_receiver(u);
    v = line_errors(u);
    if (u->rx.n)
        v |= LSR_DR;
    if (empty)
        v |= LSR_THRE | LSR_TEMT;
    if (u->fifos && fifo_has_error(&u->rx))
        v |= LSR_FIFO_ERROR;
    u->overrun = false;
    u->rx.error[u->rx.head] = 0;
    return v;
}

static uint8_t read_msr(struct uart16550 *u)
{
    const uint8_t v = u->msr;

    u->msr &= (uint8_t)~MSR_DELTAS;
    return v;
}

static uint8_t read_register(struct uart16550 *u, uint64_t reg)
{
    const bool dlab = u->lcr & LCR_DLAB;
    const bool again = u->polling;

    u->polling = reg == REG_LSR;
    switch (reg) {
    case REG_DATA:
        return dlab ? u->dll : read_rbr(u);
    case REG_IER:
        return dlab ? u->dlm : u->ier;
    case REG_IIR:
        return read_iir(u);
    case REG_LCR:
        return u->lcr;
    case REG_MCR:
        return u->mcr;
    case REG_LSR:
        return read_lsr(u, again);
    case REG_MSR:
        return read_msr(u);
    default:
        return u->scr;
    }
}

static void write_divisor(struct uart16550 *u, uint64_t reg, uint8_t v)
{
    if (reg == REG_DATA)
        u->dll = v;
    else
        u->dlm = v;
}

static void write_register(struct uart16550 *u, uint64_t reg, uint8_t v)
{
    u->polling = false;
    if ((u->lcr & LCR_DLAB) && reg <= REG_IER) {
        write_divisor(u, reg, v);
        return;
    }
    switch (reg) {
    case REG_DATA:
        write_thr(u, v);
        break;
    case REG_IER:
        write_ier(u, v);
        break;
    case REG_IIR:
        write_fcr(u, v);
        break;
    case REG_LCR:
        write_lcr(u, v);
        break;
    case REG_MCR:
        write_mcr(u, v);
        break;
    case REG_SCR:
        u->scr = v;
        break;
    default:
        break; /* LSR and MSR: for factory tests only */
    }
}

/* A wide access to byte registers is one access to each, low port first. */
static void ports_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct uart16550 *u = dev;
    uint8_t *bytes = data;

    for (unsigned i = 0; i < n; i++)
        bytes[i] = read_register(u, off + i);
    update_line(u);
}

static void ports_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct uart16550 *u = dev;
    const uint8_t *bytes = data;

    for (unsigned i = 0; i < n; i++)
        write_register(u, off + i, bytes[i]);
    update_line(u);
}

const struct io_ops uart16550_ops = {
    .name = "uart16550",
    .read = ports_read,
    .write = ports_write,
};

static void on_readable(void *owner)
{
    struct uart16550 *u = owner;

    u->burst = 0;
    pull_input(u);
    update_line(u);
}

static void on_writable(void *owner)
{
    struct uart16550 *u = owner;

    drain_transmitter(u);
    if (transmitter_empty(u))
        u->thre = true;
    update_line(u);
}

struct uart16550 *uart16550_create(struct chr *chr, struct intr *intr)
{
    struct uart16550 *u = calloc(1, sizeof(*u));
    const struct chr_front front = {
        .readable = on_readable, .writable = on_writable, .owner = u};

    if (!u) {
        log_error("uart16550: out of memory");
        return NULL;
    }
    u->chr = chr;
    u->intr = intr;
    u->trigger = 1;
    u->msr = MSR_CONNECTED;
    chr_attach(chr, &front);
    return u;
}

void uart16550_destroy(struct uart16550 *u)
{
    if (!u)
        return;
    chr_attach(u->chr, NULL);
    free(u);
}
