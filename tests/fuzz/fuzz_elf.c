// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes as an ELF kernel: what does not begin as one is given that. */
#include "fuzz_image.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    if (size < 4)
        return 0;
    copy = malloc(size);
    BUG_ON(!copy);
    memcpy(copy, data, size);
    memcpy(copy, "\177ELF", 4);
    fuzz_image(copy, size);
    free(copy);
    return 0;
}
