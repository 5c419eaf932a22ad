# SPDX-License-Identifier: GPL-2.0-or-later
"""A PC's disks: Debian with its root and more behind AHCI, or behind IDE.

A row boots the kernel directly on a PC, logs in on a root file system behind
the controller, writes and verifies by fio there and on a second disk, reads a
disc in a CD-ROM drive, powers off, and leaves both file systems clean.
"""

import os

import disk
import image
from guest import GuestError

MIB = 1 << 20
DISC = 24 * MIB

SHORT = [("ahci", "debian-6.1")]
LONG = [
    (controller, kernel)
    for controller in ("ahci", "ide")
    for kernel in ("debian-6.1", "debian-6.12")
]
STEPS = ["login", "verify", "disc", "poweroff", "fsck"]
DRIVERS = {"ahci": "ahci", "ide": "ata_piix"}


def rows(long):
    """The rows, their images by name."""
    for controller, kernel in LONG if long else SHORT:
        yield {
            "name": f"linux/{controller}-{kernel.removeprefix('debian-')}",
            "boots": [STEPS],
            "seconds": 1800 if long else 360,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
                "disk": ("debian-12", "image"),
            },
            "mode": "hvm",
            "transport": "pci",
            "controller": controller,
            "long": long,
        }


class Row(disk.Row):
    """One guest with two disks and a disc."""

    def login(self):
        """Boots from the disk behind the controller that was asked for."""
        kind = "if=" + self.row["controller"]
        image.copy(self.master(), "root.img")
        image.create("space.img", disk.SPACE)
        with open(image.path("fixed.img"), "wb") as file:
            file.write(os.urandom(DISC))
        self.sums["disc"] = disk.digest(image.path("fixed.img"))
        release = self.start(
            f"--disk={image.path('root.img')},{kind}",
            f"--disk={image.path('space.img')},{kind}",
            f"--disk={image.path('fixed.img')},ro=on,media=cdrom,{kind}",
        )
        card = self.guest.run(
            "cd -P /sys/block/sda/device && "
            "while [ ! -e vendor -o ! -e class ]; do cd ..; done; "
            "readlink driver; cat /sys/block/sda/device/queue_depth"
        ).decode().split()
        driver = card[0].rpartition("/")[2]
        if driver != DRIVERS[self.row["controller"]]:
            raise GuestError(f"the disk is driven by {driver}")
        return f"{release} by {driver}, {card[1]} commands at a time"

    def verify(self):
        """fio --verify on both disks."""
        size, loops = (16, 3) if self.row["long"] else (6, 1)
        # Ports are looked at side by side: names are given as they come.
        root = self.guest.run("findmnt -n -o SOURCE /").decode().strip()
        other = "/dev/sda" if root == "/dev/sdb" else "/dev/sdb"
        self.guest.run(f"mkfs.ext4 -q {other} && mount {other} /mnt")
        total = sum(self.fio(d, size, loops) for d in ("/root", "/mnt"))
        if total < 2 * 4 * size * loops * 9 // 10:
            raise GuestError(f"fio has written {total} MiB only")
        self.guest.run("umount /mnt")
        return f"{total} MiB written and verified"

    def disc(self):
        """The disc is read as it is, and cannot be written."""
        found = self.guest.run("sha256sum </dev/sr0", 300).split()[0].decode()
        if found != self.sums["disc"]:
            raise GuestError("the sum of what was read differs")
        self.guest.run("! dd if=/dev/zero of=/dev/sr0 count=4 2>&1")
        return f"{DISC // MIB} MiB"
