#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--net as its operator meets it: taps by name and by descriptor, passt, what
vmm leaves behind, what is refused. Packets are tested elsewhere.

The taps are in a network namespace of this test's own; without the right to
make one it skips those.
"""
import ctypes
import fcntl
import os
import signal
import struct
import subprocess
import time

import vmmtest
from vmmtest import HOST, USAGE

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
TUN_FLAGS = 0x0002 | 0x1000 | 0x4000  # tap, no packet information, header


def leave_network():
    """Into a network namespace with nothing in it. Did it work?"""
    libc = ctypes.CDLL(None, use_errno=True)
    return (os.access("/dev/net/tun", os.W_OK) and
            libc.unshare(CLONE_NEWNET) == 0)


HAVE_TAPS = leave_network()


def interfaces():
    """The names of all interfaces here."""
    with open("/proc/net/dev", encoding="ascii") as f:
        return [line.split(":")[0].strip() for line in f if ":" in line]


def cpu_of(tid):
    """Seconds of CPU time a thread has had."""
    with open(f"/proc/{tid}/task/{tid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


class NetTest(vmmtest.Case):
    def need_taps(self):
        if not HAVE_TAPS:
            self.skipTest("no right to a network namespace with a tap")

    def stub_passt(self, text):
        """Something else in the place of passt; the environment with it."""
        path = self.write("passt", f"#!/bin/sh\n{text}\n".encode())
        os.chmod(path, 0o755)
        self.env["PATH"] = self.dir + ":" + self.env["PATH"]

    def test_tap_lives_as_long_as_vmm(self):
        self.need_taps()
        for sig in signal.SIGTERM, signal.SIGKILL:
            p = self.guest("spin", "--net=tap,ifname=t0,queues=2",
                           "--name=g", ready="READY")
            self.assertIn("t0", interfaces())
            p.end(sig)
            self.started.remove(p)
            # The kernel lets go of a descriptor that was polled in its time.
            vmmtest.wait_until(lambda: "t0" not in interfaces())
            self.vmm("ps")  # sweeps what a killed one left

    def test_tap_in_use(self):
        self.need_taps()
        p = self.guest("spin", "--net=tap,ifname=t0", ready="READY")
        r = self.vmm("run", "--net=tap,ifname=t0",
                     vmmtest.guest_image("spin"))
        self.assertEqual(r.code, HOST, r)
        self.assertRegex(r.err, "--net tap,ifname=t0: .*in use")
        self.assertTrue(p.alive())

    def test_inherited_tap(self):
        """It is kept, everything else that was inherited is not."""
        self.need_taps()
        fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"t1", TUN_FLAGS))
        other = os.dup(fd)
        p = self.guest("spin", f"--net=tap,fd={fd}", ready="READY",
                       pass_fds=[fd, other])
        os.close(other)
        os.close(fd)
        held = [n for n, f in vmmtest.fds_of(p.pid).items()
                if f == "/dev/net/tun"]
        self.assertEqual(held, [fd])
        p.end()
        vmmtest.wait_until(lambda: "t1" not in interfaces())

    def test_broken_descriptors(self):
        image = vmmtest.guest_image("spin")
        self.refused(USAGE, "--net: fd=77: not an open descriptor", "run",
                     "--net=tap,fd=77", image)
        with open("/dev/null", "rb") as f:
            self.refused(HOST, "--net tap,fd=.*: not attached to a tap",
                         "run", f"--net=tap,fd={f.fileno()}", image,
                         pass_fds=[f.fileno()])
        self.refused(USAGE, "--net: fd=5 is given twice", "run",
                     "--net=tap,fd=5", "--net=tap,fd=5", image)
        self.refused(USAGE, "--net: mac= is the same twice", "run",
                     "--net=user,mac=02:00:00:00:00:01",
                     "--net=user,mac=02:00:00:00:00:01", image)

    def test_removed_tap(self):
        """The guest goes on, and the loop is quiet."""
        self.need_taps()
        p = self.guest("spin", "--net=tap,ifname=t0", ready="READY")
        subprocess.run(["ip", "link", "del", "t0"], check=True)
        before = cpu_of(p.pid)
        time.sleep(1)
        self.assertLess(cpu_of(p.pid) - before, 0.2)
        self.assertTrue(p.alive())
        self.assertLessEqual(p.text("stderr").count("link is down"), 1)

    def test_no_passt(self):
        self.env["PATH"] = self.dir
        self.refused(HOST, "--net user: passt: not found: install the "
                     "package passt", "run", "--net=user",
                     vmmtest.guest_image("spin"))

    def test_passt_that_fails(self):
        self.stub_passt("echo 'no route' >&2; exit 1")
        self.refused(HOST, "--net user: passt: it did not start: no route",
                     "run", "--net=user", vmmtest.guest_image("spin"))

    def test_passt_that_ends(self):
        """Its death is the link's, not the guest's."""
        self.stub_passt("sleep 1 </dev/null >/dev/null 2>&1 &")
        p = self.guest("spin", "--net=user", ready="READY")
        p.expect("stderr", "--net user: the other end has ended: the guest's "
                 "link is down")
        self.assertTrue(p.alive())

    def test_passt_ends_with_vmm(self):
        """However vmm ends."""
        self.stub_passt(f"echo $$ >{self.dir}/began; "
                        f"(cat <&3 >/dev/null; echo x >{self.dir}/ended) "
                        "</dev/null >/dev/null 2>&1 &")
        for sig in signal.SIGTERM, signal.SIGKILL:
            p = self.guest("spin", "--net=user", ready="READY")
            self.assertFalse(os.path.exists(self.path("ended")))
            p.end(sig)
            self.started.remove(p)
            vmmtest.wait_until(lambda: os.path.exists(self.path("ended")))
            os.unlink(self.path("ended"))
            self.vmm("ps")


if __name__ == "__main__":
    vmmtest.main()
