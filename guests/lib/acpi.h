/* SPDX-License-Identifier: MIT */
/*
 * acpi.h: finding and reading the ACPI tables, without interpreting AML.
 * Source: ACPI 6.5, 5.2.
 */
#ifndef GUEST_ACPI_H
#define GUEST_ACPI_H

#include <stdbool.h>
#include <stdint.h>

struct acpi_rsdp {
    char signature[8];
    uint8_t checksum; /* of the first 20 bytes */
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum; /* of all */
    uint8_t reserved[3];
} __attribute__((packed));

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    uint32_t creator_id;
    uint32_t creator_revision;
} __attribute__((packed));

/* A generic address structure; the two spaces a reset register can be in. */
#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1

struct acpi_gas {
    uint8_t space;
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t access_size;
    uint64_t address;
} __attribute__((packed));

#define ACPI_FADT_RESET_REG  (1u << 10)
#define ACPI_FADT_HW_REDUCED (1u << 20)

struct acpi_fadt {
    struct acpi_header header;
    uint32_t firmware_ctrl;
    uint32_t dsdt;
    uint8_t legacy[64]; /* unused by hardware-reduced machines */
    uint8_t reserved;
    uint16_t boot_flags;
    uint8_t reserved2;
    uint32_t flags;
    struct acpi_gas reset_reg;
    uint8_t reset_value;
    uint16_t arm_boot_flags;
    uint8_t minor;
    uint64_t x_firmware_ctrl;
    uint64_t x_dsdt;
    uint8_t x_legacy[96];
    struct acpi_gas sleep_control;
    struct acpi_gas sleep_status;
    uint64_t hypervisor_id;
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP layout");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT layout");

enum acpi_madt_type {
    ACPI_MADT_LAPIC = 0,
    ACPI_MADT_IOAPIC = 1,
    ACPI_MADT_X2APIC = 9,
};

struct acpi_madt {
    struct acpi_header header;
    uint32_t lapic_addr;
    uint32_t flags;
} __attribute__((packed));

/* Any MADT entry: the fields the tests read, by type. */
struct acpi_madt_entry {
    uint8_t type;
    uint8_t length;
    union {
        struct {
            uint8_t uid, apic_id;
            uint32_t flags;
        } __attribute__((packed)) lapic;
        struct {
            uint8_t id, reserved;
            uint32_t addr, gsi_base;
        } __attribute__((packed)) ioapic;
        struct {
            uint16_t reserved;
            uint32_t apic_id, flags, uid;
        } __attribute__((packed)) x2apic;
    } u;
} __attribute__((packed));

/* NULL if start_info names none. */
const struct acpi_rsdp *acpi_rsdp(void);

/* The table with this signature named by the XSDT, or NULL. */
const void *acpi_find(const char *signature);

/* The DSDT, or NULL. */
const struct acpi_header *acpi_dsdt(void);

/* The MADT entry after this one (NULL: the first), or NULL at the end. */
const struct acpi_madt_entry *acpi_madt_next(const struct acpi_madt_entry *e);

/* Local APIC ids of the enabled CPUs, at most max; returns how many. */
unsigned acpi_cpus(uint32_t *apic_ids, unsigned max);

/* True if the sum of the bytes is 0. */
bool acpi_sum_ok(const void *table, uint32_t length);

/* True, and the interrupt of the device with registers at this address, if
 * the DSDT has one. */
bool acpi_gsi_of(uint32_t base, uint32_t *gsi);

/* True, and the SLP_TYP of \_S5, if the DSDT has it. */
bool acpi_s5_type(uint8_t *type);

#endif
