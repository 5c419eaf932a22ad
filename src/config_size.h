/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_size.h: a number of bytes as people write it. */
#ifndef VMM_CONFIG_SIZE_H
#define VMM_CONFIG_SIZE_H

#include "vmm/types.h"

/* Parse "512M", "2G", "1073741824"; false if it is not a size. */
must_check bool config_parse_size(const char *text, uint64_t *out);

#endif
