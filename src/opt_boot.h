/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_boot.h: --boot KEY=VALUE[,KEY=VALUE...], what a PC's firmware tries to
 * boot from.
 */
#ifndef VMM_OPT_BOOT_H
#define VMM_OPT_BOOT_H

#include "vmm/types.h"

#include <jansson.h>

#define BOOT_ORDER_MAX 4

struct boot_option {
    char order[BOOT_ORDER_MAX + 1]; /* of the letters below; "": not given */
    bool menu;
    uint16_t wait; /* milliseconds that the menu can be asked for */
};

#define BOOT_DISK  'c'
#define BOOT_CDROM 'd'
#define BOOT_NET   'n'

/* Parse one --boot. 0, -EINVAL or -ENOMEM, logged. */
must_check int boot_option_parse(const char *text, struct boot_option *out);

/* For --dump-config: a new reference, NULL if memory is short. */
json_t *boot_option_dump(const struct boot_option *o);

#endif
