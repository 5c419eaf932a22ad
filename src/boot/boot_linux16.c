// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * boot_linux16.c: a bzImage at its 16-bit entry. Linux
 * Documentation/arch/x86/boot.rst, "Loading the rest of the kernel" and
 * "Running the kernel".
 *
 * Code at this entry calls the BIOS: for the memory map, the screen, the disks.
 * So the machine starts in its firmware, as without a kernel, and firmware is
 * given an expansion ROM (linuxboot.S) to boot from first. Kernel, command line
 * and initrd come by fw_cfg under the numbers that are meant for them, so that
 * other firmware can take them too, by itself.
 *
 *   LINUXBOOT_BASE  boot sector and real-mode code; heap and stack behind it
 *   .. + 0xe000     the command line
 *   1 MiB           the protected-mode kernel, which moves where it belongs
 *   top of RAM      the initrds as one, below what the firmware keeps
 *
 * Thread: as boot.c. What fw_cfg gives is read before the seal, and kept.
 */
#include "boot/boot_priv.h"

#include "boot/firmware.h"
#include "vmm/log.h"

#include <asm/bootparam.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LINUXBOOT_BASE    0x10000u
#define LINUXBOOT_HEAP    0xe000u
#define LINUXBOOT_CMDLINE (LINUXBOOT_BASE + LINUXBOOT_HEAP)
#define LINUXBOOT_KERNEL  0x100000u
#define SETUP_MAX         0x8000u /* leaves as much for heap and stack */
#define FIRMWARE_KEEPS    MIB     /* at the top of RAM, for its tables */
#define LOADER_OTHER      0xff
#define VGA_NORMAL        0xffff

/* The ROM, its table to fill in, and the sums to be made zero. */
extern const uint8_t linuxboot_rom[], linuxboot_rom_end[], linuxboot_table[];

#define ROM_PNP     0x1au /* where its offset is */
#define PNP_SIZE    32u
#define PNP_SUM     9u
#define ROM_SUM     0x06u /* a byte that nobody reads */
#define DMA_COMMAND 0x0au /* select, and read */

/* fw_cfg's numbers for a kernel. */
enum {
    FW_KERNEL_ADDR = 0x07,
    FW_KERNEL_SIZE = 0x08,
    FW_INITRD_ADDR = 0x0a,
    FW_INITRD_SIZE = 0x0b,
    FW_KERNEL_DATA = 0x11,
    FW_INITRD_DATA = 0x12,
    FW_CMDLINE_ADDR = 0x13,
    FW_CMDLINE_SIZE = 0x14,
    FW_CMDLINE_DATA = 0x15,
    FW_SETUP_ADDR = 0x16,
    FW_SETUP_SIZE = 0x17,
    FW_SETUP_DATA = 0x18,
};

struct dma_command {
    uint32_t control;
    uint32_t length;
    uint64_t address;
};

/* The numbers of one of the four: where, how long, and the bytes. */
static const struct {
    uint16_t addr, size, data;
} numbers[BOOT_FW_PARTS] = {
    [BOOT_FW_SETUP] = {FW_SETUP_ADDR, FW_SETUP_SIZE, FW_SETUP_DATA},
    [BOOT_FW_KERNEL] = {FW_KERNEL_ADDR, FW_KERNEL_SIZE, FW_KERNEL_DATA},
    [BOOT_FW_CMDLINE] = {FW_CMDLINE_ADDR, FW_CMDLINE_SIZE, FW_CMDLINE_DATA},
    [BOOT_FW_INITRD] = {FW_INITRD_ADDR, FW_INITRD_SIZE, FW_INITRD_DATA},
};

static bool takes(const struct image_info *info, enum boot_entry entry)
{
    return info->container == IMAGE_BZIMAGE && entry == BOOT_ENTRY_16;
}

/* ---- what is read before the seal ---- */

static int part_alloc(struct boot_fw_part *p, uint64_t size)
{
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (size > UINT32_MAX || host == MAP_FAILED) {
        log_error("boot: no memory for %llu KiB of kernel or initrd: free some "
                  "on the host",
                  (unsigned long long)(size / KIB));
        return -ENOMEM;
    }
    p->host = host;
    p->size = (uint32_t)size;
    return 0;
}

static int part_read(struct boot_fw_part *p, const char *path, int fd,
                     uint64_t off, uint64_t to, uint64_t n)
{
    const int rc = boot_read_file(fd, off, (uint8_t *)p->host + to, n);

    if (rc)
        log_error("%s: cannot be read: %s: was the file changed since it was "
                  "opened? start again",
                  path, strerror(-rc));
    return rc;
}

static int read_kernel(struct boot *b)
{
    const struct image_linux *bz = &image_info(b->img)->bz;
    struct boot_fw_part *setup = &b->fw.parts[BOOT_FW_SETUP];
    struct boot_fw_part *kernel = &b->fw.parts[BOOT_FW_KERNEL];
    const int fd = image_file(b->img);
    int rc;

    if (bz->setup_size > SETUP_MAX) {
        log_error("kernel %s: %u bytes of real-mode code, more than the %u "
                  "that can be: the file is damaged",
                  b->cfg->kernel, bz->setup_size, SETUP_MAX);
        return -EINVAL;
    }
    rc = part_alloc(setup, bz->setup_size);
    if (rc == 0)
        rc = part_alloc(kernel, bz->kernel_size);
    if (rc == 0)
        rc = part_read(setup, b->cfg->kernel, fd, 0, 0, setup->size);
    if (rc == 0)
        rc = part_read(kernel, b->cfg->kernel, fd, bz->kernel_at, 0,
                       kernel->size);
    return rc;
}

static int read_initrds(struct boot *b)
{
    struct boot_fw_part *p = &b->fw.parts[BOOT_FW_INITRD];
    uint64_t at = 0;
    int rc = b->n_files ? part_alloc(p, boot_initrd_size(b)) : 0;

    for (unsigned i = 0; rc == 0 && i < b->n_files; i++) {
        at = boot_initrd_next(at);
        rc = part_read(p, b->cfg->modules[i].path, b->files[i].fd, 0, at,
                       b->files[i].size);
        at += b->files[i].size;
    }
    return rc;
}

static int read_cmdline(struct boot *b)
{
    struct boot_fw_part *p = &b->fw.parts[BOOT_FW_CMDLINE];
    const size_t n = strlen(b->cfg->cmdline) + 1;
    const int rc = part_alloc(p, n);

    if (rc == 0)
        memcpy(p->host, b->cfg->cmdline, n);
    return rc;
}

static void add(struct boot_fw *fw, const char *name, uint16_t number,
                const void *data, uint32_t size)
{
    BUG_ON(fw->n_items == BOOT_FW_MAX);
    fw->items[fw->n_items++] = (struct boot_fw_item){
        .name = name, .number = number, .data = data, .size = size};
}

/* Numbers are little-endian, as the parts have them. */
static void put_items(struct boot_fw *fw)
{
    for (unsigned i = 0; i < BOOT_FW_PARTS; i++) {
        const struct boot_fw_part *p = &fw->parts[i];

        add(fw, NULL, numbers[i].addr, &p->addr, sizeof(p->addr));
        add(fw, NULL, numbers[i].size, &p->size, sizeof(p->size));
        add(fw, NULL, numbers[i].data, p->host, p->size);
    }
    add(fw, BOOT_FW_ROM, 0, fw->rom, sizeof(fw->rom));
}

static int check(struct boot *b)
{
    int rc = boot_check_linux(b);

    if (rc == 0)
        rc = firmware_open(b->cfg->firmware, &b->rom);
    if (rc == 0)
        rc = read_kernel(b);
    if (rc == 0)
        rc = read_initrds(b);
    if (rc == 0)
        rc = read_cmdline(b);
    if (rc == 0)
        put_items(&b->fw);
    return rc;
}

/* ---- where it goes ---- */

/* Firmware's own memory is at the top of what lies below 4 GiB. */
static struct span firmware_keeps(const struct machine_desc *m)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < m->n_ranges; i++) {
        const uint64_t top = m->map[i].base.v + m->map[i].size;

        if (m->map[i].type == MEM_RAM && top <= LAYOUT_HOLE && top > end)
            end = top;
    }
    return (struct span){end > FIRMWARE_KEEPS ? end - FIRMWARE_KEEPS : 0,
                         FIRMWARE_KEEPS};
}

static void put_addresses(struct boot *b)
{
    b->fw.parts[BOOT_FW_SETUP].addr = LINUXBOOT_BASE;
    b->fw.parts[BOOT_FW_KERNEL].addr = LINUXBOOT_KERNEL;
    b->fw.parts[BOOT_FW_CMDLINE].addr = LINUXBOOT_CMDLINE;
    b->fw.parts[BOOT_FW_INITRD].addr =
        b->plan.n_modules ? (uint32_t)b->plan.modules[0].base.v : 0;
}

/* The header, as a boot loader completes it. */
static void put_header(struct boot *b)
{
    uint8_t *setup = b->fw.parts[BOOT_FW_SETUP].host;
    struct setup_header h;

    memcpy(&h, setup + offsetof(struct boot_params, hdr), sizeof(h));
    h.type_of_loader = LOADER_OTHER;
    h.loadflags |= CAN_USE_HEAP;
    h.heap_end_ptr = LINUXBOOT_HEAP - 0x200;
    h.vid_mode = VGA_NORMAL;
    h.code32_start = LINUXBOOT_KERNEL;
    h.cmd_line_ptr = LINUXBOOT_CMDLINE;
    h.ramdisk_image = b->fw.parts[BOOT_FW_INITRD].addr;
    h.ramdisk_size = b->fw.parts[BOOT_FW_INITRD].size;
    memcpy(setup + offsetof(struct boot_params, hdr), &h,
           offsetof(struct setup_header, initrd_addr_max));
}

/* Makes the n bytes at p add up to zero by the one at sum. */
static void balance(uint8_t *p, unsigned n, unsigned sum)
{
    unsigned total = 0;

    p[sum] = 0;
    for (unsigned i = 0; i < n; i++)
        total += p[i];
    p[sum] = (uint8_t)(0u - total);
}

static void put_rom(struct boot *b)
{
    uint8_t *rom = b->fw.rom;
    uint8_t *row =
        rom + ((uintptr_t)linuxboot_table - (uintptr_t)linuxboot_rom);
    uint16_t pnp;

    memcpy(rom, linuxboot_rom, sizeof(b->fw.rom));
    for (unsigned i = 0; i < BOOT_FW_PARTS; i++) {
        const struct boot_fw_part *p = &b->fw.parts[i];
        const struct dma_command c = {
            .control = htobe32((uint32_t)numbers[i].data << 16 | DMA_COMMAND),
            .length = htobe32(p->size),
            .address = htobe64(p->addr),
        };

        if (p->size) {
            memcpy(row, &c, sizeof(c));
            row += sizeof(c);
        }
    }
    memcpy(&pnp, rom + ROM_PNP, sizeof(pnp));
    balance(rom + pnp, PNP_SIZE, PNP_SUM);
    balance(rom, sizeof(b->fw.rom), ROM_SUM);
}

static int place(struct boot *b, const struct gmem *mem,
                 const struct machine_desc *m, struct entry_state *out)
{
    const struct span keeps = firmware_keeps(m);
    const int rc = boot_plan_linux(b, m, mem, LINUXBOOT_KERNEL, &keeps);

    if (rc)
        return rc;
    put_addresses(b);
    put_header(b);
    put_rom(b);
    *out = (struct entry_state){.kind = ENTRY_RESET};
    return 0;
}

static int load(struct boot *b, struct gmem *mem)
{
    (void)b;
    (void)mem;
    return 0;
}

const struct boot_ops boot_linux16 = {
    .name = "linux, 16-bit, through the firmware",
    .takes = takes,
    .check = check,
    .place = place,
    .load = load,
};
