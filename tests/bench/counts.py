# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benches that boot a guest share: one run, its figures, tables.

Each subject gets a nested machine of its own, restored from one saved state,
on which CPU time counts instructions. A run that hangs there (it happens, for
the emulator's reasons) is repeated once.
"""

import figures

NEVER = "100000"  # inside, time is warped: the limit is outside


def run(report, name, command, marker, timeout, before=(), exact=True):
    """One subject's figures from exec to the marker in its output, or None when
    it failed twice. before is a command that is run before that. If not exact,
    the machine's time is real, and CPU time no count."""
    words = [figures.PROGRAMS / "bench_vmstat", marker, NEVER] + command
    if before:
        words = ["sh", "-c", f'{" ".join(before)}; exec "$@"', "sh"] + words
    for attempt in (1, 2):
        report.say(f"{name}, attempt {attempt}")
        lines = figures.json_lines(
            figures.nested(words, timeout, icount=exact, warm=command)
        )
        if lines:
            return lines[0]
    report.say(f"{name}: no figures after two attempts")
    return None


def is_vcpu(thread):
    """Does this thread run the guest? By the name its VMM gives it."""
    return thread["name"].startswith(("vcpu", "CPU "))


def figures_of(name, peer, raw):
    """What is compared, in millions of instructions and in counts."""
    guest = sum(t["cpu_ns"] for t in raw["threads"] if is_vcpu(t))
    return {
        "name": name,
        "peer": peer,
        "total": raw["cpu_ns"] / 1e6,
        "own": (raw["cpu_ns"] - guest) / 1e6,
        "userspace": raw["userspace"].get("all"),
        "exits": raw["exits"].get("all"),
        "syscalls": raw["other"].get("system calls"),
        "private_kib": raw["memory"]["private_kib"],
        "anon_kib": raw["memory"]["anon_kib"],
        "raw": raw,
    }


def print_reasons(report, rows, group, title):
    """Counts by reason, a column for each subject, without rows of zeroes."""
    reasons = list(rows[0]["raw"][group])
    print(f"\n{title}:")
    counts = {r: [row["raw"][group].get(r, 0) for row in rows] for r in reasons}
    report.table(
        [""] + [row["name"] for row in rows],
        [[r] + counts[r] for r in reasons if any(counts[r])],
    )


def print_all(report, rows):
    """The tables."""
    keys = ["total", "own", "userspace", "exits", "syscalls", "private_kib", "anon_kib"]
    print("\nmillions of instructions (own: outside the vCPU thread), counts, KiB:")
    report.table(
        ["", "total", "own", "userspace", "exits", "syscalls", "private", "anon"],
        [[row["name"]] + [row[key] for key in keys] for row in rows],
    )
    print_reasons(report, rows, "userspace", "exits to userspace by reason")
    print_reasons(report, rows, "exits", "all exits by reason")
    print()
