#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the guest's serial port leads: terminal, pipes, pty, file, nowhere.

The terminal's finer points are in term.py, without a machine; here it is vmm
itself with a guest, and every way it can end.
"""
import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import time

import kernels
import term
import vmmtest
from term import ESC
from vmmtest import CRASH, OK, STOPPED

FLOOD = kernels.kernel(kernels.FLOOD)


def checksum(data):
    """The sum console-echo prints."""
    total = 0
    for byte in data:
        total = (total * 31 + byte) & 0xffffffff
    return total


class TerminalTest(vmmtest.Case):
    """vmm as the only program on a terminal, its end told by the shell."""

    def setUp(self):
        super().setUp()
        self.terminals = []
        term.PROBE = vmmtest.paths["vmm"]
        os.environ["VMM_RUNTIME_DIR"] = self.run_dir

    def tearDown(self):
        """With their terminals all programs end, and nothing stays."""
        for t in self.terminals:
            t.close()
        self.vmm("ps")  # buries what was killed
        super().tearDown()

    def open(self, *argv):
        t = term.Terminal(argv)
        self.terminals.append(t)
        return t

    def shell(self):
        t = self.open("bash", "--norc", "--noprofile", "-i")
        t.expect(rb"shell> ")
        return t

    def terminal(self, *words, kernel="idle"):
        """sh runs vmm, says how it ended and keeps the terminal open."""
        if os.sep not in kernel:
            kernel = vmmtest.guest_image(kernel)
        return self.open("sh", "-c", '"$PROBE" "$@"; echo CODE=$?;'
                         ' exec sleep 99', "sh", "run", "--name=g", *words,
                         kernel)

    def vmm_pid(self, t):
        """Once the guest runs, so that all of the start is over."""
        def running():
            for pid in term.children(t.pid, "vmm"):
                if "vcpu0" in vmmtest.threads_of(pid):
                    return pid
            return None
        return vmmtest.wait_until(running)

    def assert_end(self, t, code):
        t.expect(rb"CODE=%d\r" % code)
        t.wait_for(t.restored, 2)
        self.vmm("ps")  # the next guest has the same name

    def raw(self, *words, kernel="idle"):
        t = self.terminal(*words, kernel=kernel)
        pid = self.vmm_pid(t)
        t.wait_for(t.is_raw)
        return t, pid

    def test_quit_key(self):
        t, _ = self.raw()
        t.type(ESC + b"q")
        t.expect(rb"ended by Ctrl-\] q\r\n")
        self.assert_end(t, STOPPED)

    def test_power_key(self):
        t, _ = self.raw(kernel="powerbutton")
        t.expect(rb"READY")
        t.type(ESC + b"p")
        t.expect(rb"power button pressed")
        self.assert_end(t, OK)

    def test_help_and_literal_escape(self):
        t, _ = self.raw("--append=bytes=3", kernel="console-echo")
        t.expect(rb"READY")
        t.type(ESC + b"?")
        t.expect(rb"Ctrl-\] then  q end the guest")
        t.type(b"a" + ESC + ESC + b"b")
        t.expect(b"sum %08x" % checksum(b"a\x1db"))
        self.assert_end(t, OK)

    def test_keys_of_a_cooked_terminal_are_the_guests(self):
        keys = b"\x03\x04\x11\x13\x1a\x1c\x7f\r"
        t, _ = self.raw(f"--append=bytes={len(keys)}", kernel="console-echo")
        t.expect(rb"READY")
        t.type(keys)
        t.expect(b"sum %08x" % checksum(keys))
        self.assert_end(t, OK)

    def test_restored_on_every_end(self):
        for sig, code in ((signal.SIGTERM, STOPPED), (signal.SIGHUP, STOPPED),
                          (signal.SIGKILL, 137), (signal.SIGSEGV, CRASH),
                          (signal.SIGABRT, CRASH)):
            with self.subTest(sig.name):
                t, pid = self.raw()
                os.kill(pid, sig)
                self.assert_end(t, code)

    def test_restored_when_the_guest_ends(self):
        for kernel, code in (("poweroff", 0), ("triple-fault", 16),
                             ("internal-error", 17)):
            with self.subTest(kernel):
                t = self.terminal(kernel=kernel)
                self.assert_end(t, code)

    def test_report_of_a_failure_is_readable(self):
        """Each line of it begins at the left margin of a raw terminal."""
        t = self.terminal(kernel="triple-fault")
        t.expect(rb"vmm: error: guest: vcpu0: triple fault[^\n]*\r\n")
        t.expect(rb"vmm: error:   rip=[0-9a-f]{16}[^\n]*\r\n")
        t.expect(rb"code:[^\n]*\r\n")
        self.assert_end(t, 16)

    def test_start_that_fails(self):
        for words in (["--cpus=1000"], ["--memory=1"], ["--name=/"],
                      ["--initrd=/no/such"]):
            with self.subTest(words):
                t = self.terminal(*words)
                t.expect(rb"vmm: error: [^\n]*\r\n")
                t.expect(rb"CODE=[12]\r")
                self.assertTrue(t.restored())
        bad = self.write("bad", b"no kernel")
        t = self.terminal(kernel=bad)
        self.assert_end(t, vmmtest.USAGE)

    def test_not_its_console(self):
        """With the console elsewhere the terminal is not touched."""
        for console in "none", "pty", "file:" + self.path("log"):
            with self.subTest(console):
                t = self.terminal("--console=" + console)
                pid = self.vmm_pid(t)
                time.sleep(0.1)
                self.assertTrue(t.restored())
                self.assertEqual(term.children(pid, "vmm-tty"), [])
                os.kill(pid, signal.SIGTERM)
                self.assert_end(t, STOPPED)

    def test_only_output_is_a_terminal(self):
        t = self.open("sh", "-c", '"$PROBE" run "$1" </dev/null;'
                      ' echo CODE=$?; exec sleep 99', "sh",
                      vmmtest.guest_image("idle"))
        t.expect(rb"READY")
        pid = self.vmm_pid(t)
        self.assertTrue(t.restored())
        os.kill(pid, signal.SIGTERM)
        self.assert_end(t, STOPPED)

    def test_suspend_and_go_on(self):
        """The guest halts with vmm, and goes on with it."""
        t = self.shell()
        t.type(b'"$PROBE" run --name=g --append=bytes=4 %s\n'
               % vmmtest.guest_image("console-echo").encode())
        t.expect(rb"READY")
        t.type(b"ab")
        for _ in range(3):
            t.type(ESC + b"z")
            t.expect(rb"Stopped")
            t.expect(rb"shell> ")
            self.assertFalse(t.is_raw())
            t.type(b"fg\n")
            t.wait_for(t.is_raw)
        t.type(b"cd")
        t.expect(b"sum %08x" % checksum(b"abcd"))
        t.expect(rb"shell> ")
        self.assertFalse(t.is_raw())

    def test_started_in_the_background(self):
        t = self.shell()
        t.type(b'"$PROBE" run --name=g --append=bytes=2 %s &\n'
               % vmmtest.guest_image("console-echo").encode())
        t.expect(rb"READY")
        t.type(b"echo the-'shell'-lives\n")
        t.expect(rb"the-shell-lives")
        self.assertFalse(t.is_raw())
        self.assertIn("running", self.vmm("status", "g").out)
        t.type(b"fg\n")
        t.wait_for(t.is_raw)
        t.type(b"xy")
        t.expect(b"sum %08x" % checksum(b"xy"))
        t.expect(rb"shell> ")

    def test_paste_of_64_kib(self):
        text = bytes(32 + i * 7 % 95 for i in range(65536))
        t, _ = self.raw(f"--append=bytes={len(text)}", kernel="console-echo")
        t.expect(rb"READY\r?\n")
        fcntl.fcntl(t.fd, fcntl.F_SETFL, os.O_NONBLOCK)
        rest, came = text, t.seen
        t.seen = b""
        end = time.monotonic() + 60
        while b"sum " not in came:
            self.assertLess(time.monotonic(), end)
            ready, room, _ = select.select([t.fd], [t.fd] * bool(rest), [],
                                           1)
            if room:
                try:
                    rest = rest[os.write(t.fd, rest[:4096]):]
                except BlockingIOError:
                    time.sleep(0.001)
            if ready:
                came += os.read(t.fd, 65536)
        self.assertIn(text, came)
        t.seen = came
        t.expect(b"sum %08x" % checksum(text))
        self.assert_end(t, OK)


class ConsoleTest(vmmtest.Case):
    def exits(self):
        """Of all vCPUs so far."""
        found = re.search(r"(?m)^exits +(\d+)$", self.vmm("status", "g").out)
        return int(found[1])

    def assert_not_blocked(self):
        """The vCPU goes on, whoever does not read."""
        time.sleep(0.5)  # what waits for a reader waits no longer
        first = self.exits()
        vmmtest.wait_until(lambda: self.exits() > first + 1000)

    def flood(self, console, **options):
        p = self.start("run", "--name=g", "--console=" + console,
                       self.write("flood", FLOOD), **options)
        vmmtest.wait_until(lambda: self.vmm("status", "g").code == OK)
        return p

    def test_stalled_pipe(self):
        out, into = os.pipe()
        p = self.flood("stdio", stdout=into)
        self.assert_not_blocked()
        p.expect("stderr", "console stdio: nobody reads it; output is dropped")
        # The reader comes back: it gets output again.
        self.assertTrue(os.read(out, 1 << 20))
        self.assertTrue(os.read(out, 100000))
        begin = time.monotonic()
        self.assertEqual(p.end().code, STOPPED)
        self.assertLess(time.monotonic() - begin, 2)
        os.close(out)
        os.close(into)

    def test_stalled_pty(self):
        p = self.flood("pty")
        self.assert_not_blocked()
        self.assertEqual(p.end().code, STOPPED)

    def test_stalled_terminal_of_another(self):
        """stdout is a pseudo-terminal that nobody reads."""
        master, slave = os.openpty()
        p = self.flood("stdio", stdout=slave)
        self.assert_not_blocked()
        self.assertEqual(p.end().code, STOPPED)
        os.close(master)
        os.close(slave)

    def test_reader_that_goes_away(self):
        out, into = os.pipe()
        p = self.flood("stdio", stdout=into)
        os.read(out, 1000)
        os.close(out)
        self.assert_not_blocked()
        self.assertEqual(p.end().code, STOPPED)
        os.close(into)

    def test_full_disk(self):
        p = self.flood("file:/dev/full")
        self.assert_not_blocked()
        self.assertEqual(p.end().code, STOPPED)

    def test_file_is_appended_to(self):
        log = self.path("log")
        for n in 1, 2, 3:
            r = self.vmm("run", "--console=file:" + log,
                         vmmtest.guest_image("poweroff"))
            self.assertEqual((r.code, r.out), (OK, ""), r)
            with open(log, "rb") as f:
                self.assertEqual(f.read().count(b"TEST: SUCCESS\n"), n)
        self.assertEqual(os.stat(log).st_mode & 0o777, 0o600)

    def test_files_that_are_refused(self):
        os.mkfifo(self.path("fifo"))
        for place, pattern in ((self.dir, "Is a directory"),
                               (self.path("no/such"), "No such file"),
                               (self.path("fifo"), "nobody reads it")):
            with self.subTest(place):
                r = self.vmm("run", "--console=file:" + place,
                             vmmtest.guest_image("poweroff"))
                self.assert_refused(r, vmmtest.HOST, f"console file {place}: "
                                    f"({pattern}).*: name one")

    def test_fifo_with_a_reader(self):
        os.mkfifo(self.path("fifo"))
        fd = os.open(self.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        r = self.vmm("run", "--console=file:" + self.path("fifo"),
                     vmmtest.guest_image("poweroff"))
        self.assertEqual(r.code, OK, r)
        self.assertIn(b"TEST: SUCCESS", os.read(fd, 65536))
        os.close(fd)

    def test_none(self):
        r = self.vmm("run", "--console=none", vmmtest.guest_image("poweroff"))
        self.assertEqual((r.code, r.out), (OK, ""), r)
        # What was said last is told when the guest fails.
        r = self.vmm("run", "--console=none",
                     vmmtest.guest_image("triple-fault"))
        self.assertEqual(r.code, vmmtest.TRIPLE, r)
        self.assertRegex(r.err, r"(?m)^console: ")

    def pty(self, *options, kernel):
        p = self.start("run", "--name=g", "--console=pty", *options,
                       vmmtest.guest_image(kernel))
        name = p.expect("stderr", r"vmm: console: (/dev/pts/\d+)\n")[1]
        return p, name

    def read_to_end(self, fd):
        """A pseudo-terminal whose other side is gone answers EIO."""
        said = b""
        try:
            while part := os.read(fd, 65536):
                said += part
        except OSError:
            pass
        return said

    def test_pty(self):
        p, name = self.pty("--append=bytes=5", kernel="console-echo")
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        # Raw from the first: what is typed is neither echoed nor edited.
        self.assertFalse(termios.tcgetattr(fd)[3]
                         & (termios.ICANON | termios.ECHO))
        os.write(fd, b"ab\x7f\r\n")
        self.assertIn(b"sum %08x" % checksum(b"ab\x7f\r\n"),
                      self.read_to_end(fd))
        os.close(fd)
        self.assertEqual(p.wait().code, OK)

    def test_pty_whose_readers_come_and_go(self):
        p, name = self.pty("--append=bytes=3", kernel="console-echo")
        for byte in b"abc":
            fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, bytes([byte]))
            time.sleep(0.05)
            os.close(fd)
            self.assertTrue(p.alive() or byte == ord("c"))
        self.assertEqual(p.wait().code, OK)

    def test_pipes(self):
        text = bytes(range(256)) * 40
        p = self.start("run", f"--append=bytes={len(text)}",
                       vmmtest.guest_image("console-echo"),
                       stdin=subprocess.PIPE)
        p.expect("stdout", "READY")
        p.popen.stdin.write(text)
        p.popen.stdin.close()
        r = p.wait()
        self.assertEqual(r.code, OK, r)
        self.assertIn(f"sum {checksum(text):08x}", r.out)

    def test_end_of_input_is_no_end(self):
        p = self.start("run", "--name=g", vmmtest.guest_image("idle"))
        p.expect("stdout", "READY")
        time.sleep(0.2)
        self.assertTrue(p.alive())
        with open(f"/proc/{p.pid}/stat", encoding="ascii") as f:
            rest = f.read().rpartition(")")[2].split()
        self.assertLess(int(rest[11]) + int(rest[12]), 20)  # no spinning
        self.assertEqual(p.end().code, STOPPED)

    def test_input_from_a_file(self):
        text = b"from a file\n" * 1000
        with open(self.write("in", text), "rb") as f:
            r = self.vmm("run", f"--append=bytes={len(text)}",
                         vmmtest.guest_image("console-echo"), stdin=f)
        self.assertEqual(r.code, OK, r)
        self.assertIn(f"sum {checksum(text):08x}", r.out)

    def test_unread_input_is_bounded(self):
        """A guest that reads nothing: the writer waits, vmm does not grow."""
        p = self.start("run", "--name=g", vmmtest.guest_image("spin"),
                       stdin=subprocess.PIPE)
        p.expect("stdout", "READY")
        os.set_blocking(p.popen.stdin.fileno(), False)
        sent = 0
        end = time.monotonic() + 2
        while time.monotonic() < end and sent < 64 << 20:
            try:
                sent += os.write(p.popen.stdin.fileno(), b"x" * 65536)
            except BlockingIOError:
                time.sleep(0.01)
        self.assertLess(sent, 2 << 20)
        self.assertEqual(p.end().code, STOPPED)
        p.popen.stdin.close()


if __name__ == "__main__":
    vmmtest.main()
