#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""vmm ps, status, stop, kill, pause, resume, resize, balloon, screen,
screenshot, sendkey: against a guest that behaves, one that does not, and a process that only pretends to be one."""
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

PROBE = None
F_OFD_SETLK = 37


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="vmm-cli.")
        os.environ["VMM_RUNTIME_DIR"] = self.dir + "/run"
        self.addCleanup(shutil.rmtree, self.dir)

    def serve(self, name, kind="obey"):
        p = subprocess.Popen([PROBE, "serve", name, kind],
                             stdout=subprocess.PIPE)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        self.addCleanup(p.stdout.close)
        self.assertEqual(p.stdout.readline(), b"READY\n")
        return p

    def run_it(self, *argv, code=0):
        p = subprocess.run([PROBE, *argv], capture_output=True, timeout=60,
                           check=False)
        self.assertEqual(p.returncode, code, (p.stdout, p.stderr))
        if code:
            # One line, and nothing on the other stream but a listing.
            self.assertRegex(p.stderr, rb"\Avmm: error: [^\n]+\n\Z")
        else:
            self.assertEqual(p.stderr, b"")
        return (p.stderr if code else p.stdout).decode()

    def left(self):
        return sorted(os.listdir(self.dir + "/run"))

    def test_ps(self):
        self.assertRegex(self.run_it("ps"), r"\ANAME +PID +STATE[^\n]+\n\Z")
        a = self.serve("web")
        self.serve("db.1")
        lines = self.run_it("ps").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[1].startswith("db.1 "))
        self.assertRegex(
            lines[2], rf"^web +{a.pid}  running  pvh +2   512 MiB +\d+s$")

    def test_ps_buries_the_dead(self):
        p = self.serve("web")
        p.kill()
        p.wait()
        self.assertEqual(self.left(), ["web.lock", "web.sock"])
        self.assertEqual(len(self.run_it("ps").splitlines()), 1)
        self.assertEqual(self.left(), [])

    def test_status(self):
        p = self.serve("web")
        text = self.run_it("status", "web")
        self.assertRegex(text, r"(?m)^name +web$")
        self.assertRegex(text, rf"(?m)^pid +{p.pid}$")
        self.assertRegex(text, r"(?m)^memory +512 MiB$")
        self.assertRegex(text, r"(?m)^state +running$")
        self.assertRegex(text, r"(?m)^exits.KVM_EXIT_IO +7$")
        raw = json.loads(self.run_it("status", "web", "--json"))
        self.assertEqual(raw["vmm"], 1)
        self.assertEqual(raw["memory"], 512 << 20)
        self.assertEqual(raw["exits"], {"KVM_EXIT_IO": 7})

    def test_pause_resume(self):
        self.serve("web")
        self.assertEqual(self.run_it("pause", "web"), "web: paused\n")
        self.assertRegex(self.run_it("status", "web"), r"state +paused")
        self.assertRegex(self.run_it("ps"), "paused")
        self.assertEqual(self.run_it("resume", "web"), "web: resumed\n")
        self.assertRegex(self.run_it("status", "web"), r"state +running")

    def test_resize(self):
        self.serve("web")
        self.assertEqual(self.run_it("resize", "web", "disk0"),
                         "web: disk0: 3 MiB\n")
        for name in ("disk1", 'a"b', "\x1b"):
            self.assertIn("web: no disk",
                          self.run_it("resize", "web", name, code=1))
        self.assertIn("no guest named", self.run_it("resize", "x", "y", code=1))

    def test_balloon(self):
        self.serve("web")
        self.assertEqual(self.run_it("balloon", "web", "256M"),
                         "web: asked to keep 256 MiB\n")
        self.assertIn("less memory than that",
                      self.run_it("balloon", "web", "1G", code=1))
        self.assertIn("no guest named",
                      self.run_it("balloon", "x", "1M", code=1))

    def test_mem(self):
        self.serve("web")
        self.assertEqual(self.run_it("mem", "web", "256M"),
                         "web: asked to keep 256 MiB\n")

    def test_xs(self):
        self.serve("web")
        xs = lambda *argv, code=0: self.run_it("xs", "web", *argv, code=code)
        self.assertEqual(xs("ls"), "data\nname\n")
        self.assertEqual(xs("ls", "/"), "local\n")
        self.assertEqual(xs("read", "name"), "probe\n")
        self.assertEqual(xs("read", "/local/domain/1/name"), "probe\n")
        self.assertEqual(xs("read", "data/odd"), r"a\\b\x00\xff\x0a" + "\n")
        self.assertEqual(xs("write", "data/new", "a value"), "")
        self.assertEqual(xs("tree", "data"),
                         'data = ""   (n1,r0)\n'
                         ' new = "a value"   (n1,r0)\n'
                         r' odd = "a\\b\x00\xff\x0a"   (n0)' "\n")
        self.assertEqual(xs("write", "data/new", ""), "")
        self.assertEqual(xs("read", "data/new"), "\n")
        self.assertEqual(xs("rm", "data/new"), "")
        self.assertIn("'/local/domain/1/data/new' is not there",
                      xs("rm", "data/new", code=1))
        self.assertIn("is not there", xs("read", "nothing", code=1))
        self.assertIn("is not there", xs("ls", "nothing", code=1))
        self.assertIn("is not there", xs("tree", "nothing", code=1))
        self.assertIn("is not there", xs("watch", "nothing", code=1))
        self.assertIn("is no path", xs("read", "a//b", code=1))
        self.assertIn("is no path", xs("write", "a b", "x", code=1))
        self.assertIn("the root stays", xs("rm", "/", code=1))
        self.assertIn("at most 4096 bytes",
                      xs("write", "data/new", "x" * 4097, code=1))
        self.assertEqual(xs("order", "suspend"), "")
        self.assertEqual(xs("read", "control/shutdown"), "suspend\n")
        self.assertEqual(xs("sysrq", "s"), "")
        self.assertEqual(xs("read", "control/sysrq"), "s\n")
        self.assertIn("is poweroff, halt, reboot", xs("order", "x", code=1))
        self.assertIn("is one letter", xs("sysrq", "xy", code=1))
        xs("write", "control/feature-reboot", "0")
        self.assertIn("does not do 'reboot'", xs("order", "reboot", code=1))
        self.serve("bare", "lack")
        self.assertIn("the guest has no xenstore",
                      self.run_it("xs", "bare", "ls", code=1))

    def test_xs_long(self):
        """More than an answer holds."""
        self.serve("web")
        for i in range(25):
            self.run_it("xs", "web", "write", "data/%02d" % i, "\x01" * 4000)
        tree = self.run_it("xs", "web", "tree", "data").splitlines()
        self.assertEqual(len(tree), 27)
        for i in range(25):
            self.assertEqual(tree[i + 1], ' %02d = "%s"   (n1,r0)'
                             % (i, r"\x01" * 4000))

    def test_xs_watch(self):
        self.serve("web")
        w = subprocess.Popen([PROBE, "xs", "web", "watch", "data"],
                             stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.run_it("xs", "web", "write", "data/a", "1")
        self.assertEqual(w.stdout.readline(),
                         '/local/domain/1/data/a = "1"\n')
        self.run_it("xs", "web", "write", "name", "not watched")
        self.run_it("xs", "web", "rm", "data/a")
        self.assertEqual(w.stdout.readline(),
                         "/local/domain/1/data/a removed\n")
        self.run_it("xs", "web", "rm", "data")
        self.assertEqual(w.wait(timeout=10), 0)
        w.stdout.close()

    def test_screen(self):
        self.serve("web")
        self.assertEqual(self.run_it("screen", "web"),
                         "\u2554 Boot \u2557\n\n?[31m??.\n")
        said = json.loads(self.run_it("screen", "web", "--json"))
        self.assertEqual(said["text"][0], "\u2554 Boot \u2557")
        self.serve("game", "graphics")
        self.assertIn("shows graphics (4x2): 'vmm screenshot game FILE'",
                      self.run_it("screen", "game", code=1))

    def test_screenshot(self):
        path = self.dir + "/shot.png"
        self.serve("web")
        self.assertEqual(self.run_it("screenshot", "web", path), "")
        with open(path, "rb") as f:
            png = f.read()
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        # Eight bits a channel, three channels, not interlaced.
        self.assertEqual(struct.unpack(">IIBBBBB", png[16:29]),
                         (4, 2, 8, 2, 0, 0, 0))
        at = png.index(b"IDAT")
        n = struct.unpack(">I", png[at - 4:at])[0]
        rows = zlib.decompress(png[at + 4:at + 4 + n])
        self.assertEqual(len(rows), 2 * (1 + 3 * 4))
        self.assertIn("cannot be written",
                      self.run_it("screenshot", "web", self.dir + "/no/x.png",
                                  code=1))

    def test_sendkey(self):
        p = self.serve("web")
        self.run_it("sendkey", "web", "--text", "aB", "enter", "ctrl-alt-del")
        self.assertEqual(p.stdout.readline(),
                         b"+1e -1e +2a +30 -30 -2a +1c -1c "
                         b"+1d +38 +e053 -e053 -38 -1d typed\n")
        self.assertIn("no key 'hyper'",
                      self.run_it("sendkey", "web", "a", "hyper", code=1))

    def test_stop_waits_and_says_how(self):
        p = self.serve("web")
        self.run_it("pause", "web")  # a paused guest could not power off
        self.assertEqual(self.run_it("stop", "web"),
                         "web: the guest powered off\n")
        # The process is gone by then, not only told.
        self.assertEqual(p.wait(0.5), 0)
        self.assertEqual(self.left(), [])

    def test_stop_the_hard_way(self):
        self.serve("web", "ignore")
        begin = time.monotonic()
        self.assertIn("did not power off in time",
                      self.run_it("stop", "--timeout", "1", "web"))
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertLess(time.monotonic() - begin, 6)
        self.assertEqual(self.left(), [])

    def test_stop_without_a_button(self):
        self.serve("web", "lack")
        begin = time.monotonic()
        self.assertIn("no power button", self.run_it("stop", "web"))
        self.assertLess(time.monotonic() - begin, 6)

    def test_stop_survives_the_death_of_the_guest(self):
        p = self.serve("web", "ignore")
        threading.Timer(0.5, p.kill).start()
        self.assertIn("without saying how", self.run_it("stop", "web"))

    def test_kill(self):
        p = self.serve("web", "ignore")
        self.assertEqual(self.run_it("kill", "web"),
                         "web: ended by 'vmm kill'\n")
        self.assertEqual(p.wait(0.5), 0)

    def test_name_in_use(self):
        p = self.serve("web")
        self.assertIn(f"name 'web' is in use by pid {p.pid}: choose another "
                      "--name, or 'vmm stop web'",
                      self.run_it("serve", "web", "obey", code=1))
        self.run_it("status", "web")

    def test_stale_socket_never_blocks(self):
        p = self.serve("web")
        p.kill()
        p.wait()
        self.serve("web")
        self.run_it("status", "web")

    def test_nobody_there(self):
        for verb in "status", "stop", "kill", "pause", "resume":
            self.assertIn("no guest named 'web'",
                          self.run_it(verb, "web", code=1))
            self.assertIn("name '../x'", self.run_it(verb, "../x", code=2))

    def test_usage(self):
        for argv in (["status"], ["status", "a", "b"], ["ps", "a"],
                     ["stop"], ["stop", "a", "--timeout"],
                     ["balloon", "a"], ["balloon", "a", "x"],
                     ["screen"], ["screen", "a", "b"], ["screenshot", "a"],
                     ["screenshot", "a", "b", "c"], ["sendkey", "a"],
                     ["sendkey"], ["sendkey", "a", "--text"],
                     ["mem", "a"], ["xs"], ["xs", "a"], ["xs", "a", "frob"],
                     ["xs", "a", "read"], ["xs", "a", "read", "b", "c"],
                     ["xs", "a", "write", "b"], ["xs", "a", "ls", "b", "c"],
                     ["status", "a", "--text=x"],
                     ["balloon", "a", "0"], ["balloon", "a", "1M", "x"],
                     ["resize", "a"], ["resize", "a", "b", "c"],
                     ["stop", "a", "--timeout", "x"],
                     ["stop", "a", "--timeout=-1"],
                     ["stop", "a", "--timeout=1e3"],
                     ["stop", "a", "--timeout=99999999999999999999"],
                     ["stop", "a", "--timeout="],
                     ["kill", "a", "--json"], ["kill", "a", "--nonsense"],
                     ["status", "a", "-x"], ["status", ""], ["frobnicate"]):
            with self.subTest(argv=argv):
                self.run_it(*argv, code=2)

    def pretend(self, answer):
        """Hold the name 'evil' and answer whatever is asked."""
        run = self.dir + "/run"
        os.makedirs(run, 0o700, exist_ok=True)
        lock = os.open(run + "/evil.lock", os.O_RDWR | os.O_CREAT, 0o600)
        os.write(lock, b"%-11d\n" % os.getpid())
        fcntl.fcntl(lock, F_OFD_SETLK,
                    struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        s = socket.socket(socket.AF_UNIX)
        s.bind(run + "/evil.sock")
        s.listen(8)
        self.addCleanup(os.close, lock)
        self.addCleanup(s.close)
        self.addCleanup(s.shutdown, socket.SHUT_RDWR)

        def speak():
            while True:
                try:
                    peer, _ = s.accept()
                except OSError:
                    return
                with peer:
                    try:
                        peer.recv(4096)
                        answer(peer)
                    except OSError:
                        pass

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()

    def test_old_figures_are_asked_for_again(self):
        def answer(ages):
            def speak(peer):
                for age in ages:
                    said = {"vmm": 1, "ok": True,
                            "balloon": {"driver": True, "free": 4096, **age}}
                    peer.sendall(json.dumps(said).encode() + b"\n")
                    peer.recv(4096)
            return speak

        ages = [{"age": 99}, {"age": 0}]
        self.pretend(answer(ages))
        self.assertRegex(self.run_it("status", "evil"),
                         r"(?m)^balloon\.age +0s$")
        ages[0] = {}  # never told so far
        self.assertRegex(self.run_it("status", "evil"),
                         r"(?m)^balloon\.age +0s$")
        # Nothing newer comes: what there is is shown.
        ages[:] = [{"age": 99}]
        self.assertRegex(self.run_it("status", "evil"),
                         r"(?m)^balloon\.age +1m39s$")

    def test_answers_that_are_none(self):
        answers = {
            "garbage": b"\xff\0garbage\n",
            "array": b"[]\n",
            "version": b'{"vmm":2,"ok":true}\n',
            "nothing": b"",
            "unfinished": b'{"vmm":1,"ok":tr',
            "endless": b"a" * 1000000 + b"\n",
        }
        current = [b""]
        self.pretend(lambda peer: peer.sendall(current[0]))
        for name, data in answers.items():
            with self.subTest(name):
                current[0] = data
                self.assertIn("evil: pid", self.run_it("status", "evil",
                                                       code=1))
                self.assertIn("evil: pid", self.run_it("stop", "evil",
                                                       code=1))

    def test_ps_shows_who_does_not_answer(self):
        self.pretend(lambda peer: peer.sendall(b"no\n"))
        self.serve("web")
        p = subprocess.run([PROBE, "ps"], capture_output=True, check=False)
        self.assertEqual(p.returncode, 1)
        self.assertRegex(p.stdout, rb"(?m)^evil +\d+  \? +\? +\?")
        self.assertRegex(p.stdout, rb"(?m)^web +\d+  running")

    def test_control_bytes_do_not_reach_the_terminal(self):
        evil = json.dumps({
            "vmm": 1, "ok": True, "state": "\x1b[2J\x07\x9b\u202e",
            "mode": "\r\n\x7f", "\x1bkey": "\x1b]0;x\x07",
            "deep": {"\x1b": "\x1b"}}, ensure_ascii=False)
        refusal = '{"vmm":1,"ok":false,"error":"\\u001b[2J"}'
        current = [evil]
        self.pretend(
            lambda peer: peer.sendall(current[0].encode("utf-8") + b"\n"))
        for argv in (["status", "evil"], ["status", "evil", "--json"],
                     ["ps"]):
            out = self.run_it(*argv)
            # DEL does nothing to a terminal; JSON need not escape it.
            self.assertTrue(re.fullmatch(r"[\x20-\x7f\n]*", out), out)
        current[0] = refusal
        self.assertIn("evil: ?[2J", self.run_it("kill", "evil", code=1))

    def test_silence_is_bounded(self):
        self.pretend(lambda peer: time.sleep(7))
        begin = time.monotonic()
        self.run_it("status", "evil", code=1)
        self.assertLess(time.monotonic() - begin, 7)

    def test_dripping_is_bounded(self):
        def drip(peer):
            for _ in range(40):
                peer.sendall(b"a")
                time.sleep(0.25)
        self.pretend(drip)
        begin = time.monotonic()
        self.run_it("status", "evil", code=1)
        self.assertLess(time.monotonic() - begin, 7)


if __name__ == "__main__":
    PROBE = os.path.abspath(sys.argv.pop(1))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main()
