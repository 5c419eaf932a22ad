# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel x transport: virtio consoles and the balloon, with Linux's drivers.

The serial port is on a socket, by which the drivers are loaded; the terminal
is hvc0. It shows: a shell there, the terminal's size now and as it changes,
64 KiB each way, a named port that echoes to one client after the other, that
freed memory comes back to the host by itself, that the balloon takes and gives,
the guest's own figures, and all devices again after a reboot.
"""

import fcntl
import hashlib
import json
import os
import re
import socket
import struct
import termios
import time

import kernel
from guest import Guest, GuestError

ROWS = [("debian-6.12", "pci"), ("debian-6.1", "mmio")]
SECONDS = 500
BOOT_SECONDS = 120
MIB = 1 << 20
MEMORY = 512 * MIB
USED = 200 * MIB  # what the guest uses and frees
PORT_BYTES = 256 << 10
# Loads the drivers and keeps a shell on hvc0, in a session of its own.
START = (
    b"modprobe -a virtio_pci virtio_mmio virtio_console virtio_balloon; "
    b"while sleep 1; do setsid sh -c "
    b"'exec sh -i </dev/hvc0 >/dev/hvc0 2>&1'; done & echo @started@\n"
)


def rows(long):
    """The rows, their images by name; the short and the long set are one."""
    del long
    for name, transport in ROWS:
        yield {
            "name": f"console/{name.removeprefix('debian-')}-{transport}",
            "boots": [
                ["boot", "size", "input", "output", "port", "reports"]
                + ["balloon", "statistics", "again", "poweroff"]
            ],
            "seconds": SECONDS,
            "images": {
                "kernel": (name, "vmlinux"),
                "initrd": (name, "initramfs"),
            },
            "transport": transport,
            "output": kernel.OUTPUT[True],
        }


class Client:
    """Somebody attached to a socket of vmm."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.seen = b""
        until(30, lambda: self.connected(path), f"no socket {path}")
        self.socket.settimeout(0.5)

    def connected(self, path):
        """Tries once."""
        try:
            self.socket.connect(path)
        except OSError:
            return False
        return True

    def read(self):
        """What comes within half a second."""
        try:
            return self.socket.recv(65536)
        except TimeoutError:
            return b""

    def expect(self, pattern, seconds):
        """Waits for a pattern and forgets all up to it; its match."""

        def look():
            self.seen += self.read()
            return re.search(pattern, self.seen)

        found = until(seconds, look, f"no {pattern!r}: {self.seen[-300:]!r}")
        self.seen = self.seen[found.end() :]
        return found


def until(seconds, what, why):
    """Waits for what() to be true; its value."""
    end = time.monotonic() + seconds
    while not (value := what()):
        if time.monotonic() > end:
            raise GuestError(why() if callable(why) else why)
        time.sleep(0.1)
    return value


class Row(kernel.Row):
    """One kernel with its devices on one transport."""

    serial = None

    def path(self, name):
        """A socket of this row."""
        return f"/tmp/{self.row['machine']}.{name}"

    def boot(self):
        """The shell on hvc0 answers."""
        cfg = self.row
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--name=" + cfg["machine"],
                f"--memory={MEMORY >> 20}M",
                "--transport=" + cfg["transport"],
                "--console=unix:" + self.path("serial"),
                "--virtio-console=stdio",
                f"--virtio-console=unix:{self.path('port')},name=agent",
                "--balloon",
                "--initrd=" + cfg["images"]["initrd"],
                "--append=console=ttyS0 quiet",
                cfg["images"]["kernel"],
            ]
        )
        self.serial = Client(self.path("serial"))
        return self.start()

    def start(self):
        """From the first line to a shell on hvc0."""
        ready = self.serial.expect(rb"GUEST-READY (\S+)", BOOT_SECONDS)
        self.serial.expect(rb"# ", 60)
        self.serial.socket.sendall(START)
        self.serial.expect(rb"\n@started@", 60)
        self.guest.shell()
        if self.guest.run("tty").strip() != b"/dev/hvc0":
            raise GuestError("the terminal is not hvc0")
        return ready.group(1).decode()

    def size(self):
        """The size of the terminal is the guest's, as it changes."""
        for cols, rows_ in (100, 40), (132, 43):
            size = struct.pack("HHHH", rows_, cols, 0, 0)
            fcntl.ioctl(self.guest.fd, termios.TIOCSWINSZ, size)
            want = f"{rows_} {cols}".encode()
            until(
                20,
                lambda: self.guest.run("stty size").strip() == want,
                f"the guest never saw {want}",
            )
        return "132 columns, 43 rows"

    def echo(self, data):
        """A client sends data to the port and has it back."""
        client = Client(self.path("port"))
        client.socket.settimeout(20)
        got, sent = b"", 0
        while len(got) < len(data):
            if sent < len(data):
                sent += client.socket.send(data[sent : sent + 8192])
            while len(got) < sent:
                part = client.socket.recv(65536)
                if not part:
                    raise GuestError(f"{len(got)} bytes came back")
                got += part
        client.socket.close()
        if hashlib.sha256(got).digest() != hashlib.sha256(data).digest():
            raise GuestError("what came back differs")

    def port(self):
        """The port has its name and echoes, to one client after another."""
        self.guest.run(
            "port=$(cd /sys/class/virtio-ports && grep -lx agent */name)"
        )
        self.guest.run("port=/dev/${port%/name}; test -c $port")
        # It ends when a client leaves, and begins again with the next.
        self.guest.run(
            "(exec 3<>$port; while :; do cat <&3 >&3; usleep 100000; done) &"
        )
        for _ in range(3):
            self.echo(os.urandom(PORT_BYTES))
        return f"3 times {PORT_BYTES} bytes"

    def resident(self):
        """Bytes of RAM that vmm has."""
        with open(f"/proc/{self.guest.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) << 10

    def figures(self):
        """What `vmm status` says of the balloon."""
        return json.loads(self.tell("status", "--json"))["balloon"]

    def reports(self):
        """What the guest frees is the host's again, by itself."""
        before = self.resident()
        self.guest.run(
            f"mkdir -p /t && mount -t tmpfs t /t && "
            f"dd if=/dev/zero of=/t/used bs=1M count={USED >> 20} 2>/dev/null",
            120,
        )
        used = self.resident()
        if used - before < USED * 3 // 4:
            raise GuestError(f"only {used - before >> 20} MiB were used")
        self.guest.run("umount /t")
        until(
            60,
            lambda: used - self.resident() > USED * 3 // 4,
            lambda: f"{used - self.resident() >> 20} MiB came back",
        )
        return f"{used >> 20} MiB, then {self.resident() >> 20}"

    def balloon(self):
        """The guest gives up what it is asked for, and has it again."""
        self.guest.run("dd if=/dev/zero of=/x bs=1M count=150 2>/dev/null", 120)
        full = self.resident()
        self.guest.run("rm /x")
        small = 160 * MIB
        self.tell("balloon", "160M")
        until(
            150,
            lambda: self.figures()["actual"] == small,
            lambda: f"stopped at {self.figures()}",
        )
        until(
            30,
            lambda: self.resident() < small + 32 * MIB,
            lambda: f"{self.resident() >> 20} MiB are resident",
        )
        tight = self.resident()
        self.tell("balloon", f"{MEMORY >> 20}M")
        until(
            150,
            lambda: self.figures()["actual"] == MEMORY,
            lambda: f"stopped at {self.figures()}",
        )
        self.guest.run("dd if=/dev/zero of=/x bs=1M count=200 2>/dev/null", 120)
        self.guest.run("rm /x")
        return f"{full >> 20} MiB, then {tight >> 20}"

    def statistics(self):
        """What the guest says of itself is what its /proc says."""
        until(20, lambda: self.figures().get("age") == 0, "never told")
        figures = self.figures()
        text = self.guest.run("grep MemTotal /proc/meminfo").decode()
        if figures["total"] != int(text.split()[1]) << 10:
            raise GuestError(f"{figures['total']} bytes, but {text}")
        if not 0 < figures["free"] <= figures["total"]:
            raise GuestError(f"{figures}")
        return f"{figures['available'] >> 20} MiB available"

    def again(self):
        """After a reboot all devices are there again."""
        self.guest.send(b"reboot -f\n")
        self.start()
        self.size()
        self.port()
        return "up again"
