#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""vmm under limits: descriptors, memory, processes, file size, huge pages.

Hostile cases 66 and 68. From a limit under which nothing works up to the
first under which a guest runs, each step is one clear line and status 1, and
nothing is left behind.
"""
import os
import resource
import shutil
import signal
import unittest

import kernels
import vmmtest
from vmmtest import HOST, OK, limits

MIB = 1 << 20
NOBODY = 61234  # a uid that has no other process


class LimitTest(vmmtest.Case):
    def run_limited(self, *options, kernel="poweroff", **wanted):
        return self.vmm("run", "--console=none", *options,
                        vmmtest.guest_image(kernel),
                        preexec_fn=limits(**wanted))

    def run_without_files(self):
        """With RLIMIT_FSIZE 0; what is said comes by a pipe, then."""
        out, into = os.pipe()
        r = self.vmm("run", "--console=none", vmmtest.guest_image("poweroff"),
                     preexec_fn=limits(FSIZE=0), stderr=into)
        os.close(into)
        with open(out, encoding="utf-8") as f:
            r.err = f.read()
        return r

    def climb(self, steps, pattern, *options, **kwargs):
        """Each step refused as it should be, until one works."""
        name = kwargs.pop("name")
        refusals = 0
        for n in steps:
            with self.subTest(**{name: n}):
                r = self.run_limited(*options, **{name: n})
                if r.code == OK:
                    self.assertGreater(refusals, 0, "never refused")
                    return n
                if not r.err and r.code in (-signal.SIGKILL,
                                            -signal.SIGSEGV, 127):
                    continue  # too little for the program to be loaded
                refusals += 1
                self.assert_refused(r, HOST, pattern)
        return self.fail("never enough")

    def test_descriptors(self):
        found = self.climb(range(3, 64), "Too many open files",
                           name="NOFILE")
        self.assertLess(found, 24)

    def test_descriptors_of_every_console(self):
        for console in "stdio", "pty", f"file:{self.path('log')}":
            with self.subTest(console):
                self.climb(range(3, 64), "Too many open files|pty:",
                           "--console=" + console, "--cpus=2", name="NOFILE")

    def test_advice_about_descriptors(self):
        r = self.run_limited(NOFILE=3)
        self.assertRegex(r.err, "ulimit -n")

    def test_address_space(self):
        """Guest RAM counts as address space; what is said names both."""
        if vmmtest.is_sanitized():
            self.skipTest("the sanitizers reserve terabytes")
        self.climb(range(8 * MIB, 400 * MIB, 4 * MIB),
                   "(memory|io_uring|thread|locate|mmap|reserve)",
                   name="AS")
        r = self.run_limited("--memory=1G", AS=512 * MIB)
        self.assert_refused(r, HOST, "guest memory: cannot reserve 1024 MiB:"
                            ".*--memory.*ulimit -v")
        self.assertEqual(self.run_limited("--memory=256M", AS=512 * MIB).code,
                         OK)

    def test_data_segment(self):
        """RLIMIT_DATA counts private mappings, and so guest RAM."""
        if vmmtest.is_sanitized():
            self.skipTest("the sanitizers need more")
        r = self.run_limited("--memory=1G", DATA=512 * MIB)
        self.assert_refused(r, HOST, "guest memory: cannot reserve 1024 MiB")

    def test_locked_memory(self):
        """io_uring's rings may count as locked memory; a guest is not."""
        self.assertEqual(self.run_limited(MEMLOCK=0).code, OK)

    def test_stack(self):
        self.assertEqual(self.run_limited(STACK=256 * 1024).code, OK)

    def test_file_size(self):
        self.assert_refused(self.run_without_files(), HOST,
                            "lock file: .*File too large")
        # The console's file is full: the guest goes on without.
        flood = self.write("k", kernels.kernel(kernels.FLOOD))
        log = self.path("log")
        p = self.start("run", "--console=file:" + log, flood,
                       preexec_fn=limits(FSIZE=8192))
        vmmtest.wait_until(lambda: os.path.getsize(log) == 8192
                           if os.path.exists(log) else False)
        self.assertTrue(p.alive())
        r = p.end()
        self.assertEqual(r.code, vmmtest.STOPPED, r)
        self.assertEqual(os.path.getsize(log), 8192)

    def test_core_size(self):
        self.assertEqual(self.run_limited(CORE=resource.RLIM_INFINITY).code,
                         OK)
        self.assertFalse(os.path.exists("core"))

    @unittest.skipUnless(os.geteuid() == 0, "another user needs root")
    def test_processes(self):
        """As a user who may have this many: threads cannot be started."""
        program = shutil.copy(vmmtest.paths["vmm"], self.path("vmm"))
        kernel = shutil.copy(vmmtest.guest_image("poweroff"),
                             self.path("kernel"))
        os.chmod(self.dir, 0o777)
        script = ('mount -t tmpfs none "$0" && cd "$0" && '
                  'mknod kvm c 10 232 && chmod 666 kvm && '
                  'mount --bind kvm /dev/kvm && exec "$@"')
        os.mkdir(self.path("dev"))
        refusals = 0
        for n in range(1, 12):
            r = self.vmm("run", "--console=none", "--cpus=2", kernel,
                         program=["unshare", "-m", "sh", "-ec", script,
                                  self.path("dev"), "setpriv",
                                  f"--reuid={NOBODY}", f"--regid={NOBODY}",
                                  "--clear-groups", "prlimit", f"--nproc={n}",
                                  program])
            if r.code == OK:
                self.assertGreater(refusals, 0)
                return
            refusals += 1
            if r.code == vmmtest.KVM:
                # A thread of KVM's own is counted too, and comes last.
                self.assertRegex(r.err, "KVM_RUN: Resource temp.*ulimit -u")
                self.assert_nothing_left()
                continue
            self.assert_refused(r, HOST, "vcpu.: cannot start its thread: "
                                "Resource temporarily.*ulimit -u")
        self.fail("never enough")

    def test_huge_pages(self):
        with open("/proc/sys/vm/nr_hugepages", encoding="ascii") as f:
            if int(f.read()):
                self.skipTest("this host has a pool of huge pages")
        r = self.run_limited("--hugepages")
        self.assert_refused(r, HOST, "huge page pool cannot give 256 MiB.*"
                            "vm.nr_hugepages or drop --hugepages")

    def test_huge_pages_of_odd_size(self):
        r = self.run_limited("--hugepages", "--memory=257M")
        self.assert_refused(r, HOST, "multiple of 2 MiB")

    def test_more_memory_than_the_host_has(self):
        """RAM is taken when it is touched: only addresses are needed now."""
        r = self.run_limited("--memory=1T")
        self.assertEqual(r.code, OK, r)
        self.assertLess(r.peak_kib, vmmtest.MEMORY_KIB)

    def test_cpus(self):
        r = self.run_limited("--cpus=255", "--memory=256M")
        self.assertEqual(r.code, OK, r)
        r = self.run_limited("--cpus=256")
        self.assert_refused(r, vmmtest.USAGE, "256 is too many")


if __name__ == "__main__":
    vmmtest.main()
