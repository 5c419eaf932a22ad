// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_fw.c: see pc_fw.h. A row of items[] for each thing that firmware can
 * ask for; what it does not find it takes a default for. Sources: the fw_cfg
 * specification (QEMU docs/specs/fw_cfg.rst), SeaBIOS docs/Runtime_config.md.
 */
#include "pc_fw.h"

#include "abi/layout.h"
#include "boot/acpi_loader.h"
#include "boot/smbios.h"
#include "devices/platform/piix4_pm.h"
#include "pc_slots.h"
#include "vmm/log.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ITEMS 40u
/* 255 CPUs of 50 bytes, and the rest. */
#define SMBIOS_ROOM (16 * 1024)

/* FW_CFG_X86 items */
#define X86_IRQ0_OVERRIDE (FW_CFG_X86 + 2u)

/*
 * etc/system-states: a byte for each state from S0 to S5, its sleep type, and
 * whether the machine has it. Here that is S0 and S5 (piix4_pm.h): OVMF then
 * prepares nothing for S3, and SeaBIOS takes its _S3 and _S4 away.
 */
#define STATE_ENABLED 0x80u
static const uint8_t system_states[] = {
    [0] = STATE_ENABLED,
    [3] = PIIX4_S3_TYP,
    [5] = STATE_ENABLED | PIIX4_S5_TYP,
};

/* An entry of etc/e820, little-endian, types as in ACPI. */
struct e820_entry {
    uint64_t base;
    uint64_t size;
    uint32_t type;
} __attribute__((packed));

_Static_assert(sizeof(struct e820_entry) == 20, "as the firmware reads it");

struct pc_fw {
    struct fw_cfg *device; /* owned */
    struct fw_cfg_item items[MAX_ITEMS];
    unsigned n;
    uint16_t n_cpus;
    uint64_t ram_size;
    uint32_t irq0_override;
    uint16_t nographic;
    struct e820_entry e820[MACHINE_MAX_RANGES];
    unsigned n_e820;
    struct acpi_files acpi; /* owned */
    unsigned char smbios_anchor[SMBIOS_ANCHOR_BYTES];
    unsigned char *smbios; /* owned */
    char *order;           /* owned: lines of paths; NULL: none */
    bool has_kernel;
    uint16_t menu;
    uint16_t menu_wait;
};

static void add(struct pc_fw *fw, const struct fw_cfg_item *item)
{
    BUG_ON(fw->n == MAX_ITEMS);
    fw->items[fw->n++] = *item;
}

static void add_number(struct pc_fw *fw, unsigned selector, const void *data,
                       size_t size)
{
    add(fw, &(struct fw_cfg_item){.data = data,
                                  .size = (uint32_t)size,
                                  .selector = (uint16_t)selector});
}

static void add_file(struct pc_fw *fw, const char *name, const void *data,
                     size_t size)
{
    add(fw, &(struct fw_cfg_item){
                .name = name, .data = data, .size = (uint32_t)size});
}

/*
 * What there is of RAM, and where Xen's pages are; what is not RAM below 1 MiB
 * firmware knows itself.
 */
static void add_e820(struct pc_fw *fw, uint64_t size, bool xen)
{
    const uint64_t low = size < LAYOUT_HOLE ? size : LAYOUT_HOLE;

    fw->e820[fw->n_e820++] =
        (struct e820_entry){0, htole64(low), htole32(MEM_RAM)};
    if (xen)
        fw->e820[fw->n_e820++] = (struct e820_entry){
            htole64(LAYOUT_XEN_SPECIAL),
            htole64(LAYOUT_XEN_SPECIAL_END - LAYOUT_XEN_SPECIAL),
            htole32(MEM_RESERVED)};
    if (size > low)
        fw->e820[fw->n_e820++] = (struct e820_entry){
            htole64(LAYOUT_HOLE_END), htole64(size - low), htole32(MEM_RAM)};
    add_file(fw, "etc/e820", fw->e820, fw->n_e820 * sizeof(fw->e820[0]));
}

static void add_numbers(struct pc_fw *fw, const struct config *cfg)
{
    fw->n_cpus = htole16((uint16_t)cfg->cpus);
    fw->ram_size = htole64(cfg->memory);
    fw->irq0_override = htole32(1);
    /* Then it speaks on COM1 too, if there is somebody. */
    fw->nographic = htole16(cfg->console.kind != CONSOLE_NONE);
    add_number(fw, FW_CFG_NB_CPUS, &fw->n_cpus, sizeof(fw->n_cpus));
    add_number(fw, FW_CFG_MAX_CPUS, &fw->n_cpus, sizeof(fw->n_cpus));
    add_number(fw, FW_CFG_RAM_SIZE, &fw->ram_size, sizeof(fw->ram_size));
    add_number(fw, FW_CFG_NOGRAPHIC, &fw->nographic, sizeof(fw->nographic));
    add_number(fw, X86_IRQ0_OVERRIDE, &fw->irq0_override,
               sizeof(fw->irq0_override));
}

static int add_smbios(struct pc_fw *fw, const struct machine_desc *m,
                      uint64_t memory)
{
    int64_t n;

    fw->smbios = malloc(SMBIOS_ROOM);
    n = fw->smbios ? smbios_build(m, memory, fw->smbios, SMBIOS_ROOM,
                                  fw->smbios_anchor)
                   : -ENOMEM;
    if (n < 0) {
        log_error("SMBIOS tables: cannot be built: %s", strerror((int)-n));
        return (int)n;
    }
    add_file(fw, SMBIOS_FILE_ANCHOR, fw->smbios_anchor,
             sizeof(fw->smbios_anchor));
    add_file(fw, SMBIOS_FILE_TABLES, fw->smbios, (size_t)n);
    return 0;
}

/* The paths of what a letter of --boot order stands for. */
static void print_paths(FILE *out, const struct config *cfg, char letter)
{
    char path[PC_PATH_MAX];

    for (unsigned i = 0; letter != BOOT_NET && i < cfg->n_disks; i++)
        if (cfg->disks[i].cdrom == (letter == BOOT_CDROM) &&
            pc_disk_path(cfg, i, path))
            fprintf(out, "%s\n", path);
    for (unsigned i = 0; letter == BOOT_NET && i < cfg->n_nets; i++)
        if (pc_net_path(cfg, i, path))
            fprintf(out, "%s\n", path);
}

/* A kernel that firmware is to start comes with a ROM to start it by. */
static void add_kernel(struct pc_fw *fw, const struct boot *boot)
{
    unsigned n = 0;
    const struct boot_fw_item *items = boot ? boot_fw_items(boot, &n) : NULL;

    for (unsigned i = 0; i < n; i++)
        add(fw, &(struct fw_cfg_item){.name = items[i].name,
                                      .data = items[i].data,
                                      .size = items[i].size,
                                      .selector = items[i].number});
    fw->has_kernel = n > 0;
}

/* What is not named comes behind what is, in the firmware's own order. */
static int add_order(struct pc_fw *fw, const struct config *cfg)
{
    size_t size = 0;
    FILE *out = open_memstream(&fw->order, &size);

    if (out && fw->has_kernel)
        fprintf(out, "/rom@%s\n", BOOT_FW_ROM);
    for (const char *c = cfg->boot.order; out && *c; c++)
        print_paths(out, cfg, *c);
    if (!out || fclose(out) != 0 || !fw->order) {
        log_error("boot order: out of memory");
        return -ENOMEM;
    }
    /* With the NUL behind it. */
    if (size)
        add_file(fw, "bootorder", fw->order, size + 1);
    return 0;
}

static void add_states(struct pc_fw *fw)
{
    add_file(fw, "etc/system-states", system_states, sizeof(system_states));
}

static void add_menu(struct pc_fw *fw, const struct config *cfg)
{
    fw->menu = htole16(cfg->boot.menu);
    fw->menu_wait = htole16(cfg->boot.wait);
    add_number(fw, FW_CFG_BOOT_MENU, &fw->menu, sizeof(fw->menu));
    if (cfg->boot.menu)
        add_file(fw, "etc/boot-menu-wait", &fw->menu_wait,
                 sizeof(fw->menu_wait));
}

static int add_acpi(struct pc_fw *fw, const struct machine_desc *m)
{
    const int ret = acpi_files_build(m, &fw->acpi);

    if (ret < 0)
        return ret;
    add_file(fw, ACPI_FILE_RSDP, fw->acpi.rsdp, sizeof(fw->acpi.rsdp));
    add_file(fw, ACPI_FILE_TABLES, fw->acpi.tables, fw->acpi.tables_size);
    add_file(fw, ACPI_FILE_SCRIPT, fw->acpi.script,
             fw->acpi.n_steps * (size_t)ACPI_STEP_BYTES);
    return 0;
}

struct pc_fw *pc_fw_create(const struct config *cfg,
                           const struct machine_desc *m,
                           const struct boot *boot, struct gmem *mem)
{
    struct pc_fw *fw = calloc(1, sizeof(*fw));

    if (!fw) {
        log_error("machine: out of memory");
        return NULL;
    }
    add_numbers(fw, cfg);
    add_e820(fw, cfg->memory, cfg->abi == ABI_XEN);
    add_menu(fw, cfg);
    add_states(fw);
    add_kernel(fw, boot);
    if (add_acpi(fw, m) == 0 && add_smbios(fw, m, cfg->memory) == 0 &&
        add_order(fw, cfg) == 0)
        fw->device = fw_cfg_create(mem, fw->items, fw->n);
    if (!fw->device) {
        pc_fw_destroy(fw);
        return NULL;
    }
    return fw;
}

void pc_fw_destroy(struct pc_fw *fw)
{
    if (!fw)
        return;
    fw_cfg_destroy(fw->device);
    acpi_files_free(&fw->acpi);
    free(fw->smbios);
    free(fw->order);
    free(fw);
}

struct fw_cfg *pc_fw_device(struct pc_fw *fw)
{
    return fw->device;
}
