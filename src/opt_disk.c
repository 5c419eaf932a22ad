// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * opt_disk.c: see opt_disk.h. A row for each key of --disk. What a file is
 * can only be said when it is opened; here only words are looked at.
 */
#include "opt_disk.h"

#include "config.h"
#include "devices/backend/ratelimit.h"
#include "keyval.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char disk_option_syntax[] =
    "FILE[,ro=on][,snapshot=on][,cache=writeback|none|writethrough]"
    "[,on-error=report|stop][,id=ID][,iops=N][,bps=SIZE]"
    "[,if=virtio|ide|ahci|xen][,media=disk|cdrom][,persistent=on]";

static bool take_file(void *into, const char *value)
{
    struct disk_option *o = into;

    o->blk.path = value;
    return *value != '\0';
}

static bool take_ro(void *into, const char *value)
{
    struct disk_option *o = into;

    return keyval_bool(value, &o->blk.read_only);
}

static bool take_snapshot(void *into, const char *value)
{
    struct disk_option *o = into;

    return keyval_bool(value, &o->blk.snapshot);
}

static const char *const caches[] = {
    [BLK_CACHE_WRITEBACK] = "writeback",
    [BLK_CACHE_NONE] = "none",
    [BLK_CACHE_WRITETHROUGH] = "writethrough",
};

static bool take_cache(void *into, const char *value)
{
    struct disk_option *o = into;
    unsigned i;

    if (!keyval_name(value, caches, ARRAY_LEN(caches), &i))
        return false;
    o->blk.cache = (enum blk_cache)i;
    return true;
}

static const char *const reactions[] = {
    [BLK_ERROR_REPORT] = "report",
    [BLK_ERROR_STOP] = "stop",
};

static bool take_on_error(void *into, const char *value)
{
    struct disk_option *o = into;
    unsigned i;

    if (!keyval_name(value, reactions, ARRAY_LEN(reactions), &i))
        return false;
    o->blk.on_error = (enum blk_on_error)i;
    return true;
}

static bool take_id(void *into, const char *value)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789._-";
    struct disk_option *o = into;
    const size_t n = strlen(value);

    o->id = value;
    return n > 0 && n <= DISK_ID_MAX && strspn(value, letters) == n;
}

static bool take_iops(void *into, const char *value)
{
    struct disk_option *o = into;

    return keyval_number(value, RATELIMIT_MAX_RATE, &o->blk.iops) &&
           o->blk.iops > 0;
}

static bool take_bps(void *into, const char *value)
{
    struct disk_option *o = into;

    return config_parse_size(value, &o->blk.bps) && o->blk.bps > 0 &&
           o->blk.bps <= RATELIMIT_MAX_RATE;
}

static const char *const interfaces[] = {
    [DISK_UNSAID] = "auto", [DISK_VIRTIO] = "virtio", [DISK_IDE] = "ide",
    [DISK_AHCI] = "ahci",   [DISK_XEN] = "xen",
};

static bool take_if(void *into, const char *value)
{
    struct disk_option *o = into;
    unsigned i;

    if (!keyval_name(value, interfaces, ARRAY_LEN(interfaces), &i))
        return false;
    o->iface = (enum disk_if)i;
    return true;
}

static bool take_media(void *into, const char *value)
{
    static const char *const names[] = {"disk", "cdrom"};
    struct disk_option *o = into;
    unsigned i;

    if (!keyval_name(value, names, ARRAY_LEN(names), &i))
        return false;
    o->cdrom = i == 1;
    return true;
}

static bool take_persistent(void *into, const char *value)
{
    struct disk_option *o = into;

    return keyval_bool(value, &o->persistent);
}

static const struct keyval_key keys[] = {
    {"ro", take_ro, "on or off", false},
    {"snapshot", take_snapshot, "on or off", false},
    {"cache", take_cache, "writeback, none or writethrough", false},
    {"on-error", take_on_error, "report or stop", false},
    {"id", take_id, "1 to 20 letters, digits, '.', '_' or '-'", false},
    {"iops", take_iops, "a number of operations a second, from 1", false},
    {"bps", take_bps, "bytes a second such as 10M, up to 64G", false},
    {"if", take_if, "virtio, ide, ahci, xen or auto", false},
    {"media", take_media, "disk or cdrom", false},
    {"persistent", take_persistent, "on or off", false},
};

static const struct keyval_option disk = {
    .name = "--disk",
    .want = "a file, a block device or nbd:unix:PATH[:EXPORT]",
    .take_value = take_file,
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
};

/* What each key allows but all of them together do not. */
static int check_together(const struct disk_option *o)
{
    if (o->blk.read_only && o->blk.snapshot) {
        log_error("--disk: %s: ro=on and snapshot=on exclude each other: give "
                  "one",
                  o->blk.path);
        return -EINVAL;
    }
    return 0;
}

int disk_option_parse(const char *text, struct disk_option *out)
{
    int ret;

    *out = (struct disk_option){.text = strdup(text)};
    if (!out->text) {
        log_error("--disk: out of memory");
        return -ENOMEM;
    }
    ret = keyval_parse(&disk, out->text, out);
    if (ret == 0)
        ret = check_together(out);
    if (ret < 0)
        disk_option_free(out);
    return ret;
}

void disk_option_free(struct disk_option *option)
{
    free(option->text);
    *option = (struct disk_option){0};
}

void disk_option_id(const struct disk_option *o, unsigned nth,
                    char out[DISK_ID_MAX + 1])
{
    if (o->id)
        snprintf(out, DISK_ID_MAX + 1, "%s", o->id);
    else
        snprintf(out, DISK_ID_MAX + 1, "disk%u", nth);
}

json_t *disk_option_dump(const struct disk_option *o)
{
    return json_pack("{s:s, s:b, s:b, s:s, s:s, s:s*, s:I, s:I, s:s, s:b, s:b}",
                     "file", o->blk.path, "ro", o->blk.read_only, "snapshot",
                     o->blk.snapshot, "cache", caches[o->blk.cache], "on_error",
                     reactions[o->blk.on_error], "id", o->id, "iops",
                     (json_int_t)o->blk.iops, "bps", (json_int_t)o->blk.bps,
                     "if", interfaces[o->iface], "cdrom", o->cdrom,
                     "persistent", o->persistent);
}
