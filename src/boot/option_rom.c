// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * option_rom.c: see option_rom.h. A machine without the image works, but for
 * what the image does: so its absence is no error.
 */
#include "boot/option_rom.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 512u /* what an image counts its length in */

/* Debian and its like, Fedora, Arch, one's own. */
const char *const option_rom_vga[] = {
    "/usr/share/seabios/vgabios-stdvga.bin",
    "/usr/share/seavgabios/vgabios-stdvga.bin",
    "/usr/share/qemu/vgabios-stdvga.bin",
    "/usr/local/share/qemu/vgabios-stdvga.bin",
    NULL,
};

const char *const option_rom_e1000[] = {
    "/usr/lib/ipxe/qemu/pxe-e1000.rom",
    "/usr/share/qemu/pxe-e1000.rom",
    "/usr/share/ipxe/qemu/pxe-e1000.rom",
    "/usr/share/ipxe/8086100e.rom",
    NULL,
};

const char *const option_rom_virtio[] = {
    "/usr/lib/ipxe/qemu/pxe-virtio.rom",
    "/usr/share/qemu/pxe-virtio.rom",
    "/usr/share/ipxe/qemu/pxe-virtio.rom",
    "/usr/share/ipxe/1af41000.rom",
    NULL,
};

static uint64_t round_up(uint64_t n)
{
    uint64_t size = GUEST_PAGE;

    while (size < n)
        size *= 2;
    return size;
}

static int load(int fd, struct rom *out)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 ||
        st.st_size > (off_t)OPTION_ROM_MAX)
        return -EINVAL;
    return rom_load_padded(out, fd, (uint64_t)st.st_size,
                           round_up((uint64_t)st.st_size));
}

/* -ENOENT, or what came of the first that is there. */
static int open_one(const char *path, struct rom *out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int ret;

    *out = (struct rom){0};
    if (fd < 0)
        return -errno;
    ret = load(fd, out);
    close(fd);
    return ret;
}

void option_rom_open(const char *const *places, const char *missing_for,
                     struct rom *out)
{
    *out = (struct rom){0};
    for (unsigned i = 0; places[i]; i++) {
        const int ret = open_one(places[i], out);

        if (ret == 0)
            return;
        if (ret == -ENOENT || ret == -ENOTDIR)
            continue;
        log_warn("%s: %s: no %s", places[i], strerror(-ret),
                 missing_for ? missing_for : "option ROM");
        return;
    }
    if (!missing_for)
        return;
    log_warn("%s: not found: no %s: install the package it is in", places[0],
             missing_for);
}

/* Signature, and a length in units of 512 bytes (PCI Firmware 3.0, 5.1). */
static bool is_option_rom(const struct rom *rom)
{
    const unsigned char *p = rom->host;

    return p[0] == 0x55 && p[1] == 0xaa && p[2] && BLOCK * p[2] <= rom->size;
}

int option_rom_open_file(const char *path, const char *what, struct rom *out)
{
    const int ret = open_one(path, out);

    if (ret == -EINVAL) {
        log_error("%s=%s: not a file of 1 byte to 1 MiB: give an option ROM",
                  what, path);
    } else if (ret < 0) {
        log_error("%s=%s: cannot be read: %s", what, path, strerror(-ret));
    } else if (!is_option_rom(out)) {
        log_error("%s=%s: not an option ROM: it does not begin with 55 aa and "
                  "its own length: give another file",
                  what, path);
        rom_free(out);
        return -EINVAL;
    }
    return ret;
}

/* PCI Firmware 3.0, 5.1.2: where the data structure is, and what it names. */
#define AT_PCIR     0x18u
#define PCIR_IDS    4u
#define PCIR_BYTES  0x18u
#define AT_ENTRY    3u
#define AT_CHECKSUM 6u /* behind a jump at the entry, nobody's but its */
#define JUMP_NEAR   0xe9u

void option_rom_adopt(struct rom *rom, uint16_t vendor, uint16_t device)
{
    const unsigned char *p = rom->host;
    const uint16_t ids[2] = {vendor, device};
    uint16_t pcir;
    uint8_t sum = 0;

    if (!rom->size || !is_option_rom(rom) || p[AT_ENTRY] != JUMP_NEAR)
        return;
    memcpy(&pcir, p + AT_PCIR, sizeof(pcir));
    if (!range_ok(pcir, PCIR_BYTES, BLOCK * p[2]) ||
        memcmp(p + pcir, "PCIR", 4) != 0)
        return;
    if (rom_patch(rom, pcir + PCIR_IDS, ids, sizeof(ids)) < 0)
        return;
    for (unsigned i = 0; i < BLOCK * p[2]; i++)
        sum = (uint8_t)(sum + p[i]);
    sum = (uint8_t)(p[AT_CHECKSUM] - sum);
    if (rom_patch(rom, AT_CHECKSUM, &sum, sizeof(sum)) < 0)
        log_warn("option ROM of %04x:%04x: its sum is wrong", vendor, device);
}
