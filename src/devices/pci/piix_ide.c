// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * piix_ide.c: see piix_ide.h. Source: the 82371SB datasheet (order number
 * 290550), 2.3. The timing registers keep what is written: an access takes
 * the time it takes. So does the bit by which a channel decodes its ports,
 * which they do in any case.
 */
#include "devices/pci/piix_ide.h"

#include <string.h>

#define REG_IDETIM  0x40u /* a word for each channel */
#define REG_SIDETIM 0x44u

static const struct pci_ids ids = {
    .vendor = 0x8086,
    .device = 0x7010,
    .class = 0x010180, /* a bus master, both channels where a PC has them */
};

void piix_ide_init(struct pci_func *f, struct ide *ide)
{
    pci_func_init(f, NULL, ide, &ids);
    memset(f->mask + REG_IDETIM, 0xff, 2 * sizeof(uint16_t));
    f->mask[REG_SIDETIM] = 0xff;
    f->mask[0x04] |= 0x01; /* the ports */
    pci_func_bar(f, PIIX_IDE_BAR, SPACE_PIO, IDE_BM_PORTS, &ide_bm_ops);
}
