#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks whose host fails: errors, no space, no power, no server, no end.

Hostile cases 54 to 62, as a guest meets them: guests/blk-shell does with its
disk what it is told, and says how that went. What only single completions
show (case 56) is in tests/unit/test_blk_faults.c, lost power of vmm itself
(57) in tests/guest/kill-writer.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

import vmmtest
from vmmtest import HOST, OK, STOPPED

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../guest"))
from images import SECTOR, pattern  # noqa: E402, pylint: disable=C0413

MIB = 1 << 20
DONE, IOERR, UNSUPP = "0", "1", "2"
QUICK = 1.0  # seconds an answer may take that waits for nothing


class Shell:
    """A guest that obeys: one order, one answer."""

    def __init__(self, process):
        self.process = process
        self.orders = 0
        process.expect("stdout", r"READY\n")

    def order(self, words):
        """Give an order; its number."""
        self.process.popen.stdin.write(f"{words}\n".encode())
        self.process.popen.stdin.flush()
        self.orders += 1
        return self.orders

    def answer(self, number, limit=vmmtest.PATIENCE):
        """The answer to an order."""
        return self.process.expect(
            "stdout", rf"(?m)^#{number} ([^\n]*)\n", limit).group(1)

    def ask(self, words, limit=vmmtest.PATIENCE):
        """Give an order and wait for the answer."""
        return self.answer(self.order(words), limit)

    def quit(self):
        """Power off; the result."""
        self.order("q")
        result = self.process.wait()
        self.process.popen.stdin.close()
        return result


class DiskCase(vmmtest.Case):
    """A guest with an image of 1 MiB, pattern 0."""

    def setUp(self):
        super().setUp()
        self.image = self.make_image("disk")

    def make_image(self, name, sectors=2048):
        """An image with pattern 0; its path."""
        return self.write(name, b"".join(
            pattern(sector, 0) for sector in range(sectors)))

    def sector(self, number, path=None):
        """What is in a sector of the image."""
        with open(path or self.image, "rb") as f:
            f.seek(number * SECTOR)
            return f.read(SECTOR)

    def shell(self, *disks, program=None):
        """A guest with these disks that takes orders."""
        process = self.start(
            "run", *(f"--disk={disk}" for disk in disks),
            vmmtest.guest_image("blk-shell"), stdin=subprocess.PIPE,
            program=program and [*program, vmmtest.paths["vmm"]])
        return Shell(process)

    def assert_alive(self, shell):
        """The device is as it should be, and the guest's time goes on."""
        self.assertEqual(shell.ask("s").split()[0], "15")
        before = int(shell.ask("t"))
        self.assertGreaterEqual(int(shell.ask("t")), before)

    def assert_quits(self, shell):
        """The guest powers off and vmm ends well."""
        result = shell.quit()
        self.assertEqual(result.code, OK, result)
        self.assertNotIn("vmm: error", result.err, result)
        return result


class ServerCase(DiskCase):
    """With an NBD server that fails as it is told."""

    def setUp(self):
        super().setUp()
        if not shutil.which("nbdkit"):
            self.skipTest("no nbdkit")
        self.socket = self.path("nbd.sock")
        self.toggle = self.path("fail")

    def serve(self, *words):
        """Start nbdkit with these words; what --disk calls it."""
        server = subprocess.Popen(
            ["nbdkit", "--foreground", "--exit-with-parent", "--threads=8",
             f"--unix={self.socket}", *words],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.server = server
        self.addCleanup(self.stop, server)
        vmmtest.wait_until(lambda: os.path.exists(self.socket) or
                           server.poll() is not None, about="nbdkit's socket")
        self.assertIsNone(server.poll(), "nbdkit ended")
        return "nbd:unix:" + self.socket

    @staticmethod
    def stop(server):
        server.kill()
        server.wait()
        server.stderr.close()

    def break_it(self, broken):
        """From now on requests fail, or work again."""
        if broken:
            self.write("fail", b"")
        else:
            os.unlink(self.toggle)


class ErrorTest(ServerCase):
    """Case 54: EIO is the guest's to know, and the guest's alone."""

    def test_read_and_write(self):
        disk = self.serve("--filter=error", "file", self.image,
                          "error=EIO", "error-rate=100%",
                          f"error-file={self.toggle}")
        s = self.shell(disk)
        self.assertEqual(s.ask("r 0 8 0"), f"{DONE} 1")
        self.assertEqual(s.ask("w 8 8 1"), DONE)
        self.break_it(True)
        self.assertEqual(s.ask("r 0 8 0"), f"{IOERR} 0")
        self.assertEqual(s.ask("w 0 8 2"), IOERR)
        self.assertNotEqual(s.ask("z 16 8 0"), DONE)
        self.assert_alive(s)
        self.break_it(False)
        self.assertEqual(s.ask("r 0 8 0"), f"{DONE} 1")
        self.assertEqual(s.ask("r 8 8 1"), f"{DONE} 1")
        self.assertEqual(s.ask("w 0 8 3"), DONE)
        self.assertEqual(s.ask("f"), DONE)
        self.assert_quits(s)
        self.assertEqual(self.sector(7), pattern(7, 3))
        self.assertEqual(self.sector(8), pattern(8, 1))
        self.assertEqual(self.sector(16), pattern(16, 0))

    def test_flush(self):
        disk = self.serve(
            "eval", "get_size=echo 1048576", "can_write=exit 0",
            "can_flush=exit 0", "pread=dd if=/dev/zero bs=$3 count=1",
            "pwrite=cat >/dev/null",
            f"flush=if [ -e {self.toggle} ]; then echo EIO >&2; exit 1; fi")
        s = self.shell(disk)
        self.assertEqual(s.ask("w 0 1 1"), DONE)
        self.assertEqual(s.ask("f"), DONE)
        self.break_it(True)
        self.assertEqual(s.ask("w 0 1 1"), DONE)
        self.assertEqual(s.ask("f"), IOERR)
        self.break_it(False)
        self.assertEqual(s.ask("f"), DONE)
        self.assert_alive(s)
        self.assert_quits(s)

    def test_one_disk_of_two(self):
        """The other one does not notice."""
        disk = self.serve("--filter=error", "memory", "1M", "error=EIO",
                          "error-rate=100%", f"error-file={self.toggle}")
        s = self.shell(disk, self.image)
        self.break_it(True)
        self.assertEqual(s.ask("r 0 1 0"), f"{IOERR} 0")
        s.ask("o 1")
        self.assertEqual(s.ask("r 0 64 0"), f"{DONE} 1")
        s.ask("o 0")
        self.assertEqual(s.ask("r 0 1 0"), f"{IOERR} 0")
        self.assert_quits(s)

    def test_server_dies(self):
        """No server, no disk; but a guest."""
        disk = self.serve("memory", "1M")
        s = self.shell(disk, self.image)
        self.assertEqual(s.ask("w 0 8 1"), DONE)
        self.server.kill()
        self.server.wait()
        self.assertEqual(s.ask("r 0 8 1"), f"{IOERR} 0")
        self.assertEqual(s.ask("f"), IOERR)
        s.ask("o 1")
        self.assertEqual(s.ask("r 0 64 0"), f"{DONE} 1")
        result = s.quit()
        self.assertEqual(result.code, OK, result)
        self.assertIn("NBD server closed the connection", result.err)


class FileErrorTest(ServerCase):
    """Case 54 again, over a plain file whose completions carry EIO."""

    def test_plain_file(self):
        if not shutil.which("nbdfuse") or not os.path.exists("/dev/fuse"):
            self.skipTest("no nbdfuse, or no /dev/fuse")
        mount = self.write("mount", b"")
        fuse = subprocess.Popen(
            ["nbdfuse", mount, "--command", "nbdkit", "-s",
             "--exit-with-parent", "--filter=error", "file", self.image,
             "error=EIO", "error-rate=100%", f"error-file={self.toggle}"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.unmount, fuse, mount)
        try:
            vmmtest.wait_until(lambda: os.path.getsize(mount) == MIB, 5)
        except AssertionError:
            self.skipTest("nbdfuse cannot mount here")
        s = self.shell(mount)
        self.assertEqual(s.ask("r 0 8 0"), f"{DONE} 1")
        self.break_it(True)
        self.assertEqual(s.ask("r 512 8 0"), f"{IOERR} 0")
        self.assertEqual(s.ask("w 1024 8 1"), IOERR)
        self.assert_alive(s)
        self.break_it(False)
        self.assertEqual(s.ask("w 1024 8 2"), DONE)
        self.assertEqual(s.ask("r 512 8 0"), f"{DONE} 1")
        self.assert_quits(s)
        self.assertEqual(self.sector(1024), pattern(1024, 2))

    @staticmethod
    def unmount(fuse, mount):
        subprocess.run(["fusermount3", "-u", "-z", mount], check=False,
                       stderr=subprocess.DEVNULL)
        fuse.terminate()
        fuse.wait()


def can_unshare():
    """May this user mount in a mount namespace of its own?"""
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none",
                           "/mnt"], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


@unittest.skipUnless(can_unshare(), "no mounts for this user here")
class MountTest(DiskCase):
    """Cases 55 and 60: file systems that are full, or read-only by now."""

    def in_namespace(self, script, *disks):
        """A guest in a mount namespace that script prepares."""
        return self.shell(*disks, program=[
            "unshare", "-m", "--propagation=private", "sh", "-ec",
            script + '\nexec "$@"', "sh"])

    def test_no_space(self):
        os.mkdir(self.path("full"))
        disk = self.path("full/disk")
        s = self.in_namespace(
            f"mount -t tmpfs -o size=1M none {self.path('full')}\n"
            f"truncate -s 16M {disk}", disk)
        self.assertEqual(s.ask("w 0 256 1"), DONE)
        number = 256
        while (status := s.ask(f"w {number} 256 1")) == DONE:
            number += 256
            self.assertLess(number, 4096, "a full file system is not full")
        self.assertEqual(status, IOERR)
        self.assert_alive(s)
        self.assertEqual(s.ask("r 0 256 1"), f"{DONE} 1")
        # Room again: the same write succeeds and nothing was lost.
        self.assertEqual(s.ask("d 0 256"), DONE)
        self.assertEqual(s.ask(f"w {number} 256 1"), DONE)
        self.assertEqual(s.ask(f"r {number} 256 1"), f"{DONE} 1")
        self.assertEqual(s.ask("r 256 256 1"), f"{DONE} 1")
        self.assertEqual(s.ask("f"), DONE)
        self.assert_quits(s)

    def test_no_space_stops(self):
        """With on-error=stop a full file system pauses the guest."""
        os.mkdir(self.path("full"))
        disk, ballast = self.path("full/disk"), self.path("full/ballast")
        s = self.in_namespace(
            f"mount -t tmpfs -o size=1M none {self.path('full')}\n"
            f"truncate -s 16M {disk}\n"
            f"dd if=/dev/zero of={ballast} bs=896K count=1 status=none",
            disk + ",on-error=stop")
        name = os.listdir(self.run_dir)[0].partition(".")[0]
        self.assertEqual(s.ask("w 0 256 1"), DONE)
        number = s.order("w 256 256 7")
        for told in 1, 2:  # not mended: it is paused again
            s.process.expect(
                "stderr", r"(?s)(full/disk: write .*No space left on device: "
                rf"the guest is paused.*){{{told}}}")
            vmmtest.wait_until(lambda: "paused" in self.vmm("status", name).out,
                               about="the guest's pause")
            self.assertNotIn(f"#{number} ", s.process.text("stdout"))
            self.assertRegex(
                self.vmm("status", name).out,
                r"stopped_disks\.disk0 +write of \d+ bytes at \d+: No space")
            if told == 1:
                self.assertEqual(self.vmm("resume", name).code, OK)
        os.unlink(f"/proc/{s.process.pid}/root{ballast}")
        self.assertEqual(self.vmm("resume", name).code, OK)
        self.assertEqual(s.answer(number), DONE)
        self.assertNotIn("stopped_disks", self.vmm("status", name).out)
        self.assertEqual(s.ask("r 256 256 7"), f"{DONE} 1")
        self.assertEqual(s.ask("r 0 256 1"), f"{DONE} 1")
        self.assertEqual(s.quit().code, OK)

    def test_no_space_and_stop(self):
        """A guest that is to end is told of an error that stays."""
        os.mkdir(self.path("full"))
        disk = self.path("full/disk")
        s = self.in_namespace(
            f"mount -t tmpfs -o size=1M none {self.path('full')}\n"
            f"truncate -s 16M {disk}\n"
            f"dd if=/dev/zero of={self.path('full/ballast')} bs=896K count=1 "
            "status=none",
            disk + ",on-error=stop")
        name = os.listdir(self.run_dir)[0].partition(".")[0]
        self.assertEqual(s.ask("w 0 256 1"), DONE)
        number = s.order("w 256 256 7")
        s.process.expect("stderr", "the guest is paused")
        stop = self.start("stop", name)
        self.assertEqual(s.answer(number), IOERR)
        self.assertEqual(s.quit().code, OK)
        result = stop.wait()
        self.assertEqual(result.code, OK, result)
        self.assertIn("powered off", result.out)

    def test_read_only_mount(self):
        """Case 61: the error says what to do; with ro=on it works."""
        os.mkdir(self.path("ro"))
        disk = self.path("ro/disk")
        shutil.copy(self.image, disk)
        script = (f"mount --bind {self.path('ro')} {self.path('ro')}\n"
                  f"mount -o remount,ro,bind {self.path('ro')}")
        p = self.start("run", f"--disk={disk}",
                       vmmtest.guest_image("blk-shell"), program=[
                           "unshare", "-m", "--propagation=private", "sh",
                           "-ec", script + '\nexec "$@"', "sh",
                           vmmtest.paths["vmm"]])
        self.assert_refused(p.wait(), HOST, r"ro/disk: .*ro=on")
        s = self.in_namespace(script, disk + ",ro=on")
        self.assertEqual(s.ask("r 0 8 0"), f"{DONE} 1")
        self.assertEqual(s.ask("w 0 8 1"), IOERR)
        self.assert_quits(s)


class LoopTest(DiskCase):
    """Case 60 on devices: what is below a loop device goes away."""

    def device(self, path):
        """A loop device of the file's."""
        for tool in "losetup", "mkfs.ext4":
            if not shutil.which(tool):
                self.skipTest(f"no {tool}")
        done = subprocess.run(["losetup", "--find", "--show", path],
                              stdout=subprocess.PIPE, check=False, text=True)
        if done.returncode:
            self.skipTest("no loop device to be had")
        name = done.stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", name],
                        check=False, stderr=subprocess.DEVNULL)
        return name

    def test_detached(self):
        """A device whose file is gone answers with errors, and comes back."""
        loop = self.device(self.image)
        s = self.shell(loop + ",cache=none")
        self.assertEqual(s.ask("r 0 8 0"), f"{DONE} 1")
        subprocess.run(["losetup", "--detach", loop], check=True)  # is in use
        self.assertEqual(s.ask("r 8 8 0"), f"{DONE} 1")
        os.truncate(self.image, 0)
        self.assertEqual(s.ask("r 16 8 0"), f"{IOERR} 0")
        self.assert_alive(s)
        os.truncate(self.image, MIB)
        self.assertEqual(s.ask("w 16 8 1"), DONE)
        self.assertEqual(s.ask("r 16 8 1"), f"{DONE} 1")
        self.assert_quits(s)

    def on_aborted_file_system(self, *keys):
        """A guest whose image's file system made itself read-only."""
        fs = self.write("fs", bytes(8 * MIB))
        subprocess.run(["mkfs.ext4", "-q", fs], check=True)
        loop, mount = self.device(fs), self.path("mount")
        os.mkdir(mount)
        disk = os.path.join(mount, "disk")
        s = self.shell(",".join((disk, *keys)), program=[
            "unshare", "-m", "--propagation=private", "sh", "-ec",
            f"mount {loop} {mount}; truncate -s 1M {disk}\n" 'exec "$@"',
            "sh"])
        self.assertEqual(s.ask("w 0 8 1"), DONE)
        subprocess.run(["nsenter", "-t", str(s.process.pid), "-m", "mount",
                        "-o", "remount,abort", mount], check=True)
        return s

    def test_aborted(self):
        s = self.on_aborted_file_system()
        self.assertEqual(s.ask("w 8 8 1"), IOERR)
        self.assertEqual(s.ask("r 0 8 1"), f"{DONE} 1")
        self.assert_alive(s)
        s.process.expect("stderr", "Read-only file system: the guest is told")
        self.assert_quits(s)

    def test_aborted_stops(self):
        s = self.on_aborted_file_system("on-error=stop")
        s.order("w 8 8 1")
        s.process.expect("stderr", "mount/disk: write .*Read-only file "
                         "system: the guest is paused")
        self.assertEqual(s.process.end().code, STOPPED)
        s.process.popen.stdin.close()


class FlushTest(ServerCase):
    """Case 58: who does not know of flushes needs none."""

    def log_of(self, disk_words, orders, *keys):
        """What the server was asked after these orders."""
        log = self.path("log")
        disk = self.serve("--filter=log", "memory", "1M", f"logfile={log}")
        s = self.shell(",".join((disk, *keys)))
        s.ask(disk_words)
        with open(log, encoding="utf-8") as f:
            begin = len(f.read())
        for order in orders:
            self.assertEqual(s.ask(order), DONE)
        with open(log, encoding="utf-8") as f:
            text = f.read()[begin:]
        self.assert_quits(s)
        return re.findall(r" (Write|Flush|Zero) (id=[^\n]*)", text)

    def is_durable(self, calls):
        """Is each write with FUA, or is there a flush behind it?"""
        last = calls[-1] if calls else ("", "")
        return last[0] == "Flush" or "fua=1" in last[1]

    def test_writeback(self):
        calls = self.log_of("o 0", ["w 0 1 1", "w 9 1 1"])
        self.assertEqual([c[0] for c in calls], ["Write", "Write"])
        self.assertFalse(self.is_durable(calls))

    def test_flush_reaches_the_server(self):
        calls = self.log_of("o 0", ["w 0 1 1", "f"])
        self.assertEqual([c[0] for c in calls], ["Write", "Flush"])

    def test_not_negotiated(self):
        calls = self.log_of("n 0", ["w 0 1 1"])
        self.assertTrue(self.is_durable(calls), calls)

    def test_writethrough(self):
        calls = self.log_of("o 0", ["w 0 1 1"], "cache=writethrough")
        self.assertTrue(self.is_durable(calls), calls)


class OwnerTest(DiskCase):
    """Case 59: one image, one writer; whoever it is has a pid."""

    def run_refused(self, owner, *disks):
        """A second vmm must name the owner; how long that took."""
        r = self.vmm("run", *(f"--disk={d}" for d in disks),
                     vmmtest.guest_image("poweroff"))
        self.assertEqual(r.code, HOST, r)
        path = disks[0].partition(",")[0]
        self.assertRegex(r.err, rf"{path}: .*process {owner}:", r)
        self.assertEqual(r.err.count("vmm: error"), 1, r)
        return r.seconds

    def test_second_writer(self):
        s = self.shell(self.image)
        owner = s.process.pid
        times = [self.run_refused(owner, self.image) for _ in range(5)]
        if not vmmtest.is_sanitized():
            self.assertLess(min(times), 0.1)
        self.run_refused(owner, self.image + ",ro=on")
        os.link(self.image, self.path("other"))
        self.run_refused(owner, self.path("other"))
        self.assertEqual(s.ask("w 0 8 1"), DONE)
        self.assert_quits(s)
        self.assert_works(f"--disk={self.image}")

    def test_readers(self):
        s = self.shell(self.image + ",ro=on")
        self.assert_works(f"--disk={self.image},ro=on")
        self.run_refused(s.process.pid, self.image)
        self.assert_quits(s)

    def test_killed_owner(self):
        s = self.shell(self.image)
        s.process.end(signal.SIGKILL)
        s.process.popen.stdin.close()
        self.assert_works(f"--disk={self.image}")
        self.vmm("ps")  # buries what was killed

    def test_twice_in_one_guest(self):
        self.refused(HOST, "already another disk of this guest", "run",
                     f"--disk={self.image}", f"--disk={self.image}",
                     vmmtest.guest_image("poweroff"))


class ImageTest(DiskCase):
    """Cases 60 and 61: the image changes below a running guest, or may not."""

    def test_truncated(self):
        s = self.shell(self.image)
        self.assertEqual(s.ask("r 1024 8 0"), f"{DONE} 1")
        os.truncate(self.image, MIB // 2)
        self.assertEqual(s.ask("r 1024 8 0"), f"{IOERR} 0")
        self.assertEqual(s.ask("r 1020 8 0"), f"{IOERR} 0")
        self.assertEqual(s.ask("r 1016 8 0"), f"{DONE} 1")
        self.assert_alive(s)
        self.assert_quits(s)

    def test_deleted(self):
        s = self.shell(self.image)
        os.unlink(self.image)
        self.assertEqual(s.ask("w 0 8 1"), DONE)
        self.assertEqual(s.ask("r 0 8 1"), f"{DONE} 1")
        self.assertEqual(s.ask("r 2040 8 0"), f"{DONE} 1")
        self.assertEqual(s.ask("f"), DONE)
        self.assert_quits(s)

    def test_resized(self):
        s = self.shell(self.image)
        before = s.ask("s").split()
        os.truncate(self.image, 2 * MIB)
        self.assertEqual(s.ask("s").split(), before)
        name = os.listdir(self.run_dir)[0].partition(".")[0]
        r = self.vmm("resize", name, "disk0")
        self.assertEqual(r.code, OK, r)
        after = s.ask("s").split()
        self.assertEqual(int(after[1]), 4096)
        self.assertNotEqual(after[3], before[3], "generation")
        s.ask("x")
        self.assertEqual(s.ask("w 4088 8 1"), DONE)
        self.assert_quits(s)
        self.assertEqual(self.sector(4095), pattern(4095, 1))

    def test_read_only(self):
        s = self.shell(self.image + ",ro=on")
        self.assertEqual(s.ask("s").split()[2], "1")
        fds = vmmtest.fds_of(s.process.pid)
        ours = [n for n, to in fds.items() if to == self.image]
        self.assertEqual(len(ours), 1, fds)
        with open(f"/proc/{s.process.pid}/fdinfo/{ours[0]}",
                  encoding="ascii") as f:
            flags = int(re.search(r"flags:\s*(\d+)", f.read()).group(1), 8)
        self.assertEqual(flags & os.O_ACCMODE, os.O_RDONLY)
        for order in "w 0 8 1", "d 0 8", "z 0 8 0", "z 0 8 1":
            self.assertIn(s.ask(order), (IOERR, UNSUPP), order)
        self.assertEqual(s.ask("f"), DONE)
        self.assertEqual(s.ask("r 0 8 0"), f"{DONE} 1")
        self.assert_quits(s)
        self.assertEqual(self.sector(0), pattern(0, 0))

    def test_snapshot(self):
        """A guest that believes it writes, and an image that stays."""
        s = self.shell(self.image + ",snapshot=on")
        self.assertEqual(s.ask("w 0 8 1"), DONE)
        self.assertEqual(s.ask("f"), DONE)
        self.assertEqual(s.ask("r 0 8 1"), f"{DONE} 1")
        self.assertEqual(s.ask("r 8 8 0"), f"{DONE} 1")
        self.assert_quits(s)
        self.assertEqual(self.sector(0), pattern(0, 0))

    def test_file_size_limit(self):
        """Case 68: a limit of the process is the guest's EFBIG."""
        p = self.start("run", f"--disk={self.image}",
                       vmmtest.guest_image("blk-shell"),
                       stdin=subprocess.PIPE,
                       preexec_fn=vmmtest.limits(FSIZE=MIB // 2))
        s = Shell(p)
        self.assertEqual(s.ask("w 0 8 1"), DONE)
        self.assertEqual(s.ask("w 1024 8 1"), IOERR)
        self.assert_alive(s)
        self.assert_quits(s)


class SlowTest(ServerCase):
    """Case 62: a server that takes its time takes nobody else's."""

    def setUp(self):
        super().setUp()
        self.disk = self.serve("--filter=delay", "file", self.image,
                               "delay-read=30")

    def test_guest_goes_on(self):
        s = self.shell(self.disk, self.make_image("second"))
        self.assertEqual(s.ask("b 0 8"), "begun")
        begin = time.monotonic()
        first = int(s.ask("t"))
        time.sleep(0.5)
        passed = int(s.ask("t")) - first
        self.assertLess(abs(passed / 1000 -
                            (time.monotonic() - begin)), 0.4)
        s.ask("o 1")
        begin = time.monotonic()
        self.assertEqual(s.ask("r 0 8 0"), f"{DONE} 1")
        self.assertLess(time.monotonic() - begin, QUICK)
        s.process.end(signal.SIGTERM)
        s.process.popen.stdin.close()

    def end_within(self, seconds, end):
        """end(shell) brings vmm down with a read in flight."""
        s = self.shell(self.disk)
        self.assertEqual(s.ask("b 0 8"), "begun")
        begin = time.monotonic()
        end(s)
        result = s.process.wait()
        s.process.popen.stdin.close()
        self.assertLess(time.monotonic() - begin, seconds, result)
        return result

    def test_sigterm(self):
        r = self.end_within(10, lambda s: s.process.kill(signal.SIGTERM))
        self.assertEqual(r.code, STOPPED, r)

    def test_reset(self):
        """The guest's memory is its own again before long."""
        s = self.shell(self.disk)
        self.assertEqual(s.ask("b 0 8"), "begun")
        self.assertLess(int(s.ask("x", limit=60)), 12000)
        s.process.end(signal.SIGTERM)
        s.process.popen.stdin.close()

    def test_reboot(self):
        """A new machine is not kept waiting for the old one's disk.

        Its own is lost with a server that did not answer in time; others
        are not.
        """
        s = self.shell(self.disk, self.make_image("second"))
        self.assertEqual(s.ask("b 0 8"), "begun")
        begin = time.monotonic()
        s.order("R")
        s.process.expect("stdout", r"READY\n(.*\n)*READY\n", limit=60)
        self.assertLess(time.monotonic() - begin, 12)
        s.orders = 0
        s.order("t")  # the number 1 is there already
        self.assertIn(s.ask("w 100 8 1"), (DONE, IOERR))
        s.ask("o 1")
        self.assertEqual(s.ask("w 100 8 1"), DONE)
        s.process.end(signal.SIGTERM)
        s.process.popen.stdin.close()

    def test_control_socket(self):
        """Whoever asks vmm is answered while a disk is not."""
        s = self.shell(self.disk)
        self.assertEqual(s.ask("b 0 8"), "begun")
        begin = time.monotonic()
        r = self.vmm("ps")
        self.assertEqual(r.code, OK, r)
        self.assertIn("running", r.out, r)
        self.assertLess(time.monotonic() - begin, 2 * QUICK)
        s.process.end(signal.SIGTERM)
        s.process.popen.stdin.close()


if __name__ == "__main__":
    vmmtest.main()
