// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * notify.c: see notify.h. $NOTIFY_SOCKET is a path, or '@' and the name of
 * an abstract socket. The socket is connected early, because the sandbox
 * allows no connect; later states need one send(2) each.
 */
#include "notify.h"
#include "vmm/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Returns the address' length, or 0 if the text is no socket address. */
static socklen_t address_of(const char *text, struct sockaddr_un *addr)
{
    const size_t n = strlen(text);

    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((*text != '/' && *text != '@') || n < 2 || n >= sizeof(addr->sun_path))
        return 0;
    memcpy(addr->sun_path, text, n);
    if (*text == '@')
        addr->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static int connect_to(const char *text)
{
    struct sockaddr_un addr;
    const socklen_t len = address_of(text, &addr);
    int fd;

    if (!len) {
        errno = EINVAL;
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, len) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int notify_open(void)
{
    const char *text = getenv("NOTIFY_SOCKET");
    int fd;

    if (!text || !*text)
        return -1;
    fd = connect_to(text);
    if (fd < 0)
        log_warn("NOTIFY_SOCKET=%s: %s: the service manager will not hear "
                 "that the guest is up",
                 text, strerror(errno));
    unsetenv("NOTIFY_SOCKET");
    return fd;
}

void notify_send(int fd, const char *state)
{
    if (fd < 0)
        return;
    if (send(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_warn("service manager: %s not sent: %s", state, strerror(errno));
}
