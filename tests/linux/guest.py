# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest on a terminal: vmm under a pty, driven as a person would.

Used by driver.py, on the machine that has the KVM. One object is one vmm
process; its console is the pty. Every wait has a limit, and reaching it, a
kernel panic or the end of vmm raises GuestError with what was waited for.
"""

import errno
import os
import pty
import re
import select
import signal
import time
import tty

PANIC = re.compile(rb"(?:Kernel panic|GUEST-LOST)[^\r\n]*")


class GuestError(Exception):
    """The guest or vmm did not do what the test waits for."""


class Guest:
    """One vmm process with its console, from the start to its exit status."""

    def __init__(self, command):
        self.seen = b""  # everything the console ever said
        self.mark = 0  # how much of it was looked at already
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execv(command[0], command)
            except OSError as error:
                os.write(2, f"{command[0]}: {error}\n".encode())
            os._exit(127)  # never a second driver
        # What is typed must arrive as typed even before vmm sets its mode.
        tty.setraw(self.fd)

    def _read(self, seconds):
        """Takes in what the console says; False at its end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        self.seen += data
        return bool(data)

    def listen(self, seconds):
        """Takes in what the console says, for at most so long."""
        return self._read(seconds)

    def expect(self, pattern, seconds):
        """Waits for a pattern after the last one found; returns its match."""
        end = time.monotonic() + seconds
        regex = re.compile(pattern)
        while True:
            found = regex.search(self.seen, self.mark)
            if found:
                self.mark = found.end()
                return found
            panic = PANIC.search(self.seen, self.mark)
            if panic:
                raise GuestError(panic.group().decode(errors="replace"))
            if time.monotonic() > end:
                raise GuestError(f"no {pattern!r} in {seconds} s")
            if not self._read(0.2):
                status = self.wait(10)
                raise GuestError(f"vmm ended ({status}) before {pattern!r}")

    def send(self, data):
        """Types data, and takes in what comes back meanwhile."""
        while data:
            _, writable, _ = select.select([], [self.fd], [], 60)
            if not writable:
                raise GuestError(f"{len(data)} bytes not taken in 60 s")
            data = data[os.write(self.fd, data[:1024]) :]
            self._read(0)

    def shell(self):
        """Waits for the shell, and makes it a machine's: no echo, no prompt."""
        self.expect(rb"# ", 60)
        self.send(
            b"stty -echo; echo @@; while read -r line; "
            b'do eval "$line"; echo "@$?@"; done\n'
        )
        # At the start of a line: the echo of what was typed is not it.
        self.expect(rb"[\r\n]@@\r*\n", 60)

    def login(self, seconds):
        """To the shell of the initramfs; returns what it says of itself."""
        ready = self.expect(rb"GUEST-READY (\S+)[^\r\n]*\r*\n", seconds)
        self.shell()
        return ready

    def login_disk(self, seconds):
        """To root's shell on a disk, by the login prompt; its first words."""
        ready = self.expect(rb"GUEST-ROOT (\S+) on \S+\r*\n", seconds)
        self.expect(rb"\n[^\n]*login: ", seconds)
        self.send(b"root\n")
        self.shell()
        return ready

    def run(self, command, seconds=60):
        """Runs a command line in the guest; returns what it said."""
        start = self.mark
        self.send(command.encode() + b"\n")
        status = self.expect(rb"@(\d+)@\r*\n", seconds)
        if status.group(1) != b"0":
            raise GuestError(f"{command}: status {status.group(1).decode()}")
        return re.sub(rb"\r+\n", b"\n", self.seen[start : status.start()])

    def wait(self, seconds):
        """Waits for vmm's end; its exit status, negative for a signal."""
        end = time.monotonic() + seconds
        while self.status is None and time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif not self._read(0.1):
                time.sleep(0.05)
        if self.status is None:
            raise GuestError(f"vmm still runs after {seconds} s")
        # The pty still holds the last words.
        while select.select([self.fd], [], [], 0)[0] and self._read(0):
            pass
        return self.status

    def close(self):
        """Ends vmm whatever it does, and gives the pty back."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -signal.SIGKILL
        os.close(self.fd)

    def tail(self, lines=12):
        """The end of the console, printable."""
        text = self.seen.decode(errors="backslashreplace")
        return [line[:160] for line in text.splitlines()[-lines:]]
