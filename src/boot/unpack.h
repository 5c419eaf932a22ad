/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpack.h: packed bytes in memory to plain bytes in memory.
 *
 * The formats are those a Linux kernel can be packed with, told apart by
 * their first bytes. The input is hostile: a stream may be cut, corrupt, or
 * say little and unpack to terabytes.
 */
#ifndef BOOT_UNPACK_H
#define BOOT_UNPACK_H

#include "boot/image.h"
#include "vmm/types.h"

/* What unpack returned: an anonymous mapping of its own. */
struct unpacked {
    void *base;    /* owned; NULL if there is none */
    size_t size;   /* bytes of content */
    size_t mapped; /* bytes of address space */
};

/* No kernel is larger, packed or not; what claims to be is refused. */
#define UNPACK_MAX ((size_t)GIB)

/* Which packing starts with these bytes; PACK_NONE if none does. */
enum image_packing unpack_identify(const void *in, size_t n);

/* "gzip", "lz4", ...; "plain" for PACK_NONE. */
const char *unpack_name(enum image_packing packing);

/*
 * Reserve max bytes of zeroed address space in *out, its size 0. Returns 0 or
 * -errno, logged with name.
 */
must_check int unpacked_reserve(const char *name, size_t max,
                                struct unpacked *out);

/* Set the size, and give back the address space beyond it. */
void unpacked_fit(struct unpacked *u, size_t size);

/* Free; leaves an empty *u. No-op on an empty one. */
void unpacked_free(struct unpacked *u);

/*
 * Unpack n bytes (n <= UNPACK_MAX) to at most max bytes (max <= UNPACK_MAX).
 * Several streams of one format in a row are one; bytes of another kind
 * after the last (the kernel build appends the unpacked size) are ignored.
 * Returns 0, or -errno with the reason logged with name; then *out is empty.
 */
must_check int unpack(const char *name, const void *in, size_t n, size_t max,
                      struct unpacked *out);

#endif
