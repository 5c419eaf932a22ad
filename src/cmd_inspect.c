// SPDX-License-Identifier: GPL-2.0-or-later
/* cmd_inspect.c: `vmm inspect`: explain a kernel image, or unpack it. */
#include "cmd.h"

#include "boot/boot.h"
#include "boot/image.h"
#include "profile.h"
#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_all(int fd, const char *buf, size_t n)
{
    while (n) {
        const ssize_t put = write(fd, buf, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        buf += put;
        n -= (size_t)put;
    }
    return 0;
}

/* Write the ELF beside its place and rename it: all of it or nothing. */
static int unpack_to(struct image *img, const char *path)
{
    size_t size;
    const void *elf = image_elf(img, &size);
    char part[4096];
    int fd, ret;

    if (!elf)
        return -EIO;
    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part)) {
        log_error("--unpack: %s: name too long", path);
        return -ENAMETOOLONG;
    }
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ret = fd < 0 ? -errno : write_all(fd, elf, size);
    if (fd >= 0 && close(fd) < 0 && ret == 0)
        ret = -errno;
    if (ret == 0 && rename(part, path) < 0)
        ret = -errno;
    if (ret < 0) {
        log_error("--unpack: %s: %s", path, strerror(-ret));
        unlink(part);
    }
    return ret;
}

/* Which modes of this version can boot it. */
static void print_modes(const struct image *img)
{
    const struct image_info *info = image_info(img);

    puts("modes");
    for (unsigned m = 0; m < MODE_COUNT; m++) {
        const struct profile *p = &profiles[m];

        printf("  %-11s %s\n", p->name,
               p->abis_built ? boot_verdict(img, p->boot) : "not built yet");
    }
    if (!info->has_pvh && !info->multiboot.found)
        puts("missing       CONFIG_PVH=y, if this is Linux");
}

int cmd_inspect(int argc, char **argv)
{
    const char *unpack = NULL, *path = NULL;
    struct image *img;
    int ret;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--unpack") == 0 && i + 1 < argc) {
            unpack = argv[++i];
        } else if (argv[i][0] == '-' || path) {
            log_error("vmm inspect: '%s': give [--unpack FILE] KERNEL",
                      argv[i]);
            return VMM_EXIT_USAGE;
        } else {
            path = argv[i];
        }
    }
    if (!path) {
        log_error("vmm inspect: no kernel given");
        return VMM_EXIT_USAGE;
    }
    ret = image_open(path, &img);
    if (ret < 0)
        return ret == -EINVAL ? VMM_EXIT_USAGE : VMM_EXIT_HOST;
    if (unpack) {
        ret = unpack_to(img, unpack);
    } else {
        image_inspect(img, stdout);
        print_modes(img);
    }
    image_close(img);
    return ret < 0 ? VMM_EXIT_HOST : VMM_EXIT_OK;
}
