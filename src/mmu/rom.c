// SPDX-License-Identifier: GPL-2.0-or-later
/* rom.c: see rom.h. */
#include "mmu/rom.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int read_all(int fd, unsigned char *to, uint64_t n)
{
    uint64_t off = 0;

    while (off < n) {
        const ssize_t got = pread(fd, to + off, n - off, (off_t)off);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -EIO;
        off += (uint64_t)got;
    }
    return 0;
}

int rom_load(struct rom *rom, int fd, uint64_t size)
{
    return rom_load_padded(rom, fd, size, size);
}

int rom_load_padded(struct rom *rom, int fd, uint64_t n, uint64_t size)
{
    void *p;
    int ret;

    BUG_ON(size == 0 || size % GUEST_PAGE || n > size);
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    *rom = (struct rom){.host = p, .size = size};
    memset((char *)p + n, 0xff, size - n);
    ret = read_all(fd, p, n);
    if (ret == 0 && mprotect(p, size, PROT_READ) < 0)
        ret = -errno;
    if (ret < 0)
        rom_free(rom);
    return ret;
}

int rom_patch(struct rom *rom, uint64_t off, const void *data, size_t n)
{
    BUG_ON(!range_ok(off, n, rom->size));
    if (mprotect(rom->host, rom->size, PROT_READ | PROT_WRITE) < 0)
        return -errno;
    memcpy((char *)rom->host + off, data, n);
    return mprotect(rom->host, rom->size, PROT_READ) < 0 ? -errno : 0;
}

void rom_free(struct rom *rom)
{
    if (rom->size)
        munmap(rom->host, rom->size);
    *rom = (struct rom){0};
}
