# SPDX-License-Identifier: GPL-2.0-or-later
"""Sudden death: kill -9 of vmm while Linux writes, flushes and is answered.

A process of the guest appends records to a file and writes them to a second
disk, one after the other; after fsync of both it says on the console which
number is safe. vmm is killed at some random moment. Every number that was
said must then be on the host in both places, and the root file system must be
whole once its journal is replayed. The next round boots from what the last
one left behind.
"""

import os
import random
import re
import struct
import time

import image
from guest import GuestError

MIB = 1 << 20
RECORD = 4096
SLOTS = 8192  # records on the second disk, used round and round

# The cache of both disks in round 1, 2, 3, and again.
CACHES = ["writeback", "none", "writethrough"]

WRITER = (
    'use IO::Handle; $| = 1; open(F, ">", "/srv/log") or die; '
    'open(D, "+<", "/dev/vdb") or die; for ($n = 1;; $n++) {{ '
    '$r = pack("NN", {round}, $n) x 512; '
    "syswrite(F, $r) == 4096 or die; F->sync or die; "
    "sysseek(D, $n % 8192 * 4096, 0); "
    'syswrite(D, $r) == 4096 or die; D->sync or die; print "SAFE $n\\n" }}'
)


def rows(long):
    """The rows, their images by name."""
    rounds = 20 if long else 3
    both = [("debian-6.12", "pci"), ("debian-6.1", "mmio")]
    for kernel, transport in both if long else both[:1]:
        yield {
            "name": f"linux/kill-{transport}",
            "boots": [[f"kill-{n + 1}" for n in range(rounds)]],
            "seconds": 60 + 60 * rounds,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
                "disk": ("debian-12", "image"),
            },
            "transport": transport,
        }


class Row(image.DiskRow):
    """One image, and the rounds that it goes through."""

    def __init__(self, vmm, row):
        super().__init__(vmm, row)
        self.round = 0

    def kill(self):
        """One round: whatever was said to be safe is there."""
        self.round += 1
        if self.round == 1:
            image.copy(self.master(), "root.img")
            image.create("raw.img", SLOTS * RECORD)
        cache = CACHES[(self.round - 1) % len(CACHES)]
        self.start(
            *(
                f"--disk={image.path(name)},cache={cache}"
                for name in ("root.img", "raw.img")
            )
        )
        self.guest.send(
            b"perl -e '" + WRITER.format(round=self.round).encode() + b"'\n"
        )
        self.guest.expect(rb"SAFE 1\r*\n", 60)
        seconds = random.uniform(0.05, 4)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.guest.listen(0.01)
        safe = self.dead()
        self.check_raw(safe)
        self.check_file(safe)
        return f"after {seconds:.2f} s, cache={cache}: {safe} records are there"

    def dead(self):
        """Kills vmm; returns the last number that came out before."""
        self.guest.close()
        said = re.findall(rb"SAFE (\d+)\r*\n", self.guest.seen)
        self.guest = None
        return int(said[-1])

    def same(self, data, number):
        """GuestError unless data is the record of that number."""
        want = struct.pack(">II", self.round, number) * (RECORD // 8)
        if data != want:
            found = struct.unpack(">II", data[:8]) if len(data) > 7 else "none"
            raise GuestError(f"record {number} was safe and is {found}")

    def check_raw(self, safe):
        """The second disk holds the records, the newest of each slot."""
        with open(image.path("raw.img"), "rb") as file:
            # The one after the last may be there already, over an old one.
            for number in range(max(1, safe - SLOTS + 2), safe + 1):
                offset = number % SLOTS * RECORD
                self.same(os.pread(file.fileno(), RECORD, offset), number)

    def check_file(self, safe):
        """So does the file, after a replay of the journal, all clean."""
        root, out = image.path("root.img"), image.path("log")
        # 1: something was mended, and that is what a journal is for.
        image.tool("e2fsck", "-y", "-E", "journal_only", root, good=(0, 1))
        image.fsck(root)
        image.tool("debugfs", "-R", f"dump /srv/log {out}", root)
        with open(out, "rb") as file:
            for number in range(1, safe + 1):
                self.same(file.read(RECORD), number)
        os.unlink(out)

    def show_all(self):
        """Everything, and nothing of it is left behind."""
        try:
            super().show_all()
        finally:
            image.forget("root.img", "raw.img", "log")
