// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * blk_lock.c: one image, one writer.
 *
 * An open-file-description lock (fcntl(2), F_OFD_SETLK) over every byte a
 * file can have: it belongs to the inode, so that hard links and bind mounts
 * are the same image, it conflicts with other disks of this process too, and
 * the kernel drops it however the process ends. Other programs that lock
 * their images (QEMU does) are met as well.
 *
 * The kernel does not tell who holds such a lock. So the holder also puts a
 * plain record lock on one byte behind the range: F_GETLK names its pid. The
 * record decides nothing; a process that closes another descriptor of the
 * file loses it, and is then only reported without its pid.
 *
 * Thread: blk_open's, before the sandbox is sealed.
 */
#include "devices/backend/blk_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RECORD_BYTE ((off_t)1 << 62)

/* For a lock that nobody owns to go. */
#define PATIENCE_MS 2000
#define STEP_MS     10

static struct flock whole_file(bool exclusive)
{
    return (struct flock){
        .l_type = exclusive ? F_WRLCK : F_RDLCK,
        .l_whence = SEEK_SET,
        .l_start = 0,
        .l_len = RECORD_BYTE,
    };
}

static struct flock record(bool exclusive)
{
    return (struct flock){
        .l_type = exclusive ? F_WRLCK : F_RDLCK,
        .l_whence = SEEK_SET,
        .l_start = RECORD_BYTE,
        .l_len = 1,
    };
}

/* The pid of another process that recorded itself, or 0. */
static pid_t owner_of(int fd)
{
    struct flock lock = record(true);

    if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid > 0 ? lock.l_pid : 0;
}

/* Is the file open in this process by another descriptor than fd? */
static bool is_open_here(int fd)
{
    DIR *dir = opendir("/proc/self/fd");
    struct stat mine, other;
    struct dirent *entry;
    bool found = false;

    if (!dir)
        return false;
    if (fstat(fd, &mine) == 0) {
        while (!found && (entry = readdir(dir))) {
            const int n = (int)strtol(entry->d_name, NULL, 10);

            found = entry->d_name[0] != '.' && n != fd &&
                    fstat(n, &other) == 0 && other.st_dev == mine.st_dev &&
                    other.st_ino == mine.st_ino;
        }
    }
    closedir(dir);
    return found;
}

static int refuse(int fd, const char *path)
{
    const pid_t pid = owner_of(fd);

    if (pid)
        log_error("disk %s: in use by process %d: stop that, or share it with "
                  "ro=on on both sides",
                  path, (int)pid);
    else if (is_open_here(fd))
        log_error("disk %s: already another disk of this guest: give each "
                  "file once",
                  path);
    else
        log_error("disk %s: locked by another process: find it with 'fuser' "
                  "and stop it",
                  path);
    return -EBUSY;
}

/*
 * The lock, or -EBUSY. A guest that was killed has no process and no record
 * any more while the kernel still takes its ring apart, and its last requests
 * with it: a lock without an owner gets a while to go.
 */
static int take_lock(int fd, bool exclusive)
{
    const struct flock lock = whole_file(exclusive);

    for (int waited = 0; fcntl(fd, F_OFD_SETLK, &lock) < 0; waited += STEP_MS) {
        if (errno != EAGAIN && errno != EACCES)
            return -errno;
        if (waited >= PATIENCE_MS || owner_of(fd) || is_open_here(fd))
            return -EBUSY;
        poll(NULL, 0, STEP_MS);
    }
    return 0;
}

int blk_lock(int fd, const char *path, bool exclusive)
{
    const struct flock lock = record(exclusive);
    const int ret = take_lock(fd, exclusive);

    if (ret == -EBUSY)
        return refuse(fd, path);
    if (ret < 0)
        log_warn("disk %s: cannot be locked here (%s): nothing keeps a second "
                 "guest from it",
                 path, strerror(-ret));
    else if (fcntl(fd, F_SETLK, &lock) < 0)
        log_debug("disk %s: pid not recorded: %s", path, strerror(errno));
    return 0;
}
