# SPDX-License-Identifier: GPL-2.0-or-later
"""A PC: its BIOS, the boot loader on a disk, and a Debian nobody prepared.

What starts is the disk's own GRUB, kernel and initramfs. The rows: an IDE disk
and one CPU, with what Linux made of the chips, blocks written and verified, a
reboot that returns to GRUB, and poweroff from inside; virtio and two CPUs, and
the power button; in the long set a CD-ROM too.
"""

import image
from guest import Guest, GuestError

SECONDS = 400
BOOT_SECONDS = 180
GRUB = rb"GNU GRUB"

ROWS = [
    ("ide", "hvm", 1, ["login", "chips", "verify", "reboot", "poweroff"]),
    ("virtio", "hvm-pv", 2, ["login", "chips", "button"]),
]

# What must be at work, by mode: in /proc/interrupts, and of the disk.
CHIPS = {
    "hvm": (["timer", "rtc0", "acpi", "i8042", "ttyS0", "ata_piix"], "sda"),
    "hvm-pv": (["timer", "rtc0", "acpi", "i8042", "ttyS0", "virtio0"], "vda"),
}


def rows(long):
    """The rows, their images by name."""
    for name, mode, cpus, boot in ROWS:
        yield {
            "name": f"linux/pc-{name}",
            "boots": [boot],
            "seconds": SECONDS,
            "images": {"disk": ("debian-12-grub", "image")},
            "mode": mode,
            "cpus": cpus,
        }
    if long:
        yield {
            "name": "linux/pc-cdrom",
            "boots": [["cdrom", "halt"]],
            "seconds": SECONDS,
            "images": {"disk": ("debian-iso", "image")},
            "mode": "hvm",
            "cpus": 1,
        }


class Row(image.DiskRow):
    """One PC."""

    def start_pc(self, disk):
        """vmm with this disk, to the boot loader's menu."""
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--mode=" + self.row["mode"],
                "--name=" + self.row["machine"],
                f"--cpus={self.row['cpus']}",
                "--memory=512M",
                "--log=warn",  # the terminal is the guest's
                "--disk=" + disk,
            ]
        )
        self.guest.expect(GRUB, BOOT_SECONDS)

    def login(self):
        """By BIOS and GRUB to a shell on the disk."""
        self.start_pc(self.row["images"]["disk"] + ",snapshot=on")
        return self.guest.login_disk(BOOT_SECONDS).group(1).decode()

    def chips(self):
        """Linux drives the PC's chips, and finds nothing wrong with them."""
        run, (drivers, disk) = self.guest.run, CHIPS[self.row["mode"]]
        interrupts = run("cat /proc/interrupts").decode()
        missing = [d for d in drivers if d not in interrupts]
        if missing:
            raise GuestError(f"no interrupt of {', '.join(missing)}")
        if run("nproc").strip() != str(self.row["cpus"]).encode():
            raise GuestError("not all CPUs")
        run(f"grep -q ' {disk}' /proc/partitions")
        said = run("dmesg -l emerg,alert,crit,err | grep -vi spectre || true")
        if said.strip():
            raise GuestError(f"the kernel says {said[-200:]!r}")
        return f"{len(drivers)} drivers, {self.row['cpus']} CPUs"

    def verify(self):
        """What is written to the disk is read back the same."""
        run = self.guest.run
        run(
            "cd /root && fio --name=v --size=3m --rw=randwrite --bs=4k "
            "--direct=1 --verify=crc32c --verify_fatal=1 --output=/dev/null",
            120,
        )
        return "3 MiB"

    def reboot(self):
        """reboot(8) leads to the BIOS, GRUB, and a shell again."""
        self.guest.send(b"reboot\n")
        self.guest.expect(GRUB, BOOT_SECONDS)
        return self.guest.login_disk(BOOT_SECONDS).group(1).decode()

    def button(self):
        """`vmm stop` presses the power button, and init heeds it."""
        self.tell("stop")
        self.ended()
        return "status 0"

    def cdrom(self):
        """El Torito: GRUB on the CD-ROM, and a kernel from there."""
        self.start_pc(self.row["images"]["disk"] + ",media=cdrom,ro=on")
        self.guest.login(BOOT_SECONDS)
        self.guest.run("ls -d /sys/block/sr0")
        return "a shell"

    def halt(self):
        """Power-off from inside ends vmm with status 0."""
        self.guest.send(b"poweroff -f\n")
        self.ended()
        return "status 0"
