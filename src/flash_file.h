/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flash_file.h: the file behind a PC's flash memory (--firmware-vars), and its
 * content in memory.
 *
 * It stays open from one machine to the next: a guest that reboots finds what
 * it wrote. pc_flash.c writes back what changes by blk, and, when a machine is
 * taken apart, what blk did not get to, by flash_file_put.
 */
#ifndef VMM_FLASH_FILE_H
#define VMM_FLASH_FILE_H

#include "devices/backend/blk.h"
#include "vmm/loop.h"

struct flash_file {
    struct blk *blk;     /* owned */
    int fd;              /* owned */
    unsigned char *data; /* owned; size bytes */
    uint32_t size;       /* 0: there is none */
};

/*
 * Open, lock and read it, and begin on the loop (borrowed). 0 or -errno,
 * logged; either way flash_file_close undoes it, also what was never opened
 * (all zeroes). Before the seal.
 */
must_check int flash_file_open(struct flash_file *f, const char *path,
                               struct loop *loop);
void flash_file_close(struct flash_file *f);

/* Write [begin, end) at once. 0 or -errno. Loop thread, no vCPU runs. */
must_check int flash_file_put(const struct flash_file *f, uint32_t begin,
                              uint32_t end);

#endif
