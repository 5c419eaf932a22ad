// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * firmware.c: see firmware.h. The image is the operator's, and its bytes are
 * for the guest to run: of them only the number matters here.
 */
#include "boot/firmware.h"

#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Debian and its like, Fedora, Arch, one's own; most capable first. */
static const char *const places[] = {
    "/usr/share/seabios/bios-256k.bin",    "/usr/share/seabios/bios.bin",
    "/usr/share/qemu/bios-256k.bin",       "/usr/share/qemu/bios.bin",
    "/usr/local/share/qemu/bios-256k.bin",
};

/* O_NONBLOCK: a FIFO without a writer is refused, not waited for. */
static int open_file(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd < 0 ? -errno : fd;
}

static int search(const char **path)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const int fd = open_file(places[i]);

        *path = places[i];
        if (fd != -ENOENT && fd != -ENOTDIR)
            return fd;
    }
    *path = places[0];
    return -ENOENT;
}

static int check_size(const char *path, const struct stat *st)
{
    if (!S_ISREG(st->st_mode)) {
        log_error("firmware %s: not a regular file: give a BIOS image", path);
        return -EINVAL;
    }
    if (st->st_size > 0 && st->st_size % (off_t)GUEST_PAGE == 0 &&
        st->st_size <= (off_t)FIRMWARE_MAX)
        return 0;
    log_error("firmware %s: %lld bytes, but a BIOS image is a multiple of 4 "
              "KiB, up to 16 MiB: give another file",
              path, (long long)st->st_size);
    return -EINVAL;
}

static int load(const char *path, int fd, struct rom *out)
{
    struct stat st;
    int ret = fstat(fd, &st) < 0 ? -errno : 0;

    if (ret == 0) {
        ret = check_size(path, &st);
        if (ret < 0)
            return ret;
        ret = rom_load(out, fd, (uint64_t)st.st_size);
    }
    if (ret < 0)
        log_error("firmware %s: cannot be read: %s", path, strerror(-ret));
    else
        log_info("firmware: %s, %llu KiB", path,
                 (unsigned long long)(out->size / KIB));
    return ret;
}

int firmware_open(const char *path, struct rom *out)
{
    const int fd = path ? open_file(path) : search(&path);
    int ret;

    if (fd < 0) {
        log_error("firmware %s: cannot be opened: %s: install the package "
                  "seabios, or give --firmware",
                  path, strerror(-fd));
        return fd;
    }
    ret = load(path, fd, out);
    close(fd);
    return ret;
}
