// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * option_rom.c: see option_rom.h. A machine without the image works, but for
 * what the image does: so its absence is no error.
 */
#include "boot/option_rom.h"

#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Debian and its like, Fedora, Arch, one's own. */
const char *const option_rom_vga[] = {
    "/usr/share/seabios/vgabios-stdvga.bin",
    "/usr/share/seavgabios/vgabios-stdvga.bin",
    "/usr/share/qemu/vgabios-stdvga.bin",
    "/usr/local/share/qemu/vgabios-stdvga.bin",
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
        log_warn("%s: %s: no %s", places[i], strerror(-ret), missing_for);
        return;
    }
    log_warn("%s: not found: no %s: install the package it is in", places[0],
             missing_for);
}
