// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000.c: the 82540EM as a whole: its life, its place on the PCI bus, and
 * what the link says; see e1000.h. Source: 4.1 (configuration space), 14.5
 * (reset).
 *
 * What a driver starts by a register write is done by the loop, at the end of
 * the turn the write woke: packets, and their interrupt behind them. A frame
 * that comes from the host meanwhile is received in the loop's callback.
 */
#include "devices/nic/e1000_priv.h"

#include <stdlib.h>

#define BAR_MEMORY  0u
#define BAR_IO      2u
#define MEMORY_SIZE 0x20000u
#define IO_SIZE     8u

static const struct pci_ids ids = {
    .vendor = 0x8086,
    .device = 0x100e,
    .subvendor = 0x8086,
    .subsystem = 0x001e, /* PRO/1000 MT Desktop Adapter */
    .class = 0x020000,
    .revision = 0x02,
};

void e1000_post(struct e1000 *n)
{
    loop_post(n->loop, &n->turn);
}

static void on_turn(struct loop_op *op, int res)
{
    struct e1000 *n = op->owner;

    (void)res;
    if (n->gone)
        return;
    e1000_transmit(n);
    e1000_receive(n);
    e1000_irq_flush(n);
}

static void on_ready(void *owner, unsigned queue)
{
    struct e1000 *n = owner;

    (void)queue;
    e1000_receive(n);
    e1000_irq_flush(n);
}

static void on_room(void *owner)
{
    struct e1000 *n = owner;

    e1000_transmit(n);
    e1000_irq_flush(n);
}

static void on_link(void *owner, bool up)
{
    (void)up; /* the PHY asks the link */
    e1000_phy_cable(owner);
}

static const struct net_front front = {
    .ready = on_ready,
    .room = on_room,
    .link = on_link,
};

/* The PHY, the EEPROM and the address of the I/O window are not reset. */
void e1000_reset(struct e1000 *n)
{
    e1000_regs_reset(n);
    e1000_tx_reset(n);
    e1000_rx_reset(n);
    e1000_irq_reset(n);
}

struct e1000 *e1000_create(const struct e1000_config *cfg)
{
    struct e1000 *n = calloc(1, sizeof(*n));

    if (!n) {
        log_error("e1000: out of memory");
        return NULL;
    }
    n->net = cfg->net;
    n->loop = cfg->loop;
    n->mem = cfg->mem;
    n->clock = cfg->clock;
    n->turn = (struct loop_op){.fn = on_turn, .owner = n};
    n->armed = CLOCK_NEVER;
    pci_func_init(&n->func, NULL, n, &ids);
    pci_func_bar(&n->func, BAR_MEMORY, SPACE_MMIO, MEMORY_SIZE,
                 &e1000_memory_ops);
    pci_func_bar(&n->func, BAR_IO, SPACE_PIO, IO_SIZE, &e1000_port_ops);
    if (cfg->rom)
        pci_func_rom(&n->func, cfg->rom, cfg->rom_size);
    pci_func_use_intx(&n->func);
    e1000_eeprom_init(&n->eeprom, net_info(n->net)->mac);
    e1000_timer_stop(n, TIMER_NEGOTIATE);
    e1000_phy_init(n);
    e1000_reset(n);
    /* What comes in is whole: the driver knows no segments of the host's. */
    net_set_offloads(n->net, 0);
    net_set_queues(n->net, 1);
    net_attach(n->net, &front, n);
    return n;
}

void e1000_destroy(struct e1000 *n)
{
    if (!n)
        return;
    if (!n->gone)
        net_attach(n->net, NULL, NULL);
    n->clock.arm(n->clock.ctx, CLOCK_NEVER);
    loop_drain(n->loop, &n->turn);
    free(n);
}

bool e1000_unplug(struct e1000 *n)
{
    if (n->gone)
        return false;
    pci_bus_unplug(&n->func);
    net_attach(n->net, NULL, NULL);
    n->gone = true;
    return true;
}

struct pci_func *e1000_func(struct e1000 *n)
{
    return &n->func;
}
