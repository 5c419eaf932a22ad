# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks of a guest, and what must be on them in the end.

An option --disk=@SIZE@,... gets an image of that size (8M) with a pattern on
it. A guest says on its console what the device acknowledged, as
guests/lib/disk.h does:

    wrote DISK SECTOR COUNT SEED     the pattern of that seed
    zeroed DISK SECTOR COUNT 0       zeroes
    discarded DISK SECTOR COUNT 0    anything from then on
    asked DISK SECTOR COUNT SEED     the pattern or what was there: a write
                                     that was not acknowledged

Every byte of the images is then compared with that.
"""
import os
import re
import shutil
import struct
import tempfile

from harness import TestFailure

SECTOR = 512
WORDS = SECTOR // 4
MASK = 0xFFFFFFFF
SAID = re.compile(
    rb"^(wrote|zeroed|discarded|asked) (\d+) (\d+) (\d+) (\d+)\r?$", re.M
)


def pattern(sector, seed):
    """One sector of a pattern, as guests/lib/disk.c makes it."""
    first = sector * 0x9E3779B1 + seed * 0x85EBCA6B
    return struct.pack(
        f"<{WORDS}I", *((first + i * 0xC2B2AE35) & MASK for i in range(WORDS))
    )


class Images:
    """The images of one guest and a model of what is on them."""

    def __init__(self, options):
        self.folder = tempfile.mkdtemp(prefix="guest-disk-")
        self.paths = []
        self.models = []  # by disk: sector -> the contents it may have
        self.sizes = []
        self.options = [self.fill_in(option) for option in options]

    def fill_in(self, option):
        """The option, with an image in place of @SIZE@."""
        found = re.match(r"--disk=@(\d+)M@(.*)", option)
        if not found:
            return option
        path = os.path.join(self.folder, f"disk{len(self.paths)}")
        sectors = int(found.group(1)) * 2048
        with open(path, "wb") as file:
            for sector in range(sectors):
                file.write(pattern(sector, 0))
        self.paths.append(path)
        self.models.append({})
        self.sizes.append(sectors)
        return f"--disk={path}{found.group(2)}"

    def believe(self, console):
        """Take in what the guest said it did."""
        for verb, *numbers in SAID.findall(console):
            disk, sector, count, seed = map(int, numbers)
            for at in range(sector, sector + count):
                self.models[disk][at] = self.after(verb, disk, at, seed)

    def after(self, verb, disk, sector, seed):
        """What may be in a sector after that; None: anything."""
        before = self.may_be(disk, sector)
        if verb == b"discarded" or (verb == b"asked" and before is None):
            return None
        if verb == b"zeroed":
            return {bytes(SECTOR)}
        if verb == b"wrote":
            return {pattern(sector, seed)}
        return before | {pattern(sector, seed)}

    def may_be(self, disk, sector):
        """The contents a sector may have; None: any."""
        return self.models[disk].get(sector, {pattern(sector, 0)})

    def check(self, console):
        """Compare all images with what the guest said."""
        self.believe(console)
        for disk, path in enumerate(self.paths):
            if os.path.getsize(path) != self.sizes[disk] * SECTOR:
                raise TestFailure(
                    f"expected disk {disk} to keep its size, seen "
                    f"{os.path.getsize(path)} bytes"
                )
            with open(path, "rb") as file:
                for sector in range(self.sizes[disk]):
                    self.check_sector(disk, sector, file.read(SECTOR))

    def check_sector(self, disk, sector, data):
        """One sector is what it may be."""
        allowed = self.may_be(disk, sector)
        if allowed is not None and data not in allowed:
            raise TestFailure(
                f"disk {disk}, sector {sector}: expected what was "
                f"acknowledged, seen {data[:16].hex()}..."
            )

    def close(self):
        """Nothing stays."""
        shutil.rmtree(self.folder)
