#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Consoles that clients attach to and leave, and the balloon from outside.

What a guest's drivers do with both is seen with Linux (tests/linux); here
are the operator's side and guests without such drivers.
"""
import json
import os
import re
import signal
import socket
import stat
import time

import kernels
import vmmtest
from console import checksum
from vmmtest import HOST, OK, STOPPED, USAGE

FLOOD = kernels.kernel(kernels.FLOOD)


class AttachCase(vmmtest.Case):
    """A guest on a socket."""

    def setUp(self):
        super().setUp()
        self.place = self.path("console")

    def guest_at(self, *options, kernel, **kwargs):
        return self.guest(kernel, "--name=g", "--console=unix:" + self.place,
                          *options, **kwargs)

    def attach(self):
        """There may be no socket yet, or an old one, or a full backlog."""
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        s.settimeout(vmmtest.PATIENCE)

        def connected():
            try:
                s.connect(self.place)
            except (FileNotFoundError, ConnectionRefusedError,
                    BlockingIOError):
                return False
            return True
        vmmtest.wait_until(connected)
        return s

    def hear(self, s, pattern):
        said = b""
        end = time.monotonic() + vmmtest.PATIENCE
        while not (found := re.search(pattern, said)):
            part = s.recv(65536)
            said += part
            self.assertTrue(part and time.monotonic() < end,
                            f"no {pattern} in {said[:2000]}")
        return found


class UnixConsoleTest(AttachCase):
    def test_a_whole_session(self):
        p = self.guest_at("--append=bytes=5", kernel="console-echo")
        s = self.attach()
        self.hear(s, rb"READY")
        mode = os.stat(self.place).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(mode & 0o777, 0o600)
        s.sendall(b"ab\x7f\r\n")
        self.hear(s, b"sum %08x" % checksum(b"ab\x7f\r\n"))
        self.assertEqual(p.wait().code, OK)
        while s.recv(65536):
            pass  # to the end, and no error
        self.assertFalse(os.path.exists(self.place))

    def test_come_and_go(self):
        """Each byte by a client of its own, who does not wait."""
        p = self.guest_at("--append=bytes=50", kernel="console-echo")
        text = bytes(32 + i for i in range(50))
        with self.attach() as s:
            self.hear(s, rb"READY")
        for byte in text[:-1]:
            with self.attach() as s:
                s.sendall(bytes([byte]))
        s = self.attach()
        s.sendall(text[-1:])
        self.hear(s, b"sum %08x" % checksum(text))
        self.assertEqual(p.wait().code, OK)

    def test_what_was_said_before(self):
        p = self.guest_at(kernel="idle")
        vmmtest.wait_until(lambda: self.vmm("status", "g").code == OK)
        time.sleep(0.5)
        self.hear(self.attach(), rb"READY")
        self.assertEqual(p.end().code, STOPPED)

    def test_second_client(self):
        p = self.guest_at(kernel="idle")
        first = self.attach()
        self.hear(first, rb"READY")
        second = self.attach()
        self.hear(second, rb"\Avmm: console: somebody else is attached[^\n]*"
                          rb"\r\n\Z")
        self.assertEqual(second.recv(1), b"")
        self.assertEqual(p.end().code, STOPPED)

    def test_flood_with_nobody_there(self):
        p = self.guest_at(kernel=self.write("flood", FLOOD))
        exits = re.compile(r"(?m)^exits +(\d+)$")
        vmmtest.wait_until(lambda: self.vmm("status", "g").code == OK)
        # A byte an exit: more than there is room for, and on it goes.
        vmmtest.wait_until(lambda: int(exits.search(
            self.vmm("status", "g").out)[1]) > 80000, 60)
        s = self.attach()
        self.hear(s, rb"\Avmm: console: \d+ bytes of earlier output were "
                     rb"dropped\r\n")
        self.assertEqual(p.end().code, STOPPED)

    def test_killed_and_started_again(self):
        """What a killed vmm leaves is no obstacle, a living one is."""
        p = self.guest_at(kernel="idle")
        self.hear(self.attach(), rb"READY")
        r = self.vmm("run", "--console=unix:" + self.place,
                     vmmtest.guest_image("poweroff"))
        self.assertEqual(r.code, HOST, r)
        self.assertRegex(r.err, r"error: console unix:.*a living process "
                                r"listens there: name another\n\Z")
        p.end(signal.SIGKILL)
        self.assertTrue(os.path.exists(self.place))
        self.vmm("ps")  # buries what was killed
        p = self.guest_at(kernel="idle")
        self.hear_anew(rb"READY")
        self.assertEqual(p.end().code, STOPPED)
        self.assertFalse(os.path.exists(self.place))

    def hear_anew(self, pattern):
        """The socket of the killed one may have taken us in as it died."""
        try:
            self.hear(self.attach(), pattern)
        except ConnectionResetError:
            self.hear(self.attach(), pattern)

    def test_outlives_a_reboot(self):
        p = self.guest_at(kernel="reboot")
        s = self.attach()
        for order in b"rrp":
            self.hear(s, rb"READY")
            s.sendall(bytes([order]))
        self.hear(s, rb"TEST: SUCCESS")
        self.assertEqual(p.wait().code, OK)

    def test_refused(self):
        for place, pattern in ((self.dir, "is no socket"),
                               (self.path("no/such"), "No such file"),
                               ("x" * 108, "at most 107 bytes")):
            with self.subTest(place):
                r = self.vmm("run", "--console=unix:" + place,
                             vmmtest.guest_image("poweroff"))
                self.assert_refused(r, HOST, f"console unix:{place}: "
                                             f".*{pattern}")

    def test_a_start_that_fails_leaves_nothing(self):
        r = self.vmm("run", "--console=unix:" + self.place,
                     "--virtio-console=file:" + self.path("no/such"),
                     vmmtest.guest_image("poweroff"))
        self.assert_refused(r, HOST, "console file ")
        self.assertFalse(os.path.exists(self.place))


class VirtioConsoleTest(AttachCase):
    def test_options(self):
        kernel = vmmtest.guest_image("poweroff")
        for words, pattern in (
                (["--console=stdio", "--virtio-console=stdio"],
                 "stdio can be used once"),
                (["--virtio-console=none", "--virtio-console=none"],
                 "name=NAME"),
                (["--virtio-console=none,name=a"] * 2, "given twice"),
                (["--virtio-console=none,nam=a"], "nam"),
                (["--virtio-console=tty"], "stdio, pty, file:PATH"),
                (["--virtio-console=none,name=x"] * 16, "can have 15 ports")):
            with self.subTest(words):
                self.refused(USAGE, pattern, "run", *words, kernel)

    def test_dump_config(self):
        r = self.vmm("run", "--dump-config", "--virtio-console=stdio",
                     "--virtio-console=unix:/a,,b,name=agent",
                     "--balloon=128M", "k")
        self.assertEqual(r.code, OK, r)
        c = json.loads(r.out)
        self.assertEqual(c["console"], "none")
        self.assertEqual(c["virtio_consoles"],
                         [{"where": "stdio"},
                          {"where": "unix", "path": "/a,b", "name": "agent"}])
        self.assertEqual(c["balloon"], 128 << 20)

    def test_devices_without_a_driver(self):
        """On each transport, and taken apart and made anew by a reboot."""
        for transport in "pci", "mmio":
            with self.subTest(transport):
                port = self.path("port")
                p = self.guest_at("--transport=" + transport,
                                  "--virtio-console=none",
                                  f"--virtio-console=unix:{port},name=port",
                                  "--balloon", kernel="reboot")
                with self.attach() as s:
                    for order in b"rrp":
                        self.hear(s, rb"READY")
                        self.assertTrue(os.path.exists(port))
                        s.sendall(bytes([order]))
                    self.assertEqual(p.wait().code, OK)
                self.assertFalse(os.path.exists(port))


class BalloonTest(vmmtest.Case):
    def test_target(self):
        p = self.guest("idle", "--name=g", "--memory=64M", "--balloon=48M",
                       ready="READY")
        status = json.loads(self.vmm("status", "g", "--json").out)["balloon"]
        self.assertEqual(status, {"driver": False, "target": 48 << 20,
                                  "actual": 64 << 20, "returned": 0})
        r = self.vmm("balloon", "g", "32M")
        self.assertEqual((r.code, r.out), (OK, "g: asked to keep 32 MiB\n"))
        r = self.vmm("status", "g")
        self.assertRegex(r.out, r"(?m)^balloon\.target +32 MiB$")
        self.refused_verb("less memory than that", "g", "65M")
        self.assertEqual(p.end().code, STOPPED)

    def refused_verb(self, pattern, *argv, code=HOST):
        r = self.vmm("balloon", *argv)
        self.assertEqual(r.code, code, r)
        self.assertRegex(r.err, rf"\Avmm: error: .*{pattern}.*\n\Z")

    def test_no_balloon(self):
        p = self.guest("idle", "--name=g", ready="READY")
        self.refused_verb("start it with --balloon", "g", "32M")
        self.assertNotIn("balloon", self.vmm("status", "g").out)
        for argv in ["g"], ["g", "0"], ["g", "x"], ["g", "1M", "2M"], []:
            self.refused_verb("", *argv, code=USAGE)
        self.assertEqual(p.end().code, STOPPED)

    def test_more_than_there_is(self):
        self.refused(USAGE, "more than the guest has", "run", "--memory=64M",
                     "--balloon=65M", vmmtest.guest_image("poweroff"))


if __name__ == "__main__":
    vmmtest.main()
