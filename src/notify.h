/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h: tell a service manager how far we are: sd_notify(3)'s protocol,
 * one datagram "KEY=VALUE" to the socket named in $NOTIFY_SOCKET.
 */
#ifndef VMM_NOTIFY_H
#define VMM_NOTIFY_H

/*
 * Connect to the service manager, and forget the variable so that no child
 * speaks for us. Returns a descriptor (owned by the caller, close-on-exec) or
 * -1 if nobody asked or the socket cannot be reached (then a warning says
 * so: a guest is not refused for it). To be called before the sandbox is
 * closed.
 */
int notify_open(void);

/* Send "READY=1", "STOPPING=1". Never blocks; fd -1 is a no-op. Any thread. */
void notify_send(int fd, const char *state);

#endif
