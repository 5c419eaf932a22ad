// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk_file.c: opening files and block devices, and what they are.
 *
 * Nothing here looks at content: an image that begins like a qcow2 file is
 * as raw as any other, or else a guest could choose by what it writes how
 * the host reads its disk the next time. (Whether direct I/O of 512 bytes
 * works is found by reading, on kernels that do not tell; the bytes are not
 * looked at.) Images are never mapped: one that shrinks under the guest
 * gives an error, not a SIGBUS.
 *
 * A disk with cache=none has two descriptors of one file: the direct one,
 * and one through the page cache for what the guest did not align as direct
 * I/O needs it. The kernel keeps both views the same.
 *
 * Thread: blk_open's, before the sandbox is sealed; blk_file_size on the
 * loop, by lseek(2), which a sealed thread may call.
 */
#include "devices/backend/blk_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_BLOCK (64 * KIB)
#define PAGE      4096u

static const char *open_advice(int err, bool writable, bool direct)
{
    switch (err) {
    case ENOENT:
        return "make it first (truncate -s 10G FILE), or correct the name";
    case EACCES:
    case EPERM:
    case EROFS:
    case ETXTBSY:
        return writable ? "allow writing, or give ro=on" : "allow reading";
    case EISDIR:
        return "give a file or a block device";
    case EINVAL:
        return direct ? "its file system may have no direct I/O: leave out "
                        "cache=none"
                      : "give a file or a block device";
    default:
        return "give another file";
    }
}

static int open_path(const char *path, bool writable, bool direct)
{
    /* O_NONBLOCK: not to wait for the other end of a FIFO. */
    const int fd =
        open(path, (writable ? O_RDWR : O_RDONLY) | (direct ? O_DIRECT : 0) |
                       O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        const int err = errno;

        log_error("disk %s: %s: %s", path, strerror(err),
                  open_advice(err, writable, direct));
        return -err;
    }
    return fd;
}

/* Another description of what fd is open on. -errno if it cannot be had. */
static int open_again(int fd, int flags)
{
    char path[32];
    int again;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    again = open(path, flags | O_CLOEXEC);
    return again < 0 ? -errno : again;
}

static bool is_block_size(uint64_t v)
{
    return v >= BLK_SECTOR && v <= MAX_BLOCK && (v & (v - 1)) == 0;
}

/* Does direct I/O of n bytes work? Only an alignment error says no. */
static bool direct_read_works(int fd, size_t n)
{
    _Alignas(4096) char buf[PAGE];

    return pread(fd, buf, n, (off_t)n) >= 0 || errno != EINVAL;
}

/* What memory, offsets and lengths of direct I/O must be multiples of. */
static void find_alignment(struct blk_file *file)
{
    struct statx x;

    if (statx(file->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &x) == 0 &&
        (x.stx_mask & STATX_DIOALIGN) && x.stx_dio_offset_align) {
        file->mem_align = x.stx_dio_mem_align;
        file->block = x.stx_dio_offset_align;
    } else {
        file->mem_align = PAGE;
        file->block =
            direct_read_works(file->fd, BLK_SECTOR) ? BLK_SECTOR : PAGE;
    }
    if (file->block < BLK_SECTOR)
        file->block = BLK_SECTOR;
}

/* What the guest is told about a block device's blocks. */
static void device_geometry(const struct blk_file *file, struct blk_info *info)
{
    int logical = 0;
    unsigned physical = 0;

    if (ioctl(file->fd, BLKSSZGET, &logical) == 0 && logical > 0 &&
        is_block_size((unsigned)logical))
        info->logical_block = (unsigned)logical;
    if (ioctl(file->fd, BLKPBSZGET, &physical) == 0 && is_block_size(physical))
        info->physical_block = physical;
    if (info->physical_block < info->logical_block)
        info->physical_block = info->logical_block;
}

static void find_geometry(const struct blk_file *file, const struct stat *st,
                          struct blk_info *info)
{
    const bool direct = file->cached_fd >= 0;

    info->logical_block = direct ? file->block : BLK_SECTOR;
    info->physical_block = PAGE;
    if (S_ISBLK(st->st_mode))
        device_geometry(file, info);
    else if (is_block_size((uint64_t)st->st_blksize))
        info->physical_block = (uint32_t)st->st_blksize;
    if (info->physical_block < info->logical_block)
        info->physical_block = info->logical_block;
    info->discard_align = info->read_only ? 0 : info->physical_block;
    info->can_zero = !info->read_only;
}

int blk_file_size(const struct blk_file *file, uint64_t *out)
{
    const off_t end = lseek(file->fd, 0, SEEK_END);

    if (end < 0)
        return -errno;
    *out = (uint64_t)end;
    return 0;
}

/* A disk has whole blocks; what is left over behind them stays hidden. */
static int find_size(const struct blk_file *file, const char *path,
                     struct blk_info *info)
{
    uint64_t size = 0, rest;
    const int ret = blk_file_size(file, &size);

    if (ret < 0) {
        log_error("disk %s: its size cannot be read: %s", path, strerror(-ret));
        return ret;
    }
    rest = size % info->logical_block;
    info->size = size - rest;
    if (!info->size) {
        log_error("disk %s: %s: give it a size (truncate -s 10G FILE)", path,
                  size ? "smaller than a sector" : "empty");
        return -EINVAL;
    }
    if (rest)
        log_warn("disk %s: the last %u bytes are no whole block and are hidden "
                 "from the guest",
                 path, (unsigned)rest);
    return 0;
}

/* Keep the host from mounting or formatting a device the guest writes to. */
static int claim_device(struct blk_file *file, const char *path)
{
    const int fd = open_again(file->fd, O_RDONLY | O_EXCL);

    if (fd >= 0) {
        file->claim_fd = fd;
        return 0;
    }
    log_error("disk %s: %s: unmount it or stop what uses it, or give ro=on",
              path, strerror(-fd));
    return fd;
}

/* Is it memory, whatever its I/O is called? */
static bool is_memory(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/* Reads leave no trace in the image, where the owner may ask for that. */
static int set_fl(int fd, int flags)
{
    const int ret = fcntl(fd, F_SETFL, flags | O_NOATIME);

    return ret < 0 ? fcntl(fd, F_SETFL, flags) : ret;
}

/*
 * Memory never waits for a device, but io_uring does not know: it gives each
 * request to a worker thread, which costs more than the request. O_NONBLOCK
 * has it read on the spot, O_DIRECT (Linux 6.6 for tmpfs) write on the spot;
 * neither changes what is done, or asks for alignment.
 */
static void set_memory_flags(struct blk_file *file)
{
    file->in_memory = true;
    if (set_fl(file->fd, O_NONBLOCK | O_DIRECT) < 0)
        (void)set_fl(file->fd, O_NONBLOCK);
}

/*
 * Plain blocking I/O from here on: with O_NONBLOCK io_uring would answer
 * EAGAIN instead of waiting for the disk.
 */
static int set_flags(struct blk_file *file, const struct blk_config *cfg,
                     bool writable)
{
    const bool direct = cfg->cache == BLK_CACHE_NONE;

    if (is_memory(file->fd)) {
        set_memory_flags(file);
        return 0;
    }
    if (set_fl(file->fd, direct ? O_DIRECT : 0) < 0) {
        const int err = errno;

        log_error("disk %s: F_SETFL: %s", cfg->path, strerror(err));
        return -err;
    }
    if (!direct)
        return 0;
    find_alignment(file);
    file->cached_fd = open_again(file->fd, writable ? O_RDWR : O_RDONLY);
    if (file->cached_fd >= 0)
        return 0;
    log_error("disk %s: a second time: %s: is /proc mounted?", cfg->path,
              strerror(-file->cached_fd));
    return file->cached_fd;
}

/* All that can fail once fd is open. */
static int set_up(struct blk_file *file, const struct blk_config *cfg,
                  struct blk_info *info)
{
    struct stat st;
    int ret;

    if (fstat(file->fd, &st) < 0 ||
        (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))) {
        log_error("disk %s: neither a file nor a block device: give one",
                  cfg->path);
        return -EINVAL;
    }
    ret = blk_lock(file->fd, cfg->path, !info->read_only);
    if (ret == 0 && S_ISBLK(st.st_mode) && !info->read_only)
        ret = claim_device(file, cfg->path);
    file->can_discard = S_ISBLK(st.st_mode);
    if (ret == 0)
        ret = set_flags(file, cfg, !info->read_only);
    if (ret < 0)
        return ret;
    find_geometry(file, &st, info);
    return find_size(file, cfg->path, info);
}

int blk_file_open(struct blk_file *file, const struct blk_config *cfg,
                  struct blk_info *info)
{
    int ret;

    *file = (struct blk_file){.cached_fd = -1, .claim_fd = -1};
    *info = (struct blk_info){.read_only = cfg->read_only || cfg->snapshot};
    file->fd =
        open_path(cfg->path, !info->read_only, cfg->cache == BLK_CACHE_NONE);
    if (file->fd < 0)
        return file->fd;
    /* A file-size limit is an answer (EFBIG) to the guest, not our end. */
    signal(SIGXFSZ, SIG_IGN);
    ret = set_up(file, cfg, info);
    if (ret < 0)
        blk_file_close(file);
    return ret;
}

/* Open an unlinked file in dir, by name where there is no other way. */
static int open_unlinked(const char *dir)
{
    char name[4096];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    snprintf(name, sizeof(name), "%s/vmm-XXXXXX", dir);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

int blk_file_open_temporary(struct blk_file *file, uint64_t size)
{
    const char *dir = secure_getenv("TMPDIR");

    /* Not /tmp: that is often memory. */
    if (!dir || !*dir)
        dir = "/var/tmp";
    *file = (struct blk_file){.cached_fd = -1, .claim_fd = -1};
    file->fd = open_unlinked(dir);
    if (file->fd < 0 || ftruncate(file->fd, (off_t)size) < 0) {
        const int err = errno;

        log_error("snapshot in %s: %s: name a directory that can be written "
                  "and has room in TMPDIR",
                  dir, strerror(err));
        blk_file_close(file);
        return -err;
    }
    if (is_memory(file->fd))
        set_memory_flags(file);
    return 0;
}

void blk_file_close(struct blk_file *file)
{
    const int fds[] = {file->fd, file->cached_fd, file->claim_fd};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}
