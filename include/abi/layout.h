/* SPDX-License-Identifier: MIT */
/*
 * layout.h: where things are in the guest's physical and port address
 * spaces, in the modes without a PC. Shared with guests/.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

/* RAM: [0, 640 KiB), [1 MiB, up to 3 GiB), [4 GiB, ...). */
#define LAYOUT_LOW_END      0x000a0000u
#define LAYOUT_TABLES       0x000e0000u /* start_info, ACPI: 128 KiB */
#define LAYOUT_TABLES_END   0x000ffff0u
#define LAYOUT_RESET_VECTOR 0x000ffff0u /* real mode f000:fff0: resets */
#define LAYOUT_LOW_TOP      0x00100000u /* RAM goes on here */
#define LAYOUT_HOLE         0xc0000000u /* RAM stops here at the latest */
#define LAYOUT_HOLE_END     0x100000000ull

/* MMIO in the hole */
#define LAYOUT_PCI_MMIO        0xc0000000u /* window of the 32-bit BARs */
#define LAYOUT_PCI_MMIO_END    0xe0000000u
#define LAYOUT_ECAM            0xe0000000u /* bus 0 */
#define LAYOUT_ECAM_SIZE       0x00100000u
#define LAYOUT_VIRTIO_MMIO     0xfe000000u /* device n: LAYOUT_VIRTIO_STRIDE on */
#define LAYOUT_VIRTIO_STRIDE   0x1000u
#define LAYOUT_XEN_SPECIAL     0xfefc0000u /* Xen's pages: store, console */
#define LAYOUT_XEN_STEAL       LAYOUT_XEN_SPECIAL /* 64 bytes a vCPU: KVM's */
#define LAYOUT_XEN_STORE       0xfeffc000u
#define LAYOUT_XEN_CONSOLE     0xfeffd000u
#define LAYOUT_XEN_SPECIAL_END 0xff000000u
#define LAYOUT_IOAPIC          0xfec00000u /* 82093AA, GSI 0.. */
#define LAYOUT_IOAPIC_PINS     8  /* each costs a guest a dozen exits */
#define LAYOUT_IOAPIC_MAX      64 /* pins, with the devices asked for */
#define LAYOUT_GED             0xfed80000u /* generic event device, 16 bytes */
#define LAYOUT_LAPIC           0xfee00000u

/* I/O ports */
#define LAYOUT_NO_COUNT       0x42 /* where a PC has a timer's count: reads 0 */
#define LAYOUT_XEN_HCALL      0xe6 /* a 32-bit write is a Xen hypercall */
#define LAYOUT_PCI_PORTS      0xc000 /* window of the I/O BARs */
#define LAYOUT_PCI_PORTS_END  0x10000
#define LAYOUT_PCI_CONFIG     0xcf8 /* address and data port */
#define LAYOUT_PCI_CONFIG_LEN 8
#define LAYOUT_COM1           0x3f8
#define LAYOUT_COM1_GSI       4
#define LAYOUT_SLEEP_CTL      0x600 /* ACPI sleep control register */
#define LAYOUT_SLEEP_STS      0x601 /* ACPI sleep status register */
#define LAYOUT_RESET          0x602 /* ACPI reset register */
#define LAYOUT_RESET_VALUE    0x01
#define LAYOUT_GED_GSI        5
#define LAYOUT_PCI_GSI        6 /* the first of up to four for INTA# pins */

/* ACPI 6.5 4.8.3.7: SLP_EN and the SLP_TYP our \_S5 names. */
#define LAYOUT_SLP_EN 0x20
#define LAYOUT_S5_TYP 5

/* GED event-select register (read clears): one bit per event. */
#define LAYOUT_GED_EVT_POWER 0x1

#endif
