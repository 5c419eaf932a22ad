#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""grub-xen.py VMM: GRUB's image for Xen's PVH, which others wrote for Xen.

By its PVH note, on a KVM of whatever kind: it puts up its prompt on the Xen
console and lists a disk that it reached by its own blkfront. Skips where the
image is not to be had: scripts/guest-images gets it.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/linux"))
from guest import Guest, GuestError  # pylint: disable=wrong-import-position

SKIP = 77
IMAGE = "usr/lib/grub-xen/grub-i386-xen_pvh.bin"
DISK_BYTES = 8 << 20


def image():
    """The path of GRUB, or None."""
    done = subprocess.run(
        [ROOT / "scripts/guest-images", "path", "grub-xen"],
        stdout=subprocess.PIPE,
        timeout=60,
        text=True,
        check=False,
    )
    return pathlib.Path(done.stdout.strip()) / IMAGE if done.returncode == 0 else None


def talk(command):
    """To the prompt, and a question there."""
    guest = Guest(command)
    try:
        guest.expect(rb"Welcome to GRUB!", 60)
        guest.expect(rb"grub> ", 60)
        guest.send(b"ls\r")
        guest.expect(rb"\(xen/xvda\)", 30)
        return 0
    except GuestError as error:
        print(f"{error}; the console's end:")
        print("\n".join(guest.tail(20)))
        return 1
    finally:
        guest.close()


def main():
    """The exit status."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("no usable /dev/kvm")
        return SKIP
    try:
        grub = image()
    except (OSError, subprocess.SubprocessError) as error:
        print(error)
        grub = None
    if grub is None:
        print("scripts/guest-images cannot get grub-xen")
        return SKIP
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.truncate(DISK_BYTES)
        return talk(
            [sys.argv[1], "run", f"--name=grub-xen-{os.getpid()}", "--mode=pvh",
             "--abi=xen", "--memory=128M", "--log=warn",
             f"--disk={disk.name},ro=on", str(grub)]
        )


if __name__ == "__main__":
    sys.exit(main())
