// SPDX-License-Identifier: GPL-2.0-or-later
/* platform.c: which platforms there are; see platform.h. */
#include "platform.h"

const struct platform_ops *const platforms[PLATFORM_COUNT] = {
    [PLATFORM_BARE] = &platform_bare,
    [PLATFORM_PC] = &platform_pc,
};

void platform_add_range(struct machine_desc *m, uint64_t base, uint64_t end,
                        enum mem_type type)
{
    BUG_ON(m->n_ranges == MACHINE_MAX_RANGES);
    if (end > base)
        m->map[m->n_ranges++] = (struct mem_range){GPA(base), end - base, type};
}

void platform_add_dev(struct machine_desc *m, enum dev_kind kind, uint64_t base,
                      uint32_t size, uint32_t gsi)
{
    BUG_ON(m->n_devs == MACHINE_MAX_DEVS);
    m->devs[m->n_devs++] = (struct dev_desc){kind, base, size, gsi};
}
