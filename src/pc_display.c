// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_display.c: a PC's display adapter; see pc.h. It is there whether or not
 * anybody looks: firmware and boot loaders speak to a screen first of all.
 *
 * What the guest writes to the window and to the ports is collected by KVM:
 * no write does anything that the guest, or who looks, would see before it
 * reads from the display. Reading leaves the guest, and delivers them first;
 * so does board_display.
 */
#include "pc.h"

#include <errno.h>
#include <time.h>

static uint64_t now(void *ctx)
{
    struct timespec ts;

    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * CLOCK_SECOND + (uint64_t)ts.tv_nsec;
}

static int claim(struct pc *p)
{
    int ret = pc_ports(p, VGA_PORTS, VGA_PORTS_LEN, &vga_ports_ops, p->display);

    if (ret == 0)
        ret = pc_ports(p, VGA_DISPI, VGA_DISPI_LEN, &vga_dispi_ops, p->display);
    if (ret == 0)
        ret = bus_claim(p->host.bus, SPACE_MMIO, VGA_WINDOW, VGA_WINDOW_SIZE,
                        &vga_window_ops, p->display);
    return ret;
}

int pc_make_display(struct pc *p)
{
    const struct rom *rom = &p->host.host->dev->vga_rom;
    const struct vga_config c = {
        .now = now, .rom = rom->host, .rom_size = (uint32_t)rom->size};
    int ret;

    p->display = vga_create(&c);
    if (!p->display)
        return -ENOMEM;
    ret = claim(p);
    if (ret < 0)
        return ret;
    vm_coalesce(p->host.vm, SPACE_MMIO, VGA_WINDOW, VGA_WINDOW_SIZE);
    vm_coalesce(p->host.vm, SPACE_PIO, VGA_PORTS, VGA_PORTS_LEN);
    return pci_bus_plug(p->pci, PC_SLOT_DISPLAY, vga_func(p->display));
}

/* Before the bus goes. */
void pc_destroy_display(struct pc *p)
{
    if (p->display)
        pci_bus_unplug(vga_func(p->display));
    vga_destroy(p->display);
}
