/* SPDX-License-Identifier: MIT */
/*
 * A Multiboot kernel on a PC without firmware: the machine's state (3.2), what
 * the information says (3.3), and that the PC is as firmware leaves it. The
 * test gives it the words "one two" and the program vmm as a module.
 */
#include "abi/multiboot.h"
#include "abi/pc.h"
#include "cpu.h"
#include "report.h"
#include "start_info.h"
#include "string.h"

#define CR0_PE    0x1u
#define CR0_PG    0x80000000u
#define EFLAGS_IF 0x200u
#define EFLAGS_VM 0x20000u
#define ELF_MAGIC 0x464c457fu
#define WANT_FLAGS                                                          \
    (MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_MODS | \
     MULTIBOOT_INFO_MMAP | MULTIBOOT_INFO_LOADER)

extern const uint32_t multiboot_eax, multiboot_ebx;

static const void *at(uint32_t address)
{
    return (const void *)(uintptr_t)address;
}

static void check_state(void)
{
    CHECK_EQ("EAX", multiboot_eax, MULTIBOOT_BOOT_MAGIC);
    CHECK_EQ("CR0.PE and PG", entry_regs.cr0 & (CR0_PE | CR0_PG), CR0_PE);
    CHECK_EQ("EFLAGS", entry_regs.eflags & (EFLAGS_IF | EFLAGS_VM), 0);
    CHECK_EQ("ES reaches the local APIC", entry_regs.apic_es,
             entry_regs.apic_ds);
    CHECK_EQ("SS reaches the local APIC", entry_regs.apic_ss,
             entry_regs.apic_ds);
}

static void check_memory(const struct multiboot_info *info)
{
    uint64_t ram = 0;
    uint32_t off = 0;

    CHECK_EQ("lower memory, KiB", info->mem_lower, 640);
    while (off < info->mmap_length) {
        const struct multiboot_mmap *e = at(info->mmap_addr + off);

        CHECK_EQ("size of an entry", e->size, 20);
        if (e->type == 1)
            ram += e->len;
        off += e->size + 4;
    }
    CHECK_EQ("end of the map", off, info->mmap_length);
    CHECK_EQ("RAM, KiB", ram / 1024, info->mem_lower + info->mem_upper);
}

static void check_module(const struct multiboot_info *info)
{
    const struct multiboot_module *mod = at(info->mods_addr);

    CHECK_EQ("modules", info->mods_count, 1);
    if (info->mods_count != 1)
        return;
    CHECK_EQ("module's place in a page", mod->start % 4096, 0);
    CHECK_GE("module's end", mod->end, mod->start + 4096);
    CHECK_EQ("module's first word", *(const uint32_t *)at(mod->start),
             ELF_MAGIC);
}

/* Tables where a scan finds them, in RAM that can be written. */
static void check_settled(void)
{
    volatile uint32_t *shadow = (volatile uint32_t *)0xd0000;

    CHECK_NE("the RSDP", start_info()->rsdp_paddr, 0);
    *shadow = ELF_MAGIC;
    CHECK_EQ("what was written at d0000", *shadow, ELF_MAGIC);
    CHECK_NE("the PIIX4's PM1 control", inw(PC_PM + 4), 0xffff);
}

void test_main(void)
{
    const struct multiboot_info *info = at(multiboot_ebx);
    const char *words;

    check_state();
    CHECK_EQ("flags", info->flags, WANT_FLAGS);
    words = strstr(at(info->cmdline), " ");
    CHECK_EQ("command line", words && strcmp(words, " one two") == 0 ? 1u : 0u,
             1);
    CHECK_EQ("loader", strcmp(at(info->boot_loader_name), "vmm") == 0 ? 1u : 0u,
             1);
    check_memory(info);
    check_module(info);
    check_settled();
}
