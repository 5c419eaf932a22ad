#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""matrix.py [--long] [--list] [--only TEXT]: real kernels under vmm.

Each kind of rows has a module that says what they are and show:
kernel.py (kernels, CPUs, memory), pci.py (what drivers do to the bus), disk.py
(a Debian root file system on all sorts of disks), full.py (a host without room
for a disk), ata.py (behind a PC's controllers), kill.py (what survives the
sudden death of vmm), net.py (taps and user networking), share.py (folders and
sockets), console.py (virtio consoles and the balloon), screen.py (a PC by
screen and keyboard alone), pc.py (a PC that boots from its disks), clock.py
(its clocks), xen.py (guests of Xen), pvhvm.py (PCs that are such), guests.py
(the tiny kernels of guests/ where KVM knows of Xen). By default rows that
together meet everything once; --long has all of them.

Runs driver.py for all rows in one session: directly where the CPU has VMX or
SVM, else in scripts/nested-kvm. Emulated hosts hang now and then for reasons
of their own, so rows that fail are repeated once, and the repeat is printed;
one that stands still is ended and the rest gets another.
Standard output: lines with # as it goes on, and at the end one line for each
property, pass|fail|skip NAME SECONDS TEXT: what needs root is skipped without.
The exit status is 0 if none failed. VMM names another vmm, VMM_NESTED_LOG a
file for the nested kernel's log.
"""

import argparse
import importlib
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
TRIES = 2  # of a row
SESSIONS = 8  # at the most: emulated hosts stand still, now and then
HOST = "6.12"  # the nested machine's kernel, where a row names none
START_SECONDS = 500  # until driver.py runs: a state may have to be saved
SILENCE_SECONDS = 90  # many times what passes between its BEAT lines
KINDS = ["kernel", "pci", "disk", "full", "ata", "kill", "net", "share",
         "console", "screen", "pc", "clock", "xen", "pvhvm", "guests"]


def all_rows(long):
    """The rows of every kind."""
    return [
        {"kind": kind, **row}
        for kind in KINDS
        for row in importlib.import_module(kind).rows(long)
    ]


def image(name, part):
    """The path of a part of a guest image, fetched when it is not here."""
    return subprocess.run(
        [SCRIPTS / "guest-images", "path", name, part],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()


def hindrance(row):
    """Why this user cannot have a row shown; None for root, who can."""
    if os.geteuid() == 0:
        return None
    if row.get("root"):
        return "needs root"
    try:
        for name in row["images"].values():
            image(*name)
    except subprocess.CalledProcessError:
        return f"no image {name[0]}; root can make it"
    return None


def extents(path):
    """Where a sparse file has data, as pairs of offsets: not every file system
    through which it is read can tell."""
    found, end = [], 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while end < size:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:  # a hole to the end
                break
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            found.append((begin, end))
    return found


def job(rows):
    """The rows as driver.py wants them: with paths for images."""
    named = {name for row in rows for name in row["images"].values()}
    paths = {name: image(*name) for name in sorted(named)}
    holes = {
        name: extents(paths[name]) for name in named if name[1] == "image"
    }
    return [
        {
            **row,
            "images": {k: paths[v] for k, v in row["images"].items()},
            "extents": {
                k: holes[v] for k, v in row["images"].items() if v in holes
            },
        }
        for row in rows
    ]


def real_kvm():
    """What scripts/test says too: does the CPU have VMX or SVM?"""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = {word for line in file if "flags" in line for word in line.split()}
    return bool(flags & {"vmx", "svm"}) and os.access("/dev/kvm", os.W_OK)


def command(vmm, job_file, limit, host):
    """The command line of a session: direct, or in nested KVM of that kernel."""
    # The system's own Python: another one need not be there inside.
    driver = ["/usr/bin/python3", HERE / "driver.py", vmm, job_file]
    if real_kvm():
        return driver
    log = os.environ.get("VMM_NESTED_LOG")
    keep = ["--keep-log", log] if log else []
    nested = [SCRIPTS / "nested-kvm", "--no-tty", "--timeout", str(limit)]
    nested += ["--kernel", host]
    return nested + keep + ["--"] + driver


class Watchdog:
    """Ends a session that says nothing, not even BEAT, for so long: an
    emulated host that stands still takes the limits inside it along."""

    def __init__(self, process, seconds):
        self.process = process
        self.timer = None
        self.feed(seconds)

    def feed(self, seconds):
        """From now on, that long."""
        self.stop()
        self.timer = threading.Timer(seconds, self.process.terminate)
        self.timer.daemon = True
        self.timer.start()

    def stop(self):
        """It has ended by itself."""
        if self.timer:
            self.timer.cancel()


def session(rows, vmm):
    """One session of driver.py; its results as {name: (verdict, rest)}. The
    rows want the same host."""
    host = rows[0].get("host", HOST)
    limit = sum(row["seconds"] for row in rows)
    results = {}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job(rows), file)
        file.flush()
        with subprocess.Popen(
            command(vmm, file.name, limit, host),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            watch = Watchdog(process, START_SECONDS)
            for line in process.stdout:
                watch.feed(SILENCE_SECONDS)
                if line == "BEAT\n":
                    continue
                print(f"# {line.rstrip()}", flush=True)
                if line.startswith("RESULT "):
                    _, verdict, name, rest = line.rstrip().split(" ", 3)
                    results[name] = (verdict, rest)
            watch.stop()
        if process.returncode:
            print(f"# the session ended with status {process.returncode}")
    return results


def steps(row):
    """The names of what the row must show."""
    return [
        f"{row['name']}/{'again-' if number else ''}{step}"
        for number, boot in enumerate(row["boots"])
        for step in boot
    ]


def failed(row, results):
    """True if something the row must show has failed or is lost."""
    return any(
        results.get(step, ("fail",))[0] == "fail" for step in steps(row)
    )


def show(rows, vmm, results):
    """Runs what has no results yet, and once more what failed. A session that
    is lost is no try for the row it was lost in, nor for those after it."""
    tries = dict.fromkeys((row["name"] for row in rows), 0)
    for number in range(SESSIONS):
        todo = [
            row
            for row in rows
            if failed(row, results) and tries[row["name"]] < TRIES
        ]
        if not todo:
            return
        if number:
            names = ", ".join(row["name"] for row in todo)
            print("# once more: " + names, flush=True)
        found = {}
        for _, group in itertools.groupby(todo, lambda row: row.get("host", HOST)):
            found.update(session(list(group), vmm))
        results.update(found)
        for row in todo:
            tries[row["name"]] += all(step in found for step in steps(row))


def main():
    """Chooses the rows, runs them, repeats what failed, and tells."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--long", action="store_true", help="all rows")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--only", default="", help="rows with this in the name")
    arguments = parser.parse_args()
    rows = [
        row for row in all_rows(arguments.long) if arguments.only in row["name"]
    ]
    if arguments.list:
        print("\n".join(step for row in rows for step in steps(row)))
        return 0
    default = SCRIPTS.parent / "build/release/src/vmm"
    vmm = os.path.abspath(os.environ.get("VMM", default))
    results = {
        step: ("skip", "0 " + reason)
        for row in rows
        if (reason := hindrance(row))
        for step in steps(row)
    }
    show(rows, vmm, results)
    bad = 0
    for step in (step for row in rows for step in steps(row)):
        verdict, rest = results.get(step, ("fail", "0 the session was lost"))
        bad += verdict == "fail"
        print(f"{verdict} {step} {rest}", flush=True)
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
