// SPDX-License-Identifier: GPL-2.0-or-later
/* hostdev.c: opens what the command line names; see hostdev.h. */
#include "hostdev.h"

#include "sandbox.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

static int open_disks(struct hostdev *h, const struct config *cfg,
                      struct loop *loop)
{
    for (unsigned i = 0; i < cfg->n_disks; i++) {
        int ret;

        h->disks[i] = blk_open(&cfg->disks[i].blk);
        if (!h->disks[i])
            return -EIO;
        ret = blk_start(h->disks[i], loop);
        if (ret < 0)
            return ret;
    }
    return 0;
}

static int open_vsock(struct hostdev *h, const struct config *cfg,
                      const struct claim *claim, struct loop *loop)
{
    char path[RUNDIR_PATH_MAX + 1];
    const char *uds = cfg->vsock.uds;

    if (!cfg->vsock.cid)
        return 0;
    rundir_vsock_path(claim, path);
    h->uds =
        uds_open(uds ? uds : path, cfg->sandbox ? sandbox_seal_helper : NULL);
    return h->uds ? uds_start(h->uds, loop) : -EIO;
}

int hostdev_open(struct hostdev *h, const struct config *cfg,
                 const struct claim *claim, struct loop *loop)
{
    const int ret = open_disks(h, cfg, loop);

    return ret < 0 ? ret : open_vsock(h, cfg, claim, loop);
}

int hostdev_resize_disk(struct hostdev *h, const struct config *cfg,
                        const char *id, uint64_t *size)
{
    for (unsigned i = 0; i < cfg->n_disks; i++) {
        char name[DISK_ID_MAX + 1];
        int ret;

        disk_option_id(&cfg->disks[i], i, name);
        if (strcmp(id, name) != 0)
            continue;
        ret = blk_resize(h->disks[i]);
        *size = blk_info(h->disks[i])->size;
        return ret;
    }
    return -ENODEV;
}

void hostdev_close(struct hostdev *h)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->disks); i++) {
        if (h->disks[i])
            blk_close(h->disks[i]);
        h->disks[i] = NULL;
    }
    uds_close(h->uds);
    h->uds = NULL;
}
