/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vga.h: a display adapter: IBM's VGA, register for register, with the
 * extensions of the "Bochs dispi" interface (VBE modes, a linear frame
 * buffer) that firmware and systems have drivers for, as PCI function
 * 1234:1111.
 *
 * Memory is one array of 16 MiB. The four planes of the VGA are the bytes of
 * its first dwords; the frame buffer is all of it, byte by byte. What becomes
 * of it on a screen is vga_view.h's.
 *
 * Thread: board lock held.
 */
#ifndef VGA_VGA_H
#define VGA_VGA_H

#include "devices/pci/pci.h"
#include "vmm/device.h"
#include "vmm/types.h"

#define VGA_VRAM (16 * MIB)

struct vga_config {
    /* Nanoseconds; never goes back: what retrace is told by. */
    uint64_t (*now)(void *ctx);
    void *ctx; /* borrowed */
    /* Its BIOS, for pci_func_rom; borrowed; NULL: none. */
    void *rom;
    uint32_t rom_size;
};

struct vga;

/* cfg is copied. NULL: out of memory, logged. */
struct vga *vga_create(const struct vga_config *cfg);
void vga_destroy(struct vga *v);

/* As after power-on; memory keeps what it has. */
void vga_reset(struct vga *v);

/* For pci_bus_plug; borrowed from v. */
struct pci_func *vga_func(struct vga *v);

/* Ports 0x3b0 to 0x3df, ports 0x1ce to 0x1d0, and 128 KiB at 0xa0000. */
#define VGA_PORTS       0x3b0u
#define VGA_PORTS_LEN   0x30u
#define VGA_DISPI       0x1ceu
#define VGA_DISPI_LEN   3u
#define VGA_WINDOW      0xa0000u
#define VGA_WINDOW_SIZE 0x20000u

extern const struct io_ops vga_ports_ops;
extern const struct io_ops vga_dispi_ops;
extern const struct io_ops vga_window_ops;

#endif
