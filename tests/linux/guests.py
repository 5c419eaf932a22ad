# SPDX-License-Identifier: GPL-2.0-or-later
"""The tiny kernels of guests/ where KVM knows of Xen: --xen-accel=kernel.

The KVM of a machine without VMX or SVM does not, so that tests/guest/table has
them with the other engine. Each is one property, judged by tests/guest/run-guest
as there.
"""

import os
import pathlib
import subprocess

import row
from guest import GuestError

RUN = pathlib.Path(__file__).resolve().parent.parent / "guest/run-guest"
LIMIT = 40  # seconds; they take one or two

# Guest and variant, driver, options of vmm, options of the guest.
SHORT = [
    ("xen-calls.pvh64", "plain", "", ""),
    ("xen-events.pvh64", "plain", "", ""),
    ("xen-exits.pvh64", "exits", "--cpus=2", ""),
    ("xen-late.pvh64", "plain", "", ""),
    ("xen-reset.pvh64", "plain", "", ""),
    ("xen-smp.pvh64", "plain", "--cpus=4", "cpus=4"),
    ("xen-time.pvh32", "plain", "", ""),
    ("xen-time.pvh64", "plain", "", ""),
    ("xen-vcpu.pvh64", "plain", "--cpus=2", ""),
    ("hostile-xen.pvh64", "plain", "", "case=37"),
    ("pc-xen.bios", "plain", "--mode=pvhvm", ""),
]
LONG = SHORT + [
    ("xen-calls.pvh32", "plain", "", ""),
    ("xen-events.pvh32", "plain", "", ""),
    ("xen-grants.pvh64", "plain", "", ""),
    ("xen-late.pvh32", "plain", "", ""),
    ("xen-memory.pvh64", "plain", "", ""),
    ("xen-pirq.bios", "disk", "--mode=pvhvm --disk=@1M@,if=ahci", ""),
    ("xen-reset.pvh32", "plain", "", ""),
    ("xen-smp.pvh32", "plain", "--cpus=2", "cpus=2"),
    ("xen-store.pvh64", "plain", "", ""),
    ("xen-vcpu.pvh32", "plain", "--cpus=2", ""),
    ("hostile-grants.pvh64", "plain", "--cpus=2", ""),
    ("hostile-xen.pvh32", "plain", "", "case=37"),
    ("hostile-xen.pvh64", "plain", "", "case=38"),
    ("hostile-xen.pvh64", "plain", "", "case=39"),
    ("hostile-xenstore.pvh64", "plain", "", ""),
]


def rows(long):
    """One row: they need no images."""
    guests = {
        (guest + "-" + words.replace("=", "-")).strip("-"): [
            guest, driver, options, words
        ]
        for guest, driver, options, words in (LONG if long else SHORT)
    }
    yield {
        "name": "linux/xen-guests",
        "boots": [list(guests)],
        "seconds": LIMIT * len(guests),
        "images": {},
        "guests": guests,
    }


class Row(row.Row):
    """Every guest, one after the other."""

    def show(self, steps, prefix=""):
        """None needs another: a failure says nothing about the rest."""
        for step in steps:
            super().show([step], prefix)

    def attempt(self, step):
        """One guest: how it ended, and what was measured."""
        guest, driver, options, words = self.row["guests"][step]
        disk = guest.endswith(".bios")  # it has no command line
        kernel = (
            pathlib.Path(self.vmm).parent.parent / "guests"
            / f"{guest}.{'img' if disk else 'elf'}"
        )
        done = subprocess.run(
            [
                RUN, "--driver=" + driver, f"--limit={LIMIT}", self.vmm, kernel,
                "--abi=xen", "--xen-accel=kernel", "--memory=64M",
                *options.split(),
                *([] if disk else [f"--append=kernel=1 {words}".strip()]),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        lines = done.stdout.split("\n")
        if "--xen-accel=kernel: this host's KVM cannot" in done.stdout:
            return "skip", "this host's KVM does not know of Xen"
        if done.returncode == 0:
            return "pass", ", ".join(l for l in lines if l and l != "SUCCESS")
        for line in lines:
            print(f"  | {line}", flush=True)
        return "fail", f"run-guest: status {done.returncode}, {lines[0]!r}"
