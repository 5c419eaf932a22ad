// SPDX-License-Identifier: GPL-2.0-or-later
/* The first byte is the alignment the ELF states, the rest a note area. */
#include "fuzz_image.h"

#include "boot/image_internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_info info = {0};
    uint8_t *area;

    if (size < 2)
        return 0;
    /* An allocation of its own, so that ASan sees one byte too far. */
    area = malloc(size - 1);
    BUG_ON(!area);
    memcpy(area, data + 1, size - 1);
    if (image_parse_notes("fuzz", area, size - 1, data[0], &info) == 0) {
        BUG_ON(info.n_notes > IMAGE_MAX_NOTES);
        BUG_ON(info.has_pvh && info.pvh_entry >= 4 * GIB);
        BUG_ON(strlen(info.guest_os) >= sizeof(info.guest_os));
    }
    free(area);
    return 0;
}
