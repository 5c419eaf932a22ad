# SPDX-License-Identifier: GPL-2.0-or-later
"""What benches share that count a guest's work in nested machines: guests with
a program of ours, runs that are repeated when the emulator spoils them, shares
of a phase, a tap with a server behind it."""

import pathlib
import shutil
import subprocess

import figures

NEVER = "100000"  # inside, time is warped: the limit is outside
KERNEL = "debian-6.1-cloud"
HOST, GUEST = "10.77.0.1", "10.77.0.2"

# load.c: what the marks themselves cost
MARKS = "n:4096:1:1"
# a disk in the nested machine's RAM
TMPFS = "head -c 64M /dev/zero >/dev/shm/disk", "/dev/shm/disk"


def line(base, job):
    """The kernel command line base, that has the guest do job."""
    done = subprocess.run(
        [figures.ROOT / "scripts/guest-images", "append", job],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return f"{base} {done.stdout.strip()}"


def initramfs(work, *programs):
    """The usual one with programs of ours behind it, in the directory work."""
    tree = pathlib.Path(work) / "tree/bin"
    tree.mkdir(parents=True)
    for program in programs:
        shutil.copy(figures.PROGRAMS / program, tree)
    more = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"],
        input="".join(f"bin/{program}\n" for program in programs).encode(),
        stdout=subprocess.PIPE,
        cwd=tree.parent,
        check=True,
    ).stdout
    base = pathlib.Path(figures.image(KERNEL, "initramfs")).read_bytes()
    out = pathlib.Path(work) / "initramfs"
    out.write_bytes(base + bytes(-len(base) % 4) + more)
    return str(out)


def newer_qemu():
    """The backported QEMU that nested KVM itself uses: program and data."""
    tree = pathlib.Path(figures.image("qemu", ""))
    share = [tree / "usr/share/qemu", tree / "usr/share/seabios"]
    return tree / "usr/bin/qemu-system-x86_64", share


def run(report, name, words, count, warm, limit, tries):
    """The count objects that words print in a machine of their own, or None
    when no try gave them. warm: the VMM's command in there."""
    for attempt in range(1, tries + 1):
        report.say(f"{name}, attempt {attempt}")
        lines = figures.json_lines(
            figures.nested(words, limit, icount=True, warm=warm)
        )
        if lines and len(lines) == count:
            return lines
    report.say(f"{name}: no figures after {tries} attempts")
    return None


def with_marks(phases, command):
    """The command, counted in so many phases between marks."""
    return [figures.PROGRAMS / "bench_iostat", str(phases), NEVER] + command


def with_disk(prepare, phases, command):
    """The command, counted in so many phases of load.c, with a disk."""
    words = with_marks(phases + 1, command)
    return ["sh", "-c", f'{prepare}; exec "$@"', "sh"] + words


def with_server(command):
    """The command beside tap0 and traffic.c's server behind it."""
    # That machine's time flies while it waits for files of ours: nothing is
    # left to a sleep.
    server = figures.PROGRAMS / "bench_traffic"
    prepare = (
        f"ip tuntap add tap0 mode tap vnet_hdr && ip addr add {HOST}/24 dev tap0"
        f" && ip link set tap0 up && cat {server} >/dev/null || exit 1; "
        f"{server} server & until grep -q :1B58 /proc/net/udp; do sleep 0.1; done;"
        ' "$@"; kill $!'
    )
    return ["sh", "-c", prepare, "sh"] + command


def traffic(modules, rounds, mib):
    """The guest's job: the client of traffic.c over eth0."""
    return (
        f"for m in {modules}; do modprobe $m; done; "
        f"ip addr add {GUEST}/24 dev eth0; ip link set eth0 up; "
        f"bench_traffic client {HOST} {rounds} {mib}"
    )


def per_request(marks, raw, requests):
    """One phase's figures for each request, without what the marks cost."""

    def share(key, group=None):
        """Of a value, or None where it was not counted."""
        of, less = (raw[group], marks[group]) if group else (raw, marks)
        return None if key not in of else (of[key] - less[key]) / requests

    return {
        "kinstr": share("cpu_ns") / 1e3,
        "own": (share("cpu_ns") - share("vcpu_ns")) / 1e3,
        "exits": share("all", "exits"),
        "userspace": share("all", "userspace"),
        "syscalls": share("system calls", "other"),
        "interrupts": share("injected interrupts", "other"),
        "switches": share("context switches", "other"),
    }
