/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boot.h: put a guest and its tables into guest memory.
 *
 * boot_open reads and checks everything a boot needs while the host's files
 * can still be opened; boot_load only copies, so that it can run again, in
 * the sandbox, each time the guest reboots.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "mmu/gmem.h"
#include "mmu/rom.h"
#include "vmm/entry.h"
#include "vmm/machine.h"
#include "vmm/types.h"

#define BOOT_MAX_MODULES 16

struct boot_module {
    const char *path;    /* borrowed */
    const char *cmdline; /* borrowed; NULL if none */
};

/* How a guest is started: a row of protocols[] in boot.c. */
enum boot_protocol {
    BOOT_PVH,      /* a kernel, by Xen's docs/misc/pvh */
    BOOT_FIRMWARE, /* a PC's BIOS, which finds what to boot by itself */
    BOOT_DIRECT,   /* a kernel on a PC without its firmware, as it asks for */
};

/* At which entry of a bzImage, with BOOT_DIRECT. */
enum boot_entry {
    BOOT_ENTRY_AUTO, /* the widest there is */
    BOOT_ENTRY_16,   /* through the firmware, whose services it needs */
    BOOT_ENTRY_32,
    BOOT_ENTRY_64,
    BOOT_ENTRY_COUNT,
};

struct boot_config {
    enum boot_protocol protocol;
    enum boot_entry entry;
    const char *firmware; /* borrowed path; NULL: the usual SeaBIOS */
    const char *kernel;   /* borrowed path; NULL with BOOT_FIRMWARE */
    const char *cmdline;  /* borrowed; "" if none */
    struct boot_module modules[BOOT_MAX_MODULES];
    unsigned n_modules;
    /*
     * Hand over a flattened device tree as the last module, with the command
     * line "dtb". It is the first one where there is no initrd; Linux, which
     * takes the first for its initrd whatever it is, then says so and goes on.
     */
    bool fdt;
    /*
     * Put a write to LAYOUT_XEN_HCALL in the place of the kernel's own
     * hypercall instructions, where they are Xen's.
     */
    bool xen_calls;
};

struct boot;
struct image;
struct paging;

/*
 * Open the kernel and the modules, identify them, check that they can boot
 * in this mode and say in one line what was found. cfg is borrowed for the
 * life of the boot. Returns 0 and *out, or -errno with the reason logged
 * (-EINVAL: the operator gave something that can never boot).
 */
must_check int boot_open(const struct boot_config *cfg, struct boot **out);
void boot_close(struct boot *b);

/* The firmware; of size 0 if the protocol needs none. Borrowed from b. */
const struct rom *boot_rom(const struct boot *b);

/* What the firmware is to be told besides, by fw_cfg: an item or a file. */
struct boot_fw_item {
    const char *name; /* NULL: it has a number */
    uint16_t number;
    const void *data; /* borrowed from the boot */
    uint32_t size;
};

/* A file among them that the firmware is to boot from before all else. */
#define BOOT_FW_ROM "genroms/linuxboot.bin"

/*
 * The items; *n is set to how many. They are the same for the life of the boot,
 * what they hold is true once boot_place has returned.
 */
const struct boot_fw_item *boot_fw_items(const struct boot *b, unsigned *n);

/*
 * Decide what goes where in the machine m, check that it all fits into its
 * RAM, and make the tables. Returns 0 and the entry state, or -errno, logged
 * (-EINVAL and -ENOSPC: it can never fit). Thread: no vCPU runs.
 */
must_check int boot_place(struct boot *b, const struct gmem *mem,
                          const struct machine_desc *m,
                          struct entry_state *out);

/*
 * Load kernel, modules, command line and tables where boot_place said. Guest
 * memory is fresh (all zeroes) before. May be called again after another
 * boot_place; opens nothing: system calls are pread64 and what image_elf
 * names. 0 or -errno, logged. Thread: the boot vCPU's, before it enters the
 * guest, so that what it will run is first touched on its own NUMA node.
 */
must_check int boot_load(struct boot *b, struct gmem *mem);

/* How many hypercall instructions of the kernel boot_load has replaced. */
unsigned boot_calls(const struct boot *b);

/*
 * The same in a kernel that the guest loaded by itself, and that runs at rip:
 * a 64-bit Linux that is about to start. True: they were found and replaced.
 * Reads what is mapped there, at most 128 MiB of it. Thread: any.
 */
bool boot_patch_running(struct gmem *mem, const struct paging *p, gva_t rip);

/*
 * Can this image be started so? For `vmm inspect`: "yes" or "no", and behind a
 * colon how, or why not.
 */
const char *boot_verdict(const struct image *img, enum boot_protocol protocol);

/*
 * Write the ACPI tables of m below the folder dir (made if missing): rsdp.bin
 * and one xsdt.dat, facp.dat, apic.dat, dsdt.dat, byte for byte what a guest
 * gets. 0 or -errno, logged.
 */
must_check int boot_dump_acpi(const struct machine_desc *m, const char *dir);

/*
 * Write the device tree a guest on m gets with boot_config.fdt to a file.
 * Before a guest runs. 0 or -errno, logged.
 */
must_check int boot_dump_fdt(struct boot *b, const struct machine_desc *m,
                             const char *path);

#endif
