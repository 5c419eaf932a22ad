/* SPDX-License-Identifier: MIT */
/*
 * ioapic.h: the IOAPIC the MADT names. Source: Intel 82093AA data sheet.
 */
#ifndef GUEST_IOAPIC_H
#define GUEST_IOAPIC_H

#include <stdint.h>

enum ioapic_register {
    IOAPIC_ID = 0,
    IOAPIC_VERSION = 1,
    IOAPIC_ARBITRATION = 2,
    IOAPIC_TABLE = 0x10, /* two words per pin */
};

/* A redirection entry; the destination is in bits 56 to 63. */
#define IOAPIC_PENDING  (1ull << 12)
#define IOAPIC_LOW      (1ull << 13)
#define IOAPIC_REMOTE   (1ull << 14)
#define IOAPIC_LEVEL    (1ull << 15)
#define IOAPIC_MASKED   (1ull << 16)
#define IOAPIC_DEST(id) ((uint64_t)(id) << 56)

/* Find it; no IOAPIC in the MADT: ERROR. Called before the others. */
void ioapic_init(void);

uint32_t ioapic_read(unsigned reg);
void ioapic_write(unsigned reg, uint32_t value);

/* The number of pins by the version register. */
unsigned ioapic_pins(void);

uint64_t ioapic_entry(unsigned pin);
void ioapic_set_entry(unsigned pin, uint64_t entry);

/* Route a pin: edge triggered, fixed delivery, to this CPU. */
void ioapic_route(unsigned pin, unsigned vector);
void ioapic_mask(unsigned pin);

#endif
