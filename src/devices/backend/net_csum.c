// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * net_csum.c: the Internet checksum of RFC 1071, for packets whose sender
 * left it to the device and whose backend has no device that does it.
 *
 * The driver has put the sum of the pseudo header where the checksum goes
 * (virtio 1.2, 5.1.6.2.1): the sum over everything from there on, that field
 * included, is the one to store. The order of bytes in the sum is that of
 * memory, so that none is swapped (RFC 1071, 2(B)).
 *
 * Thread: any; pure.
 */
#include "devices/backend/net_csum.h"

#include <string.h>

/* Add up 32 bits at a time; 64 hold what 2^32 such words can carry. */
uint64_t net_csum_add(const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    uint64_t sum = 0;
    uint32_t word;

    for (; n >= sizeof(word); at += sizeof(word), n -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        sum += word;
    }
    word = 0;
    memcpy(&word, at, n);
    return sum + word;
}

uint16_t net_csum_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)sum;
}

bool net_csum_complete(uint8_t *frame, size_t n, uint16_t start,
                       uint16_t offset)
{
    const size_t field = (size_t)start + offset;
    uint16_t sum;

    if (start >= n || field + sizeof(sum) > n)
        return false;
    sum = (uint16_t)~net_csum_fold(net_csum_add(frame + start, n - start));
    /* Zero says "no checksum" to UDP; the other zero is as good (RFC 768). */
    if (sum == 0)
        sum = UINT16_MAX;
    memcpy(frame + field, &sum, sizeof(sum));
    return true;
}
