// SPDX-License-Identifier: GPL-2.0-or-later
/* opt_vsock.c: the keys of --vsock; see opt_vsock.h. */
#include "opt_vsock.h"

#include "devices/virtio/vsock.h"
#include "keyval.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool take_cid(void *into, const char *value)
{
    struct vsock_option *o = into;
    uint64_t cid;

    if (!keyval_number(value, VSOCK_MAX_CID, &cid) || cid < VSOCK_MIN_CID)
        return false;
    o->cid = (uint32_t)cid;
    return true;
}

static bool take_uds(void *into, const char *value)
{
    struct vsock_option *o = into;

    o->uds = value;
    return *value != '\0';
}

static const struct keyval_key keys[] = {
    {"uds", take_uds, "the path of a socket to be made", false},
};

static const struct keyval_option vsock = {
    .name = "--vsock",
    .want = "the guest's address, a number from 3",
    .take_value = take_cid,
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
};

int vsock_option_parse(const char *text, struct vsock_option *out)
{
    int ret;

    *out = (struct vsock_option){.text = strdup(text)};
    if (!out->text) {
        log_error("--vsock: out of memory");
        return -ENOMEM;
    }
    ret = keyval_parse(&vsock, out->text, out);
    if (ret < 0)
        vsock_option_free(out);
    return ret;
}

void vsock_option_free(struct vsock_option *option)
{
    free(option->text);
    *option = (struct vsock_option){0};
}

json_t *vsock_option_dump(const struct vsock_option *o)
{
    if (!o->cid)
        return json_null();
    return json_pack("{s:I, s:s*}", "cid", (json_int_t)o->cid, "uds", o->uds);
}
