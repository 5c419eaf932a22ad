// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes as any kernel file: bzImages and packed ELFs, and all they contain. */
#include "fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_image(data, size);
    return 0;
}
