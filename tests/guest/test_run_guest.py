#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""run-guest itself: every way a guest can end gets the verdict it should.

A shell script stands for vmm; it gets the kernel's place as a script to run.
"""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class RunGuest(unittest.TestCase):
    """Each test is one pretended guest."""

    def run_guest(self, script, *options, option=None):
        """The status and output of run-guest over a pretended vmm."""
        with tempfile.TemporaryDirectory() as folder:
            vmm = os.path.join(folder, "vmm")
            with open(vmm, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n" + script)
            os.chmod(vmm, 0o700)
            done = subprocess.run(
                [os.path.join(HERE, "run-guest"), "--kvm=no", "--limit=3"]
                + [*options, vmm, "kernel"]
                + ([option] if option else []),
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        return done.returncode, done.stdout

    def test_success(self):
        """The right line and the right status."""
        self.assertEqual(self.run_guest("echo TEST: SUCCESS")[0], 0)

    def test_failure(self):
        """The guest says that it failed."""
        status, out = self.run_guest("echo FAIL: x; echo TEST: FAILURE")
        self.assertEqual(status, 1)
        self.assertIn("FAIL: x", out)

    def test_error(self):
        """The guest could not test."""
        self.assertEqual(self.run_guest("echo TEST: ERROR x")[0], 1)

    def test_skip(self):
        """A skip, with its reason, also where another status is expected."""
        for options in ([], ["--exit=17"]):
            status, out = self.run_guest("echo TEST: SKIP why", *options)
            self.assertEqual(status, 77)
            self.assertIn("why", out)

    def test_crash(self):
        """No result line at all, or something after it."""
        for script in ("echo hello", "echo TEST: SUCCESS; echo oops", ""):
            status, out = self.run_guest(script)
            self.assertEqual(status, 1)
            self.assertIn("CRASH", out)

    def test_status(self):
        """Success by its own account, but the wrong exit status."""
        status, out = self.run_guest("echo TEST: SUCCESS; exit 16")
        self.assertEqual(status, 1)
        self.assertIn("seen 16", out)
        script = "echo TEST: SUCCESS; exit 16"
        self.assertEqual(self.run_guest(script, "--exit=16")[0], 0)

    def test_hang(self):
        """A guest without end is ended."""
        status, out = self.run_guest("echo TEST: SUCCESS; exec sleep 60")
        self.assertEqual(status, 1)
        self.assertIn("in time", out)

    def test_sanitizer(self):
        """A sanitizer's report is a failure whatever the guest says."""
        script = "echo runtime error: x >&2; echo TEST: SUCCESS"
        self.assertEqual(self.run_guest(script)[0], 1)

    def test_slow_end(self):
        """An end that takes longer than 100 ms, each time, is a failure."""
        slow = "trap 'sleep 0.2; exit 4' TERM; echo READY; while :; do :; done"
        quick = "trap 'exit 4' TERM; echo READY; while :; do :; done"
        options = ["--driver=term", "--exit=4"]
        self.assertEqual(self.run_guest(slow, *options)[0], 1)
        self.assertEqual(self.run_guest(quick, *options)[0], 0)

    DISK = "for a; do case $a in --disk=*) d=${a#--disk=};; esac; done; "

    def run_disk(self, script):
        """The status over a pretended vmm that has $d for a disk."""
        return self.run_guest(
            self.DISK + script + "; echo TEST: SUCCESS", "--driver=disk",
            option="--disk=@1M@",
        )

    def test_disk_untouched(self):
        """Nothing said, nothing done."""
        self.assertEqual(self.run_disk("test -s $d")[0], 0)

    def test_disk_changed(self):
        """A byte that nobody said was written."""
        status, out = self.run_disk(
            "printf x | dd of=$d bs=1 seek=3000 conv=notrunc 2>/dev/null"
        )
        self.assertEqual(status, 1)
        self.assertIn("disk 0, sector 5", out)

    def test_disk_write_lost(self):
        """A write that was acknowledged and is not there."""
        status, out = self.run_disk("echo wrote 0 7 2 1")
        self.assertEqual(status, 1)
        self.assertIn("disk 0, sector 7", out)

    def test_disk_write_on_its_way(self):
        """One that was not acknowledged may be there, or not."""
        self.assertEqual(self.run_disk("echo asked 0 7 2 1")[0], 0)

    def test_disk_zeroed(self):
        """Zeroes where they were promised, and only there."""
        zero = "dd if=/dev/zero of=$d bs=512 seek=9 count=2 conv=notrunc"
        said = "; echo zeroed 0 9 %d 0"
        self.assertEqual(self.run_disk(zero + said % 2)[0], 0)
        self.assertEqual(self.run_disk(zero + said % 1)[0], 1)
        self.assertEqual(self.run_disk(zero + said % 3)[0], 1)

    def test_disk_size(self):
        """An image that grew or shrank."""
        self.assertEqual(self.run_disk("truncate -s 512 $d")[0], 1)


if __name__ == "__main__":
    sys.exit(unittest.main())
