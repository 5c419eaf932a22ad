/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rundir.h: the runtime directory and the names in it.
 *
 * A running guest owns two files there: NAME.lock, on which its process holds
 * an open-file-description lock for as long as it lives, and NAME.sock, its
 * control socket; with --vsock also NAME.vsock. The lock alone says whether a
 * name is in use; files that a killed process left behind never do.
 *
 * The directory is $VMM_RUNTIME_DIR, or else /run/vmm for root, or else
 * $XDG_RUNTIME_DIR/vmm, or else /tmp/vmm-UID. It belongs to the user and has
 * mode 0700, or it is not used.
 */
#ifndef VMM_RUNDIR_H
#define VMM_RUNDIR_H

#include "vmm/types.h"

#include <sys/types.h>
#include <sys/un.h>

#define RUNDIR_NAME_MAX 64
/* sun_path with its terminating NUL bounds every path in the directory. */
#define RUNDIR_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)
#define RUNDIR_HOW_MAX  100

/* A name this process holds. Made by rundir_claim; read only. */
struct claim {
    int dir_fd;  /* owned: the directory, to remove the files at the end */
    int lock_fd; /* owned: holds the lock, close-on-exec */
    char name[RUNDIR_NAME_MAX + 1];
    char socket[RUNDIR_PATH_MAX]; /* where the control socket belongs */
};

/*
 * Take a name (NULL: "vmm-PID"), making the directory if it is not there.
 * A stale control socket of that name is removed. Returns 0; -EINVAL for a
 * name that breaks the rules, -EBUSY for one in use, or another -errno; the
 * reason is logged. To be called before the sandbox is closed.
 */
must_check int rundir_claim(struct claim *out, const char *name);

/*
 * Give the name back: record how the guest ended (one line, for those who
 * wait) and remove both files. Needs only pwrite, unlinkat and close.
 */
void rundir_release(struct claim *claim, const char *how);

/* What else may be there, under the claim's protection: sockets, swept. */
#define RUNDIR_VSOCK ".vsock" /* the guest's ports, by default */
#define RUNDIR_SHARE ".share" /* for a moment: to reach virtiofsd by */

/* The path of one of these, which may be too long for an address by one. */
void rundir_path(const struct claim *claim, const char *suffix,
                 char out[RUNDIR_PATH_MAX + 1]);

/* 0, or -EINVAL with the rule logged. */
must_check int rundir_check_name(const char *name);

/* A guest that is there: what its lock file says. */
struct rundir_guest {
    char name[RUNDIR_NAME_MAX + 1];
    char socket[RUNDIR_PATH_MAX];
    int lock_fd; /* owned by the caller: stays readable after the unlink */
    pid_t pid;   /* as the holder wrote it: to be shown, not to be trusted */
};

/*
 * Look one name up. Returns 0 and an open lock_fd, -ESRCH if no guest of that
 * name runs (logged), or another -errno, logged.
 */
must_check int rundir_find(struct rundir_guest *out, const char *name);

/*
 * Call fn for each running guest in order of name; g is gone after the call.
 * What killed processes left behind is removed on the way. 0 or -errno,
 * logged; a directory that does not exist is an empty one.
 */
must_check int rundir_each(void (*fn)(void *ctx, const struct rundir_guest *g),
                           void *ctx);

/*
 * How the guest ended, from a lock file whose holder is gone. Returns false
 * if the holder was killed before it could say.
 */
bool rundir_how(const struct rundir_guest *g, char how[RUNDIR_HOW_MAX + 1]);

#endif
