// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * net_user.c: a link to the host's network for which nobody needs a right:
 * passt turns the guest's packets into connections of its own.
 *
 * passt is started with one end of a socket pair and speaks over it
 * (net_stream.c). It goes to the background by itself once it is ready, in a
 * session, user and namespaces of its own, so that neither the terminal's
 * signals nor a passt that fell to a guest reach anything of ours; started by
 * root, it becomes nobody. It lives as long as the socket: when vmm ends, in
 * whatever way, the kernel closes our end, and passt ends. When passt ends
 * first, the guest's link goes down.
 *
 * Thread: the main one, before the seal.
 */
#include "devices/backend/net_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS   10000
#define SPEC_BYTES 96
#define FD_TEXT    "3" /* where passt finds its end */
/* What a driver that can be told is told; the most that passt handles. */
#define USER_MTU 65520

/* Everything that is in progress while passt starts. */
struct launch {
    char specs[NET_MAX_HOSTFWD][SPEC_BYTES];
    char mtu[16];
    const char *argv[10 + 2 * NET_MAX_HOSTFWD];
    int sock[2]; /* ours, passt's */
    int err[2];  /* its standard error: read, write */
    pid_t pid;
    char said[1024];
};

/* ---- port forwarding ---- */

static bool is_port(const char *text, size_t n)
{
    unsigned long port;

    if (n == 0 || n > 5 || strspn(text, "0123456789") < n)
        return false;
    port = strtoul(text, NULL, 10);
    return port > 0 && port < 65536;
}

/* "tcp:[ADDR:]HOSTPORT:GUESTPORT" as passt writes it: ADDR/HOST:GUEST. */
static bool make_spec(const char *fwd, char *spec, size_t size)
{
    const char *rest = fwd + 4, *guest = strrchr(fwd, ':');
    const char *host = guest;
    size_t addr;

    if (strncmp(fwd, "tcp:", 4) != 0 && strncmp(fwd, "udp:", 4) != 0)
        return false;
    while (host > rest && host[-1] != ':')
        host--;
    if (guest < rest || !is_port(host, (size_t)(guest - host)) ||
        !is_port(guest + 1, strlen(guest + 1)))
        return false;
    if (host == rest)
        return snprintf(spec, size, "%s", host) < (int)size;
    addr = (size_t)(host - rest) - 1;
    if (addr > 1 && rest[0] == '[' && rest[addr - 1] == ']') {
        rest++;
        addr -= 2;
    }
    if (strspn(rest, "0123456789abcdefABCDEF.:") < addr || addr == 0)
        return false;
    return snprintf(spec, size, "%.*s/%s", (int)addr, rest, host) < (int)size;
}

bool net_hostfwd_valid(const char *fwd)
{
    char spec[SPEC_BYTES];

    return make_spec(fwd, spec, sizeof(spec));
}

static void make_argv(struct launch *l, const struct net_config *cfg)
{
    static const char *const start[] = {"passt", "--quiet", "--fd", FD_TEXT};
    const char **arg = l->argv;
    bool udp = false;

    memcpy(arg, start, sizeof(start));
    arg += ARRAY_LEN(start);
    for (unsigned i = 0; i < cfg->n_hostfwd; i++) {
        const bool is_udp = cfg->hostfwd[i][0] == 'u';

        BUG_ON(!make_spec(cfg->hostfwd[i], l->specs[i], SPEC_BYTES));
        *arg++ = is_udp ? "--udp-ports" : "--tcp-ports";
        *arg++ = l->specs[i];
        udp |= is_udp;
    }
    if (cfg->mtu) {
        snprintf(l->mtu, sizeof(l->mtu), "%u", cfg->mtu);
        *arg++ = "--mtu";
        *arg++ = l->mtu;
    }
    if (!udp) {
        /* Else a TCP port forwarded would be a UDP port forwarded, too. */
        *arg++ = "--udp-ports";
        *arg++ = "none";
    }
    *arg = NULL;
}

/* ---- starting ---- */

/* With nothing of ours: no descriptor, no blocked or ignored signal. */
static int spawn(struct launch *l)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int err;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
                                        POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, 0, 1);
    posix_spawn_file_actions_adddup2(&files, l->err[1], 2);
    posix_spawn_file_actions_adddup2(&files, l->sock[1], atoi(FD_TEXT));
    posix_spawn_file_actions_addclosefrom_np(&files, atoi(FD_TEXT) + 1);
    err = posix_spawnp(&l->pid, "passt", &files, &attr,
                       (char *const *)(uintptr_t)l->argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return -err;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read what it says until it closes its standard error: ready, or dead. */
static bool listen_until_end(struct launch *l)
{
    const int64_t end = now_ms() + READY_MS;
    struct pollfd p = {.fd = l->err[0], .events = POLLIN};
    size_t n = 0;

    for (int64_t left = READY_MS; left > 0; left = end - now_ms()) {
        char text[256];
        ssize_t got;

        if (poll(&p, 1, (int)left) <= 0)
            continue;
        got = read(l->err[0], text, sizeof(text));
        if (got == 0)
            return true;
        for (ssize_t i = 0; i < got && n + 1 < sizeof(l->said); i++)
            l->said[n++] = text[i];
    }
    return false;
}

/* Its last line that is about us. */
static const char *last_line(char *said)
{
    const char *last = "no reason given";
    char *save = NULL;

    for (char *line = strtok_r(said, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "Failed to send", 14) != 0)
            last = line;
    return last;
}

static int wait_ready(struct launch *l)
{
    const bool heard = listen_until_end(l);
    int status = 0;

    if (!heard)
        kill(l->pid, SIGKILL);
    while (waitpid(l->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!heard) {
        log_error("--net user: passt: not ready after %d seconds",
                  READY_MS / 1000);
        return -ETIMEDOUT;
    }
    if (status != 0) {
        log_error("--net user: passt: it did not start: %s",
                  last_line(l->said));
        return -EIO;
    }
    return 0;
}

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int make_ends(struct launch *l)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, l->sock) == 0 &&
        pipe2(l->err, O_CLOEXEC) == 0)
        return 0;
    log_error("--net user: %s: raise the open-files limit (ulimit -n)",
              strerror(errno));
    return -errno;
}

static int start_passt(struct launch *l)
{
    int ret = make_ends(l);

    if (ret < 0)
        return ret;
    ret = spawn(l);
    if (ret == -ENOENT) {
        log_error("--net user: passt: not found: install the package passt");
        return ret;
    }
    if (ret < 0) {
        log_error("--net user: passt: %s", strerror(-ret));
        return ret;
    }
    close_all(&l->sock[1], 1);
    close_all(&l->err[1], 1);
    l->sock[1] = l->err[1] = -1;
    return wait_ready(l);
}

struct net *net_user_open(const struct net_config *cfg)
{
    struct launch l = {.sock = {-1, -1}, .err = {-1, -1}};
    struct net *net = NULL;

    make_argv(&l, cfg);
    if (start_passt(&l) == 0) {
        net = net_stream_open(cfg, "user", l.sock[0]);
        l.sock[0] = -1;
    }
    if (net)
        net->info.mtu = (uint16_t)(cfg->mtu ? cfg->mtu : USER_MTU);
    close_all(l.sock, 2);
    close_all(l.err, 2);
    return net;
}
