# SPDX-License-Identifier: GPL-2.0-or-later
"""A PC as a guest of Xen: the BIOS and GRUB of a disk, then Xen's drivers.

The disk is an IDE drive to BIOS and boot loader, and xvda to the kernel, whose
drivers have the drive and the card unplugged. A row says what Linux found out
and by which interrupts it lives, has a download by netfront, writes and verifies
blocks, goes through a reboot, after which all is plugged in again, and powers
off from inside or is told to by its store. hvm-pv with Xen's drivers has disk and
link alike, and the clocks of the hardware; a kernel can be started without
BIOS and boot loader; and where nothing is to be unplugged nothing is. All are of
the long set: in the short one guests.py has a tiny guest like that.
"""

import re

import net
import pc
from guest import GuestError

SECONDS = 800
BOOT_SECONDS = 240

# name, mode, CPUs, the boot
LONG = [
    ("grub-2", "pvhvm", 2,
     ["login", "found", "events", "network", "verify", "reboot",
      "found-again", "button"]),
    ("grub-1", "pvhvm", 1,
     ["login", "found", "events", "network", "verify", "reboot", "poweroff"]),
    ("drivers-2", "hvm-pv", 2,
     ["login", "found", "clocks", "network", "verify", "reboot", "poweroff"]),
    ("direct-2", "pvhvm", 2,
     ["direct", "found", "events", "pirqs", "network", "verify", "poweroff"]),
    ("intx-1", "pvhvm", 1,
     ["intx", "found", "pin", "network", "verify", "poweroff"]),
    ("never-1", "pvhvm", 1,
     ["never", "emulated", "pirqs", "network", "poweroff"]),
]


def rows(long):
    """The rows, their images by name."""
    for name, mode, cpus, boot in LONG if long else []:
        yield {
            "name": f"linux/pvhvm-{name}",
            "boots": [boot],
            "seconds": SECONDS,
            "images": {
                "disk": ("debian-12-grub", "image"),
                "kernel": ("debian-6.12", "bzimage"),
                "initrd": ("debian-6.12", "initramfs"),
                "kernel61": ("debian-6.1", "bzimage"),
                "initrd61": ("debian-6.1", "initramfs"),
            },
            "mode": mode,
            "cpus": cpus,
            "link": True,
            "root": True,
        }


class Row(pc.Row):
    """One PC as a guest of Xen."""

    def run_vmm(self, *options):
        """The same, in front of a KVM that knows of Xen."""
        super().run_vmm("--abi=xen", "--xen-accel=kernel", *options)

    def common(self):
        """Disk and link; what is written to the disk is thrown away."""
        net.tap_setup()
        return (
            f"--disk={self.row['images']['disk']},snapshot=on",
            "--net=tap,ifname=" + net.TAP,
        )

    def start_kernel(self, release, append):
        """A kernel without BIOS and GRUB."""
        images = self.row["images"]
        self.run_vmm(
            *self.common(),
            "--initrd=" + images["initrd" + release],
            f"--append=root=LABEL=debian console=ttyS0 quiet {append}",
            images["kernel" + release],
        )
        return self.guest.login_disk(BOOT_SECONDS).group(1).decode()

    def direct(self):
        """A kernel that is the host's, as bzImage."""
        return self.start_kernel("", "")

    def intx(self):
        """One that takes its events by the platform device's pin."""
        return self.start_kernel("61", "xen_no_vector_callback")

    def pin(self):
        """They come so."""
        text = self.guest.run("cat /proc/interrupts").decode()
        count = re.search(r"\n *\d+: +(\d+) .*xen-platform-pci", text)
        if not count or int(count.group(1)) < 10:
            raise GuestError("no interrupts of xen-platform-pci")
        return count.group(1) + " interrupts"

    def never(self):
        """Nothing is to be unplugged."""
        self.start_pc(*self.common(), "--unplug=never")
        return self.guest.login_disk(BOOT_SECONDS).group(1).decode()

    def emulated(self):
        """Then Linux uses what it has, and no driver of Xen's is at work."""
        self.guest.run("grep -q ' sda1' /proc/partitions")
        self.guest.run("! grep -q xvd /proc/partitions")
        self.guest.run("grep -q 0x8086 /sys/class/net/eth0/device/vendor")
        return "sda and e1000"

    def found(self):
        """The kernel is a guest of Xen, and met no disk and card but Xen's."""
        run = self.guest.run
        said = run("dmesg | cat").decode()
        for what in ("Hypervisor detected: Xen HVM", "unplug emulated disks",
                     "unplug emulated NICs"):
            if what not in said:
                raise GuestError(f"dmesg has no {what!r}")
        run("grep -q '^/dev/xvda1 / ' /proc/mounts")
        run("! grep -q ' sd' /proc/partitions")
        run("grep -q 0x5853 /sys/bus/pci/devices/*/vendor")
        run("! grep -q 0x100e /sys/bus/pci/devices/*/device")
        return "xvda1, " + re.search(r"Xen version [^\s]*", said).group()

    def events(self):
        """What interrupts: upcalls, by which come timers and other CPUs."""
        text = self.guest.run("cat /proc/interrupts").decode()
        wanted = ["xen-percpu +-virq +timer0", "xen-dyn"]
        if self.row["cpus"] > 1:
            wanted += ["xen-percpu +-ipi +resched1"]
        for what in wanted:
            if not re.search(what, text):
                raise GuestError(f"no {what!r} in /proc/interrupts")
        calls = re.search(r"HYP:((?: +\d+)+)", text)
        if not calls or "0" in calls.group(1).split():
            raise GuestError("a CPU without an upcall")
        return "upcalls " + "/".join(calls.group(1).split())

    def pirqs(self):
        """Devices that ACPI names interrupt by events."""
        text = self.guest.run("cat /proc/interrupts").decode()
        pirqs = re.findall(r"xen-pirq +\d*-ioapic-\w+ +(\S+)", text)
        pins = re.findall(r"IO-APIC +\d+-\w+ +(\S+)", text)
        wanted = {"acpi", "ttyS0"}
        if "never" in self.row["boots"][0]:
            wanted.add("eth0")
        if wanted - set(pirqs) or set(pins) - {"timer", "ata_piix"}:
            raise GuestError(f"pirqs {pirqs}, pins {pins}")
        return "pirqs " + " ".join(pirqs)

    def clocks(self):
        """Timers are the local APIC's."""
        self.guest.run("! grep -q 'virq *timer' /proc/interrupts")
        return self.guest.run(
            "cat /sys/devices/system/clocksource/clocksource0/"
            "current_clocksource"
        ).decode().strip()
