# SPDX-License-Identifier: GPL-2.0-or-later
"""A host's file system that is full, under Debian writing to a disk on it.

With on-error=stop the guest is paused and `vmm status` names the disk; with
room again it goes on and nothing is lost. When it is full for good `vmm stop`
has the guest told, which then powers off, and its file system can be repaired.
Only in the long set.
"""

import hashlib
import os
import re
import time

import image
from guest import GuestError

MIB = 1 << 20
DISK = 256 * MIB
TIGHT, WIDE = "24m", "80m"  # what the host has for it
STEPS = ["login", "full", "room", "stop", "repair"]
# The file's n-th block begins with n: none is another's.
WRITER = (
    'open(my $f, ">", "/mnt/{name}") or exit 1; '
    'for my $n (1..{mib}) {{ print $f pack("N", $n) x 262144 or exit 1 }} '
    "$f->flush or exit 1; $f->sync or exit 1"
)


def rows(long):
    """The rows, their images by name."""
    for kernel, transport in [("debian-6.12", "pci")] if long else []:
        yield {
            "name": f"linux/full-{transport}-{kernel.removeprefix('debian-')}",
            "boots": [STEPS],
            "seconds": 600,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
                "disk": ("debian-12", "image"),
            },
            "transport": transport,
            "root": True,
        }


def expected(mib):
    """The sum of what WRITER writes."""
    total = hashlib.sha256()
    for number in range(1, mib + 1):
        total.update(number.to_bytes(4, "big") * 262144)
    return total.hexdigest()


class Row(image.DiskRow):
    """A guest with a disk on a small tmpfs of the host's."""

    def disk(self):
        """The image, all hole, on its own file system."""
        return os.path.join(image.path("full"), "disk")

    def resize(self, size):
        """So much room does the host have."""
        image.tool("mount", "-o", f"remount,size={size}", image.path("full"))

    def login(self):
        """Boots, and mounts a file system on the disk."""
        os.makedirs(image.path("full"), exist_ok=True)
        image.tool("mount", "-t", "tmpfs", "-o", f"size={TIGHT}", "full",
                   image.path("full"))
        with open(self.disk(), "wb") as file:
            file.truncate(DISK)
        release = self.start(
            f"--disk={self.master()},snapshot=on",
            f"--disk={self.disk()},id=data,on-error=stop",
        )
        self.guest.run("mkfs.ext4 -q -E nodiscard,lazy_itable_init=1 /dev/vdb")
        self.guest.run("mount /dev/vdb /mnt && sync")
        return release

    def paused(self):
        """Waits until status says so; the line about the disk."""
        for _ in range(300):
            said = self.tell("status")
            if re.search(r"(?m)^state +paused", said):
                break
            self.guest.listen(0.2)
        else:
            raise GuestError("the guest is not paused")
        found = re.search(r"(?m)^stopped_disks\.data +(.*)$", said)
        if not found or "No space left" not in found.group(1):
            raise GuestError(f"vmm status: {said[-300:]}")
        return found.group(1)

    def write(self, name, mib):
        """Has the guest write so much, and says when it has."""
        script = WRITER.format(name=name, mib=mib)
        self.guest.send(f"perl -e '{script}'\n".encode())

    def full(self):
        """The guest writes more than there is room for, and is paused."""
        self.write("first", 40)
        return self.paused()

    def room(self):
        """With room again all of it is written, and is what it was."""
        self.resize(WIDE)
        self.tell("resume")
        status = self.guest.expect(rb"@(\d+)@\r*\n", 120).group(1)
        if status != b"0":
            raise GuestError(f"the writer's status is {status.decode()}")
        self.guest.run("echo 3 >/proc/sys/vm/drop_caches")
        found = self.guest.run("sha256sum </mnt/first", 60).split()[0].decode()
        if found != expected(40):
            raise GuestError("the sum of what was read differs")
        return "40 MiB as they were written"

    def stop(self):
        """Full for good: the guest is told of it, and can power off."""
        self.write("second", 60)
        said = self.paused()
        start = time.monotonic()
        if "powered off" not in (text := self.tell("stop", "--timeout", "80")):
            raise GuestError(f"vmm stop: {text}")
        self.ended()
        return f"{said}; ended in {time.monotonic() - start:.0f} s"

    def repair(self):
        """What was complete before is there after fsck."""
        self.resize("2g")
        image.tool("e2fsck", "-f", "-y", self.disk(), good=(0, 1))
        image.fsck(self.disk())
        return "clean"

    def show_all(self):
        """Everything, and nothing of it is left behind."""
        try:
            super().show_all()
        finally:
            image.tool("umount", image.path("full"), good=(0, 32))
