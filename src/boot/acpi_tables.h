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
    /* 62 bytes that reduced hardware has no use for */
    uint16_t sci;
    uint32_t smi_command;
    uint8_t acpi_enable;
    uint8_t acpi_disable;
    uint8_t s4bios;
    uint8_t pstate;
    uint32_t pm1a_event;
    uint32_t pm1b_event;
    uint32_t pm1a_control;
    uint32_t pm1b_control;
    uint32_t pm2_control;
    uint32_t pm_timer;
    uint32_t gpe0;
    uint32_t gpe1;
    uint8_t pm1_event_len;
    uint8_t pm1_control_len;
    uint8_t pm2_control_len;
    uint8_t pm_timer_len;
    uint8_t gpe0_len;
    uint8_t gpe1_len;
    uint8_t gpe1_base;
    uint8_t cst;
    uint16_t c2_latency; /* microseconds; above 100: there is no C2 */
    uint16_t c3_latency; /* above 1000: there is no C3 */
    uint16_t flush_size;
    uint16_t flush_stride;
    uint8_t duty_offset;
    uint8_t duty_width;
    uint8_t day_alarm;
    uint8_t month_alarm;
    uint8_t century;    /* where in CMOS */
    uint16_t boot_arch; /* ACPI_BOOT_... */
    uint8_t reserved2;
    uint32_t flags; /* ACPI_FADT_... */
    struct acpi_gas reset;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor_version;
    uint64_t x_facs;
    uint64_t x_dsdt;
    struct acpi_gas x_pm1a_event;
    struct acpi_gas x_pm1b_event;
    struct acpi_gas x_pm1a_control;
    struct acpi_gas x_pm1b_control;
    struct acpi_gas x_pm2_control;
    struct acpi_gas x_pm_timer;
    struct acpi_gas x_gpe0;
    struct acpi_gas x_gpe1;
    struct acpi_gas sleep_control;
    struct acpi_gas sleep_status;
    uint64_t hypervisor_id;
} ACPI_PACKED;

#define ACPI_FADT_V3 244 /* bytes of the table as ACPI 2.0 has it */

/* 5.2.9.3: IAPC_BOOT_ARCH. A bit left clear says "not there" of an 8042. */
#define ACPI_BOOT_LEGACY      (1u << 0) /* devices on an ISA bus */
#define ACPI_BOOT_8042        (1u << 1)
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

#define ACPI_MADT_PCAT_COMPAT (1u << 0)

#define ACPI_MADT_LAPIC     0
#define ACPI_MADT_IOAPIC    1
#define ACPI_MADT_OVERRIDE  2
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

/* 5.2.12.5: an ISA interrupt that is not its number's pin, or not an edge */
struct acpi_madt_override {
    uint8_t type;
    uint8_t length;
    uint8_t bus;
    uint8_t irq;
    uint32_t gsi;
    uint16_t flags;
} ACPI_PACKED;

#define ACPI_MPS_ACTIVE_HIGH 0x1u
#define ACPI_MPS_LEVEL       0xcu

/* 5.2.12.7 */
struct acpi_madt_lapic_nmi {
    uint8_t type;
    uint8_t length;
    uint8_t uid;    /* 0xff: every processor */
    uint16_t flags; /* 0: polarity and trigger as the bus has it */
    uint8_t lint;
} ACPI_PACKED;

/* 5.2.10 */
struct acpi_facs {
    char signature[4];
    uint32_t length;
    uint32_t hardware_signature;
    uint32_t waking_vector;
    uint32_t lock;
    uint32_t flags;
    uint64_t x_waking_vector;
    uint8_t version;
    uint8_t reserved[31];
} ACPI_PACKED;

#define ACPI_FACS_ALIGN   64
#define ACPI_FACS_VERSION 1

/* IA-PC HPET 1.0a, 3.2.4 */
struct acpi_hpet {
    struct acpi_header header;
    uint32_t block_id;
    struct acpi_gas base;
    uint8_t number;
    uint16_t min_tick;
    uint8_t flags;
} ACPI_PACKED;

#define ACPI_HPET_REVISION 1

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
#define ACPI_RES_INT_SHARED   (1u << 3)

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

_Static_assert(sizeof(struct acpi_facs) == 64, "FACS");
_Static_assert(sizeof(struct acpi_hpet) == 56, "HPET");
_Static_assert(sizeof(struct acpi_madt_override) == 10, "MADT override");
_Static_assert(offsetof(struct acpi_fadt, pm1a_event) == 56, "FADT PM1a");
_Static_assert(offsetof(struct acpi_fadt, pm1_event_len) == 88, "FADT PM1");
_Static_assert(offsetof(struct acpi_fadt, x_pm1a_event) == 148, "FADT X_PM1a");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == ACPI_FADT_V3,
               "FADT of ACPI 2.0");
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
