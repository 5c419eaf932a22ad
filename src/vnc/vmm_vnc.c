// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vmm_vnc.c: the VNC server of one guest, a process of its own.
 *
 * It speaks RFB (RFC 6143, by libvncserver) with viewers, has the guest's
 * picture in a file that vmm draws into, and sends vmm what a viewer types and
 * points at (vnc_wire.h). It is started by vmm with a listening socket and
 * ends when vmm does. What somebody in the network can do to it stays here:
 * it has no right to open, execute or connect to anything, it is no root, and
 * it sees of the guest only the picture.
 *
 * One thread; a viewer that does not read for VIEWER_WAIT_MS is hung up on.
 */
#include "keymap.h"
#include "vmm/vnc_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <rfb/rfb.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_VIEWERS     16
#define VIEWER_WAIT_MS  5000
#define PICTURE_WAIT_MS 300
#define NOBODY          65534
#define N_KEYS          0x100

/* Buttons of RFB's mask; and of ps2.h. */
#define RFB_LEFT   0x01
#define RFB_MIDDLE 0x02
#define RFB_RIGHT  0x04
#define RFB_UP     0x08
#define RFB_DOWN   0x10
#define PS2_LEFT   0x1u
#define PS2_RIGHT  0x2u
#define PS2_MIDDLE 0x4u

struct server {
    rfbScreenInfoPtr screen;
    char *frame; /* mapping of VNC_FRAME_BYTES */
    unsigned viewers;
    int x, y; /* the pointer, as last told */
    /* Who presses what, so that a viewer who leaves leaves nothing pressed. */
    rfbClientPtr pressed[2][N_KEYS]; /* plain, extended */
};

/* ---- to vmm ---- */

/* A full socket means a vmm that does not listen: the event is lost. */
static void tell(enum vnc_kind kind, int a, int b, int c, unsigned d)
{
    const struct vnc_event e = {(uint32_t)kind, a, b, c, d};

    if (send(VNC_FD_WIRE, &e, sizeof(e), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
        errno != EAGAIN)
        exit(0);
}

static rfbClientPtr *slot_of(struct server *s, unsigned key)
{
    return &s->pressed[key >> 8 == KEYMAP_EXTENDED >> 8][key & 0xff];
}

static void on_key(rfbBool down, rfbKeySym sym, rfbClientPtr cl)
{
    struct server *s = cl->screen->screenData;
    const unsigned key = keymap_keysym(sym);

    if (!key)
        return;
    *slot_of(s, key) = down ? cl : NULL;
    tell(VNC_KEY, (int)key, down != 0, 0, 0);
}

static void on_pointer(int mask, int x, int y, rfbClientPtr cl)
{
    struct server *s = cl->screen->screenData;
    const unsigned buttons = (mask & RFB_LEFT ? PS2_LEFT : 0) |
                             (mask & RFB_MIDDLE ? PS2_MIDDLE : 0) |
                             (mask & RFB_RIGHT ? PS2_RIGHT : 0);
    const int wheel = (mask & RFB_DOWN ? 1 : 0) - (mask & RFB_UP ? 1 : 0);

    tell(VNC_POINTER, x - s->x, y - s->y, wheel, buttons);
    s->x = x;
    s->y = y;
    rfbDefaultPtrAddEvent(mask, x, y, cl);
}

/* ---- viewers ---- */

static void release_keys(struct server *s, rfbClientPtr cl)
{
    for (unsigned e = 0; e < 2; e++) {
        for (unsigned k = 0; k < N_KEYS; k++) {
            if (s->pressed[e][k] != cl)
                continue;
            s->pressed[e][k] = NULL;
            tell(VNC_KEY, (int)(k | (e ? KEYMAP_EXTENDED : 0)), 0, 0, 0);
        }
    }
}

static void on_gone(rfbClientPtr cl)
{
    struct server *s = cl->screen->screenData;

    release_keys(s, cl);
    s->viewers--;
    tell(VNC_VIEWERS, (int)s->viewers, 0, 0, 0);
}

static enum rfbNewClientAction on_viewer(rfbClientPtr cl)
{
    struct server *s = cl->screen->screenData;

    cl->clientGoneHook = on_gone;
    s->viewers++;
    return RFB_CLIENT_ACCEPT;
}

/* ---- the picture ---- */

static void resize(struct server *s, unsigned width, unsigned height)
{
    rfbNewFramebuffer(s->screen, s->frame, (int)width, (int)height, 8, 3, 4);
    s->screen->serverFormat.redShift = 16;
    s->screen->serverFormat.greenShift = 8;
    s->screen->serverFormat.blueShift = 0;
}

static void take_damage(struct server *s, const struct vnc_damage *d)
{
    const unsigned width = d->width, height = d->height;

    if (width < 1 || width > VNC_MAX_WIDTH || height < 1 ||
        height > VNC_MAX_HEIGHT || d->first >= d->end || d->end > height)
        return;
    if ((int)width != s->screen->width || (int)height != s->screen->height)
        resize(s, width, height);
    rfbMarkRectAsModified(s->screen, 0, (int)d->first, (int)width, (int)d->end);
}

static void take_wire(struct server *s)
{
    struct vnc_damage d;
    ssize_t n;

    while ((n = recv(VNC_FD_WIRE, &d, sizeof(d), MSG_DONTWAIT)) > 0)
        if (n == sizeof(d))
            take_damage(s, &d);
    /* vmm has ended, and with it the guest. */
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        exit(0);
}

/*
 * A viewer is told the picture's size as it connects, and may not be able to
 * hear of another for some messages more: so first ask vmm for a picture.
 */
static void take_viewer(struct server *s)
{
    const int fd = accept4(VNC_FD_LISTEN, NULL, NULL, SOCK_CLOEXEC);
    struct pollfd p = {.fd = VNC_FD_WIRE, .events = POLLIN};

    if (fd < 0)
        return;
    if (s->viewers >= MAX_VIEWERS) {
        close(fd);
        return;
    }
    tell(VNC_VIEWERS, (int)s->viewers + 1, 0, 0, 0);
    if (s->viewers == 0 && poll(&p, 1, PICTURE_WAIT_MS) > 0)
        take_wire(s);
    rfbNewClient(s->screen, fd);
    tell(VNC_VIEWERS, (int)s->viewers, 0, 0, 0);
}

/* Who can hear of another size only now is told the one there is. */
static void announce_size(struct server *s)
{
    rfbClientIteratorPtr i = rfbGetClientIterator(s->screen);
    rfbClientPtr cl;

    while ((cl = rfbClientIteratorNext(i))) {
        if (!cl->useNewFBSize || cl->clientData)
            continue;
        cl->clientData = s;
        cl->newFBSizePending = TRUE;
    }
    rfbReleaseClientIterator(i);
}

/* ---- starting ---- */

static void make_screen(struct server *s, const char *title)
{
    static char name[] = "vmm-vnc";
    char *argv[] = {name, NULL};
    int argc = 1;

    rfbLogEnable(0);
    rfbMaxClientWait = VIEWER_WAIT_MS;
    s->screen = rfbGetScreen(&argc, argv, 640, 480, 8, 3, 4);
    if (!s->screen)
        exit(1);
    s->screen->screenData = s;
    s->screen->desktopName = title;
    s->screen->alwaysShared = TRUE;
    s->screen->autoPort = FALSE;
    s->screen->port = 0;
    s->screen->ipv6port = 0;
    s->screen->deferUpdateTime = 0;
    s->screen->cursor = NULL;
    s->screen->kbdAddEvent = on_key;
    s->screen->ptrAddEvent = on_pointer;
    s->screen->newClientHook = on_viewer;
    s->screen->frameBuffer = s->frame;
    resize(s, 640, 480);
    rfbInitServer(s->screen);
}

static void map_frame(struct server *s)
{
    void *p =
        mmap(NULL, VNC_FRAME_BYTES, PROT_READ, MAP_SHARED, VNC_FD_FRAME, 0);

    if (p == MAP_FAILED)
        exit(1);
    s->frame = p;
}

/* Everything else is refused (EPERM); nothing here needs it. */
static void seal(void)
{
    static const int calls[] = {
        SCMP_SYS(accept4),       SCMP_SYS(brk),
        SCMP_SYS(clock_gettime), SCMP_SYS(close),
        SCMP_SYS(exit),          SCMP_SYS(exit_group),
        SCMP_SYS(fcntl),         SCMP_SYS(futex),
        SCMP_SYS(getpeername),   SCMP_SYS(getpid),
        SCMP_SYS(getrandom),     SCMP_SYS(getsockname),
        SCMP_SYS(getsockopt),    SCMP_SYS(gettimeofday),
        SCMP_SYS(madvise),       SCMP_SYS(mremap),
        SCMP_SYS(munmap),        SCMP_SYS(poll),
        SCMP_SYS(pselect6),      SCMP_SYS(read),
        SCMP_SYS(readv),         SCMP_SYS(recvfrom),
        SCMP_SYS(recvmsg),       SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigreturn),  SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(select),        SCMP_SYS(sendmsg),
        SCMP_SYS(sendto),        SCMP_SYS(setsockopt),
        SCMP_SYS(shutdown),      SCMP_SYS(write),
        SCMP_SYS(writev),
    };
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int ret = ctx ? 0 : -1;

    for (size_t i = 0; i < ARRAY_LEN(calls) && ret == 0; i++)
        ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
    /* The heap grows; nothing becomes executable. */
    if (ret == 0)
        ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (ret == 0)
        ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (ret == 0)
        ret = seccomp_load(ctx);
    if (ret < 0)
        exit(1);
    seccomp_release(ctx);
}

static void drop_root(void)
{
    if (geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
         setresuid(NOBODY, NOBODY, NOBODY) < 0))
        exit(1);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        exit(1);
}

/* ---- running ---- */

static void turn(struct server *s)
{
    struct pollfd p[2 + MAX_VIEWERS] = {
        {.fd = VNC_FD_WIRE, .events = POLLIN},
        {.fd = VNC_FD_LISTEN, .events = POLLIN},
    };
    rfbClientIteratorPtr i = rfbGetClientIterator(s->screen);
    rfbClientPtr cl;
    nfds_t n = 2;

    while ((cl = rfbClientIteratorNext(i)) && n < ARRAY_LEN(p))
        p[n++] = (struct pollfd){.fd = cl->sock, .events = POLLIN};
    rfbReleaseClientIterator(i);
    if (poll(p, n, -1) < 0)
        return;
    if (p[0].revents)
        take_wire(s);
    if (p[1].revents)
        take_viewer(s);
    rfbProcessEvents(s->screen, 0);
    announce_size(s);
}

int main(int argc, char **argv)
{
    static struct server server;

    if (argc != 2 || fcntl(VNC_FD_WIRE, F_GETFD) < 0) {
        fputs("vmm-vnc: started by 'vmm run --display=vnc=...', not by hand\n",
              stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    map_frame(&server);
    make_screen(&server, argv[1]);
    drop_root();
    seal();
    /* vmm waits for the first word: the server is up. */
    tell(VNC_VIEWERS, 0, 0, 0, 0);
    for (;;)
        turn(&server);
}
