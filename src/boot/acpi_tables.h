/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acpi_tables.h: the ACPI tables' layouts, as far as vmm writes them.
 * Source: ACPI 6.5, the section named beside each. Fields in the spec's
 * order; runs that stay zero here are one array named by what they hold.
 */
#ifndef BOOT_ACPI_TABLES_H
#define BOOT_ACPI_TABLES_H

#include "vmm/types.h"

#define ACPI_PACKED __attribute__((packed))

/* 5.2.5.3 */
struct acpi_rsdp {
    char signature[8];
    uint8_t checksum; /* of the first ACPI_RSDP_V1 bytes */
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t checksum_all;
    uint8_t reserved[3];
} ACPI_PACKED;

#define ACPI_RSDP_V1 20 /* bytes the ACPI 1.0 structure has */

/* 5.2.6 */
struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum; /* all bytes of the table sum to 0 */
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
} ACPI_PACKED;

/* 5.2.3.2 */
struct acpi_gas {
    uint8_t space;
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t access_size;
    uint64_t address;
} ACPI_PACKED;

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1
#define ACPI_ACCESS_BYTE  1

/* 5.2.9 */
struct acpi_fadt {
    struct acpi_header header;
    uint32_t facs;
    uint32_t dsdt;
    uint8_t reserved;
    uint8_t preferred_profile;
    uint8_t fixed_hardware[62]; /* SCI_INT to CENTURY: not reduced hardware */
    uint8_t century;
    uint16_t boot_arch; /* ACPI_BOOT_... */
    uint8_t reserved2;
    uint32_t flags; /* ACPI_FADT_... */
    struct acpi_gas reset;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor_version;
    uint64_t x_facs;
    uint64_t x_dsdt;
    struct acpi_gas x_fixed_hardware[8]; /* X_PM1a_EVT_BLK to X_GPE1_BLK */
    struct acpi_gas sleep_control;
    struct acpi_gas sleep_status;
    uint64_t hypervisor_id;
} ACPI_PACKED;

/* 5.2.9.3: IAPC_BOOT_ARCH. A bit left clear says "not there" of an 8042. */
#define ACPI_BOOT_NO_VGA      (1u << 2)
#define ACPI_BOOT_NO_CMOS_RTC (1u << 5)

/* Table 5.10 */
#define ACPI_FADT_WBINVD         (1u << 0)
#define ACPI_FADT_PROC_C1        (1u << 2)
#define ACPI_FADT_NO_FIXED_POWER (1u << 4)
#define ACPI_FADT_NO_FIXED_SLEEP (1u << 5)
#define ACPI_FADT_NO_FIXED_RTC   (1u << 6)
#define ACPI_FADT_RESET_REG      (1u << 10)
#define ACPI_FADT_HW_REDUCED     (1u << 20)

/* 5.2.12 */
struct acpi_madt {
    struct acpi_header header;
    uint32_t lapic_address;
    uint32_t flags; /* bit 0 PCAT_COMPAT: there is an 8259 to disable */
} ACPI_PACKED;

#define ACPI_MADT_LAPIC     0
#define ACPI_MADT_IOAPIC    1
#define ACPI_MADT_LAPIC_NMI 4

/* 5.2.12.2 */
struct acpi_madt_lapic {
    uint8_t type;
    uint8_t length;
    uint8_t uid;
    uint8_t apic_id;
    uint32_t flags; /* bit 0: enabled */
} ACPI_PACKED;

/* 5.2.12.3 */
struct acpi_madt_ioapic {
    uint8_t type;
    uint8_t length;
    uint8_t id;
    uint8_t reserved;
    uint32_t address;
    uint32_t gsi_base;
} ACPI_PACKED;

/* 5.2.12.7 */
struct acpi_madt_lapic_nmi {
    uint8_t type;
    uint8_t length;
    uint8_t uid;    /* 0xff: every processor */
    uint16_t flags; /* 0: polarity and trigger as the bus has it */
    uint8_t lint;
} ACPI_PACKED;

/* 6.4.2.5: I/O port descriptor */
struct acpi_res_io {
    uint8_t tag;
    uint8_t decode16;
    uint16_t min;
    uint16_t max;
    uint8_t align;
    uint8_t length;
} ACPI_PACKED;

#define ACPI_RES_IO 0x47

/* 6.4.3.4: 32-bit fixed memory range descriptor */
struct acpi_res_memory32 {
    uint8_t tag;
    uint16_t length; /* of what follows */
    uint8_t writable;
    uint32_t base;
    uint32_t size;
} ACPI_PACKED;

#define ACPI_RES_MEMORY32 0x86

/* 6.4.3.6: extended interrupt descriptor, with one interrupt */
struct acpi_res_interrupt {
    uint8_t tag;
    uint16_t length; /* of what follows */
    uint8_t flags;
    uint8_t count;
    uint32_t gsi;
} ACPI_PACKED;

#define ACPI_RES_INTERRUPT    0x89
#define ACPI_RES_INT_CONSUMER (1u << 0)
#define ACPI_RES_INT_EDGE     (1u << 1)

/* 6.4.3.5.3: word address space descriptor, here without a source */
struct acpi_res_word {
    uint8_t tag;
    uint16_t length; /* of what follows */
    uint8_t type;    /* ACPI_RES_TYPE_... */
    uint8_t flags;
    uint8_t type_flags;
    uint16_t granularity;
    uint16_t min;
    uint16_t max;
    uint16_t translation;
    uint16_t size;
} ACPI_PACKED;

/* 6.4.3.5.2: the same in dwords */
struct acpi_res_dword {
    uint8_t tag;
    uint16_t length;
    uint8_t type;
    uint8_t flags;
    uint8_t type_flags;
    uint32_t granularity;
    uint32_t min;
    uint32_t max;
    uint32_t translation;
    uint32_t size;
} ACPI_PACKED;

#define ACPI_RES_WORD         0x88
#define ACPI_RES_DWORD        0x87
#define ACPI_RES_TYPE_MEMORY  0
#define ACPI_RES_TYPE_IO      1
#define ACPI_RES_TYPE_BUS     2
#define ACPI_RES_MIN_FIXED    (1u << 2)
#define ACPI_RES_MAX_FIXED    (1u << 3)
#define ACPI_RES_IO_ENTIRE    0x3
#define ACPI_RES_MEM_WRITABLE 0x1

/* PCI Firmware 3.2, 4.1.2, behind the header: one range of buses, here 0 */
struct acpi_mcfg_body {
    uint64_t reserved;
    uint64_t base;
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    uint32_t reserved2;
} ACPI_PACKED;

#define ACPI_MCFG_REVISION 1

/* 6.4.2.9: end tag; checksum 0 means "not checked" */
struct acpi_res_end {
    uint8_t tag;
    uint8_t checksum;
} ACPI_PACKED;

#define ACPI_RES_END 0x79

_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP");
_Static_assert(sizeof(struct acpi_header) == 36, "table header");
_Static_assert(sizeof(struct acpi_gas) == 12, "GAS");
_Static_assert(offsetof(struct acpi_fadt, century) == 108, "FADT CENTURY");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112, "FADT Flags");
_Static_assert(offsetof(struct acpi_fadt, reset) == 116, "FADT RESET_REG");
_Static_assert(offsetof(struct acpi_fadt, x_dsdt) == 140, "FADT X_DSDT");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "FADT");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT revision 6");
_Static_assert(sizeof(struct acpi_madt) == 44, "MADT");
_Static_assert(sizeof(struct acpi_madt_lapic) == 8, "MADT local APIC");
_Static_assert(sizeof(struct acpi_madt_ioapic) == 12, "MADT I/O APIC");
_Static_assert(sizeof(struct acpi_madt_lapic_nmi) == 6, "MADT NMI");
_Static_assert(sizeof(struct acpi_res_io) == 8, "I/O descriptor");
_Static_assert(sizeof(struct acpi_res_interrupt) == 9, "interrupt");
_Static_assert(sizeof(struct acpi_res_word) == 16, "word address space");
_Static_assert(sizeof(struct acpi_res_dword) == 26, "dword address space");
_Static_assert(sizeof(struct acpi_mcfg_body) == 24, "MCFG");

#endif
