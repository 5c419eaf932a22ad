// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes as the kernel of a PC without firmware: a bzImage at its entries, a
 * Multiboot image, an ELF. The first byte says which entry is asked for; what
 * was opened is placed and loaded into 32 MiB, with the same bytes as a module.
 * What is taken must begin in RAM, and everything told of must be in RAM.
 *
 * Run with -close_fd_mask=2: each refused input logs a line.
 */
#include "boot/boot.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include "abi/layout.h"
#include "abi/multiboot.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM (32 * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct machine_desc machine = {
    .n_cpus = 1,
    .n_ranges = 3,
    .map = {{{0}, LAYOUT_LOW_END, MEM_RAM},
            {{LAYOUT_LOW_END}, MIB - LAYOUT_LOW_END, MEM_RESERVED},
            {{MIB}, RAM - MIB, MEM_RAM}},
};

static void check_multiboot(const struct gmem *mem, const struct entry_state *e)
{
    struct multiboot_info info;
    struct multiboot_module mod;

    BUG_ON(gmem_read(mem, GPA(e->rbx), &info, sizeof(info)) != 0);
    BUG_ON(!gmem_is_ram(mem, GPA(info.cmdline), 1));
    BUG_ON(!gmem_is_ram(mem, GPA(info.mmap_addr), info.mmap_length));
    BUG_ON(info.mods_count != 1);
    BUG_ON(gmem_read(mem, GPA(info.mods_addr), &mod, sizeof(mod)) != 0);
    BUG_ON(!gmem_is_ram(mem, GPA(mod.start), mod.end - mod.start));
}

static void start(struct boot *b, struct gmem *mem)
{
    struct entry_state e;

    if (boot_place(b, mem, &machine, &e) != 0)
        return;
    BUG_ON(!gmem_is_ram(mem, GPA(e.rip), 1));
    BUG_ON(boot_load(b, mem) != 0);
    BUG_ON(e.rsi && !gmem_is_ram(mem, GPA(e.rsi), GUEST_PAGE));
    BUG_ON(e.cr3 && !gmem_is_ram(mem, GPA(e.cr3), GUEST_PAGE));
    if (e.kind == ENTRY_MULTIBOOT)
        check_multiboot(mem, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gmem *mem;
    struct boot_config cfg = {.protocol = BOOT_DIRECT, .cmdline = "words"};
    const int fd = memfd_create("kernel", MFD_CLOEXEC);
    struct boot *b = NULL;
    char path[32];

    if (!mem)
        mem = gmem_create(RAM, GMEM_ANON);
    BUG_ON(!mem || fd < 0);
    if (size < 2) {
        close(fd);
        return 0;
    }
    cfg.entry = (enum boot_entry)(data[0] % BOOT_ENTRY_COUNT);
    BUG_ON(write(fd, data + 1, size - 1) != (ssize_t)(size - 1));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    cfg.kernel = path;
    cfg.modules[0] = (struct boot_module){.path = path};
    cfg.n_modules = 1;
    if (boot_open(&cfg, &b) == 0)
        start(b, mem);
    boot_close(b);
    BUG_ON(gmem_discard_all(mem) != 0);
    close(fd);
    return 0;
}
