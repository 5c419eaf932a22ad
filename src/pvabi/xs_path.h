/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs_path.h: what is a path, and which lies below which. Source: Xen's
 * docs/misc/xenstore.txt.
 */
#ifndef PVABI_XS_PATH_H
#define PVABI_XS_PATH_H

#include "vmm/types.h"

#include <errno.h> /* xs_wire.h names those it knows */
#include <xen/io/xs_wire.h>

#define XS_PATH_SIZE (XENSTORE_ABS_PATH_MAX + 1)

/*
 * Absolute, of parts of A-Z a-z 0-9 - _ @ with one slash before each and none
 * at the end ("/" alone is the root), less than XENSTORE_ABS_PATH_MAX bytes.
 */
bool xs_path_ok(const char *path);

/* Is path that parent, or below it? */
bool xs_path_is_in(const char *path, const char *parent);

/*
 * A guest's path as an absolute one: what does not begin with a slash lies
 * below home. False if the result is not one, or what is said of a place
 * below home is longer than XENSTORE_REL_PATH_MAX.
 */
must_check bool xs_path_resolve(char out[XS_PATH_SIZE], const char *home,
                                const char *path);

/* Bytes of the parent's path; 0 is the root. */
size_t xs_path_parent(const char *path);

#endif
