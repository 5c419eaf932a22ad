# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk images of a session, and what starts a guest from one.

The cached image is never changed: rows work on copies in a directory that
goes away with the session. Inside nested KVM that is RAM.
"""

import atexit
import contextlib
import os
import shutil
import subprocess
import tempfile
import zlib

import row
from guest import Guest, GuestError

LOGIN_SECONDS = 120
CHUNK = 4 << 20
# What a guest's kernel is told besides; its root is found by label.
APPEND = "quiet mitigations=off vm.dhcp=off root=LABEL=debian"

folder = tempfile.mkdtemp(prefix="linux-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)


def path(name):
    """Where a file of that name is in the session's directory."""
    return os.path.join(folder, name)


def pieces(begin, end):
    """Offset and length of the chunks of a range."""
    for offset in range(begin, end, CHUNK):
        yield offset, min(CHUNK, end - offset)


def master(source, ranges):
    """A copy of a cached image, made once; only its data are read."""
    target = path(f"master-{zlib.crc32(source.encode()):08x}.img")
    if os.path.exists(target):
        return target
    with open(source, "rb") as old, open(target + ".part", "wb") as new:
        new.truncate(os.fstat(old.fileno()).st_size)
        for begin, end in ranges:
            for offset, size in pieces(begin, end):
                data = os.pread(old.fileno(), size, offset)
                os.pwrite(new.fileno(), data, offset)
    os.rename(target + ".part", target)
    return target


def checksum(file_path, ranges):
    """A checksum over these ranges of a file."""
    total = 0
    with open(file_path, "rb") as file:
        for begin, end in ranges:
            for offset, size in pieces(begin, end):
                total = zlib.crc32(os.pread(file.fileno(), size, offset), total)
    return total


def copy(source, name):
    """A sparse copy of an image, to be written to."""
    target = path(name)
    subprocess.run(
        ["cp", "--sparse=always", "--reflink=auto", source, target], check=True
    )
    return target


def create(name, size):
    """A new image, all hole."""
    target = path(name)
    with open(target, "wb") as file:
        file.truncate(size)
    return target


def forget(*names):
    """Gives the space back."""
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path(name))


def tool(*command, good=(0,)):
    """A program of the host; GuestError unless its status is a good one."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
        text=True,
    )
    if done.returncode not in good:
        last = done.stdout.strip().splitlines()[-3:]
        raise GuestError(f"{command[0]}: {done.returncode}: {' | '.join(last)}")


def fsck(file_path, offset=0):
    """GuestError unless the file system there is clean, journal and all."""
    tool("e2fsck", "-f", "-n", f"{file_path}?offset={offset}")


class DiskRow(row.Row):
    """A row whose guest has a Debian root file system on a disk."""

    console = "ttyS0"
    patience = LOGIN_SECONDS

    def machine(self):
        """The options that say what machine it is."""
        return [
            "--mode=" + self.row.get("mode", "pvh"),
            "--transport=" + self.row["transport"],
        ]

    def start(self, *options):
        """vmm with these options, to a shell by the login prompt."""
        images, append = self.row["images"], f"console={self.console} {APPEND}"
        if self.row.get("transport") == "pci-legacy":
            append += " virtio_pci.force_legacy=1"
        self.guest = Guest(
            [
                self.vmm,
                "run",
                *self.machine(),
                "--name=" + self.row["machine"],
                "--memory=256M",
                "--log=warn",  # the terminal is the guest's
                "--initrd=" + images["initrd"],
                "--append=" + append,
                *options,
                images["kernel"],
            ]
        )
        return self.guest.login_disk(self.patience).group(1).decode()

    def master(self):
        """The session's copy of the row's image: never written to."""
        return master(self.row["images"]["disk"], self.row["extents"]["disk"])

    def poweroff(self):
        """A whole shutdown, file systems and all, and vmm ends well."""
        self.guest.send(b"poweroff\n")
        self.ended()
        return "status 0"

    def perl(self, script, seconds=60):
        """Runs a short script in the guest."""
        return self.guest.run("perl -e '" + script + "'", seconds)
