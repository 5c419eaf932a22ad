// SPDX-License-Identifier: GPL-2.0-or-later
/* config_size.c: see config_size.h. Units are powers of 1024. */
#include "config_size.h"

#include "vmm/checked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool config_parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    const char *unit;
    uint64_t v, factor = 1;
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno)
        return false;
    unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        factor = KIB << (10 * (unsigned)(unit - units));
        end++;
        if (*end == 'i')
            end++;
        if (*end == 'B')
            end++;
    }
    return *end == '\0' && checked_mul(v, factor, out);
}
