#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Links whose host fails: a tap that goes, floods, nobody who reads.

Hostile cases 32 and 63 to 65, as a guest meets them: guests/net-shell does with its
network device what it is told, and says how that went. Everything runs in a
network namespace of its own, in which this program starts itself again.
"""
import os
import re
import signal
import subprocess
import sys
import time

import vmmtest
from vmmtest import OK, STOPPED

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../guest"))
import netns  # noqa: E402, pylint: disable=C0413
from netns import Link, ip  # noqa: E402, pylint: disable=C0413

FLOOD_SECONDS = 2
GROWTH_KIB = 4096
QUICK = 1.0


class Shell:
    """A guest that obeys: one order, one answer."""

    def __init__(self, process):
        self.process = process
        self.orders = 0
        process.expect("stdout", r"READY\n")

    def ask(self, words, limit=vmmtest.PATIENCE):
        """Give an order and wait for the answer."""
        self.process.popen.stdin.write(f"{words}\n".encode())
        self.process.popen.stdin.flush()
        self.orders += 1
        return self.process.expect(
            "stdout", rf"(?m)^#{self.orders}\b ?([^\n]*)\n", limit).group(1)

    def numbers(self, words):
        """The answer as numbers."""
        return [int(n) for n in self.ask(words).split()]

    def quit(self):
        """Power off; the result."""
        self.process.popen.stdin.write(b"q\n")
        self.process.popen.stdin.flush()
        result = self.process.wait()
        self.process.popen.stdin.close()
        return result


def own_memory_kib(pid):
    """Resident memory of vmm itself, without what is large: guest RAM."""
    total, size = 0, 0
    with open(f"/proc/{pid}/smaps", encoding="ascii") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key == "Size":
                size = int(value.split()[0])
            elif key == "Rss" and size < 64 * 1024:
                total += int(value.split()[0])
    return total


def cpu_seconds(pid, but=()):
    """CPU time of the threads of a process, those named aside."""
    total = 0
    for name, tid in vmmtest.threads_of(pid).items():
        if not any(name.startswith(b) for b in but):
            with open(f"/proc/{pid}/task/{tid}/schedstat",
                      encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total / 1e9


class TapCase(vmmtest.Case):
    """A guest on a tap, and the host's end of it."""

    KEYS = ""  # more of --net

    def setUp(self):
        super().setUp()
        self.tap = "t0"
        netns.make_tap(self.tap)
        self.addCleanup(subprocess.run, ["ip", "link", "del", self.tap],
                        check=False, stderr=subprocess.DEVNULL)
        process = self.start(
            "run", f"--net=tap,ifname={self.tap}{self.KEYS}",
            vmmtest.guest_image("net-shell"), stdin=subprocess.PIPE)
        self.pid = process.pid
        self.shell = Shell(process)
        self.link = Link(self.tap)
        self.addCleanup(lambda: self.link.close())

    def assert_link_works(self):
        """Frames arrive, both ways."""
        self.shell.ask("r")
        self.assertTrue(self.link.send(7, 600))
        vmmtest.wait_until(lambda: self.shell.numbers("r")[:2] == [1, 0],
                           about="a frame to the guest")
        while self.link.receive(0) is not None:
            pass
        self.assertEqual(self.shell.numbers("s 1514 1"), [1])
        self.assertEqual(self.link.receive(), 0)

    def assert_quits(self):
        """The guest powers off and vmm ends well."""
        result = self.shell.quit()
        self.assertEqual(result.code, OK, result)
        return result


class TrafficTest(TapCase):
    """What the others rely on."""

    def test_both_ways(self):
        self.assertEqual(self.shell.numbers("l"), [1, 15])
        self.assert_link_works()
        self.assertEqual(self.shell.numbers("s 60 40"), [40])
        self.assertEqual([self.link.receive() for _ in range(40)],
                         list(range(40)))
        for number in range(40):
            self.assertTrue(self.link.send(number, 100 + number))
        time.sleep(0.2)
        self.assertEqual(self.shell.numbers("r"), [40, 0, 39])
        self.shell.ask("x")
        self.assert_link_works()
        self.assert_quits()


class FilterTest(TapCase):
    """Case 32: with filter=on a guest sends as itself only."""

    KEYS = ",mac=02:00:00:12:34:56,filter=on"

    def test_spoofed(self):
        self.assert_link_works()
        self.assertEqual(self.shell.numbers("m 60 10"), [10])
        self.assertEqual(self.shell.numbers("s 60 1"), [1])
        self.assertEqual(self.link.receive(), 0)
        self.assertIsNone(self.link.receive(0.2), "a frame of nobody's")
        self.assert_quits()


class RemovedTest(TapCase):
    """Case 63: the tap goes."""

    def test_removed(self):
        self.assert_link_works()
        ip("link", "del", self.tap)
        vmmtest.wait_until(lambda: self.shell.numbers("l")[0] == 0,
                           about="a link that is down")
        self.assertEqual(self.shell.numbers("l"), [0, 15])
        self.assertEqual(self.shell.numbers("s 60 10"), [10])
        before = cpu_seconds(self.pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(self.pid) - before, 0.1, "it spins")
        self.shell.ask("x")
        self.assertEqual(self.shell.numbers("l"), [0, 15])
        result = self.assert_quits()
        said = [l for l in result.err.splitlines() if self.tap in l]
        self.assertEqual(len(said), 1, result)


class FloodTest(TapCase):
    """Case 64: more than the guest takes."""

    def flood(self, length):
        """Send for a while; how much, and what it made vmm of."""
        memory = own_memory_kib(self.pid)
        end = time.monotonic() + FLOOD_SECONDS
        number = 0
        while time.monotonic() < end:
            self.link.send(number, length)
            number += 1
        grown = own_memory_kib(self.pid) - memory
        self.assertLess(grown, GROWTH_KIB, f"{number} frames")
        return number

    def check_flood(self, length):
        """The guest takes nothing in; all that is bounded, and works."""
        sent = self.flood(length)
        self.assertGreater(sent, 1000)
        begin = time.monotonic()
        r = self.vmm("ps")
        self.assertLess(time.monotonic() - begin, 2 * QUICK, r)
        self.assertEqual(r.code, OK, r)
        self.shell.ask("t", limit=QUICK * 2)
        before = cpu_seconds(self.pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(self.pid) - before, 0.1,
                        "busy with what nobody takes")
        good, bad, _ = self.shell.numbers("r")
        self.assertEqual(bad, 0)
        self.assertGreaterEqual(good, 60, "what there was room for")
        while self.shell.numbers("r")[0]:
            time.sleep(0.05)
        self.assert_link_works()
        self.assert_quits()

    def test_small_frames(self):
        self.check_flood(60)

    def test_large_frames(self):
        self.check_flood(1514)


class NobodyReadsTest(TapCase):
    """Case 65: what cannot be sent is dropped, and the guest gets on."""

    def test_interface_down(self):
        ip("link", "set", self.tap, "down")
        begin = time.monotonic()
        self.assertEqual(self.shell.numbers("s 600 100"), [100])
        self.assertLess(time.monotonic() - begin, 5)
        before = cpu_seconds(self.pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(self.pid) - before, 0.1, "it spins")
        ip("link", "set", self.tap, "up")
        self.link.close()
        self.link = Link(self.tap)
        vmmtest.wait_until(lambda: self.shell.numbers("l")[0] == 1,
                           about="a link that is up")
        self.assert_link_works()
        result = self.assert_quits()
        self.assertLess(len(re.findall(r"(?m)^vmm: ", result.err)), 15, result)

    def test_sigterm_in_a_flood(self):
        """An order to end is heard whatever the link does."""
        end = time.monotonic() + 1
        while time.monotonic() < end:
            self.link.send(1)
        r = self.shell.process.end(signal.SIGTERM)
        self.assertEqual(r.code, STOPPED, r)
        self.shell.process.popen.stdin.close()


if __name__ == "__main__":
    if reason := netns.enter():
        vmmtest.skip(reason)
    vmmtest.main()
