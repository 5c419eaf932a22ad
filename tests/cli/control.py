#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The control socket of a real guest, asked by those who mean it no good.

Hostile case 77. Whatever comes: the guest runs on, others are answered, and
neither memory nor descriptors grow.
"""
import json
import os
import select
import socket
import threading
import time
import unittest

import vmmtest
from vmmtest import HOST, OK, STOPPED

STATUS = b'{"vmm":1,"cmd":"status"}\n'
LINE_MAX = 65536  # src/ctl.h
CLIENTS = 16  # connections served at a time, src/ctl.h
GROWTH_KIB = 1024


class ControlTest(vmmtest.Case):
    def setUp(self):
        super().setUp()
        self.p = self.guest("spin", "--name=g", "--cpus=1", ready="READY")
        self.socket = self.run_dir + "/g.sock"
        self.assertTrue(self.status()["ok"])
        self.before = self.footprint()

    def tearDown(self):
        """However it was treated: it answers, and has not grown."""
        if self.p.alive():
            self.assert_sound()
            self.assertEqual(self.p.end().code, STOPPED)
        super().tearDown()

    def footprint(self):
        status = vmmtest.status_of(self.p.pid)
        return (int(status["RssAnon"].split()[0]),
                len(vmmtest.fds_of(self.p.pid)))

    def assert_sound(self):
        self.assertEqual(self.ask_patiently(STATUS)["state"], "running")
        vmmtest.wait_until(lambda: len(vmmtest.fds_of(self.p.pid))
                           <= self.before[1])
        growth = self.footprint()[0] - self.before[0]
        if not vmmtest.is_sanitized():
            self.assertLess(growth, GROWTH_KIB)
        self.assertEqual(self.p.text("stderr").count("vmm: error"), 0,
                         self.p.text("stderr"))

    def connect(self):
        """A full backlog is waited for."""
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        s.settimeout(vmmtest.PATIENCE)
        end = time.monotonic() + vmmtest.PATIENCE
        while True:
            try:
                s.connect(self.socket)
                return s
            except BlockingIOError:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.001)

    def ask(self, data):
        """One request by a connection of its own; the answer or None."""
        with self.connect() as s:
            self.send(s, data)
            return self.answer(s)

    def send(self, s, data):
        """Whoever is turned away may be so before it has said all."""
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def answer(self, s):
        line = b""
        while not line.endswith(b"\n"):
            try:
                part = s.recv(65536)
            except ConnectionResetError:
                return None
            if not part:
                return None
            line += part
        return json.loads(line)

    def ask_patiently(self, data):
        """As a client that is turned away for now, and comes again."""
        end = time.monotonic() + vmmtest.PATIENCE
        while True:
            a = self.ask(data)
            if a and a["ok"] or time.monotonic() > end:
                return a
            time.sleep(0.05)

    def status(self):
        return self.ask(STATUS)

    def test_garbage(self):
        for data in (b"\n", b"\0\n", b"\xff\xfe\n", b"hello\n", b"{\n",
                     b"{}\n", b"[]\n", b"1\n", b"null\n", b'"x"\n',
                     b'{"vmm":1}\n', b'{"vmm":2,"cmd":"status"}\n',
                     b'{"vmm":"1","cmd":"status"}\n',
                     b'{"vmm":1,"cmd":"frobnicate"}\n',
                     b'{"vmm":1,"cmd":1}\n', b'{"vmm":1,"cmd":null}\n',
                     b'{"vmm":1,"cmd":"status","x":1}\n',
                     b'{"vmm":1,"vmm":1,"cmd":"status"}\n',
                     b'{"vmm":1,"cmd":"stop","timeout":-1}\n',
                     b'{"vmm":1,"cmd":"stop","timeout":1e300}\n',
                     b'{"vmm":1,"cmd":"stop","timeout":"soon"}\n',
                     b'{"vmm":1e400,"cmd":"status"}\n',
                     b'{"vmm":1,"cmd":"\\ud800"}\n',
                     b'{"vmm":1,"cmd":"sta\\u0000tus"}\n',
                     b"GET / HTTP/1.0\r\n", bytes(range(11, 256)) + b"\n"):
            with self.subTest(data[:40]):
                a = self.ask(data)
                self.assertIs(a["ok"], False)
                self.assertEqual(a["vmm"], 1)
                self.assertRegex(a["error"], r"\A[\x20-\x7e]+\Z")

    def test_random_bytes(self):
        for n in range(200):
            with self.connect() as s:
                self.send(s, os.urandom(n * 7 + 1))
        self.assertTrue(self.p.alive())

    def test_half_a_message(self):
        for n in range(len(STATUS)):
            with self.connect() as s:
                self.send(s, STATUS[:n])

    def test_hang_up_before_the_answer(self):
        for _ in range(300):
            with self.connect() as s:
                self.send(s, STATUS * 3)

    def test_one_byte_at_a_time(self):
        with self.connect() as s:
            for i in range(len(STATUS)):
                s.sendall(STATUS[i:i + 1])
                time.sleep(0.01)
                if i % 8 == 0:
                    self.assertTrue(self.status()["ok"])
            self.assertTrue(self.answer(s)["ok"])

    def test_many_requests_by_one_connection(self):
        with self.connect() as s:
            s.sendall(STATUS * 200)
            for _ in range(200):
                if not self.one_line(s):
                    self.fail("an answer is missing")

    def one_line(self, s):
        data = b""
        while not data.endswith(b"\n"):
            part = s.recv(1)
            if not part:
                return None
            data += part
        return json.loads(data)

    def test_line_of_100_mib(self):
        with self.connect() as s:
            sent = 0
            try:
                while sent < 100 << 20:
                    sent += s.send(b"a" * 65536)
            except (BrokenPipeError, ConnectionResetError):
                pass
        self.assertLess(sent, 4 << 20)

    def test_longest_line(self):
        line = b'{"vmm":1,"cmd":"status"' + b" " * LINE_MAX
        a = self.ask(line[:LINE_MAX - 2] + b"}\n")
        self.assertTrue(a["ok"])
        a = self.ask(line[:LINE_MAX - 1] + b"}\n")
        self.assertEqual(a["error"], f"a request is at most {LINE_MAX} bytes")

    def test_deep_json(self):
        for deep in (b"[" * 60000 + b"\n",
                     b'{"a":' * 12000 + b"\n",
                     b"[" * 30000 + b"]" * 30000 + b"\n"):
            self.assertIs(self.ask(deep)["ok"], False)

    def test_reader_that_does_not_read(self):
        """Answers pile up in the kernel, and then requests are not read."""
        with self.connect() as s:
            s.setblocking(False)
            sent = 0
            try:
                while sent < 10 << 20:
                    sent += s.send(STATUS * 100)
                    select.select([], [s], [], 0.2)
            except BlockingIOError:
                pass
            self.assertLess(sent, 10 << 20)
            self.assertTrue(self.status()["ok"])

    def test_many_connections(self):
        """Those that are too many are told so, or wait; never a crash."""
        idle = []
        for _ in range(200):
            s = socket.socket(socket.AF_UNIX)
            s.setblocking(False)
            self.addCleanup(s.close)
            try:
                s.connect(self.socket)
                idle.append(s)
            except BlockingIOError:
                s.close()
        self.assertGreater(len(idle), CLIENTS)
        time.sleep(0.2)
        self.assertLess(len(vmmtest.fds_of(self.p.pid)),
                        self.before[1] + 100)
        for s in idle:
            s.close()

    def test_two_thousand_one_after_the_other(self):
        for _ in range(2000):
            self.connect().close()
        self.assertTrue(self.ask_patiently(STATUS)["ok"])

    def test_conflicting_orders(self):
        """Pause and resume from four sides at once."""
        def order(verb):
            data = json.dumps({"vmm": 1, "cmd": verb}).encode() + b"\n"
            for _ in range(50):
                self.ask_patiently(data)
        threads = [threading.Thread(target=order, args=(v,))
                   for v in ("pause", "resume", "pause", "resume")]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.ask_patiently(b'{"vmm":1,"cmd":"resume"}\n')

    def test_kill_from_many_sides(self):
        threads = [threading.Thread(target=self.try_to_kill)
                   for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        r = self.p.wait()
        self.assertEqual(r.code, STOPPED, r)
        self.assertRegex(r.err, "ended by 'vmm kill'")

    def try_to_kill(self):
        try:
            self.ask(b'{"vmm":1,"cmd":"kill"}\n')
        except OSError:
            pass

    def test_stop_presses_and_forces(self):
        """Spin is deaf to its button; the shorter of two times counts."""
        self.ask(b'{"vmm":1,"cmd":"stop","timeout":600}\n')
        a = self.ask(b'{"vmm":1,"cmd":"stop","timeout":1}\n')
        self.assertTrue(a["ok"])
        r = self.p.wait(10)
        self.assertEqual(r.code, STOPPED, r)
        self.assertRegex(r.err, "did not power off in time")

    @unittest.skipUnless(os.geteuid() == 0, "another user needs root")
    def test_other_user(self):
        """Even one who got past the directory and the socket's mode."""
        os.chmod(self.dir, 0o755)
        os.chmod(self.run_dir, 0o711)
        os.chmod(self.socket, 0o777)
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setresgid(61234, 61234, 61234)
                os.setresuid(61234, 61234, 61234)
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(self.socket)
                    s.sendall(b'{"vmm":1,"cmd":"kill"}\n')
                    os.write(into, s.recv(4096))
            except OSError as e:
                os.write(into, str(e).encode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        os.close(into)
        said = os.read(out, 4096).decode()
        os.close(out)
        self.assertRegex(said, "belongs to another user|reset|Broken pipe")
        self.assertTrue(self.p.alive())
        os.chmod(self.run_dir, 0o700)

    def test_directory_is_private(self):
        self.assertEqual(os.stat(self.run_dir).st_mode & 0o777, 0o700)

    def test_socket_removed_by_hand(self):
        os.unlink(self.socket)
        r = self.vmm("status", "g")
        self.assertEqual(r.code, HOST, r)
        self.assertRegex(r.err, rf"g: pid {self.p.pid} does not answer")
        r = self.vmm("ps")
        self.assertRegex(r.out, rf"(?m)^g +{self.p.pid} ")
        self.assertEqual(self.p.end().code, STOPPED)

    def test_directory_removed_by_hand(self):
        os.unlink(self.socket)
        os.unlink(self.run_dir + "/g.lock")
        os.rmdir(self.run_dir)
        self.assertEqual(self.vmm("ps").code, OK)
        self.assertEqual(self.p.end().code, STOPPED)

    def test_slow_client_is_dropped_not_waited_for(self):
        with self.connect() as slow:
            slow.sendall(b"{")
            for _ in range(20):
                begin = time.monotonic()
                self.assertTrue(self.status()["ok"])
                self.assertLess(time.monotonic() - begin, 1)


if __name__ == "__main__":
    vmmtest.main()
