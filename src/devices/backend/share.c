// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * share.c: starting and ending virtiofsd; see share.h.
 *
 * virtiofsd accepts one connection on a socket it is given. That socket needs
 * a name to be connected to: one in the runtime directory, which nobody else
 * can enter, and only until we have connected. An unnamed pair of sockets
 * cannot be accepted from, and an abstract name would be anybody's.
 *
 * Both kinds of virtiofsd take the same words, but for one: QEMU's cannot
 * serve read only. There the folder is made read only for it, by a mount of
 * its own.
 */
#include "devices/backend/share.h"

#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS     1000
#define END_TRIES  100 /* of 10 ms: from its last word to its death */
#define LISTEN_FD  3   /* in virtiofsd */
#define SOURCE_MAX 4096

struct program {
    const char *path;
    const char *quiet;    /* say errors only */
    const char *readonly; /* NULL: it has no such option */
};

/* The newer first. */
static const struct program programs[] = {
    {"/usr/libexec/virtiofsd", "--log-level=error", "--readonly"},
    {"/usr/lib/virtiofsd", "--log-level=error", "--readonly"},
    {"/usr/lib/qemu/virtiofsd", "-olog_level=err", NULL},
    {"/usr/libexec/qemu/virtiofsd", "-olog_level=err", NULL},
};

struct share {
    struct share_config cfg;
    struct loop *loop; /* borrowed; NULL until started */
    struct loop_op watch;
    int fd;    /* owned: the connection */
    pid_t pid; /* 0: none */
    struct vhost_user device;
    void (*gone)(void *owner);
    void *owner;
};

/* ---- in the child ---- */

/* The folder, read only for this process and those it starts. */
static int mount_read_only(const char *dir)
{
    const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY;

    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(dir, dir, NULL, MS_BIND | MS_REC, NULL) < 0 ||
        mount(NULL, dir, NULL, flags, NULL) < 0)
        return -errno;
    return 0;
}

_Noreturn static void run_program(const struct program *p,
                                  const struct share_config *cfg, int listener)
{
    char source[SOURCE_MAX + 16];
    const char *argv[] = {p->path, "--fd=3", p->quiet, "-o",
                          source,  NULL,     NULL};
    const int null = open("/dev/null", O_RDWR);
    sigset_t none;
    union {
        const char **in;
        char **out;
    } args = {.in = argv};

    snprintf(source, sizeof(source), "source=%s", cfg->dir);
    if (cfg->read_only && p->readonly)
        argv[5] = p->readonly;
    else if (cfg->read_only && mount_read_only(cfg->dir) < 0)
        _exit(126);
    /* Neither the terminal nor its signals are virtiofsd's. */
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(listener, LISTEN_FD);
    close_range(LISTEN_FD + 1, ~0u, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execv(p->path, args.out);
    _exit(127);
}

/* ---- starting ---- */

static const struct program *find_program(void)
{
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (access(programs[i].path, X_OK) == 0)
            return &programs[i];
    log_error("--share: no virtiofsd found (%s, %s): install the package "
              "virtiofsd, or qemu-system-common on Debian 12",
              programs[0].path, programs[2].path);
    return NULL;
}

static int check_folder(const struct share_config *cfg)
{
    struct stat st;
    int err = 0;

    if (stat(cfg->dir, &st) < 0)
        err = errno;
    else if (!S_ISDIR(st.st_mode))
        err = ENOTDIR;
    else if (strlen(cfg->dir) > SOURCE_MAX)
        err = ENAMETOOLONG;
    if (err)
        log_error("--share: %s: %s: give a folder", cfg->dir, strerror(err));
    return -err;
}

/* A listening socket and a connection to it; its name is gone already. */
static int make_sockets(const char *path, int *listener, int *connection)
{
    const int type = SOCK_STREAM | SOCK_CLOEXEC;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const struct sockaddr *a = (const struct sockaddr *)&addr;
    int err = 0;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path));
    *listener = socket(AF_UNIX, type, 0);
    *connection = socket(AF_UNIX, type, 0);
    if (*listener < 0 || *connection < 0 ||
        bind(*listener, a, sizeof(addr)) < 0)
        return -errno;
    if (listen(*listener, 1) < 0 || connect(*connection, a, sizeof(addr)) < 0)
        err = errno;
    (void)unlinkat(AT_FDCWD, path, 0);
    return -err;
}

static int start_program(struct share *s, const char *socket)
{
    const struct program *p = find_program();
    int listener = -1, ret;

    if (!p)
        return -ENOENT;
    ret = make_sockets(socket, &listener, &s->fd);
    if (ret == 0) {
        s->pid = fork();
        if (s->pid == 0)
            run_program(p, &s->cfg, listener);
        ret = s->pid < 0 ? -errno : 0;
        s->pid = s->pid < 0 ? 0 : s->pid;
    }
    if (ret < 0)
        log_error("--share: %s: starting virtiofsd: %s", s->cfg.dir,
                  strerror(-ret));
    if (listener >= 0)
        close(listener);
    return ret;
}

/* The first words with it, which it has a few seconds for. */
static int greet(struct share *s)
{
    const int ret = vhost_user_open(&s->device, s->fd, "virtiofsd");

    if (ret == -ECONNRESET)
        log_error("--share: %s: virtiofsd did not start: see what it said, if "
                  "anything; QEMU's needs root",
                  s->cfg.dir);
    else if (ret < 0)
        log_error("--share: %s: virtiofsd does not answer: %s", s->cfg.dir,
                  strerror(-ret));
    return ret;
}

struct share *share_open(const struct share_config *cfg, const char *socket)
{
    struct share *s;

    if (check_folder(cfg) < 0)
        return NULL;
    s = calloc(1, sizeof(*s));
    if (!s) {
        log_error("--share: out of memory");
        return NULL;
    }
    s->cfg = *cfg;
    s->fd = -1;
    if (start_program(s, socket) < 0 || greet(s) < 0) {
        share_close(s);
        return NULL;
    }
    return s;
}

/* ---- while it runs ---- */

static void on_watch(struct loop_op *op, int res)
{
    struct share *s = op->owner;
    const bool was_lost = s->device.lost;

    if (res == -ECANCELED || vhost_user_check(&s->device))
        return;
    if (!was_lost && s->gone)
        s->gone(s->owner);
}

int share_start(struct share *s, struct loop *loop)
{
    s->loop = loop;
    s->watch = (struct loop_op){.fn = on_watch, .owner = s};
    loop_watch(loop, &s->watch, s->fd);
    return 0;
}

const char *share_tag(const struct share *s)
{
    return s->cfg.tag;
}

struct vhost_user *share_device(struct share *s)
{
    return &s->device;
}

void share_attach(struct share *s, void (*gone)(void *owner), void *owner)
{
    s->gone = gone;
    s->owner = owner;
}

/* ---- ending ---- */

/* Wait for its death, bounded; then there is none to wait for. */
static void reap(struct share *s)
{
    for (unsigned i = 0; i < END_TRIES && s->pid > 0; i++) {
        if (waitpid(s->pid, NULL, WNOHANG) != 0)
            s->pid = 0;
        else
            (void)poll(NULL, 0, 10);
    }
}

void share_kill(struct share *s)
{
    s->device.lost = true;
    if (s->pid <= 0)
        return;
    /* Its group: it may have a child that does the work. */
    kill(-s->pid, SIGKILL);
    reap(s);
}

void share_close(struct share *s)
{
    struct pollfd p;

    if (!s)
        return;
    if (s->loop)
        loop_drain(s->loop, &s->watch);
    if (s->fd >= 0) {
        /* It ends with its connection, and hangs up as it ends. */
        p = (struct pollfd){.fd = s->fd};
        shutdown(s->fd, SHUT_WR);
        while (s->pid > 0 && poll(&p, 1, END_MS) < 0 && errno == EINTR)
            ;
        close(s->fd);
    }
    reap(s);
    share_kill(s);
    free(s);
}
