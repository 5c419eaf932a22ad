// SPDX-License-Identifier: GPL-2.0-or-later
/* opt_share.c: the value and keys of --share; see opt_share.h. */
#include "opt_share.h"

#include "devices/virtio/vfs.h"
#include "keyval.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The text is our own copy: it is cut at the first '='. */
static bool take_folder(void *into, const char *value)
{
    struct share_option *o = into;
    char *eq = o->text + (value - o->text) + strcspn(value, "=");

    if (!*eq)
        return false;
    *eq = '\0';
    o->share.tag = value;
    o->share.dir = eq + 1;
    return *value && strlen(value) <= VFS_TAG_MAX && *o->share.dir;
}

static bool take_ro(void *into, const char *value)
{
    struct share_option *o = into;

    return keyval_bool(value, &o->share.read_only);
}

static const struct keyval_key keys[] = {
    {"ro", take_ro, "on or off", false},
};

static const struct keyval_option share = {
    .name = "--share",
    .want = "TAG=DIR, the tag of at most 36 bytes",
    .take_value = take_folder,
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
};

int share_option_parse(const char *text, struct share_option *out)
{
    int ret;

    *out = (struct share_option){.text = strdup(text)};
    if (!out->text) {
        log_error("--share: out of memory");
        return -ENOMEM;
    }
    ret = keyval_parse(&share, out->text, out);
    if (ret < 0)
        share_option_free(out);
    return ret;
}

void share_option_free(struct share_option *option)
{
    free(option->text);
    *option = (struct share_option){0};
}

json_t *share_option_dump(const struct share_option *o)
{
    return json_pack("{s:s, s:s, s:b}", "tag", o->share.tag, "dir",
                     o->share.dir, "ro", o->share.read_only);
}
