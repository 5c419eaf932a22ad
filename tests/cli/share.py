#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--share as its operator meets it: virtiofsd, which is started, looked after
and ended, and what is refused. What a guest reads and writes is tested with
real kernels (tests/linux/share.py).
"""
import os
import signal

import vmmtest
from vmmtest import HOST, OK, STOPPED, USAGE

PROGRAMS = ("/usr/libexec/virtiofsd", "/usr/lib/virtiofsd",
            "/usr/lib/qemu/virtiofsd", "/usr/libexec/qemu/virtiofsd")


class ShareTest(vmmtest.Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("dir"))
        self.option = "--share=t=" + self.path("dir")

    def daemons(self, p):
        """The processes of virtiofsd that this vmm has."""
        return [q for q in vmmtest.processes_in(self.run_dir) if q != p.pid]

    def start_one(self, *options):
        p = self.guest("spin", self.option, "--name=g", *options,
                       ready="READY")
        vmmtest.wait_until(lambda: self.daemons(p))
        return p

    def test_it_comes_and_goes(self):
        p = self.start_one()
        # Its socket has no name any more; the guest's RAM is a sealed file.
        self.assertEqual(self.left(), ["g.lock", "g.sock"])
        self.assertIn("/memfd:guest-ram (deleted)",
                      vmmtest.fds_of(p.pid).values())
        self.assertEqual(p.end().code, STOPPED)
        self.assert_nothing_left()

    def test_it_goes_with_a_killed_vmm(self):
        p = self.start_one()
        daemons = self.daemons(p)
        p.end(signal.SIGKILL)
        self.started.remove(p)
        vmmtest.wait_until(lambda: all(vmmtest.state_of(d) in ("Z", None)
                                       for d in daemons))
        self.assertEqual(self.vmm("ps").code, OK)

    def test_it_dies(self):
        """One line, and the guest lives."""
        p = self.start_one()
        for d in self.daemons(p):
            os.kill(d, signal.SIGKILL)
        p.expect("stderr", "error: virtiofsd: .*out of order")
        self.assertRegex(self.vmm("status", "g").out, r"state +running")
        self.assertEqual(p.end().code, STOPPED)

    def test_it_outlives_a_reboot(self):
        p = self.guest("reboot", self.option, "--name=g", ready="READY",
                       stdin=-1)
        daemons = self.daemons(p)
        for n in 2, 3:
            p.popen.stdin.write(b"r")
            p.popen.stdin.flush()
            p.expect("stdout", "(?s)" + "READY.*" * n)
        self.assertEqual(self.daemons(p), daemons)
        self.assertNotIn("error", p.text("stderr"))
        p.popen.stdin.close()

    def test_read_only_and_several(self):
        p = self.start_one("--share=u=" + self.path("dir") + ",ro=on")
        self.assertGreaterEqual(len(self.daemons(p)), 2)
        self.assertEqual(p.end().code, STOPPED)

    def test_refusals(self):
        file = self.write("file", b"")
        for option, pattern in (
                ("t", "give TAG=DIR"),
                ("=" + self.dir, "give TAG=DIR"),
                ("t=", "give TAG=DIR"),
                ("x" * 37 + "=" + self.dir, "at most 36 bytes"),
                ("t=" + self.dir + ",ro=maybe", "ro.*on or off")):
            with self.subTest(option):
                self.refused(USAGE, pattern, "run", "--share=" + option, "k")
        for folder, pattern in ((self.path("no"), "No such file"),
                                (file, "Not a directory")):
            with self.subTest(folder):
                self.refused(HOST, f"--share: {folder}: {pattern}", "run",
                             "--share=t=" + folder,
                             vmmtest.guest_image("poweroff"))
        self.refused(USAGE, "give another tag", "run", self.option,
                     self.option, vmmtest.guest_image("poweroff"))


if __name__ == "__main__":
    if not any(os.access(path, os.X_OK) for path in PROGRAMS):
        vmmtest.skip("no virtiofsd")
    vmmtest.main()
