// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * writer.c: see writer.h. A buffer that overflowed takes nothing more, so
 * that what is in it is always a beginning of what was wanted.
 */
#include "boot/writer.h"

#include "vmm/log.h"

#include <errno.h>
#include <string.h>

void writer_init(struct writer *w, void *buf, size_t size)
{
    *w = (struct writer){.buf = buf, .size = size};
}

int64_t writer_size(const struct writer *w)
{
    return w->len <= w->size ? (int64_t)w->len : -ENOSPC;
}

void writer_bytes(struct writer *w, const void *src, size_t n)
{
    if (w->len <= w->size && n <= w->size - w->len)
        memcpy(w->buf + w->len, src, n);
    else
        w->size = 0; /* all or nothing: later short writes must not land */
    w->len += n;
}

void writer_byte(struct writer *w, uint8_t value)
{
    writer_bytes(w, &value, 1);
}

void writer_align(struct writer *w, size_t align)
{
    while (w->len & (align - 1))
        writer_byte(w, 0);
}

void writer_patch(struct writer *w, size_t at, const void *src, size_t n)
{
    if (writer_size(w) < 0)
        return;
    BUG_ON(at > w->len || n > w->len - at);
    memcpy(w->buf + at, src, n);
}
