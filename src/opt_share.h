/* SPDX-License-Identifier: GPL-2.0-or-later */
/* opt_share.h: --share TAG=DIR[,ro=on], a folder for the guest. */
#ifndef VMM_OPT_SHARE_H
#define VMM_OPT_SHARE_H

#include "devices/backend/share.h"

#include <jansson.h>

struct share_option {
    struct share_config share; /* strings borrowed from text */
    char *text;                /* owned */
};

/*
 * Parse one --share. 0 or -EINVAL/-ENOMEM, logged, and then out needs no
 * share_option_free.
 */
must_check int share_option_parse(const char *text, struct share_option *out);
void share_option_free(struct share_option *option);

/* For --dump-config: a new reference, NULL if memory is short. */
json_t *share_option_dump(const struct share_option *o);

#endif
