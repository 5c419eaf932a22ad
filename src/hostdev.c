// SPDX-License-Identifier: GPL-2.0-or-later
/* hostdev.c: opens what the command line names; see hostdev.h. */
#include "hostdev.h"

#include <errno.h>

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

int hostdev_open(struct hostdev *h, const struct config *cfg, struct loop *loop)
{
    return open_disks(h, cfg, loop);
}

void hostdev_close(struct hostdev *h)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->disks); i++) {
        if (h->disks[i])
            blk_close(h->disks[i]);
        h->disks[i] = NULL;
    }
}
