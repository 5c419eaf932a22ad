/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blk_rig.h: a disk on a loop, driven as a front-end drives it, one request
 * after the other or many at once; and standard error caught, for messages.
 */
#ifndef TEST_BLK_RIG_H
#define TEST_BLK_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/backend/blk.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
    struct loop *loop;
    struct blk *blk;
    char dir[64];
    char path[128];
    unsigned waiting; /* requests not yet answered */
};

/* A directory of our own: on memory, or on the disk below the build. */
static inline void rig_dir(struct rig *rig, const char *base)
{
    snprintf(rig->dir, sizeof(rig->dir), "%s/vmm-blk-XXXXXX", base);
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->path, sizeof(rig->path), "%s/disk.img", rig->dir);
}

static inline void rig_image(const char *path, uint64_t size)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static inline void rig_start(struct rig *rig, struct blk *blk)
{
    assert_non_null(blk);
    rig->blk = blk;
    assert_int_equal(loop_create(&rig->loop, NULL), 0);
    assert_int_equal(blk_start(blk, rig->loop), 0);
}

static inline void rig_open(struct rig *rig, const struct blk_config *cfg)
{
    struct blk_config with_path = *cfg;

    if (!with_path.path)
        with_path.path = rig->path;
    rig_start(rig, blk_open(&with_path));
}

static inline void rig_close(struct rig *rig)
{
    blk_close(rig->blk);
    loop_destroy(rig->loop);
    rig->blk = NULL;
    rig->loop = NULL;
}

static inline void rig_remove(struct rig *rig)
{
    unlink(rig->path);
    assert_int_equal(rmdir(rig->dir), 0);
}

static inline void rig_done(struct blk_req *req)
{
    struct rig *rig = req->owner;

    if (--rig->waiting == 0)
        loop_stop(rig->loop, 0);
}

static inline void rig_submit(struct rig *rig, struct blk_req *req)
{
    unsigned waiting;

    req->done = rig_done;
    req->owner = rig;
    waiting = ++rig->waiting;
    blk_submit(rig->blk, req);
    assert_int_equal(rig->waiting, waiting); /* not answered in the call */
}

static inline void rig_wait(struct rig *rig)
{
    if (rig->waiting)
        assert_int_equal(loop_run(rig->loop), 0);
    assert_int_equal(rig->waiting, 0);
}

static inline int rig_do(struct rig *rig, struct blk_req *req)
{
    rig_submit(rig, req);
    rig_wait(rig);
    return req->result;
}

static inline int rig_move(struct rig *rig, enum blk_op op, uint64_t offset,
                           void *buf, size_t n)
{
    const struct iovec iov = {buf, n};
    struct blk_req req = {
        .op = op, .offset = offset, .len = n, .iov = &iov, .n_iov = 1};

    return rig_do(rig, &req);
}

static inline int rig_range(struct rig *rig, enum blk_op op, uint64_t offset,
                            uint64_t len, bool unmap)
{
    struct blk_req req = {
        .op = op, .offset = offset, .len = len, .unmap = unmap};

    return rig_do(rig, &req);
}

static inline int rig_flush(struct rig *rig)
{
    return rig_range(rig, BLK_FLUSH, 0, 0, false);
}

static inline void rig_fill(unsigned char *buf, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = (unsigned char)(seed * 131 + i * 7 + i / 512);
}

static inline bool rig_is(const unsigned char *buf, size_t n, unsigned char v)
{
    for (size_t i = 0; i < n; i++)
        if (buf[i] != v)
            return false;
    return true;
}

/* Standard error, from rig_catch to rig_caught. */
struct rig_log {
    int saved;
    int pipe[2];
    char text[4096];
};

static inline void rig_catch(struct rig_log *log)
{
    assert_int_equal(pipe2(log->pipe, O_CLOEXEC | O_NONBLOCK), 0);
    log->saved = dup(STDERR_FILENO);
    dup2(log->pipe[1], STDERR_FILENO);
}

static inline const char *rig_caught(struct rig_log *log)
{
    ssize_t n;

    dup2(log->saved, STDERR_FILENO);
    close(log->saved);
    close(log->pipe[1]);
    n = read(log->pipe[0], log->text, sizeof(log->text) - 1);
    log->text[n > 0 ? n : 0] = '\0';
    close(log->pipe[0]);
    return log->text;
}

/* blk_open must refuse, in one line that says all of these words. */
static inline void rig_refused(const struct blk_config *cfg,
                               const char *const *words)
{
    struct rig_log log;
    struct blk *blk;
    const char *text;

    rig_catch(&log);
    blk = blk_open(cfg);
    text = rig_caught(&log);
    assert_null(blk);
    for (; *words; words++) {
        if (!strstr(text, *words))
            fail_msg("'%s' is not in '%s'", *words, text);
    }
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

#define RIG_REFUSED(cfg, ...) \
    rig_refused(cfg, (const char *const[]){__VA_ARGS__, NULL})

#endif
