/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * profile.h: the virtualization spectrum as a table.
 *
 * A mode is a const row; a column says how one group of things is
 * virtualized. Only src/board.c and src/main.c read the row: no device asks
 * for the mode. `vmm spectrum` prints the table from the same rows.
 */
#ifndef VMM_PROFILE_H
#define VMM_PROFILE_H

#include "boot/boot.h"
#include "opt_disk.h"
#include "opt_net.h"
#include "vmm/types.h"

#include <stdio.h>

enum mode {
    MODE_HVM,
    MODE_HVM_PV,
    MODE_PVHVM,
    MODE_PVH,
    MODE_PV,
    MODE_COUNT,
};

/* Which hypervisor's paravirtual interface the guest meets. */
enum abi {
    ABI_NONE,
    ABI_KVM,
    ABI_XEN,
    ABI_COUNT,
};

/* What is soldered on the board: see platform.h. */
enum platform {
    PLATFORM_BARE,
    PLATFORM_PC,
    PLATFORM_COUNT,
};

/* How a guest reaches its virtio devices. */
enum transport {
    TRANSPORT_PCI,
    TRANSPORT_PCI_LEGACY, /* the same, and for drivers from before virtio 1.0 */
    TRANSPORT_MMIO,
    TRANSPORT_MMIO_CMDLINE, /* the same, told by the kernel command line */
    TRANSPORT_COUNT,
};

#define ABI_BIT(abi) (1u << (abi))

struct profile {
    const char *name;
    const char *entry;
    const char *board;
    const char *interrupts;
    const char *timers;
    const char *disk;
    const char *net;
    const char *console;
    const char *mmu;
    unsigned abis;       /* ABI_BIT of each flavour that makes sense */
    unsigned abis_built; /* of those, the ones this version can run */
    enum abi abi;        /* the default flavour */
    bool xen_drivers;    /* of Xen's only drivers: time is the hardware's */
    enum platform platform;
    enum boot_protocol boot;  /* how the guest is started */
    enum disk_if disk_if;     /* what a --disk is by default */
    enum net_model net_model; /* what a --net is by default */
    enum transport transport; /* the default one */
};

extern const struct profile profiles[MODE_COUNT];
extern const char *const abi_names[ABI_COUNT];

/* Print the table. */
void profile_print(FILE *out);

/*
 * Can this version run the mode with the flavour? Returns 0, or -EINVAL
 * after saying why not.
 */
must_check int profile_check(enum mode mode, enum abi abi);

#endif
