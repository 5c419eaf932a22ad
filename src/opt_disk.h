/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_disk.h: --disk FILE[,key=value...], one disk as the operator wants it.
 */
#ifndef VMM_OPT_DISK_H
#define VMM_OPT_DISK_H

#include "devices/backend/blk.h"

#include <jansson.h>

#define DISK_ID_MAX 20 /* bytes, what a virtio serial number holds */

/* What the guest sees the disk as. */
enum disk_if {
    DISK_UNSAID, /* as the mode has it; never after config_parse */
    DISK_VIRTIO,
    DISK_IDE,
    DISK_AHCI,
    DISK_XEN,
};

struct disk_option {
    struct blk_config blk; /* strings borrowed from text */
    enum disk_if iface;
    bool cdrom;
    bool persistent; /* DISK_XEN: offer to keep grants */
    const char *id;  /* borrowed from text; NULL: not given */
    char *text;      /* owned */
};

/* For --help. */
extern const char disk_option_syntax[];

/*
 * Parse one --disk. 0 or -EINVAL/-ENOMEM, logged, and then out needs no
 * disk_option_free.
 */
must_check int disk_option_parse(const char *text, struct disk_option *out);
void disk_option_free(struct disk_option *option);

/* What the guest reads as the nth disk's serial number: the id, or diskN. */
void disk_option_id(const struct disk_option *o, unsigned nth,
                    char out[DISK_ID_MAX + 1]);

/* For --dump-config: a new reference, NULL if memory is short. */
json_t *disk_option_dump(const struct disk_option *o);

#endif
