# SPDX-License-Identifier: GPL-2.0-or-later
"""What every kind of row has in common, on the machine that has the KVM.

A row is a guest, or some one after the other, and the properties it must
show. Each property is a method (of kill-3, what is before the dash) that
returns what to tell, or raises. A module for one kind has a table of its rows
(rows), their limits, and the class that shows them (Row).
"""

import subprocess
import time

from guest import GuestError


class Row:
    """One row of the job, and what it has shown."""

    def __init__(self, vmm, row):
        self.vmm = vmm
        self.row = row
        self.guest = None

    def tell(self, verb, *arguments):
        """Runs a command of vmm on this guest; returns what it said."""
        done = subprocess.run(
            [self.vmm, verb, self.row["machine"], *arguments],
            capture_output=True,
            timeout=90,
            check=False,
            text=True,
        )
        if done.returncode != 0:
            raise GuestError(f"vmm {verb}: {done.returncode}, {done.stderr!r}")
        return done.stdout

    def poweroff(self):
        """Power-off from inside ends vmm with status 0."""
        self.guest.send(b"poweroff -f\n")
        self.ended()
        return "status 0"

    def ended(self):
        """vmm has ended well, or GuestError."""
        status = self.guest.wait(60)
        if status != 0:
            raise GuestError(f"vmm ended with status {status}")

    def attempt(self, step):
        """One property: its verdict and what there is to tell."""
        try:
            return "pass", getattr(self, step.split("-")[0])()
        except (
            GuestError,
            OSError,
            ValueError,
            subprocess.SubprocessError,
        ) as error:
            return "fail", str(error)

    def show(self, steps, prefix=""):
        """Shows the properties in order; those after a failure fail too."""
        reason = None
        for step in steps:
            start = time.monotonic()
            verdict, text = "fail", f"not reached: {reason}"
            if reason is None:
                verdict, text = self.attempt(step)
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

    def show_all(self):
        """Every boot of the row with its properties."""
        for number, steps in enumerate(self.row["boots"]):
            self.show(steps, "again-" if number else "")
