// SPDX-License-Identifier: GPL-2.0-or-later
/* profile.c: the rows; see profile.h. */
#include "profile.h"

#include "vmm/log.h"

#include <errno.h>

const char *const abi_names[ABI_COUNT] = {
    [ABI_NONE] = "none",
    [ABI_KVM] = "kvm",
    [ABI_XEN] = "xen",
};

const struct profile profiles[MODE_COUNT] = {
    [MODE_HVM] =
        {
            .name = "hvm",
            .entry = "BIOS, or the kernel directly",
            .board = "i440FX/PIIX PC: PCI, ACPI, VGA, PS/2",
            .interrupts = "8259, IOAPIC, local APIC",
            .timers = "8254, HPET, PM timer, RTC, local APIC",
            .disk = "IDE/ATA, ATAPI, AHCI",
            .net = "e1000 (82540EM)",
            .console = "16550, VGA text",
            .mmu = "hardware",
            .abis = ABI_BIT(ABI_NONE) | ABI_BIT(ABI_KVM),
            .abis_built = ABI_BIT(ABI_NONE) | ABI_BIT(ABI_KVM),
            .abi = ABI_KVM,
            .platform = PLATFORM_PC,
            .boot = BOOT_FIRMWARE,
            .disk_if = DISK_IDE,
            .net_model = NET_E1000,
        },
    [MODE_HVM_PV] =
        {
            .name = "hvm-pv",
            .entry = "BIOS, or the kernel directly",
            .board = "i440FX/PIIX PC: PCI, ACPI, VGA, PS/2",
            .interrupts = "8259, IOAPIC, local APIC, MSI-X",
            .timers = "as hvm, and kvmclock",
            .disk = "virtio-blk or Xen blkfront",
            .net = "virtio-net or Xen netfront",
            .console = "16550, virtio-console",
            .mmu = "hardware",
            .abis = ABI_BIT(ABI_KVM) | ABI_BIT(ABI_XEN),
            .abis_built = ABI_BIT(ABI_KVM) | ABI_BIT(ABI_XEN),
            .abi = ABI_KVM,
            .xen_drivers = true,
            .platform = PLATFORM_PC,
            .boot = BOOT_FIRMWARE,
            .disk_if = DISK_VIRTIO,
            .net_model = NET_VIRTIO,
            .transport = TRANSPORT_PCI_LEGACY,
        },
    [MODE_PVHVM] =
        {
            .name = "pvhvm",
            .entry = "BIOS, or the kernel directly",
            .board = "as hvm, and the Xen platform PCI device",
            .interrupts = "event-channel upcalls, and as hvm",
            .timers = "Xen singleshot timer, pvclock, and as hvm",
            .disk = "IDE until unplugged, Xen blkfront",
            .net = "e1000 until unplugged, Xen netfront",
            .console = "16550, VGA text, Xen console",
            .mmu = "hardware",
            .abis = ABI_BIT(ABI_XEN),
            .abis_built = ABI_BIT(ABI_XEN),
            .abi = ABI_XEN,
            .platform = PLATFORM_PC,
            .boot = BOOT_FIRMWARE,
            .disk_if = DISK_XEN,
            .net_model = NET_XEN,
            .transport = TRANSPORT_PCI_LEGACY,
        },
    [MODE_PVH] =
        {
            .name = "pvh",
            .entry = "PVH ELF note, 32-bit, start_info",
            .board = "none; hardware-reduced ACPI",
            .interrupts = "local APIC and messages, or event channels",
            .timers = "local APIC, kvmclock, or as pvhvm",
            .disk = "virtio-blk or Xen blkfront",
            .net = "virtio-net or Xen netfront",
            .console = "16550, virtio-console, Xen console",
            .mmu = "hardware",
            .abis = ABI_BIT(ABI_KVM) | ABI_BIT(ABI_XEN),
            .abis_built = ABI_BIT(ABI_KVM) | ABI_BIT(ABI_XEN),
            .abi = ABI_KVM,
            .disk_if = DISK_VIRTIO,
            .net_model = NET_VIRTIO,
            .transport = TRANSPORT_PCI,
        },
    [MODE_PV] =
        {
            .name = "pv",
            .entry = "PV ELF note, 64-bit",
            .board = "none",
            .interrupts = "event channels",
            .timers = "Xen singleshot timer, pvclock",
            .disk = "Xen blkfront",
            .net = "Xen netfront",
            .console = "Xen console",
            .mmu = "hypercalls",
            .abis = ABI_BIT(ABI_XEN),
            .abi = ABI_XEN,
        },
};

static void print_abis(FILE *out, const struct profile *p, unsigned set)
{
    const char *sep = "";

    for (unsigned a = 0; a < ABI_COUNT; a++) {
        if (!(set & ABI_BIT(a)))
            continue;
        fprintf(out, "%s%s%s", sep, abi_names[a],
                p->abi == a && p->abis != ABI_BIT(a) ? " (default)" : "");
        sep = ", ";
    }
}

static void print_row(FILE *out, const struct profile *p)
{
    const struct {
        const char *what;
        const char *how;
    } columns[] = {
        {"entry", p->entry},
        {"platform", p->board},
        {"interrupts", p->interrupts},
        {"timers, clock", p->timers},
        {"disk", p->disk},
        {"network", p->net},
        {"console", p->console},
        {"page tables", p->mmu},
    };

    fprintf(out, "%s\n", p->name);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        fprintf(out, "  %-14s %s\n", columns[i].what, columns[i].how);
    fprintf(out, "  %-14s ", "guest ABI");
    print_abis(out, p, p->abis);
    fprintf(out, "\n  %-14s ", "in this version");
    if (p->abis_built == p->abis)
        fprintf(out, "yes");
    else if (!p->abis_built)
        fprintf(out, "not built yet");
    else
        print_abis(out, p, p->abis_built);
    fprintf(out, "%s\n",
            p->abis_built && p->abis_built != p->abis ? " only" : "");
}

void profile_print(FILE *out)
{
    for (unsigned m = 0; m < MODE_COUNT; m++)
        print_row(out, &profiles[m]);
}

int profile_check(enum mode mode, enum abi abi)
{
    const struct profile *p = &profiles[mode];

    if (!(p->abis & ABI_BIT(abi))) {
        log_error("--abi=%s makes no sense with --mode=%s: 'vmm spectrum' "
                  "shows what goes together",
                  abi_names[abi], p->name);
        return -EINVAL;
    }
    if (!(p->abis_built & ABI_BIT(abi))) {
        log_error("--mode=%s with --abi=%s is not built yet: use --mode=pvh",
                  p->name, abi_names[abi]);
        return -EINVAL;
    }
    return 0;
}
