# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benches share: the things they run, tables, verdicts, JSON.

A bench collects samples with one of the C programs, makes figures of them and
holds some against a limit. Everything is printed for a reader, the last line
being the bench's sum; --json FILE gets the same for a program. Limits are
those the project has set itself; a bench fails when one is broken, and says
"skip" when this host cannot run it.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/release"
PROGRAMS = BUILD / "tests/bench"
FIRST = PROGRAMS / "bench_first.elf"
VMM = os.path.abspath(os.environ.get("VMM", BUILD / "src/vmm"))
MEMORY_MIB = 256  # of every guest; below it procfs.c takes no RAM for RAM


class Skip(Exception):
    """This host cannot run the bench, and why."""


class Report:
    """Figures and verdicts of one bench."""

    def __init__(self, bench):
        self.bench = bench
        self.data = {"bench": bench, "skipped": None, "subjects": [], "verdicts": []}

    def say(self, text):
        """Progress and details."""
        print(f"# {text}", flush=True)

    def table(self, head, rows):
        """Columns as wide as they need; the first to the left."""
        cells = [head] + [[show(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        for row in cells:
            line = row[0].ljust(widths[0])
            for cell, width in zip(row[1:], widths[1:]):
                line += "  " + cell.rjust(width)
            print(line, flush=True)

    def verdict(self, what, value, limit):
        """Holds value against the most it may be; no value is a failure."""
        good = value is not None and value <= limit
        self.data["verdicts"].append(
            {"what": what, "value": value, "limit": limit, "pass": good}
        )
        word = "pass" if good else "FAIL"
        print(f"{word}: {what}: {show(value)}, at most {show(limit)}", flush=True)

    def end(self, json_path):
        """The last line; the exit status."""
        bad = [v["what"] for v in self.data["verdicts"] if not v["pass"]]
        if json_path:
            with open(json_path, "w", encoding="utf-8") as file:
                json.dump(self.data, file, indent=2)
                file.write("\n")
        if self.data["skipped"]:
            print(f"skip: {self.data['skipped']}")
        elif bad:
            print(f"{self.bench}: over the limit: {'; '.join(bad)}")
        else:
            print(f"{self.bench}: all {len(self.data['verdicts'])} limits kept")
        return 1 if bad else 0


def show(value):
    """A cell: numbers with as many digits as matter."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)


def main(bench, measure, add_options=None):
    """The life of a bench: options, measure(report, arguments), the end."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", metavar="FILE", help="figures for a program")
    if add_options:
        add_options(parser)
    arguments = parser.parse_args()
    report = Report(bench)
    try:
        need(os.access(VMM, os.X_OK), f"no vmm at {VMM}: build the release preset")
        measure(report, arguments)
    except Skip as reason:
        report.data["skipped"] = str(reason)
    return report.end(arguments.json)


def need(condition, text):
    """Skips the bench unless condition."""
    if not condition:
        raise Skip(text)


def has_kvm():
    """A /dev/kvm we may use, of whatever kind."""
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def full_kvm():
    """As scripts/test says it: does the CPU have VMX or SVM?"""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = {word for line in file if "flags" in line for word in line.split()}
    return bool(flags & {"vmx", "svm"}) and has_kvm()


def is_root():
    """Nested KVM, tracefs and other processes' figures need it."""
    return os.geteuid() == 0


def traced(command):
    """The command in a mount namespace where tracefs is mounted, if we may."""
    if not is_root():
        return command
    mount = 'mount -t tracefs t /sys/kernel/tracing 2>/dev/null; exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, "sh"] + command


def nested(command, timeout, icount=False, warm=()):
    """The command in nested KVM.

    warm is a command whose program and files are read before, so that what
    is measured does not fetch them; its program must know --version.
    """
    words = [str(word) for word in warm]
    files = [word.partition("=")[2] or word for word in words[1:]]
    files = [file for file in files if os.path.isfile(file)]
    script = ""
    if warm:
        read = shlex.join(["cat", "/dev/null"] + files)
        script = f"{shlex.join([words[0], '--version'])} >/dev/null; "
        script += f"{read} >/dev/null; "
    return (
        [ROOT / "scripts/nested-kvm", "--no-tty", "--timeout", str(timeout)]
        + (["--icount"] if icount else [])
        + ["--", "sh", "-c", script + 'exec "$@"', "sh"]
        + command
    )


def image(name, part):
    """The path of a part of a guest image, fetched when it is not here."""
    command = [ROOT / "scripts/guest-images", "path", name]
    done = subprocess.run(
        command + ([part] if part else []),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=dict(os.environ, VMM=VMM),
    )
    need(done.returncode == 0, f"scripts/guest-images cannot get {name}")
    return done.stdout.strip()


def json_lines(command):
    """The objects that a bench program prints, or None when it failed."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        for line in done.stdout.splitlines()[-5:]:
            print(f"# | {line}", flush=True)
        return None
    return [json.loads(line) for line in lines]
