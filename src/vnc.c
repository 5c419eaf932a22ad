// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vnc.c: vmm's side of its VNC server; see vnc.h and vmm/vnc_wire.h.
 *
 * A picture is drawn row by row and compared with what the file has: only
 * rows that differ are written and told of. That costs a look at all of the
 * picture each time, and no bookkeeping where the guest writes; so it is done
 * 30 times a second while something changes, 10 times otherwise, and only for
 * viewers.
 *
 * What the server says is not believed: a key that is none is ignored by the
 * keyboard, movement is bounded here.
 */
#include "vnc.h"

#include "devices/platform/i8042.h"
#include "devices/vga/vga_view.h"
#include "vmm/log.h"
#include "vmm/vnc_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS   10000
#define END_MS     1000
#define BUSY_NS    33000000ull
#define CALM_NS    100000000ull
#define CALM_TURNS 30 /* without a change, until it is calm */
#define MAX_MOVE   4096
#define GAP        8u /* rows alike between two pieces of damage */

_Static_assert(VGA_MAX_WIDTH <= VNC_MAX_WIDTH, "a row fits");
_Static_assert(VGA_MAX_HEIGHT <= VNC_MAX_HEIGHT, "all rows fit");

struct vnc {
    struct board **board; /* borrowed */
    struct loop *loop;    /* borrowed; NULL until started */
    struct loop_op watch;
    struct loop_op timer;
    pid_t pid;       /* of the server; 0: none */
    int wire;        /* owned; -1: lost */
    int listener;    /* owned until the server has it */
    int frame_fd;    /* as listener */
    uint32_t *frame; /* owned mapping */
    char *unlink;    /* owned: the socket's path, or NULL */
    unsigned viewers;
    unsigned width; /* as last told */
    unsigned height;
    unsigned calm; /* turns without a change */
    bool stale;    /* all of it is to be told */
    uint32_t row[VGA_MAX_WIDTH];
};

/* ---- starting the server ---- */

static int bind_to(int fd, const struct display_option *at)
{
    const int on = 1;
    mode_t mask;
    int ret = 0;

    if (at->addr.ss_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    mask = umask(0177);
    if (bind(fd, (const struct sockaddr *)&at->addr, at->addr_len) < 0 ||
        listen(fd, 8) < 0)
        ret = -errno;
    umask(mask);
    return ret;
}

static int make_listener(struct vnc *v, const struct display_option *at)
{
    const struct sockaddr_un *u = (const struct sockaddr_un *)&at->addr;
    int ret;

    v->listener = socket(at->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ret = v->listener < 0 ? -errno : bind_to(v->listener, at);
    if (ret < 0) {
        log_error("--display: vnc=%s: %s: give another address or port",
                  at->where, strerror(-ret));
        return ret;
    }
    if (at->addr.ss_family == AF_UNIX)
        v->unlink = strdup(u->sun_path);
    if (!display_is_private(at))
        log_warn("--display: vnc=%s: no password and no encryption: whoever "
                 "reaches it controls the guest",
                 at->where);
    return 0;
}

/* It keeps its size, and nobody but the mapping made here writes to it. */
static int make_frame(struct vnc *v)
{
    const int seals =
        F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    void *p;

    v->frame_fd = memfd_create("vmm-screen", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (v->frame_fd < 0 || ftruncate(v->frame_fd, (off_t)VNC_FRAME_BYTES) < 0)
        return -errno;
    p = mmap(NULL, VNC_FRAME_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
             v->frame_fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    v->frame = p;
    return fcntl(v->frame_fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

/* Beside this program, or where programs are. */
static void find_server(char *path, size_t size)
{
    static const char name[] = "vmm-vnc";
    const ssize_t n = readlink("/proc/self/exe", path, size - sizeof(name));
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    memcpy(slash ? slash + 1 : path, name, sizeof(name));
}

_Noreturn static void run_server(const struct vnc *v, int wire,
                                 const char *name)
{
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char path[4096], title[128];
    /* Out of the way of the numbers they shall have. */
    const int listener = fcntl(v->listener, F_DUPFD, 10);
    const int own_wire = fcntl(wire, F_DUPFD, 10);
    const int frame = fcntl(v->frame_fd, F_DUPFD, 10);
    sigset_t none;

    find_server(path, sizeof(path));
    snprintf(title, sizeof(title), "vmm: %s", name);
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(listener, VNC_FD_LISTEN);
    dup2(own_wire, VNC_FD_WIRE);
    dup2(frame, VNC_FD_FRAME);
    close_range(VNC_FD_FRAME + 1, ~0u, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl(path, "vmm-vnc", title, (char *)NULL);
    execlp("vmm-vnc", "vmm-vnc", title, (char *)NULL);
    _exit(127);
}

static int start_server(struct vnc *v, const char *name)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    v->wire = ends[0];
    v->pid = fork();
    if (v->pid == 0)
        run_server(v, ends[1], name);
    close(ends[1]);
    if (v->pid > 0)
        return 0;
    v->pid = 0;
    return -errno;
}

/* Its first word, or its end. */
static int wait_ready(struct vnc *v)
{
    struct pollfd p = {.fd = v->wire, .events = POLLIN};
    struct vnc_event e;

    if (poll(&p, 1, READY_MS) > 0 &&
        recv(v->wire, &e, sizeof(e), MSG_DONTWAIT) == sizeof(e))
        return 0;
    log_error("--display: vnc: vmm-vnc does not start: it is built where "
              "libvncserver-dev is installed, and looked for beside vmm");
    return -EIO;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

struct vnc *vnc_open(const struct display_option *at, const char *name,
                     struct board **board)
{
    struct vnc *v = calloc(1, sizeof(*v));
    int ret = v ? 0 : -ENOMEM;

    if (v) {
        *v = (struct vnc){.board = board,
                          .wire = -1,
                          .listener = -1,
                          .frame_fd = -1,
                          .stale = true};
        ret = make_frame(v);
    }
    if (ret < 0) {
        log_error("--display: vnc: %s", strerror(-ret));
        vnc_close(v);
        return NULL;
    }
    ret = make_listener(v, at);
    if (ret == 0) {
        ret = start_server(v, name);
        if (ret < 0)
            log_error("--display: vnc: %s", strerror(-ret));
    }
    if (ret == 0)
        ret = wait_ready(v);
    close_fd(&v->listener);
    close_fd(&v->frame_fd);
    if (ret == 0)
        return v;
    vnc_close(v);
    return NULL;
}

/* ---- the picture ---- */

/* What is not told now is told with everything next time. */
static void tell(struct vnc *v, unsigned first, unsigned end)
{
    const struct vnc_damage d = {v->width, v->height, first, end};

    if (send(v->wire, &d, sizeof(d), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        v->stale = true;
}

/* Draw a row. Returns whether it is another than before. */
static bool draw_row(struct vnc *v, const struct vga_view *view, unsigned y)
{
    uint32_t *to = v->frame + (size_t)y * view->width;

    vga_draw_row(view, y, v->row);
    if (memcmp(to, v->row, view->width * sizeof(*to)) == 0)
        return false;
    memcpy(to, v->row, view->width * sizeof(*to));
    return true;
}

/* Returns whether anything was new. */
static bool draw(struct vnc *v, const struct vga_view *view)
{
    const bool all =
        v->stale || view->width != v->width || view->height != v->height;
    unsigned first = view->height, last = 0;
    bool any = all;

    v->stale = false;
    v->width = view->width;
    v->height = view->height;
    for (unsigned y = 0; y < view->height; y++) {
        if (!draw_row(v, view, y) || all)
            continue;
        any = true;
        if (first < y && y - last > GAP) {
            tell(v, first, last + 1);
            first = y;
        }
        first = first < y ? first : y;
        last = y;
    }
    if (all)
        tell(v, 0, view->height);
    else if (first < view->height)
        tell(v, first, last + 1);
    return any;
}

static void on_timer(struct loop_op *op, int res)
{
    struct vnc *v = op->owner;
    const struct vga *vga = *v->board ? board_display(*v->board) : NULL;
    struct vga_view view;

    if (res < 0 || v->viewers == 0)
        return;
    if (vga) {
        vga_look(vga, &view);
        v->calm = draw(v, &view) ? 0 : v->calm + 1;
    }
    loop_timer(v->loop, &v->timer, v->calm > CALM_TURNS ? CALM_NS : BUSY_NS);
}

/* ---- what viewers do ---- */

static void take_viewers(struct vnc *v, int n)
{
    v->viewers = n > 0 ? (unsigned)n : 0;
    v->stale = true;
    v->calm = 0;
    if (v->viewers && v->timer.kind == LOOP_IDLE)
        loop_timer(v->loop, &v->timer, 0);
}

static int bounded(int32_t v)
{
    return v < -MAX_MOVE ? -MAX_MOVE : v > MAX_MOVE ? MAX_MOVE : v;
}

static void take_event(struct vnc *v, const struct vnc_event *e)
{
    struct i8042 *kbc = *v->board ? board_keyboard(*v->board) : NULL;

    if (e->kind == VNC_VIEWERS)
        take_viewers(v, e->a);
    else if (e->kind == VNC_KEY && kbc)
        i8042_key(kbc, (uint32_t)e->a, e->b);
    else if (e->kind == VNC_POINTER && kbc)
        i8042_mouse(kbc, bounded(e->a), bounded(e->b), bounded(e->c),
                    e->d & 7u);
    v->calm = 0;
}

static void lose(struct vnc *v)
{
    log_warn("the VNC server has ended: nobody can look at the guest");
    loop_cancel(v->loop, &v->watch);
    close_fd(&v->wire);
    v->viewers = 0;
}

static void on_wire(struct loop_op *op, int res)
{
    struct vnc *v = op->owner;
    struct vnc_event e;
    ssize_t n = 0;

    if (res < 0 || v->wire < 0)
        return;
    while ((n = recv(v->wire, &e, sizeof(e), MSG_DONTWAIT)) > 0)
        if (n == sizeof(e))
            take_event(v, &e);
    if (n == 0 || errno != EAGAIN)
        lose(v);
}

void vnc_start(struct vnc *v, struct loop *loop)
{
    v->loop = loop;
    v->watch = (struct loop_op){.fn = on_wire, .owner = v};
    v->timer = (struct loop_op){.fn = on_timer, .owner = v};
    loop_watch(loop, &v->watch, v->wire);
}

/* ---- the end ---- */

/* It ends with the wire; if not, it is ended. */
static void reap(struct vnc *v)
{
    for (unsigned i = 0; i < END_MS / 10; i++) {
        if (waitpid(v->pid, NULL, WNOHANG) != 0)
            return;
        (void)poll(NULL, 0, 10);
    }
    kill(v->pid, SIGKILL);
    waitpid(v->pid, NULL, 0);
}

void vnc_close(struct vnc *v)
{
    if (!v)
        return;
    if (v->loop) {
        loop_drain(v->loop, &v->watch);
        loop_drain(v->loop, &v->timer);
    }
    close_fd(&v->wire);
    close_fd(&v->listener);
    close_fd(&v->frame_fd);
    if (v->pid)
        reap(v);
    if (v->frame)
        munmap(v->frame, VNC_FRAME_BYTES);
    if (v->unlink)
        (void)unlinkat(AT_FDCWD, v->unlink, 0);
    free(v->unlink);
    free(v);
}
