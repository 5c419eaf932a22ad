/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_console.h: where a guest's serial port or console port leads:
 * --console WHERE and --virtio-console WHERE[,name=NAME].
 */
#ifndef VMM_OPT_CONSOLE_H
#define VMM_OPT_CONSOLE_H

#include "devices/backend/chr.h"

#include <jansson.h>

#define PORT_NAME_MAX 63 /* bytes */

enum console_kind {
    CONSOLE_STDIO,
    CONSOLE_PTY,
    CONSOLE_FILE,
    CONSOLE_UNIX,
    CONSOLE_NONE,
};

struct console_place {
    enum console_kind kind;
    const char *path; /* CONSOLE_FILE, CONSOLE_UNIX: borrowed; else NULL */
};

/* What --help and errors say a place is. */
#define CONSOLE_PLACES "stdio, pty, file:PATH, unix:PATH or none"

/* text must outlive out. False: it is none. */
must_check bool console_place_parse(const char *text,
                                    struct console_place *out);
/* "stdio" and so on, without the path. */
const char *console_place_kind(const struct console_place *p);
/* The byte stream that leads there. NULL after logging. */
struct chr *console_place_open(const struct console_place *p);

/* A port of the virtio console. */
struct port_option {
    struct console_place place; /* its path borrowed from text */
    const char *name;           /* borrowed from text; NULL: not given */
    char *text;                 /* owned */
};

/*
 * Parse one --virtio-console. 0 or -EINVAL/-ENOMEM, logged, and then out
 * needs no port_option_free.
 */
must_check int port_option_parse(const char *text, struct port_option *out);
void port_option_free(struct port_option *option);

/* For --dump-config: a new reference, NULL if memory is short. */
json_t *port_option_dump(const struct port_option *o);

#endif
