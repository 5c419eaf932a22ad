#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's terminal: raw, restored, and in line with job control.

A pseudo-terminal is the operator's; a real shell is its session leader. The
settings are read through the master, so that nothing here can disturb them.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

PROBE = None
LIMIT = 20
LFLAG = 3
ESC = b"\x1d"


class Terminal:
    """A pseudo-terminal with a program as its session leader."""

    def __init__(self, argv):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "shell> "
            os.environ["PROBE"] = PROBE
            os.execvp(argv[0], argv)
        self.before = termios.tcgetattr(self.fd)

    def resize(self, cols, rows):
        size = struct.pack("HHHH", rows, cols, 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)

    def type(self, data):
        os.write(self.fd, data)

    def pump(self, seconds):
        """Collect output for at most so long; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += data
        return bool(data)

    def expect(self, pattern, limit=LIMIT):
        """Wait for a pattern, and forget the output up to its end."""
        end = time.monotonic() + limit
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            if time.monotonic() > end or not self.pump(0.1):
                raise AssertionError(f"{pattern!r} not in {self.seen!r}")

    def is_raw(self):
        bits = termios.ICANON | termios.ECHO | termios.ISIG
        return termios.tcgetattr(self.fd)[LFLAG] & bits == 0

    def wait_for(self, what, limit=LIMIT):
        end = time.monotonic() + limit
        while not what():
            if time.monotonic() > end:
                raise AssertionError(f"never true; output {self.seen!r}")
            self.pump(0.02)

    def restored(self):
        return termios.tcgetattr(self.fd) == self.before

    def close(self):
        """End the session with all its jobs, background ones included."""
        for pid, rest in processes():
            if int(rest[3]) == self.pid:
                os.kill(pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def stat_fields(pid):
    """The name, and the fields after it: state, parent, group, session..."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        comm, _, rest = f.read().partition("(")[2].rpartition(")")
        return comm, rest.split()


def processes():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield int(pid), stat_fields(pid)[1]
        except (FileNotFoundError, ProcessLookupError):
            continue


def children(parent, comm):
    return [p for p, rest in processes()
            if int(rest[1]) == parent and rest[0] != "Z"
            and stat_fields(p)[0] == comm]


def alive(pid):
    return any(p == pid and rest[0] != "Z" for p, rest in processes())


class TermTest(unittest.TestCase):
    def open(self, *argv):
        t = Terminal(argv)
        self.addCleanup(t.close)
        return t

    def script(self):
        """A script that runs the probe and then neither ends nor meddles."""
        t = self.open("sh", "-c", '"$PROBE" term; echo CODE=$?; exec sleep 99')
        t.expect(rb"<TERMINAL>")
        return t

    def shell(self):
        t = self.open("bash", "--norc", "--noprofile", "-i")
        t.expect(rb"shell> ")
        return t

    def probe_pid(self, t):
        found = children(t.pid, "host_probe")
        self.assertEqual(len(found), 1)
        return found[0]

    def assert_idle(self, pid):
        """In the background: not stopped, and next to no time taken."""
        def ticks():
            _, rest = stat_fields(pid)
            self.assertNotIn(rest[0], "TtZ")
            return int(rest[11]) + int(rest[12])
        time.sleep(0.3)
        before = ticks()
        time.sleep(1)
        self.assertLessEqual(ticks() - before, 3)

    def test_raw_until_the_quit_key(self):
        t = self.script()
        self.assertTrue(t.is_raw())
        t.type(ESC + b"q")
        t.expect(rb"<QUIT>")
        t.expect(rb"<END>")
        t.expect(rb"CODE=0")
        self.assertTrue(t.restored())

    def test_restored_on_every_death(self):
        for sig in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV,
                    signal.SIGABRT):
            with self.subTest(sig=sig):
                t = self.script()
                pid = self.probe_pid(t)
                watcher = children(pid, "vmm-tty")[0]
                self.assertTrue(t.is_raw())
                os.kill(pid, sig)
                t.wait_for(t.restored, 2)
                t.wait_for(lambda: not alive(watcher), 2)

    def test_killed_with_its_whole_group(self):
        t = self.script()
        pid = self.probe_pid(t)
        os.kill(pid, signal.SIGSTOP)
        os.killpg(os.getpgid(pid), signal.SIGKILL)
        # The session leader is gone as well: the kernel hangs up, but the
        # settings of this end can still be read.
        t.wait_for(t.restored, 2)

    def test_watcher_is_small_and_out_of_the_way(self):
        t = self.script()
        pid = self.probe_pid(t)
        watcher = children(pid, "vmm-tty")[0]
        self.assertEqual(sorted(os.listdir(f"/proc/{watcher}/fd")),
                         ["0", "1"])
        _, rest = stat_fields(watcher)
        self.assertEqual(int(rest[2]), watcher)  # its own process group
        self.assertEqual(int(rest[3]), watcher)  # its own session
        self.assertEqual(int(rest[4]), 0)        # no controlling terminal
        t.type(ESC + b"q")
        t.expect(rb"CODE=0")
        self.assertFalse(os.path.exists(f"/proc/{watcher}"))  # not a zombie

    def test_a_stopped_watcher_holds_nobody_up(self):
        t = self.script()
        watcher = children(self.probe_pid(t), "vmm-tty")[0]
        os.kill(watcher, signal.SIGSTOP)
        t.type(ESC + b"q")
        t.expect(rb"CODE=0", 5)
        self.assertTrue(t.restored())
        os.kill(watcher, signal.SIGCONT)
        t.wait_for(lambda: not alive(watcher), 2)
        self.assertTrue(t.restored())

    def test_without_the_watcher_nothing_is_lost_but_the_watch(self):
        t = self.script()
        os.kill(children(self.probe_pid(t), "vmm-tty")[0], signal.SIGKILL)
        t.type(b"ab#")
        t.expect(rb"<BYTES 0 SUM")
        t.type(ESC + b"q")
        t.expect(rb"CODE=0")
        self.assertTrue(t.restored())

    def test_settings_of_a_new_owner_stay(self):
        """A shell that was quicker than the watcher keeps its settings."""
        t = self.script()
        pid = self.probe_pid(t)
        now = termios.tcgetattr(t.fd)
        now[LFLAG] |= termios.ISIG
        termios.tcsetattr(t.fd, termios.TCSANOW, now)
        watcher = children(pid, "vmm-tty")[0]
        os.kill(pid, signal.SIGKILL)
        t.wait_for(lambda: not alive(watcher), 2)
        self.assertEqual(termios.tcgetattr(t.fd), now)

    def test_size(self):
        """Told at the start and when it changes, in the foreground or not."""
        t = self.shell()
        t.resize(90, 40)
        t.type(b"$PROBE term\n")
        t.expect(rb"<SIZE 90x40>")
        t.expect(rb"<TERMINAL>")
        t.resize(120, 50)
        t.expect(rb"<SIZE 120x50>")
        t.type(ESC + b"z")
        t.expect(rb"Stopped")
        t.expect(rb"shell> ")
        t.resize(80, 25)
        t.type(b"fg\n")
        t.expect(rb"<SIZE 80x25>")
        t.type(ESC + b"q")
        t.expect(rb"<QUIT>")

    def test_escape_keys(self):
        t = self.script()
        t.type(ESC + b"p")
        t.expect(rb"<POWER>")
        t.type(ESC + b"?")
        t.expect(rb"Ctrl-\] then")
        t.type(ESC + b"x")
        t.expect(rb"Ctrl-\] then")
        # One literal Ctrl-], split over two writes; the others were eaten.
        t.type(ESC)
        time.sleep(0.2)
        t.type(ESC + b"#")
        total = (0x1d * 31 + ord("#")) & 0xffffffff
        t.expect(b"<BYTES [01] SUM %d>" % total)
        # Keys that a cooked terminal would take for itself are the guest's.
        t.type(b"\x03\x1a\x1c\x04\x11\x13#")
        t.expect(rb"<BYTES \d+ SUM")
        t.type(ESC + b"q")
        t.expect(rb"CODE=0")

    def test_paste_of_64_kib_loses_nothing(self):
        t = self.script()
        text = bytes(32 + i * 7 % 95 for i in range(65536))
        text = text.replace(b"#", b"+")
        total = 0
        for c in text + b"#":
            total = (total * 31 + c) & 0xffffffff
        fcntl.fcntl(t.fd, fcntl.F_SETFL, os.O_NONBLOCK)
        rest = text + b"#"
        while rest:
            _, room, _ = select.select([], [t.fd], [], LIMIT)
            self.assertTrue(room)
            try:
                rest = rest[os.write(t.fd, rest):]
            except BlockingIOError:
                time.sleep(0.001)
        t.expect(b"SUM %d>" % total)
        t.type(ESC + b"q")
        t.expect(rb"CODE=0")

    def test_what_was_typed_ahead_is_kept(self):
        t = self.open("sh", "-c", 'sleep 0.5; "$PROBE" term; exec sleep 99')
        t.type(b"abc#")
        t.expect(rb"<TERMINAL>")
        t.type(b"#")
        t.expect(rb"<BYTES [0-9]+ SUM")
        total = 0
        for c in b"abc##":
            total = (total * 31 + c) & 0xffffffff
        if b"SUM %d>" % total not in t.seen:
            t.expect(b"SUM %d>" % total)

    def test_suspend_key_and_fg(self):
        t = self.shell()
        cooked = None
        t.type(b'"$PROBE" term\n')
        t.expect(rb"<TERMINAL>")
        self.assertTrue(t.is_raw())
        for _ in range(3):
            t.type(ESC + b"z")
            t.expect(rb"<STOPPING>")
            t.expect(rb"Stopped")
            t.expect(rb"shell> ")
            self.assertFalse(t.is_raw())
            t.type(b"stty -a | tr '\\n' ' '; echo\n")
            line = t.expect(rb"speed[^\r]*").group()
            self.assertIn(b" icanon", line)
            self.assertIn(b" echo ", line)
            self.assertEqual(line, cooked or line)
            cooked = line
            t.expect(rb"shell> ")
            t.type(b"fg\n")
            t.expect(rb"<RUNNING>")
            t.wait_for(t.is_raw)
        t.type(b"#")
        t.expect(rb"<BYTES 0 SUM")
        t.type(ESC + b"q")
        t.expect(rb"<END>")
        t.expect(rb"shell> ")

    def test_sigtstp_bg_and_fg(self):
        t = self.shell()
        t.type(b'"$PROBE" term\n')
        t.expect(rb"<TERMINAL>")
        os.kill(self.probe_pid(t), signal.SIGTSTP)
        t.expect(rb"Stopped")
        t.expect(rb"shell> ")
        t.type(b"bg\n")
        t.expect(rb"<HELD>")
        t.type(b"echo to-the-'shell'\n")
        t.expect(rb"to-the-shell")
        self.assert_idle(self.probe_pid(t))
        t.type(b"fg\n")
        t.expect(rb"<READING>")
        t.wait_for(t.is_raw)
        t.type(b"#")
        t.expect(rb"<BYTES 0 SUM 35>")
        t.type(ESC + b"q")
        t.expect(rb"<END>")

    def test_sigstop_and_fg(self):
        t = self.shell()
        t.type(b'"$PROBE" term\n')
        t.expect(rb"<TERMINAL>")
        os.kill(self.probe_pid(t), signal.SIGSTOP)
        t.expect(rb"Stopped")
        t.expect(rb"shell> ")
        t.type(b"fg\n")
        t.wait_for(t.is_raw)
        t.type(b"#")
        t.expect(rb"<BYTES 0 SUM")
        t.type(ESC + b"q")
        t.expect(rb"<END>")
        t.expect(rb"shell> ")
        # The settings found at first were kept, not our own raw ones.
        t.type(b"stty -a | tr '\\n' ' '; echo\n")
        self.assertIn(b" icanon", t.expect(rb"speed[^\r]*").group())

    def test_started_in_the_background(self):
        t = self.shell()
        t.type(b'"$PROBE" term &\n')
        t.expect(rb"<HELD>")
        t.type(b"echo 'still'-mine\n")
        t.expect(rb"still-mine")
        pid = self.probe_pid(t)
        self.assert_idle(pid)
        t.type(b"fg\n")
        t.expect(rb"<READING>")
        t.wait_for(t.is_raw)
        t.type(b"#")
        t.expect(rb"<BYTES 0 SUM 35>")
        t.type(ESC + b"q")
        t.expect(rb"<END>")
        t.expect(rb"shell> ")

    def test_background_job_dies_quietly(self):
        """The shell's own settings are not touched by a watcher."""
        t = self.shell()
        t.type(b'"$PROBE" term &\n')
        t.expect(rb"<HELD>")
        pid = self.probe_pid(t)
        watcher = children(pid, "vmm-tty")[0]
        settled = termios.tcgetattr(t.fd)
        os.kill(pid, signal.SIGKILL)
        t.wait_for(lambda: not alive(watcher), 2)
        self.assertEqual(termios.tcgetattr(t.fd), settled)

    def test_tostop_does_not_stop_a_background_guest(self):
        t = self.shell()
        t.type(b"stty tostop\n")
        t.expect(rb"shell> ")
        t.type(b'"$PROBE" term &\n')
        t.expect(rb"<HELD>")
        self.assert_idle(self.probe_pid(t))

    def test_hang_up_leaves_nothing(self):
        t = Terminal(["sh", "-c", '"$PROBE" term; exec sleep 99'])
        t.expect(rb"<TERMINAL>")
        pid = children(t.pid, "host_probe")[0]
        watcher = children(pid, "vmm-tty")[0]
        os.close(t.fd)
        end = time.monotonic() + 5
        while alive(pid) or alive(watcher):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        os.waitpid(t.pid, 0)

    def test_no_terminal_no_watcher(self):
        with subprocess.Popen([PROBE, "term"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as p:
            self.assertEqual(p.stdout.readline(), b"<NO TERMINAL>\r\n")
            self.assertEqual(children(p.pid, "vmm-tty"), [])
            p.stdin.close()
            self.assertEqual(p.stdout.readline(), b"<EOF>\r\n")

    def test_pipeline_readers_see_the_end(self):
        """The watcher holds no pipe of vmm's open."""
        t = self.open("sh", "-c", '"$PROBE" term | cat; echo OVER; sleep 99')
        t.expect(rb"<TERMINAL>")
        t.type(ESC + b"q")
        t.expect(rb"OVER")


if __name__ == "__main__":
    PROBE = os.path.abspath(sys.argv.pop(1))
    unittest.main()
