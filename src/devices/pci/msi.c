// SPDX-License-Identifier: GPL-2.0-or-later
/* msi.c: a function's one message; see msi.h. */
#include "devices/pci/msi.h"

#include "vmm/checked.h"

#include <linux/pci_regs.h>
#include <string.h>

/* The capability behind its id and link, with a 64-bit address. */
struct cap_body {
    uint16_t control;
    uint64_t addr;
    uint16_t data;
} __attribute__((packed));

_Static_assert(sizeof(struct cap_body) == PCI_MSI_DATA_64 + 2 - PCI_MSI_FLAGS,
               "MSI capability");

static void body(const struct msi *m, struct cap_body *out)
{
    memcpy(out, m->func->config + m->cap + PCI_MSI_FLAGS, sizeof(*out));
}

void msi_init(struct msi *m, struct pci_func *f, const struct msi_sink *sink)
{
    static const struct cap_body born = {.control = PCI_MSI_FLAGS_64BIT};
    /* Of the messages there is one: how many is not the driver's to say. */
    static const struct cap_body mask = {
        .control = PCI_MSI_FLAGS_ENABLE, .addr = ~3ull, .data = 0xffff};

    *m = (struct msi){.func = f, .sink = *sink};
    m->cap = pci_func_cap(f, PCI_CAP_ID_MSI, &born, &mask, sizeof(born));
}

bool msi_enabled(const struct msi *m)
{
    struct cap_body b;

    body(m, &b);
    return b.control & PCI_MSI_FLAGS_ENABLE;
}

void msi_send(const struct msi *m)
{
    struct cap_body b;

    body(m, &b);
    m->sink.send(m->sink.ctx, b.addr, b.data);
}

void msi_config_written(struct msi *m, unsigned off, unsigned n)
{
    if (ranges_overlap(off, n, m->cap + PCI_MSI_FLAGS, sizeof(uint16_t)))
        pci_func_set_messages(m->func, msi_enabled(m));
}
