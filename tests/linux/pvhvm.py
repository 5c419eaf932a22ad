# SPDX-License-Identifier: GPL-2.0-or-later
"""A PC as a guest of Xen: the BIOS and GRUB of a disk, then Xen's drivers.

The disk is an IDE drive to BIOS and boot loader, and xvda to the kernel, whose
drivers have the drive and the card unplugged. A row says what Linux found out
and by which interrupts it lives, has a download by netfront, writes and verifies
blocks, goes through a reboot, after which all is plugged in again, and powers
off from inside or is told to by its store. hvm-pv with Xen's drivers has disk and
link alike, and the clocks of the hardware; a kernel can be started without
BIOS and boot loader; and where nothing is to be unplugged nothing is. The rows
called life go through a domain's life (domain.py) too: the kernel that kexec
starts finds Xen as the first one did. All are of the long set: in the short one
guests.py has a tiny guest like that.
"""

import re

import domain
import image
import net
import pc
from guest import GuestError

SECONDS, LIFE_SECONDS = 800, 1800
BOOT_SECONDS = 240
GRUBS = "debian-6.1"  # the kernel that is on the disk
PARTITION = 1 << 20  # where the root file system begins

# Of a domain's life; where a kernel was started by kexec, all is found again.
LIFE = ["offloads", "balloon", "cpus", "sysrq", "suspend", "kexec",
        "found-kexec", "events-kexec", "pirqs-kexec", "ordered",
        "found-ordered", "stop"]

# name, mode, engine, kernel, CPUs, the boot
LONG = [
    ("grub-2", "pvhvm", "kernel", GRUBS, 2,
     ["login", "found", "events", "network", "verify", "reboot",
      "found-again", "button"]),
    ("grub-1", "pvhvm", "kernel", GRUBS, 1,
     ["login", "found", "events", "network", "verify", "reboot", "kexec",
      "found-kexec", "poweroff", "fsck"]),
    ("drivers-2", "hvm-pv", "kernel", GRUBS, 2,
     ["login", "found", "clocks", "network", "verify", "reboot", "poweroff"]),
    ("drivers-life-2", "hvm-pv", "kernel", "debian-6.12", 2,
     ["direct", "found", "clocks", "network", "suspend", "kexec",
      "found-kexec", "clocks-kexec", "stop", "fsck"]),
    ("direct-2", "pvhvm", "kernel", "debian-6.12", 2,
     ["direct", "found", "events", "pirqs", "network", "verify", "poweroff",
      "fsck"]),
    ("life-4", "pvhvm", "kernel", "debian-6.12", 4,
     ["direct", "found", "events", "pirqs", "network", "iperf", "verify"]
     + LIFE + ["fsck"]),
    ("life-2", "pvhvm", "kernel", "debian-6.1", 2,
     ["direct", "found", "events", "pirqs", "network", "iperf", "verify"]
     + LIFE + ["fsck"]),
    ("user-life-2", "pvhvm", "user", "debian-6.12", 2,
     ["direct", "found", "events", "pirqs", "network", "suspend", "kexec",
      "found-kexec", "stop", "fsck"]),
    ("user-grub-1", "pvhvm", "user", GRUBS, 1,
     ["login", "found", "events", "network", "verify", "poweroff"]),
    ("intx-1", "pvhvm", "kernel", "debian-6.1", 1,
     ["intx", "found", "pin", "network", "verify", "poweroff"]),
    ("never-1", "pvhvm", "kernel", GRUBS, 1,
     ["never", "emulated", "pirqs", "network", "poweroff"]),
]


def rows(long):
    """The rows, their images by name."""
    for name, mode, accel, kernel, cpus, boot in LONG if long else []:
        yield {
            "name": f"linux/pvhvm-{name}",
            "boots": [boot],
            "seconds": LIFE_SECONDS if "suspend" in boot else SECONDS,
            "images": {
                "disk": ("debian-12-grub", "image"),
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
            },
            "mode": mode,
            "accel": accel,
            "host": "6.1" if accel == "user" else "6.12",
            "cpus": cpus,
            "link": "tap",
            "root": True,
        }


class Row(pc.Row, domain.Domain, net.Row):
    """One PC as a guest of Xen."""

    memory = domain.Domain.memory
    patience = BOOT_SECONDS

    def run_vmm(self, *options):
        """The same, by the engine that was asked for."""
        super().run_vmm(
            "--abi=xen", "--xen-accel=" + self.row["accel"], *options
        )

    def common(self):
        """Disk and link; what is written to the disk is thrown away, unless
        it is looked at in the end."""
        net.tap_setup()
        disk = self.row["images"]["disk"] + ",snapshot=on"
        if "fsck" in self.row["boots"][0]:
            disk = image.copy(self.master(), "root.img")
        return "--disk=" + disk, "--net=tap,ifname=" + net.TAP

    def login(self):
        """By BIOS and GRUB to a shell on the disk."""
        self.start_pc(*self.common())
        return self.guest.login_disk(BOOT_SECONDS).group(1).decode()

    def direct(self, append=""):
        """A kernel that is the host's, as bzImage, without BIOS and GRUB."""
        images = self.row["images"]
        self.run_vmm(
            *self.common(),
            "--initrd=" + images["initrd"],
            f"--append=console=ttyS0 {image.APPEND} {append}",
            images["kernel"],
        )
        return self.guest.login_disk(BOOT_SECONDS).group(1).decode()

    def intx(self):
        """One that takes its events by the platform device's pin."""
        return self.direct("xen_no_vector_callback")

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

    def ordered(self):
        """A reboot by order of the operator."""
        return domain.Domain.reboot(self)

    def fsck(self):
        """Nothing is wrong with the file system that is left behind."""
        image.fsck(image.path("root.img"), PARTITION)
        return "clean"

    def show_all(self):
        """Everything, and nothing of it is left behind."""
        try:
            super().show_all()
        finally:
            image.forget("root.img")
