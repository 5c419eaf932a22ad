/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_vsock.h: --vsock CID[,uds=PATH], the guest's address and the socket its
 * ports are reached by.
 */
#ifndef VMM_OPT_VSOCK_H
#define VMM_OPT_VSOCK_H

#include "vmm/types.h"

#include <jansson.h>

struct vsock_option {
    uint32_t cid;    /* 0: there is no such device */
    const char *uds; /* borrowed from text; NULL: in the run directory */
    char *text;      /* owned */
};

/*
 * Parse one --vsock. 0 or -EINVAL/-ENOMEM, logged, and then out needs no
 * vsock_option_free.
 */
must_check int vsock_option_parse(const char *text, struct vsock_option *out);
void vsock_option_free(struct vsock_option *option);

/* For --dump-config: a new reference, NULL if memory is short. */
json_t *vsock_option_dump(const struct vsock_option *o);

#endif
