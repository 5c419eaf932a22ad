#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each allocation and each system call of the start fails once.

Hostile cases 67 and 69. Whatever fails, there are two good ends: a clean
refusal in one line, or a guest that runs without what it did not get. The
calls come from a trace of an undisturbed start, so that a new one is tested
without being named here.
"""
import json
import lzma
import os
import re
import shutil
import socket
import time
import unittest

import kernels
import vmmtest
from vmmtest import HOST, OK, STOPPED, USAGE

MOST = 400  # allocations of one command, far above what is known

# Failures the C library's own start answers, before main: not ours.
LIBC_START = ("execve", "brk", "arch_prctl", "set_tid_address",
              "set_robust_list", "rseq", "prlimit64", "readlink",
              "readlinkat", "mprotect", "access", "uname")
# How strace makes a call fail; the error is one the call can have.
ERRORS = {
    "mmap": "ENOMEM", "munmap": "EINVAL", "clone": "EAGAIN",
    "clone3": "EAGAIN", "openat": "EMFILE", "open": "EMFILE",
    "socket": "EMFILE", "eventfd2": "EMFILE", "signalfd4": "EMFILE",
    "timerfd_create": "EMFILE", "fcntl": "EMFILE", "dup": "EMFILE",
    "io_uring_setup": "EPERM", "io_uring_register": "EINVAL",
    "mkdir": "EACCES", "unlinkat": "EACCES",
    "bind": "EADDRINUSE", "listen": "EADDRINUSE", "seccomp": "EACCES",
    "ioctl": "ENOMEM", "pread64": "EIO", "pwrite64": "ENOSPC",
    "fstat": "EIO", "newfstatat": "EIO", "getrandom": "EAGAIN",
    "madvise": "EINVAL", "prctl": "EINVAL", "rt_sigaction": None,
    "rt_sigprocmask": None, "read": None, "write": None, "close": None, "futex": None,
    "exit_group": None, "getpid": None, "gettid": None, "tgkill": None,
    "timerfd_settime": None, "io_uring_enter": None, "poll": None,
    "kill": None, "rt_sigreturn": None, "clock_nanosleep": None,
    "geteuid": None, "getuid": None, "sched_getaffinity": None,
    "exit": None, "restart_syscall": None, "close_range": "ENOSYS",
}


class FaultCase(vmmtest.Case):
    def assert_clean(self, r):
        """A clean refusal or a clean success; nothing in between."""
        if "CHECK failed: sanitizer_" in r.err:
            # The sanitizers' runtime itself cannot do without this memory.
            shutil.rmtree(self.run_dir, ignore_errors=True)
            return
        self.assertIn(r.code, (OK, HOST, USAGE, STOPPED), r)
        errors = r.err.count("vmm: error: ")
        if "ps" in r.argv and re.search(r"(?m)^halted +\d+  \?", r.out):
            errors += 1  # the row says that the guest did not answer
        self.assertNotRegex(r.err, "bug in vmm|Sanitizer|runtime error", r)
        self.assertRegex(r.err, r"\A(vmm: [^\n]*\n)*\Z", r)
        if r.code in (OK, STOPPED):
            self.assertEqual(errors, 0, r)
        else:
            self.assertEqual(errors, 1, r)


class AllocationTest(FaultCase):
    def failing(self, which, *argv, **options):
        """Run vmm; also: whether the allocation was reached."""
        log = self.write("failed", b"")
        env = dict(self.env, FAILALLOC=which, FAILALLOC_LOG=log,
                   LD_PRELOAD=vmmtest.tool("failalloc.so"),
                   ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
        r = self.vmm(*argv, program=[vmmtest.tool("vmm_dynamic")], env=env,
                     **options)
        return r, self.has_failed(log)

    def has_failed(self, log):
        with open(log, "rb") as f:
            return f.read() == b"f"

    def each(self, *argv, enough=None, **options):
        """Fail each allocation, alone and with all later ones."""
        good = self.vmm(*argv, **options) if not enough else None
        for later in "", "+":
            for n in range(1, MOST):
                r, reached = self.failing(f"{n}{later}", *argv, **options)
                with self.subTest(argv=argv[0], n=n, later=later):
                    self.assert_clean(r)
                    if good and r.code == OK:
                        self.assertEqual(r.out != "", good.out != "", r)
                    self.assert_nothing_left()
                if not reached or n == enough:
                    break
            else:
                self.fail(f"more than {MOST} allocations")
            if not enough:
                self.assertEqual(r.code, OK, r)
            self.assertGreater(n, 1, "nothing was ever allocated")

    def test_run(self):
        module = self.write("module", b"m" * 5000)
        self.each("run", "--cpus=2", f"--initrd={module},cmdline=a", "--fdt",
                  vmmtest.guest_image("poweroff"))

    def test_run_packed(self):
        for name, image in (("gzip", kernels.bzimage()),
                            ("xz", lzma.compress(kernels.elf()))):
            with self.subTest(name):
                self.each("run", "--console=none", self.write(name, image))

    def test_reboot(self):
        """The machine is made anew, again and again, until it cannot be."""
        self.each("run", "--console=none",
                  self.write("k", kernels.kernel(kernels.RESET)), enough=60)

    def test_inspect(self):
        self.each("inspect", self.write("k", kernels.bzimage()))

    def test_dumps(self):
        kernel = self.write("k", kernels.elf())
        for what in ["--dump-config"], ["--dump-acpi=" + self.path("acpi")], \
                ["--dump-fdt=" + self.path("fdt")]:
            self.each("run", *what, kernel)

    def test_client(self):
        self.guest(self.write("k", kernels.kernel(kernels.HALT)),
                   "--name=halted", "--console=none")
        vmmtest.wait_until(lambda: "halted.sock" in self.left())
        self.assert_nothing_left = lambda: None
        for words in (["ps"], ["status", "halted"],
                      ["status", "halted", "--json"], ["pause", "halted"],
                      ["resume", "halted"]):
            self.each(*words)
        del self.assert_nothing_left

    def test_server(self):
        """A guest whose control socket has no memory still runs."""
        kernel = self.write("k", kernels.kernel(kernels.HALT))
        asked = 0
        for n in range(1, MOST):
            log = self.write("failed", b"")
            env = dict(self.env, FAILALLOC=str(n), FAILALLOC_LOG=log,
                       LD_PRELOAD=vmmtest.tool("failalloc.so"),
                       ASAN_OPTIONS="verify_asan_link_order=0")
            p = self.start("run", "--name=g", "--console=none", kernel,
                           program=[vmmtest.tool("vmm_dynamic")], env=env)
            vmmtest.wait_until(lambda p=p: "g.sock" in self.left()
                               or not p.alive())
            if not p.alive():
                self.assert_clean(p.wait())
                continue
            if not self.ask_twice(p):
                self.assert_clean(p.wait())
                continue
            asked += 1
            self.assert_clean(p.end())
            if not self.has_failed(log):
                break
        self.assertGreater(asked, 3)

    def ask_twice(self, p):
        """One of the answers may be lost or garbled, the guest must live."""
        answers = []
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(vmmtest.PATIENCE)
                try:
                    self.connect(s, self.run_dir + "/g.sock")
                    s.sendall(b'{"vmm":1,"cmd":"status"}\n')
                    answers.append(s.makefile().readline())
                except OSError as e:
                    answers.append(str(e))
        if any(self.is_answer(a) for a in answers):
            return p.alive()
        # Only one that does not start may say nothing.
        vmmtest.wait_until(lambda: not p.alive(), 5, (answers, p.text("stderr"), p.argv))
        return False

    def connect(self, s, path):
        """The socket's file is there before it listens."""
        end = time.monotonic() + 5
        while True:
            try:
                return s.connect(path)
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def is_answer(self, line):
        try:
            return json.loads(line)["vmm"] == 1
        except ValueError:
            return False


@unittest.skipUnless(shutil.which("strace"), "no strace (package strace)")
class SyscallTest(FaultCase):
    def setUp(self):
        super().setUp()
        if vmmtest.is_sanitized():
            self.skipTest("the sanitizers' own calls would be failed too")
        self.trace = self.path("trace")
        self.module = self.write("module", b"m" * 5000)
        self.words = ("run", "--cpus=2", "--initrd=" + self.module, "--name=n",
                      vmmtest.guest_image("poweroff"))

    def strace(self, *options, words=None, **kwargs):
        """Of the first thread: only its calls are traced and failed."""
        return self.vmm(*(words or self.words), program=[
            "strace", "-o", self.trace, *options, vmmtest.paths["vmm"]],
            **kwargs)

    def calls(self):
        """(name, nth of that name, sealed), from main's first call on."""
        r = self.strace()
        self.assertEqual(r.code, OK, r)
        counts, found, main, sealed = {}, [], False, False
        with open(self.trace, encoding="ascii", errors="replace") as f:
            for name in re.findall(r"(?m)^(\w+)\(", f.read()):
                counts[name] = counts.get(name, 0) + 1
                main = main or name == "fcntl"
                if main:
                    found.append((name, counts[name], sealed))
                sealed = sealed or name == "seccomp"
        return found

    def inject(self, name, nth, error, *options):
        return self.strace("-e", f"inject={name}:error={error}:when={nth}",
                           words=(*self.words[:-1], *options,
                                  self.words[-1]))

    def test_each_call_of_the_start(self):
        """strace puts call number -1 in the place of one that is to fail,
        and the filters do not allow that: once sealed, without them."""
        tried = 0
        for name, nth, sealed in self.calls():
            self.assertTrue(name in ERRORS or name in LIBC_START,
                            f"{name}: say in ERRORS how it can fail")
            error = ERRORS.get(name)
            if not error:
                continue
            tried += 1
            with self.subTest(call=name, nth=nth):
                r = self.inject(name, nth, error,
                                *["--sandbox=off"] * sealed)
                if name == "unlinkat":
                    shutil.rmtree(self.run_dir, ignore_errors=True)
                if self.left() == ["n.lock"] and name in ("fcntl",
                                                          "newfstatat"):
                    # Not known to be held: it may be another guest's.
                    os.unlink(self.run_dir + "/n.lock")
                self.assert_faulty_start(r)
        self.assertGreater(tried, 50)

    def assert_faulty_start(self, r):
        lines = [x for x in r.err.splitlines(True)
                 if not re.match("vmm: (debug|warning): ", x)]
        r.err = "".join(lines)
        self.assert_clean(r)
        self.assert_nothing_left()

    def ioctl_number(self, request, nth=1):
        """Which of the ioctls of the first thread is this one?"""
        n = seen = 0
        with open(self.trace, encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("ioctl("):
                    n += 1
                    seen += request in line
                    if seen == nth:
                        return n
        return self.fail(f"no {request} in the trace")

    def test_create_vm(self):
        self.strace()
        n = self.ioctl_number("KVM_CREATE_VM")
        for error, text in (("ENOMEM", "Cannot allocate memory"),
                            ("EBUSY", "Device or resource busy"),
                            ("EPERM", "Operation not permitted")):
            with self.subTest(error):
                r = self.inject("ioctl", n, error)
                self.assertEqual(r.code, HOST, r)
                self.assertRegex(r.err, rf"KVM_CREATE_VM: {text}: run 'vmm "
                                 "doctor'")
                self.assert_nothing_left()
        r = self.inject("ioctl", n, "EINTR")
        self.assertEqual(r.code, OK, r)
        r = self.inject("ioctl", f"{n}..{n + 5}", "EINTR")
        self.assertEqual(r.code, OK, r)

    def test_missing_capability(self):
        """KVM says no: the line names what is missing."""
        self.strace()
        first = self.ioctl_number("KVM_CHECK_EXTENSION")
        names = []
        for n in range(first, first + 7):
            r = self.strace("-e", f"inject=ioctl:retval=0:when={n}")
            with self.subTest(n):
                self.assertEqual(r.code, HOST, r)
                names += re.findall(r"lacks (KVM_CAP_\w+): use a newer",
                                    r.err)
        self.assertEqual(len(set(names)), 7, names)

    def test_wrong_api_version(self):
        self.strace()
        n = self.ioctl_number("KVM_GET_API_VERSION")
        r = self.strace("-e", f"inject=ioctl:retval=11:when={n}")
        self.assertEqual(r.code, HOST, r)
        self.assertRegex(r.err, "not a KVM device.*version 11, want 12")

    def test_io_uring_refused(self):
        for error, advice in (("EPERM", "io_uring_disabled"),
                              ("ENOSYS", "CONFIG_IO_URING"),
                              ("ENOMEM", "ulimit -l")):
            with self.subTest(error):
                r = self.strace("-e", f"inject=io_uring_setup:error={error}")
                self.assertEqual(r.code, HOST, r)
                self.assertRegex(r.err, rf"io_uring: .*{advice}")
                self.assert_nothing_left()

    def test_old_kernel_without_single_issuer(self):
        r = self.strace("-e", "inject=io_uring_setup:error=EINVAL:when=1")
        self.assertEqual(r.code, OK, r)

    def test_no_seccomp(self):
        r = self.strace("-e", "inject=seccomp:error=EINVAL:when=1")
        self.assertEqual(r.code, HOST, r)
        self.assertRegex(r.err, "sandbox: seccomp: .*--sandbox=off")
        self.assert_nothing_left()


@unittest.skipUnless(os.geteuid() == 0, "a mount namespace needs root")
class DeviceTest(vmmtest.Case):
    """/dev/kvm as it may be found, in a mount namespace of its own."""

    def with_kvm(self, setup, code, pattern, *prefix):
        script = f'mount -t tmpfs none "$0" && {setup} && exec "$@"'
        place = self.path("dev")
        os.makedirs(place, exist_ok=True)
        result = self.vmm(
            "run", "--console=none", vmmtest.guest_image("poweroff"),
            program=["unshare", "-m", "sh", "-ec", script, place, *prefix,
                     vmmtest.paths["vmm"]], cwd=place)
        if code == OK:
            self.assertEqual(result.code, OK, result)
        else:
            self.assert_refused(result, code, pattern)

    def bind(self, command):
        """Make ./kvm by a command, and put it in the place of /dev/kvm."""
        return f'cd "$0" && {command} && mount --bind kvm /dev/kvm'

    def test_a_usual_device(self):
        """The harness itself: with a good node all works."""
        self.with_kvm(self.bind("mknod kvm c 10 232"), OK, "")

    def test_missing(self):
        self.with_kvm('mount --bind "$0" /dev', HOST,
                      "/dev/kvm: No such file.*load the kvm module")

    def test_no_driver_behind_it(self):
        self.with_kvm(self.bind("mknod kvm c 240 99"), HOST,
                      "/dev/kvm: No such device.*load the kvm module")

    def test_not_kvm(self):
        for what in ("mknod kvm c 1 3", "mknod kvm c 1 5", "touch kvm",
                     "mkfifo kvm", "mknod kvm c 10 229"):
            with self.subTest(what):
                self.with_kvm(self.bind(what), HOST,
                              "/dev/kvm: (not a KVM device|No such device)")

    def test_directory(self):
        self.with_kvm('mkdir "$0/kvm" && touch "$0/null" && '
                      'mount --bind /dev/null "$0/null" && '
                      'mount --bind "$0" /dev', HOST,
                      "/dev/kvm: Is a directory")

    def test_no_permission(self):
        # The program must be reachable for others than root.
        program = shutil.copy(vmmtest.paths["vmm"], self.path("vmm"))
        kernel = shutil.copy(vmmtest.guest_image("poweroff"),
                             self.path("kernel"))
        os.chmod(program, 0o755)
        os.chmod(self.dir, 0o777)
        script = ('mount -t tmpfs none "$0" && cd "$0" && '
                  'mknod kvm c 10 232 && chmod 600 kvm && '
                  'mount --bind kvm /dev/kvm && exec "$@"')
        os.mkdir(self.path("dev"))
        r = self.vmm("run", "--console=none", kernel, program=[
            "unshare", "-m", "sh", "-ec", script, self.path("dev"),
            "setpriv", "--reuid=61234", "--regid=61234", "--clear-groups",
            program])
        self.assert_refused(r, HOST,
                            "/dev/kvm: Permission denied.*group kvm")


if __name__ == "__main__":
    vmmtest.main()
