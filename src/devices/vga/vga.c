// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vga.c: the VGA as a PCI function; see vga.h. BAR 0 is the frame buffer,
 * BAR 2 the registers (in memory, for systems without ports): 0x400 the ports
 * 0x3c0 to 0x3df, 0x500 the dispi registers. The old addresses answer as long
 * as the machine has it on its bus, whatever the command register says:
 * nobody else wants them.
 */
#include "devices/vga/vga_priv.h"

#include "vmm/log.h"

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BAR_FRAME  0u
#define BAR_REGS   2u
#define REGS_SIZE  0x1000u
#define REGS_PORTS 0x400u
#define REGS_DISPI 0x500u
#define FIRST_PORT 0x10u /* 0x3c0, from VGA_PORTS */
#define N_PORTS    0x20u

static const struct pci_ids ids = {
    .vendor = 0x1234,
    .device = 0x1111,
    .class = 0x030000,
};

/* ---- registers in memory ---- */

static void regs_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct vga *v = dev;
    uint8_t *to = data;

    memset(data, 0, n);
    if (off >= REGS_DISPI && off + 1 < REGS_DISPI + 2 * DISPI_REGS && n == 2) {
        const uint16_t value =
            vga_dispi_get(v, (unsigned)(off - REGS_DISPI) / 2);

        memcpy(data, &value, sizeof(value));
        return;
    }
    for (unsigned i = 0; i < n; i++)
        if (off + i >= REGS_PORTS && off + i < REGS_PORTS + N_PORTS)
            to[i] =
                vga_port_read(v, FIRST_PORT + (unsigned)(off + i - REGS_PORTS));
}

static void regs_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct vga *v = dev;
    const uint8_t *from = data;

    if (off >= REGS_DISPI && n == 2) {
        uint16_t value;

        memcpy(&value, data, sizeof(value));
        vga_dispi_set(v, (unsigned)(off - REGS_DISPI) / 2, value);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        if (off + i >= REGS_PORTS && off + i < REGS_PORTS + N_PORTS)
            vga_port_write(v, FIRST_PORT + (unsigned)(off + i - REGS_PORTS),
                           from[i]);
}

static const struct io_ops regs_ops = {
    .name = "vga-registers",
    .read = regs_read,
    .write = regs_write,
};

/* ---- making one ---- */

void vga_reset(struct vga *v)
{
    v->misc = 0;
    v->feature = 0;
    v->seq_index = 0;
    memset(v->seq, 0, sizeof(v->seq));
    v->gc_index = 0;
    memset(v->gc, 0, sizeof(v->gc));
    v->crtc_index = 0;
    memset(v->crtc, 0, sizeof(v->crtc));
    v->ac_index = 0;
    v->ac_is_data = false;
    memset(v->ac, 0, sizeof(v->ac));
    v->pel_mask = 0xff;
    v->dac_index = 0;
    v->dac_part = 0;
    v->dac_reading = false;
    memset(v->dac, 0, sizeof(v->dac));
    v->latch = 0;
    vga_dispi_reset(v);
}

static void make_func(struct vga *v)
{
    pci_func_init(&v->func, NULL, v, &ids);
    v->func.mask[PCI_COMMAND] |= PCI_COMMAND_IO;
    pci_func_bar_ram(&v->func, BAR_FRAME, v->vram, VGA_VRAM);
    pci_func_bar(&v->func, BAR_REGS, SPACE_MMIO, REGS_SIZE, &regs_ops);
    if (v->cfg.rom)
        pci_func_rom(&v->func, v->cfg.rom, v->cfg.rom_size);
}

struct vga *vga_create(const struct vga_config *cfg)
{
    struct vga *v = calloc(1, sizeof(*v));
    void *vram = mmap(NULL, VGA_VRAM, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (!v || vram == MAP_FAILED) {
        log_error("vga: out of memory");
        if (vram != MAP_FAILED)
            munmap(vram, VGA_VRAM);
        free(v);
        return NULL;
    }
    v->cfg = *cfg;
    v->vram = vram;
    make_func(v);
    vga_reset(v);
    return v;
}

void vga_destroy(struct vga *v)
{
    if (!v)
        return;
    munmap(v->vram, VGA_VRAM);
    free(v);
}

struct pci_func *vga_func(struct vga *v)
{
    return &v->func;
}
