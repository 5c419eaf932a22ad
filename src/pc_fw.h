/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc_fw.h: what a PC's firmware is told of its machine, by fw_cfg: memory,
 * CPUs, tables to put up, what to boot from.
 *
 * Thread: the loop's, while no vCPU runs.
 */
#ifndef VMM_PC_FW_H
#define VMM_PC_FW_H

#include "config.h"
#include "devices/platform/fw_cfg.h"
#include "mmu/gmem.h"
#include "vmm/machine.h"

struct pc_fw;

/* All borrowed; boot NULL: no kernel to start. NULL after logging. */
struct pc_fw *pc_fw_create(const struct config *cfg,
                           const struct machine_desc *m,
                           const struct boot *boot, struct gmem *mem);
void pc_fw_destroy(struct pc_fw *fw);

/* The device, for its ports. */
struct fw_cfg *pc_fw_device(struct pc_fw *fw);

#endif
