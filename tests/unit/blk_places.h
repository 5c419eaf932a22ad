/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blk_places.h: the same test on memory, on disk, with each cache mode. */
#ifndef TEST_BLK_PLACES_H
#define TEST_BLK_PLACES_H

#include "blk_rig.h"

#define SIZE (4 * MIB)

struct place {
    const char *base;
    enum blk_cache cache;
};

static const struct place places[] = {
    {"/dev/shm", BLK_CACHE_WRITEBACK},    {"/dev/shm", BLK_CACHE_WRITETHROUGH},
    {"/var/tmp", BLK_CACHE_WRITEBACK},    {"/var/tmp", BLK_CACHE_NONE},
    {"/var/tmp", BLK_CACHE_WRITETHROUGH},
};

/* Run a test in each place, on a disk of SIZE bytes. */
static inline void everywhere(void (*test)(struct rig *rig))
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const struct blk_config cfg = {.cache = places[i].cache};
        struct rig rig = {0};

        rig_dir(&rig, places[i].base);
        rig_image(rig.path, SIZE);
        rig_open(&rig, &cfg);
        assert_int_equal(blk_info(rig.blk)->needs_flush,
                         cfg.cache != BLK_CACHE_WRITETHROUGH);
        test(&rig);
        rig_close(&rig);
        rig_remove(&rig);
    }
}

static inline void with_disk(void (*test)(struct rig *rig),
                             const struct blk_config *cfg)
{
    struct rig rig = {0};

    rig_dir(&rig, "/dev/shm");
    rig_image(rig.path, SIZE);
    rig_open(&rig, cfg);
    test(&rig);
    rig_close(&rig);
    rig_remove(&rig);
}

#endif
