/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_display.h: where a guest's screen is seen: --display none, text or
 * vnc=WHERE.
 */
#ifndef VMM_OPT_DISPLAY_H
#define VMM_OPT_DISPLAY_H

#include "vmm/types.h"

#include <jansson.h>
#include <sys/socket.h>

#define DISPLAY_VNC_PORT 5900

enum display_kind {
    DISPLAY_NONE, /* by 'vmm screen' and 'vmm screenshot' only */
    DISPLAY_TEXT, /* its text modes, on standard output */
    DISPLAY_VNC,
};

struct display_option {
    enum display_kind kind;
    const char *where; /* DISPLAY_VNC: borrowed, as given; else NULL */
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

/* What --help and errors say it is. */
#define DISPLAY_PLACES "none, text, vnc=ADDR[:PORT] or vnc=unix:PATH"

/* text must outlive out. False: it is none. */
must_check bool display_option_parse(const char *text,
                                     struct display_option *out);

/* Can nobody but this machine's users reach it? */
bool display_is_private(const struct display_option *o);

/* For --dump-config: a new reference, NULL if memory is short. */
json_t *display_option_dump(const struct display_option *o);

#endif
