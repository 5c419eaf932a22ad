/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump.h: write a table a guest would get to a file, for people and tools.
 * Only ever on the operator's request, before a guest starts.
 */
#ifndef BOOT_DUMP_H
#define BOOT_DUMP_H

#include "vmm/types.h"

/* Create or replace path with n bytes. 0 or -errno, the reason logged. */
must_check int dump_file(const char *path, const void *data, size_t n);

#endif
