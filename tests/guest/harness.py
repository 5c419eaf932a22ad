# SPDX-License-Identifier: GPL-2.0-or-later
"""One tiny guest under vmm: its console on pipes, its end, its verdict.

A Guest is one vmm process with a runtime directory of its own, so that tests
side by side never meet. Everything that waits has the test's one deadline;
whatever a driver finds wrong is raised as TestFailure with what was expected
and what was seen.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
AGAIN = 2
NAME = "tested"


class TestFailure(Exception):
    """The guest or vmm did not do what it should."""


class TestSkip(Exception):
    """The property cannot be tested on this host."""


class TestAgain(Exception):
    """A measured time was too long, which may be the host's doing."""


def started_by(kernel):
    """Options to start a kernel, or a disk image for a PC's BIOS, behind
    which keys of --disk may come."""
    if not kernel.partition(",")[0].endswith(".img"):
        return [kernel]
    # A row of the table may ask for another mode, or interface.
    return ["--disk=" + kernel + ",snapshot=on"]


class Guest:
    """One vmm process, from its start to its exit status."""

    def __init__(self, vmm, kernel, options, limit):
        self.vmm = vmm
        self.deadline = time.monotonic() + limit
        self.out = b""  # all the console said
        self.mark = 0  # how much of it was looked at
        self.folder = tempfile.mkdtemp(prefix="guest-")
        self.env = dict(os.environ, VMM_RUNTIME_DIR=self.folder + "/run")
        # A sanitized vmm cannot look for leaks inside its own sandbox.
        self.env.setdefault("ASAN_OPTIONS", "detect_leaks=0")
        self.log = open(self.folder + "/stderr", "w+b")
        self.process = subprocess.Popen(
            [vmm, "run", "--name=" + NAME, *options, *started_by(kernel)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=self.env,
        )
        os.set_blocking(self.process.stdin.fileno(), False)
        self.ended = None  # when the console closed

    def left(self):
        """Seconds to the deadline; past it the test has failed."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise TestFailure("expected an end in time, seen none")
        return seconds

    def read(self, seconds):
        """Take in what the console says within seconds; False at its end."""
        if self.ended:
            return False
        pipe = self.process.stdout.fileno()
        if not select.select([pipe], [], [], min(seconds, self.left()))[0]:
            return True
        data = os.read(pipe, 65536)
        self.out += data
        if not data:
            self.ended = time.monotonic()
        return bool(data)

    def collect(self, seconds):
        """What the console says within that time."""
        end = time.monotonic() + seconds
        before = len(self.out)
        while (rest := end - time.monotonic()) > 0 and self.read(rest):
            pass
        return self.out[before:]

    def expect(self, pattern):
        """Wait for a pattern after the last one found."""
        regex = re.compile(pattern)
        while not (found := regex.search(self.out, self.mark)):
            if not self.read(1) and not regex.search(self.out, self.mark):
                self.skip_if_said()
                raise TestFailure(f"expected {pattern!r}, seen the end")
        self.mark = found.end()
        return found

    def send(self, data):
        """Type data, taking in what comes back meanwhile."""
        pipes = self.process.stdout.fileno(), self.process.stdin.fileno()
        while data:
            _, ready, _ = select.select([], pipes[1:], [], 0.05)
            if ready:
                data = data[os.write(pipes[1], data[:4096]) :]
            self.read(0)
            self.left()

    def command(self, verb, *options, words=()):
        """Run `vmm VERB NAME`; its output. A bad status is a failure."""
        done = subprocess.run(
            [self.vmm, verb, *options, NAME, *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=self.left(),
            check=False,
        )
        if done.returncode != 0:
            raise TestFailure(
                f"vmm {verb}: expected status 0, seen {done.returncode}: "
                + done.stderr.decode(errors="replace").strip()
            )
        return done.stdout.decode(errors="replace")

    def signal_and_time(self, number):
        """Send a signal; milliseconds until the process is gone."""
        begin = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(self.left())
        return (time.monotonic() - begin) * 1000

    def finish(self):
        """Read to the end of the console; the exit status."""
        while self.read(1):
            pass
        try:
            return self.process.wait(self.left())
        except subprocess.TimeoutExpired:
            raise TestFailure("expected an exit in time, seen none") from None

    def expect_exit(self, expected):
        """Read to the end, and compare the exit status."""
        status = self.finish()
        if status != expected:
            self.skip_if_said()
            raise TestFailure(f"expected exit status {expected}, seen {status}")
        self.check_log()

    def last_line(self):
        """The last line of the console."""
        lines = self.out.decode(errors="replace").split("\n")
        return next((l.strip() for l in reversed(lines) if l.strip()), "")

    def skip_if_said(self):
        """Raise TestSkip if the guest ended saying so."""
        if self.last_line().startswith("TEST: SKIP"):
            raise TestSkip(self.last_line()[len("TEST: SKIP ") :])

    def expect_success(self):
        """The last line must be TEST: SUCCESS."""
        last = self.last_line()
        self.skip_if_said()
        if not last.startswith("TEST: "):
            raise TestFailure(f"CRASH: no result, last line {last!r}")
        if last != "TEST: SUCCESS":
            raise TestFailure(last)

    def log_text(self):
        """What vmm said on standard error."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def check_log(self):
        """A sanitizer's report is a failure whatever the status is."""
        text = self.log_text()
        for mark in ("AddressSanitizer", "runtime error:"):
            if mark in text:
                raise TestFailure(f"expected no {mark} report")

    def tell(self):
        """Print the console and what vmm said, for a failed test."""
        self.log.seek(0)
        for title, text in (("console", self.out), ("vmm", self.log.read())):
            print(f"--- {title}")
            print(text[-8000:].decode(errors="replace").rstrip())

    def close(self):
        """Nothing stays: the process is gone, its folder too."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.folder)


def judge(test, guest_of):
    """Run test(guest); print the verdict; the status for ctest."""
    guest = None
    try:
        guest = guest_of()
        test(guest)
    except TestSkip as skip:
        print(f"SKIP {skip}")
        return SKIPPED
    except TestAgain as again:
        print(f"again: {again}")
        return AGAIN
    except (TestFailure, OSError) as failure:
        print(f"FAILED: {failure}")
        if guest:
            guest.tell()
        return 1
    finally:
        if guest:
            guest.close()
        sys.stdout.flush()
    print("SUCCESS")
    return 0
