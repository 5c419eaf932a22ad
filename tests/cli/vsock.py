#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--vsock as its operator meets it: the socket, the process that connects,
what a killed vmm leaves, what is refused. What travels on the streams is
tested by the guest of the same name.
"""
import os
import signal
import socket
import subprocess

import vmmtest
from vmmtest import HOST, OK, USAGE


class VsockTest(vmmtest.Case):
    def helper_of(self, p):
        """The pid of the process that connects for this vmm."""
        return vmmtest.wait_until(
            lambda: [q for q in vmmtest.processes_in(self.run_dir)
                     if q != p.pid and vmmtest.threads_of(q).keys() ==
                     {"vmm-connect"}])[0]

    def test_nobody_is_there(self):
        """A guest without a driver: programs are let go, not kept waiting."""
        p = self.guest("spin", "--vsock=3", "--name=g", ready="READY")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(vmmtest.PATIENCE)
            s.connect(self.run_dir + "/g.vsock")
            s.sendall(b"CONNECT 7\n")
            self.assertEqual(s.recv(10), b"")
        p.end()
        self.assertEqual(self.left(), [])

    def test_helper_is_sealed(self):
        p = self.guest("spin", "--vsock=3", "--name=g", ready="READY")
        helper = self.helper_of(p)
        status = vmmtest.status_of(helper)
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(int(status["Seccomp_filters"]), 1)
        fds = vmmtest.fds_of(helper)
        self.assertEqual(list(fds), [0])
        self.assertRegex(fds[0], "^socket:")

    def test_helper_does_one_thing(self):
        """Another call ends it; guests are refused then, and go on."""
        for name, call in {"socket": (41, socket.AF_INET, 1, 0),
                           "openat": (257, -100, 0, 0),
                           "execve": (59, 0, 0, 0),
                           "ioctl": (16, 0, 0, 0),
                           "accept4": (288, 0, 0, 0, 0)}.items():
            with self.subTest(name):
                if vmmtest.is_sanitized() and name == "openat":
                    continue  # the sanitizers' runtime may
                p = self.guest("spin", "--vsock=3", "--name=g", ready="READY")
                subprocess.run(
                    [vmmtest.tool("inject"), str(self.helper_of(p)), "64",
                     *(str(a & (1 << 64) - 1) for a in call)],
                    capture_output=True, timeout=vmmtest.PATIENCE,
                    check=False)
                p.expect("stderr", "warning: vsock .*: guests are refused")
                self.assertRegex(self.vmm("status", "g").out,
                                 r"state +running")
                p.end()
                self.started.remove(p)

    def test_helper_ends_with_vmm(self):
        """However vmm ends; and the next one takes the name and socket."""
        p = self.guest("spin", "--vsock=3", "--name=g", ready="READY")
        helper = self.helper_of(p)
        p.end(signal.SIGKILL)
        self.started.remove(p)
        vmmtest.wait_until(lambda: vmmtest.state_of(helper) in ("Z", None))
        self.assertIn("g.vsock", self.left())
        p = self.guest("spin", "--vsock=3", "--name=g", ready="READY")
        p.end()
        self.assertEqual(self.left(), [])

    def test_left_sockets_are_swept(self):
        p = self.guest("spin", "--vsock=3", "--name=g", ready="READY")
        p.end(signal.SIGKILL)
        self.started.remove(p)
        self.assertEqual(self.vmm("ps").code, OK)
        self.assertEqual(self.left(), [])

    def test_own_path(self):
        path = self.path("s")
        p = self.guest("spin", "--vsock=3,uds=" + path, ready="READY")
        self.assertTrue(os.path.exists(path))
        self.refused_beside(p, HOST, "--vsock: .*another guest",
                            "--vsock=4,uds=" + path)
        p.end(signal.SIGKILL)
        self.started.remove(p)
        # A socket that nobody has is taken over.
        p = self.guest("spin", "--vsock=3,uds=" + path, ready="READY")
        p.end()
        self.assertFalse(os.path.exists(path))
        self.assertEqual(self.vmm("ps").code, OK)

    def refused_beside(self, p, code, pattern, *options):
        """A second guest must refuse, and the first must not notice."""
        r = self.vmm("run", *options, vmmtest.guest_image("poweroff"))
        self.assertEqual(r.code, code, r)
        self.assertRegex(r.err, pattern)
        self.assertTrue(p.alive())

    def test_a_file_is_not_replaced(self):
        path = self.write("precious", b"data")
        self.refused(HOST, "--vsock: .*precious", "run",
                     "--vsock=3,uds=" + path,
                     vmmtest.guest_image("poweroff"))
        with open(path, "rb") as f:
            self.assertEqual(f.read(), b"data")

    def test_refusals(self):
        for option, pattern in (
                ("2", "a number from 3"),
                ("4294967295", "a number from 3"),
                ("3,uds=", "--vsock: .*uds"),
                ("3,port=7", "--vsock: .*port")):
            with self.subTest(option):
                self.refused(USAGE, pattern, "run", "--vsock=" + option, "k")
        self.refused(HOST, "give a shorter uds=", "run",
                     "--vsock=3,uds=/tmp/" + "x" * 120,
                     vmmtest.guest_image("poweroff"))
        self.refused(HOST, "--vsock: .*No such file", "run",
                     "--vsock=3,uds=" + self.path("no/such"),
                     vmmtest.guest_image("poweroff"))

    def test_after_a_reboot(self):
        """The socket is there through it, and so is the helper."""
        p = self.guest("reboot", "--vsock=3", "--name=g", ready="READY",
                       stdin=-1)
        helper = self.helper_of(p)
        p.popen.stdin.write(b"r")
        p.popen.stdin.flush()
        p.expect("stdout", "(?s)READY.*READY")
        self.assertEqual(self.helper_of(p), helper)
        self.assertIn("g.vsock", self.left())
        p.popen.stdin.close()


if __name__ == "__main__":
    vmmtest.main()
