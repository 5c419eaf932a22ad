/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smbios.h: the SMBIOS structures of a PC, which say what machine this is:
 * vendor and model, CPUs, memory. Source: DMTF DSP0134, version 2.8.
 */
#ifndef BOOT_SMBIOS_H
#define BOOT_SMBIOS_H

#include "vmm/machine.h"
#include "vmm/types.h"

/* Files by which a firmware asks for them. */
#define SMBIOS_FILE_ANCHOR "etc/smbios/smbios-anchor"
#define SMBIOS_FILE_TABLES "etc/smbios/smbios-tables"

/* 5.2.1: the entry point; its address of the structures is the firmware's. */
#define SMBIOS_ANCHOR_BYTES 31u

/*
 * Write the structures, but for the firmware's own (type 0), into buf, and
 * the entry point. Returns the bytes used, or -ENOSPC. Pure.
 */
must_check int64_t smbios_build(const struct machine_desc *m, uint64_t memory,
                                void *buf, size_t size,
                                unsigned char anchor[SMBIOS_ANCHOR_BYTES]);

#endif
