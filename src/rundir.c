// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rundir.c: see rundir.h.
 *
 * The lock is an open-file-description lock (fcntl(2), F_OFD_SETLK): unlike
 * flock it can be tested without taking it, so that a listing never makes a
 * start fail; unlike a plain record lock it survives the close of another
 * descriptor of the same file.
 *
 * The lock file is unlinked at the end by its holder, under the lock. So
 * whoever gets the lock looks at the link count: 0 means that he waited for
 * a file that is gone, and opens anew.
 *
 * NAME.lock holds a record of fixed size, so that one pwrite replaces all of
 * what a predecessor wrote: the pid, then how the guest ended.
 *
 * Starting a guest is budgeted in microseconds: a claim is mkdir, open,
 * fstat, openat, fcntl, fstat, pwrite, unlinkat.
 *
 * Thread: before the threads start, or after they ended; and in the client.
 */
#include "rundir.h"
#include "vmm/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PID_FIELD   12 /* "%-11d\n" */
#define RECORD_SIZE (PID_FIELD + RUNDIR_HOW_MAX + 1)
#define LOCK_SUFFIX ".lock"
#define SOCK_SUFFIX ".sock"
/* NAME.vsock, with its NUL; none is longer. */
#define FILE_MAX (RUNDIR_NAME_MAX + sizeof(RUNDIR_VSOCK))
/* The holder of a conflicting lock may be on its way in or out. */
#define CLAIM_TRIES 20

/* The directory's path. Returns false if it does not fit a socket address. */
static bool dir_path(char out[RUNDIR_PATH_MAX])
{
    const char *own = getenv("VMM_RUNTIME_DIR");
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    int n;

    if (own && *own)
        n = snprintf(out, RUNDIR_PATH_MAX, "%s", own);
    else if (geteuid() == 0)
        n = snprintf(out, RUNDIR_PATH_MAX, "/run/vmm");
    else if (xdg && *xdg)
        n = snprintf(out, RUNDIR_PATH_MAX, "%s/vmm", xdg);
    else
        n = snprintf(out, RUNDIR_PATH_MAX, "/tmp/vmm-%u", geteuid());
    return n >= 0 && (size_t)n < RUNDIR_PATH_MAX;
}

static int too_long(const char *what)
{
    log_error("runtime directory: the path of %s is longer than the %zu bytes "
              "a socket address takes: set VMM_RUNTIME_DIR to a shorter one",
              what, RUNDIR_PATH_MAX - 1);
    return -ENAMETOOLONG;
}

/* The directory must be nobody else's, or a stranger could take a name. */
static int dir_check(int fd, const char *path)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        const int ret = -errno;

        log_error("runtime directory %s: %s", path, strerror(-ret));
        return ret;
    }
    /* Root may look into a user's directory, as everywhere. */
    if (st.st_uid != geteuid() && geteuid() != 0) {
        log_error("%s: belongs to uid %u, not to you: set VMM_RUNTIME_DIR to "
                  "a directory of your own",
                  path, st.st_uid);
        return -EPERM;
    }
    if (st.st_mode & 077) {
        log_error("%s: mode %03o lets others in: chmod 700 %s", path,
                  st.st_mode & 0777, path);
        return -EPERM;
    }
    return 0;
}

/*
 * Open the directory. Returns the descriptor or -errno, logged, except for
 * -ENOENT: what a missing directory means is the caller's to say.
 */
static int dir_open(char path[RUNDIR_PATH_MAX])
{
    int fd;
    int ret;

    if (!dir_path(path))
        return too_long("the directory");
    /* As the sum of both symlink and wrong-type checks: a real directory. */
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        ret = -errno;
        if (ret != -ENOENT)
            log_error("runtime directory %s: %s", path, strerror(-ret));
        return ret;
    }
    ret = dir_check(fd, path);
    if (ret < 0) {
        close(fd);
        return ret;
    }
    return fd;
}

static int dir_make(char path[RUNDIR_PATH_MAX])
{
    int fd;

    if (!dir_path(path))
        return too_long("the directory");
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        const int ret = -errno;

        log_error("runtime directory %s: %s: set VMM_RUNTIME_DIR to a "
                  "directory that can be made",
                  path, strerror(-ret));
        return ret;
    }
    fd = dir_open(path);
    if (fd == -ENOENT)
        log_error("runtime directory %s: removed while in use", path);
    return fd;
}

static bool name_ok(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    const size_t n = strspn(name, allowed);

    return n > 0 && n <= RUNDIR_NAME_MAX && name[n] == '\0' && *name != '-';
}

int rundir_check_name(const char *name)
{
    if (name_ok(name))
        return 0;
    log_error("name '%.*s': use 1 to %d of A-Z a-z 0-9 . _ -, not beginning "
              "with '-'",
              RUNDIR_NAME_MAX, name, RUNDIR_NAME_MAX);
    return -EINVAL;
}

static void file_name(char out[FILE_MAX], const char *name, const char *suffix)
{
    snprintf(out, FILE_MAX, "%s%s", name, suffix);
}

/* DIR/NAME.sock. Returns false if it does not fit a socket address. */
static bool socket_path(char out[RUNDIR_PATH_MAX], const char *dir,
                        const char *name)
{
    const int n =
        snprintf(out, RUNDIR_PATH_MAX, "%s/%s%s", dir, name, SOCK_SUFFIX);

    return n >= 0 && (size_t)n < RUNDIR_PATH_MAX;
}

void rundir_path(const struct claim *claim, const char *suffix,
                 char out[RUNDIR_PATH_MAX + 1])
{
    const size_t n = strlen(claim->socket) - strlen(SOCK_SUFFIX);

    snprintf(out, RUNDIR_PATH_MAX + 1, "%.*s%s", (int)n, claim->socket, suffix);
}

/* Ask for (F_OFD_SETLK) or about (F_OFD_GETLK) a lock on the whole file. */
static int lock_op(int fd, int op, struct flock *lock)
{
    *lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, op, lock) < 0 ? -errno : 0;
}

static bool lock_held(int fd)
{
    struct flock lock;

    return lock_op(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static pid_t lock_pid(int fd)
{
    char text[PID_FIELD + 1] = "";
    const ssize_t n = pread(fd, text, PID_FIELD, 0);

    return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* Lock what openat gave. -ESTALE: it was unlinked meanwhile, open again. */
static int lock_take(int fd)
{
    struct flock lock;
    struct stat st;
    const int ret = lock_op(fd, F_OFD_SETLK, &lock);

    if (ret < 0)
        return ret;
    if (fstat(fd, &st) < 0)
        return -errno;
    return st.st_nlink ? 0 : -ESTALE;
}

/* Did the holder write its pid, and does it live? Else it comes or goes. */
static bool holder_lives(int fd)
{
    const pid_t pid = lock_pid(fd);

    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static int name_in_use(const char *name, int fd)
{
    log_error("name '%s' is in use by pid %d: choose another --name, or 'vmm "
              "stop %s'",
              name, (int)lock_pid(fd), name);
    return -EBUSY;
}

/* One attempt. Returns the descriptor, -EAGAIN to try again, or -errno. */
static int lock_try(int dir_fd, const char *file, const char *name, bool last)
{
    int ret;
    const int fd =
        openat(dir_fd, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        ret = -errno;
        log_error("lock file %s: %s", file, strerror(-ret));
        return ret;
    }
    ret = lock_take(fd);
    if (ret == 0)
        return fd;
    if (ret != -EAGAIN && ret != -ESTALE)
        log_error("lock file %s: cannot lock: %s", file, strerror(-ret));
    else if (last || (ret == -EAGAIN && holder_lives(fd)))
        ret = name_in_use(name, fd);
    else
        ret = -EAGAIN; /* it comes or goes */
    close(fd);
    return ret;
}

static int lock_get(int dir_fd, const char *name)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    char file[FILE_MAX];

    file_name(file, name, LOCK_SUFFIX);
    for (int i = 1;; i++) {
        const int ret = lock_try(dir_fd, file, name, i == CLAIM_TRIES);

        if (ret != -EAGAIN)
            return ret;
        nanosleep(&pause, NULL);
    }
}

static int lock_write(int fd)
{
    char record[RECORD_SIZE + 1];
    const int n = snprintf(record, sizeof(record), "%-*d\n%-*s\n",
                           PID_FIELD - 1, (int)getpid(), RUNDIR_HOW_MAX, "");

    if (pwrite(fd, record, (size_t)n, 0) == n)
        return 0;
    log_error("lock file: cannot write: %s", strerror(errno));
    return -EIO;
}

/* The caller holds the name: whatever sockets are there belong to nobody. */
static void remove_sockets(int dir_fd, const char *name)
{
    static const char *const suffixes[] = {SOCK_SUFFIX, RUNDIR_VSOCK,
                                           RUNDIR_SHARE};
    char file[FILE_MAX];

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        file_name(file, name, suffixes[i]);
        unlinkat(dir_fd, file, 0);
    }
}

int rundir_claim(struct claim *out, const char *name)
{
    char dir[RUNDIR_PATH_MAX];
    char file[FILE_MAX];
    int ret;

    *out = (struct claim){.dir_fd = -1, .lock_fd = -1};
    if (name && rundir_check_name(name) < 0)
        return -EINVAL;
    if (name)
        snprintf(out->name, sizeof(out->name), "%s", name);
    else
        snprintf(out->name, sizeof(out->name), "vmm-%d", (int)getpid());
    ret = dir_make(dir);
    if (ret < 0)
        return ret;
    out->dir_fd = ret;
    if (!socket_path(out->socket, dir, out->name)) {
        ret = too_long("the control socket");
        goto close_dir;
    }
    ret = lock_get(out->dir_fd, out->name);
    if (ret < 0)
        goto close_dir;
    out->lock_fd = ret;
    ret = lock_write(out->lock_fd);
    if (ret < 0)
        goto drop_lock;
    remove_sockets(out->dir_fd, out->name);
    return 0;

drop_lock:
    file_name(file, out->name, LOCK_SUFFIX);
    unlinkat(out->dir_fd, file, 0);
    close(out->lock_fd);
close_dir:
    close(out->dir_fd);
    return ret;
}

/* Remove the files of a name whose lock the caller holds. */
static void remove_files(int dir_fd, const char *name)
{
    char file[FILE_MAX];

    remove_sockets(dir_fd, name);
    /* Last: from here on the name is free. */
    file_name(file, name, LOCK_SUFFIX);
    unlinkat(dir_fd, file, 0);
}

void rundir_release(struct claim *claim, const char *how)
{
    char text[RUNDIR_HOW_MAX + 1];

    if (claim->lock_fd < 0)
        return;
    snprintf(text, sizeof(text), "%-*s", RUNDIR_HOW_MAX, how);
    if (pwrite(claim->lock_fd, text, RUNDIR_HOW_MAX, PID_FIELD) < 0)
        log_debug("lock file: cannot say how it ended: %s", strerror(errno));
    remove_files(claim->dir_fd, claim->name);
    close(claim->lock_fd);
    close(claim->dir_fd);
    claim->lock_fd = -1;
    claim->dir_fd = -1;
}

bool rundir_how(const struct rundir_guest *g, char how[RUNDIR_HOW_MAX + 1])
{
    ssize_t n = pread(g->lock_fd, how, RUNDIR_HOW_MAX, PID_FIELD);

    while (n > 0 && (how[n - 1] == ' ' || how[n - 1] == '\n'))
        n--;
    how[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Fill g if a guest holds this lock. -ESRCH if none does. */
static int guest_open(struct rundir_guest *g, int dir_fd, const char *dir,
                      const char *name)
{
    char file[FILE_MAX];

    snprintf(g->name, sizeof(g->name), "%s", name);
    if (!socket_path(g->socket, dir, name))
        return -ESRCH; /* nothing can have been bound there */
    file_name(file, name, LOCK_SUFFIX);
    /* For writing too: to remove the leftovers takes the lock. */
    g->lock_fd = openat(dir_fd, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (g->lock_fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    if (!lock_held(g->lock_fd)) {
        if (lock_take(g->lock_fd) == 0)
            remove_files(dir_fd, name);
        close(g->lock_fd);
        return -ESRCH;
    }
    g->pid = lock_pid(g->lock_fd);
    return 0;
}

int rundir_find(struct rundir_guest *out, const char *name)
{
    char dir[RUNDIR_PATH_MAX];
    int ret = rundir_check_name(name);
    int dir_fd;

    if (ret < 0)
        return ret;
    dir_fd = dir_open(dir);
    if (dir_fd < 0 && dir_fd != -ENOENT)
        return dir_fd;
    ret = dir_fd < 0 ? -ESRCH : guest_open(out, dir_fd, dir, name);
    if (dir_fd >= 0)
        close(dir_fd);
    if (ret == -ESRCH)
        log_error("no guest named '%s' runs here: 'vmm ps' lists them", name);
    else if (ret < 0)
        log_error("%s/%s%s: %s", dir, name, LOCK_SUFFIX, strerror(-ret));
    return ret;
}

/* NAME of NAME.lock in out; false for any other file. */
static bool name_of_lock(const char *file, char out[RUNDIR_NAME_MAX + 1])
{
    const size_t suffix = strlen(LOCK_SUFFIX);
    const size_t n = strlen(file);

    if (n <= suffix || n - suffix > RUNDIR_NAME_MAX ||
        strcmp(file + n - suffix, LOCK_SUFFIX) != 0)
        return false;
    memcpy(out, file, n - suffix);
    out[n - suffix] = '\0';
    return name_ok(out);
}

static int is_lock(const struct dirent *entry)
{
    char name[RUNDIR_NAME_MAX + 1];

    return name_of_lock(entry->d_name, name);
}

int rundir_each(void (*fn)(void *ctx, const struct rundir_guest *g), void *ctx)
{
    char dir[RUNDIR_PATH_MAX];
    struct dirent **list = NULL;
    const int dir_fd = dir_open(dir);
    int n;

    if (dir_fd < 0)
        return dir_fd == -ENOENT ? 0 : dir_fd;
    n = scandirat(dir_fd, ".", &list, is_lock, alphasort);
    if (n < 0)
        log_error("runtime directory %s: cannot be listed: %s", dir,
                  strerror(errno));
    for (int i = 0; i < n; i++) {
        char name[RUNDIR_NAME_MAX + 1];
        struct rundir_guest g;

        if (name_of_lock(list[i]->d_name, name) &&
            guest_open(&g, dir_fd, dir, name) == 0) {
            fn(ctx, &g);
            close(g.lock_fd);
        }
        free(list[i]);
    }
    free(list);
    close(dir_fd);
    return n < 0 ? -EIO : 0;
}
