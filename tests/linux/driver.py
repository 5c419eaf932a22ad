#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""driver.py VMM JOB: boots the rows of JOB, where there is a KVM.

matrix.py runs it, directly or in nested KVM. JOB is a JSON file: a list of
rows, each with name, kernel, initrd, cpus, memory (bytes) and ends. For each
row every property is one line of output, RESULT pass|fail NAME/PROPERTY
SECONDS TEXT, written as soon as it is known, so that a lost session loses
nothing that was already shown. A failure is followed by the console's end.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time

from guest import Guest, GuestError

BOOT_SECONDS = 90
PASTE = 64 << 10
ESCAPE = b"\x1d"  # vmm's own escape key: doubled or eaten, so not pasted


class Row:
    """One combination of kernel and machine, and what it has shown."""

    def __init__(self, vmm, row):
        self.vmm = vmm
        self.row = row
        self.guest = None

    def boot(self):
        """init runs and the shell answers."""
        row = self.row
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--mode=pvh",
                "--name=" + row["machine"],
                f"--cpus={row['cpus']}",
                f"--memory={row['memory'] >> 20}M",
                "--initrd=" + row["initrd"],
                "--append=console=ttyS0 quiet",
                row["kernel"],
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
        """64 KiB of text leave the guest as written."""
        self.guest.run(f"head -c {PASTE * 3 // 4} /dev/urandom >/tmp/data")
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

    def poweroff(self):
        """Power-off from inside ends vmm with status 0."""
        self.guest.send(b"poweroff -f\n")
        self.ended()
        return "status 0"

    def stop(self):
        """`vmm stop` presses the power button; the guest does the rest."""
        done = subprocess.run(
            [self.vmm, "stop", self.row["machine"]],
            capture_output=True,
            timeout=90,
            check=False,
        )
        if done.returncode != 0:
            raise GuestError(f"vmm stop: {done.returncode}, {done.stderr!r}")
        self.ended()
        if b"GUEST-BUTTON" not in self.guest.seen:
            raise GuestError("the guest saw no power button")
        return "status 0"

    def ended(self):
        """vmm has ended well, or GuestError."""
        status = self.guest.wait(60)
        if status != 0:
            raise GuestError(f"vmm ended with status {status}")

    def show(self, steps, prefix=""):
        """Shows the properties in order; those after a failure fail too."""
        reason = None
        for step in steps:
            start = time.monotonic()
            verdict = "fail"
            if reason is None:
                try:
                    text = getattr(self, step)()
                    verdict = "pass"
                except (
                    GuestError,
                    OSError,
                    ValueError,
                    subprocess.TimeoutExpired,
                ) as error:
                    text = str(error)
            else:
                text = f"not reached: {reason}"
            took = time.monotonic() - start
            name = f"{self.row['name']}/{prefix}{step}"
            print(f"RESULT {verdict} {name} {took:.1f} {text}", flush=True)
            if verdict == "fail" and reason is None:
                reason = f"{step} failed"
                for line in self.guest.tail() if self.guest else []:
                    print(f"  | {line}", flush=True)
        if self.guest:
            self.guest.close()
            self.guest = None


def main():
    """Every row of the job, one after the other."""
    vmm, job = sys.argv[1:]
    with open(job, encoding="utf-8") as file:
        rows = json.load(file)
    for number, row in enumerate(rows):
        row["machine"] = f"linux{number}"
        whole = ["boot", "cpus", "memory", "input", "output", "reboot"]
        Row(vmm, row).show(whole + row["ends"][:1])
        for end in row["ends"][1:]:
            Row(vmm, row).show(["boot", end], "again-")


if __name__ == "__main__":
    main()
