#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""matrix.py [--long] [--list] [--only TEXT]: real kernels under vmm.

Rows are kernel x format x CPUs x memory. Each boots a Debian kernel to a
shell and shows: init runs, all CPUs and memory are there, 64 KiB typed and
64 KiB written arrive unchanged, the machine reboots and comes up again, it
ends with status 0 by power-off from inside or by `vmm stop`. By default a
small set of rows in which any two values of any two columns meet; --long runs
all rows, plain kernels beside the cloud ones, each ended both ways.

Runs driver.py for all rows in one session: directly where the CPU has VMX or
SVM, else in scripts/nested-kvm. Emulated hosts hang now and then for reasons
of their own, so rows that fail are repeated once, and the repeat is printed.
Standard output: lines with # as it goes on, and at the end one line for each
property, pass|fail NAME SECONDS TEXT. The exit status is 0 if none failed.
VMM names another vmm, VMM_NESTED_LOG a file for the nested kernel's log.
"""

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "scripts"
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
    row + (["poweroff", "stop"],)
    for row in itertools.product(
        KERNELS, ["bzimage", "vmlinux"], [1, 2], [128, 4096]
    )
]
# Two boots and the properties; many times what it takes, and no more.
ROW_SECONDS = 200


def image(name, part):
    """The path of a part of a guest image, fetched when it is not here."""
    return subprocess.run(
        [SCRIPTS / "guest-images", "path", name, part],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()


def row_name(row):
    """kernel-format-cpus-memory, as in the results."""
    kernel, form, cpus, memory, _ = row
    return f"linux/{kernel.removeprefix('debian-')}-{form}-{cpus}cpu-{memory}M"


def job(rows):
    """The rows as driver.py wants them."""
    return [
        {
            "name": row_name(row),
            "kernel": image(row[0], row[1]),
            "initrd": image(row[0], "initramfs"),
            "cpus": row[2],
            "memory": row[3] * MIB,
            "ends": row[4],
        }
        for row in rows
    ]


def real_kvm():
    """What scripts/test says too: does the CPU have VMX or SVM?"""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = {word for line in file if "flags" in line for word in line.split()}
    return bool(flags & {"vmx", "svm"}) and os.access("/dev/kvm", os.W_OK)


def command(rows, vmm, job_file, limit):
    """The command line of a session: direct, or in nested KVM."""
    # The system's own Python: another one need not be there inside.
    driver = ["/usr/bin/python3", HERE / "driver.py", vmm, job_file]
    if real_kvm():
        return driver
    log = os.environ.get("VMM_NESTED_LOG")
    keep = ["--keep-log", log] if log else []
    nested = [SCRIPTS / "nested-kvm", "--no-tty", "--timeout", str(limit)]
    return nested + keep + ["--"] + driver


def session(rows, vmm):
    """One session of driver.py; its results as {name: (verdict, rest)}."""
    limit = ROW_SECONDS * len(rows)
    results = {}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job(rows), file)
        file.flush()
        with subprocess.Popen(
            command(rows, vmm, file.name, limit),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            watch = threading.Timer(limit + 60, process.kill)
            watch.start()
            for line in process.stdout:
                print(f"# {line.rstrip()}", flush=True)
                if line.startswith("RESULT "):
                    _, verdict, name, rest = line.rstrip().split(" ", 3)
                    results[name] = (verdict, rest)
            watch.cancel()
        if process.returncode:
            print(f"# the session ended with status {process.returncode}")
    return results


def steps(row):
    """The names of what the row must show."""
    first = ["boot", "cpus", "memory", "input", "output", "reboot"]
    again = [step for end in row[4][1:] for step in ("again-boot", f"again-{end}")]
    return [f"{row_name(row)}/{step}" for step in first + row[4][:1] + again]


def failed(row, results):
    """True unless everything the row must show has passed."""
    return any(results.get(s, ("lost",))[0] != "pass" for s in steps(row))


def main():
    """Chooses the rows, runs them, repeats what failed, and tells."""
    parser = argparse.ArgumentParser(description=__doc__.split(chr(10))[0])
    parser.add_argument("--long", action="store_true", help="all rows")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--only", default="", help="rows with this in the name")
    arguments = parser.parse_args()
    rows = [r for r in (LONG if arguments.long else SHORT)
            if arguments.only in row_name(r)]
    if arguments.list:
        print(chr(10).join(step for row in rows for step in steps(row)))
        return 0
    default = SCRIPTS.parent / "build/release/src/vmm"
    vmm = os.path.abspath(os.environ.get("VMM", default))
    results = session(rows, vmm)
    again = [row for row in rows if failed(row, results)]
    if again:
        print("# repeated once: " + ", ".join(map(row_name, again)), flush=True)
        results.update(session(again, vmm))
    bad = 0
    for step in (step for row in rows for step in steps(row)):
        verdict, rest = results.get(step, ("fail", "0 the session was lost"))
        bad += verdict != "pass"
        print(f"{verdict} {step} {rest}", flush=True)
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
