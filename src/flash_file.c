// SPDX-License-Identifier: GPL-2.0-or-later
/* flash_file.c: see flash_file.h. */
#include "flash_file.h"

#include "devices/platform/pflash.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int check_size(const char *path, uint64_t size)
{
    if (size && size % PFLASH_BLOCK == 0 && size <= PFLASH_MAX)
        return 0;
    log_error("--firmware-vars: %s: %llu bytes, but flash has blocks of 4 KiB, "
              "up to 8 MiB: give a copy of the firmware's own (OVMF_VARS.fd)",
              path, (unsigned long long)size);
    return -EINVAL;
}

static int read_all(const struct flash_file *f)
{
    uint32_t off = 0;

    while (off < f->size) {
        const ssize_t got = pread(f->fd, f->data + off, f->size - off, off);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EIO;
        off += (uint32_t)got;
    }
    return 0;
}

static int load(struct flash_file *f, const char *path)
{
    void *p = mmap(NULL, f->size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    f->data = p;
    f->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return f->fd < 0 ? -errno : read_all(f);
}

int flash_file_open(struct flash_file *f, const char *path, struct loop *loop)
{
    const struct blk_config cfg = {.path = path};
    uint64_t size;
    int ret;

    *f = (struct flash_file){.fd = -1};
    f->blk = blk_open(&cfg);
    if (!f->blk)
        return -EIO;
    size = blk_info(f->blk)->size;
    ret = check_size(path, size);
    if (ret < 0)
        return ret;
    f->size = (uint32_t)size;
    ret = load(f, path);
    if (ret < 0) {
        log_error("--firmware-vars: %s: cannot be read: %s", path,
                  strerror(-ret));
        return ret;
    }
    return blk_start(f->blk, loop);
}

void flash_file_close(struct flash_file *f)
{
    if (!f->blk)
        return;
    blk_close(f->blk);
    if (f->data)
        munmap(f->data, f->size);
    if (f->fd >= 0)
        close(f->fd);
    *f = (struct flash_file){.fd = -1};
}

int flash_file_put(const struct flash_file *f, uint32_t begin, uint32_t end)
{
    while (begin < end) {
        const ssize_t put = pwrite(f->fd, f->data + begin, end - begin, begin);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? -errno : -EIO;
        begin += (uint32_t)put;
    }
    return 0;
}
