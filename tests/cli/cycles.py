#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Again and again: starts, stops, pauses, reboots, without a trace.

Hostile case 78.
"""
import os
import socket
import time

import kernels
import vmmtest
from vmmtest import OK, STOPPED

STARTS = 200
PAUSES = 1000
REBOOTS = 200
GROWTH_KIB = 256


class CycleTest(vmmtest.Case):
    def footprint(self, p):
        """What must not grow: descriptors, threads, memory."""
        status = vmmtest.status_of(p.pid)
        with open(f"/proc/{p.pid}/maps", encoding="utf-8") as f:
            maps = len(f.readlines())
        return {
            "descriptors": len(vmmtest.fds_of(p.pid)),
            "anonymous": int(status["RssAnon"].split()[0]),
            "mappings": maps,
        }

    def assert_stable(self, before, after, slack=0):
        self.assertLessEqual(after["descriptors"],
                             before["descriptors"] + slack)
        # The heap may have been split once more.
        self.assertLessEqual(after["mappings"], before["mappings"] + 3)
        if not vmmtest.is_sanitized():
            self.assertLess(after["anonymous"] - before["anonymous"],
                            GROWTH_KIB)

    def test_starts(self):
        for i in range(STARTS):
            name = [f"--name=g{i % 3}"] if i % 2 else []
            r = self.vmm("run", *name, vmmtest.guest_image("poweroff"))
            self.assertEqual(r.code, OK, r)
        self.assertEqual(self.left(), [])

    def test_starts_side_by_side(self):
        for _ in range(10):
            ps = [self.start("run", "--console=none",
                             vmmtest.guest_image("poweroff"))
                  for _ in range(10)]
            for p in ps:
                self.assertEqual(p.wait().code, OK)
                self.started.remove(p)
        self.assertEqual(self.left(), [])

    def test_start_and_stop_by_name(self):
        kernel = vmmtest.guest_image("powerbutton")
        for _ in range(20):
            p = self.start("run", "--name=g", kernel)
            p.expect("stdout", "READY")
            r = self.vmm("stop", "g")
            self.assertEqual((r.code, r.out), (OK,
                             "g: the guest powered off\n"), r)
            # It said so when the process was gone.
            self.assertFalse(p.alive())
            self.assertEqual(p.wait().code, OK)
            self.started.remove(p)
            self.assertEqual(self.left(), [])

    def test_thirty_guests(self):
        names = [f"g{i:02}" for i in range(30)]
        kernel = self.write("k", kernels.kernel(kernels.HALT))
        ps = [self.start("run", "--name=" + n, "--console=none",
                         "--memory=4M", kernel) for n in names]
        vmmtest.wait_until(lambda: len([x for x in self.left()
                                        if x.endswith(".sock")]) == 30)
        vmmtest.wait_until(lambda: self.vmm("ps").code == OK)
        lines = self.vmm("ps").out.splitlines()
        self.assertEqual([x.split()[0] for x in lines[1:]], names)
        self.assertEqual([int(x.split()[1]) for x in lines[1:]],
                         [p.pid for p in ps])
        for n in names:
            r = self.vmm("kill", n)
            self.assertEqual(r.out, f"{n}: ended by 'vmm kill'\n")
        for p in ps:
            self.assertEqual(p.wait().code, STOPPED)
        self.assertEqual(len(self.vmm("ps").out.splitlines()), 1)

    def test_pauses(self):
        p = self.guest("spin", "--name=g", "--cpus=2", ready="READY")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(vmmtest.PATIENCE)
            s.connect(self.run_dir + "/g.sock")
            with s.makefile("rw") as line:
                self.pause_and_resume(line, 50)
                before = self.footprint(p)
                self.pause_and_resume(line, PAUSES)
                self.assert_stable(before, self.footprint(p))
        self.assertRegex(self.vmm("status", "g").out, r"state +running")
        self.assertEqual(p.end().code, STOPPED)

    def pause_and_resume(self, line, times):
        for i in range(2 * times):
            verb, state = (("resume", "running") if i % 2
                           else ("pause", "paused"))
            line.write(f'{{"vmm":1,"cmd":"{verb}"}}\n')
            line.flush()
            self.assertIn(f'"state":"{state}"', line.readline())

    def test_paused_guest_uses_no_cpu(self):
        p = self.guest("spin", "--name=g", "--cpus=2", ready="READY")
        self.vmm("pause", "g")
        before = self.ticks(p)
        time.sleep(1)
        self.assertLessEqual(self.ticks(p) - before, 1)

    def ticks(self, p):
        with open(f"/proc/{p.pid}/stat", encoding="ascii") as f:
            rest = f.read().rpartition(")")[2].split()
        return int(rest[11]) + int(rest[12])

    def test_reboots(self):
        kernel = self.write("k", kernels.kernel(kernels.RESET))
        p = self.start("run", "--name=g", "--console=none", "--cpus=2",
                       kernel)
        said = "vmm: the guest reboots\n"
        self.wait_for_reboots(p, said, 40)
        before = self.footprint_between(p)
        self.wait_for_reboots(p, said, 40 + REBOOTS)
        # Both looks may have missed the fullest moment of a reboot; what leaks
        # does so in each of them.
        self.assert_stable(before, self.footprint_between(p), REBOOTS // 10)
        self.assertEqual(p.end().code, STOPPED)

    def wait_for_reboots(self, p, said, n):
        vmmtest.wait_until(lambda: p.text("stderr").count(said) >= n
                           or not p.alive(), 120)
        self.assertTrue(p.alive(), p.text("stderr")[-500:])

    def footprint_between(self, p):
        """The most of several looks: some fall into a reboot."""
        looks = []
        for _ in range(50):
            looks.append(self.footprint(p))
            time.sleep(0.003)
        return {key: max(x[key] for x in looks) for key in looks[0]}

    def test_control_during_reboots(self):
        """Asked at any moment of a reboot, it answers."""
        kernel = self.write("k", kernels.kernel(kernels.RESET))
        p = self.start("run", "--name=g", "--console=none", "--log=error",
                       kernel)
        vmmtest.wait_until(lambda: "g.sock" in self.left())
        vmmtest.wait_until(lambda: self.vmm("status", "g").code == OK)
        for verb in ("status", "pause", "resume", "ps") * 15:
            r = self.vmm(verb, *["g"] * (verb != "ps"))
            # A reboot under way may refuse a pause, and says so.
            if r.code != OK:
                self.assertRegex(r.err, "cannot (pause|resume) the guest: "
                                 "Resource temporarily unavailable", r)
        r = self.vmm("kill", "g")
        self.assertEqual(r.out, "g: ended by 'vmm kill'\n", r)
        self.assertEqual(p.wait().code, STOPPED)


if __name__ == "__main__":
    vmmtest.main()
