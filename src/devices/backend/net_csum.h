/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_csum.h: the Internet checksum of RFC 1071, in the order of memory, so
 * that no byte is swapped. Thread: any; pure.
 */
#ifndef BACKEND_NET_CSUM_H
#define BACKEND_NET_CSUM_H

#include "vmm/types.h"

#include <stddef.h>

/*
 * The sum of the words in n bytes, to be folded; a last odd byte counts as a
 * word with a zero behind it. Sums may be added up; n is below 4 GiB.
 */
uint64_t net_csum_add(const void *bytes, size_t n);

/* In 16 bits, with every carry added back. Its complement is the checksum. */
uint16_t net_csum_fold(uint64_t sum);

/*
 * Make a partial checksum whole: add up frame[start..n) and store the result
 * at start + offset. False: these lie outside the frame.
 */
must_check bool net_csum_complete(uint8_t *frame, size_t n, uint16_t start,
                                  uint16_t offset);

#endif
