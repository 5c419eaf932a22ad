/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc_mem.h: the memory of a PC between its display and 1 MiB, where the host
 * bridge's PAM registers say of each segment whether reads come from RAM or
 * from the ROM, and whether writes go to RAM or nowhere; and the ROM itself,
 * at the end of the first 4 GiB.
 *
 * What reads as memory is a piece of the VM's map, so that it costs no exit:
 * RAM, RAM that cannot be written, or the ROM. Everything else (a write to
 * what cannot be written; a read where there is no ROM) leaves the guest and
 * is answered here, by the same registers.
 *
 * PAM binds the CPUs and not devices' DMA, which always reaches the RAM: the
 * ROM is another memory and cannot be reached by it.
 *
 * Thread: create and destroy on the loop while no vCPU runs, the rest with the
 * board lock held.
 */
#ifndef VMM_PC_MEM_H
#define VMM_PC_MEM_H

#include "devices/pci/i440fx.h"
#include "mmu/gmem.h"
#include "mmu/rom.h"
#include "vcpu/vm.h"
#include "vmm/device.h"

struct pc_mem;

/*
 * The pieces of the VM's map (vm_put_piece) that are a PC's own: the first. Of
 * these the last is the flash's (pc_flash.c).
 */
#define PC_MEM_PIECES  18u
#define PC_FLASH_PIECE 17u

/* All borrowed. PAM is as after reset. NULL after logging. */
struct pc_mem *pc_mem_create(struct vm *vm, struct gmem *mem,
                             const struct rom *rom);
void pc_mem_destroy(struct pc_mem *m);

/* As i440fx_hooks.pam and .pam_settled: a segment is another; show all. */
void pc_mem_pam(void *pc_mem, const struct i440fx_segment *s);
void pc_mem_pam_settled(void *pc_mem);

/* [PC_SHADOW, PC_SHADOW_END) of memory; dev is the pc_mem. */
extern const struct io_ops pc_mem_ops;

#endif
