# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel x format x CPUs x memory: Debian's kernels in RAM alone.

Each boots to the shell of the initramfs and shows: init runs, all CPUs and
memory are there, 64 KiB typed and 16 or 64 written arrive unchanged, the machine
reboots and comes up again, it ends with status 0 by power-off from inside or
by `vmm stop`. By default a small set of rows in which any two values of any
two columns meet; the long set has all rows, each ended both ways.
"""

import base64
import hashlib
import itertools
import os
import re

import row
from guest import Guest, GuestError

MIB = 1 << 20

# A covering array: all pairs of values of kernel version, format, CPUs and
# memory occur. Both ways to end, and both flavours of kernel, are in it too.
SHORT = [
    ("debian-6.1-cloud", "bzimage", 1, 128, ["poweroff"]),
    ("debian-6.1", "vmlinux", 2, 4096, ["stop"]),
    ("debian-6.12", "bzimage", 2, 4096, ["poweroff"]),
    ("debian-6.12-cloud", "vmlinux", 1, 4096, ["stop"]),
    ("debian-6.12-cloud", "vmlinux", 2, 128, ["poweroff"]),
]
KERNELS = ["debian-6.1-cloud", "debian-6.12-cloud", "debian-6.1", "debian-6.12"]
LONG = [
    one + (["poweroff", "stop"],)
    for one in itertools.product(
        KERNELS, ["bzimage", "vmlinux"], [1, 2], [128, 4096]
    )
]
# Two boots and the properties; many times what it takes, and no more.
SECONDS = 200

BOOT_SECONDS = 90
PASTE = 64 << 10
# Written through a UART that is never full, Linux stays in its interrupt: on an
# emulated host beside other work 64 KiB took so long that its watchdog for
# stalls (21 s) wrote into the text.
OUTPUT = {False: 16 << 10, True: 64 << 10}
ESCAPE = b"\x1d"  # vmm's own escape key: doubled or eaten, so not pasted


def rows(long):
    """The rows, their images by name."""
    whole = ["boot", "cpus", "memory", "input", "output", "reboot"]
    for kernel, form, cpus, memory, ends in LONG if long else SHORT:
        name = f"{kernel.removeprefix('debian-')}-{form}-{cpus}cpu-{memory}M"
        yield {
            "name": "linux/" + name,
            "boots": [whole + ends[:1]] + [["boot", end] for end in ends[1:]],
            "seconds": SECONDS,
            "images": {
                "kernel": (kernel, form),
                "initrd": (kernel, "initramfs"),
            },
            "cpus": cpus,
            "output": OUTPUT[long],
            "memory": memory * MIB,
        }


class Row(row.Row):
    """One combination of kernel and machine."""

    def boot(self):
        """init runs and the shell answers."""
        cfg = self.row
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--mode=pvh",
                "--name=" + cfg["machine"],
                f"--cpus={cfg['cpus']}",
                f"--memory={cfg['memory'] >> 20}M",
                "--initrd=" + cfg["images"]["initrd"],
                "--append=console=ttyS0 quiet",
                cfg["images"]["kernel"],
            ]
        )
        return self.guest.login(BOOT_SECONDS).group(1).decode()

    def cpus(self):
        """Every CPU is online."""
        online = int(self.guest.run("nproc"))
        if online != self.row["cpus"]:
            raise GuestError(f"{online} CPUs instead of {self.row['cpus']}")
        return f"{online} online"

    def memory(self):
        """All RAM but the first MiB's holes is the kernel's."""
        text = self.guest.run("grep 'System RAM' /proc/iomem").decode()
        ranges = re.findall(r"([0-9a-f]+)-([0-9a-f]+) : System RAM", text)
        ram = sum(int(end, 16) + 1 - int(start, 16) for start, end in ranges)
        size = self.row["memory"]
        if not size - (1 << 20) <= ram <= size:
            raise GuestError(f"System RAM {ram >> 10} KiB of {size >> 10}")
        text = self.guest.run("grep MemTotal /proc/meminfo").decode()
        total = int(text.split()[1]) << 10
        if not size * 6 // 10 <= total <= size:
            raise GuestError(f"MemTotal {total >> 10} KiB of {size >> 10}")
        return f"MemTotal {total >> 20} MiB"

    def input(self):
        """64 KiB of any bytes but the escape key arrive as pasted."""
        data = os.urandom(PASTE * 2).replace(ESCAPE, b"")[:PASTE]
        want = hashlib.sha256(data).hexdigest()
        self.guest.send(
            b"stty raw; echo @go@; head -c %d | sha256sum; "
            b"stty sane -echo\n" % PASTE
        )
        self.guest.expect(rb"@go@\r*\n", 60)
        self.guest.send(data)
        found = self.guest.expect(rb"([0-9a-f]{64})", 120).group(1).decode()
        self.guest.expect(rb"@0@\r*\n", 60)
        if found != want:
            raise GuestError("the sum of what arrived differs")
        return f"{PASTE} bytes"

    def output(self):
        """Text leaves the guest as written."""
        size = self.row["output"] * 3 // 4  # base64 makes 4 bytes of 3
        self.guest.run(f"head -c {size} /dev/urandom >/tmp/data")
        want = self.guest.run("sha256sum </tmp/data").split()[0].decode()
        text = self.guest.run("base64 /tmp/data", 120)
        if hashlib.sha256(base64.b64decode(text)).hexdigest() != want:
            raise GuestError("the sum of what arrived differs")
        return f"{len(text)} bytes"

    def reboot(self):
        """The guest reboots and comes up again in the same vmm."""
        self.guest.send(b"reboot -f\n")
        self.guest.login(BOOT_SECONDS)
        self.cpus()
        return "up again"

    def stop(self):
        """`vmm stop` presses the power button; the guest does the rest."""
        self.tell("stop")
        self.ended()
        if b"GUEST-BUTTON" not in self.guest.seen:
            raise GuestError("the guest saw no power button")
        return "status 0"
