# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the command line share: vmm as an operator meets it.

A Case has a folder of its own with a runtime directory in it. Vmm.run starts
a command that must end by itself, within LIMIT seconds and MEMORY_KIB of
memory; Vmm.guest one that goes on. When the test is over, nothing may be
left: no process that has the folder in its environment, no file in the
runtime directory.

A test program is run as  NAME.py VMM GUESTS [TOOLS] [unittest's arguments]:
the program, the folder with the built guests, that with the test's helpers.
"""
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
LIMIT = 2.0  # seconds a refusal may take
MEMORY_KIB = 256 * 1024  # resident; a sanitized vmm has shadow memory too
PATIENCE = 20.0  # seconds for what must come, however busy the machine

# include/vmm/exitcode.h
OK, HOST, USAGE, REBOOT, STOPPED = 0, 1, 2, 3, 4
TRIPLE, INTERNAL, ENTRY, KVM, SANDBOX, CRASH = 16, 17, 18, 19, 20, 21

ERROR_LINE = r"vmm: error: [^\n]+\n"
# What may come before it: what was found in the image, a pty's name.
KERNEL_LINE = r"(vmm: (kernel|console): [^\n]+\n)*"

paths = {}


def tool(name):
    """The path of a helper built for the tests."""
    return os.path.join(paths["tools"], name)


def guest_image(name):
    """The path of a kernel of guests/, the 32-bit variant by default."""
    if "." not in name:
        name += ".pvh32"
    return os.path.join(paths["guests"], name + ".elf")


def is_sanitized():
    """A sanitized vmm makes calls of its own, and maps terabytes."""
    with open(paths["vmm"], "rb") as f:
        return b"__asan_init" in f.read()


def processes_in(folder):
    """The pids of all processes that have the folder in their environment."""
    mark = folder.encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if mark in f.read():
                    found.append(int(pid))
        except OSError:
            continue
    return [p for p in found if state_of(p) not in ("Z", None)]


def state_of(pid):
    """The letter in /proc/PID/stat, or None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def status_of(pid, tid=None):
    """/proc/PID/status, or that of one thread, as a dict of strings."""
    place = f"/proc/{pid}" if tid is None else f"/proc/{pid}/task/{tid}"
    with open(place + "/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def threads_of(pid):
    """Thread names and ids, as a dict."""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as f:
                found[f.read().strip()] = int(tid)
        except OSError:
            continue  # it ended meanwhile
    return found


def fds_of(pid):
    """What each open descriptor of a process points to."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
    return found


def wait_until(what, limit=PATIENCE, about=""):
    """Poll until what() is true; its value."""
    end = time.monotonic() + limit
    while not (value := what()):
        if time.monotonic() > end:
            raise AssertionError(f"not true in {limit} s: {about}")
        time.sleep(0.005)
    return value


class Result:
    """How a command ended: status (negative: signal), output, cost."""

    def __init__(self, argv, code, out, err, seconds, peak_kib):
        self.argv = argv
        self.code = code
        self.out = out
        self.err = err
        self.seconds = seconds
        self.peak_kib = peak_kib

    def __str__(self):
        return (f"{self.argv}: status {self.code} after {self.seconds:.2f} s,"
                f" {self.peak_kib} KiB\nstdout: {self.out!r}\n"
                f"stderr: {self.err!r}")


class Process:
    """A command whose output goes to files, so that nobody can block it."""

    def __init__(self, argv, env, folder, **options):
        self.argv = argv
        self.files = {}
        for name in "stdout", "stderr":
            if name not in options:
                self.files[name] = tempfile.TemporaryFile(dir=folder)
                options[name] = self.files[name]
        options.setdefault("stdin", subprocess.DEVNULL)
        self.begin = time.monotonic()
        self.popen = subprocess.Popen(argv, env=env, **options)
        self.pid = self.popen.pid
        self.result = None

    def text(self, name):
        """What came on stdout or stderr so far."""
        f = self.files.get(name)
        if not f:
            return ""
        return os.pread(f.fileno(), 1 << 24, 0).decode("utf-8", "replace")

    def wait(self, limit=PATIENCE):
        """Wait for the end; past the limit it is killed, and that fails."""
        if self.result:
            return self.result
        pidfd = os.pidfd_open(self.pid)
        ended = select.select([pidfd], [], [], limit)[0]
        os.close(pidfd)
        if not ended:
            os.kill(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self.popen.returncode = code
        self.result = Result(self.argv, code, self.text("stdout"),
                             self.text("stderr"),
                             time.monotonic() - self.begin, usage.ru_maxrss)
        for f in self.files.values():
            f.close()
        if not ended:
            raise AssertionError(f"no end in {limit} s, killed: "
                                 f"{self.result}")
        return self.result

    def alive(self):
        """Does it run, and not as a zombie?"""
        return not self.result and state_of(self.pid) not in ("Z", None)

    def expect(self, name, pattern, limit=PATIENCE):
        """Wait for a pattern in what came on stdout or stderr."""
        end = time.monotonic() + limit
        while not (found := re.search(pattern, self.text(name))):
            if not self.alive() and not re.search(pattern, self.text(name)):
                raise AssertionError(f"ended without {pattern!r}: "
                                     f"{self.wait()}")
            if time.monotonic() > end:
                raise AssertionError(f"no {pattern!r} in {limit} s: "
                                     f"{self.text(name)!r}")
            time.sleep(0.005)
        return found

    def kill(self, sig):
        """Send a signal."""
        os.kill(self.pid, sig)

    def end(self, sig=signal.SIGTERM, limit=PATIENCE):
        """Send a signal and wait for the end."""
        self.kill(sig)
        return self.wait(limit)


class Case(unittest.TestCase):
    """A test with a folder of its own, which must be clean in the end."""

    longMessage = True

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="vmm-cli.")
        self.run_dir = self.dir + "/run"
        self.env = dict(os.environ, VMM_RUNTIME_DIR=self.run_dir)
        self.env.pop("NOTIFY_SOCKET", None)
        self.started = []
        self.leftovers_expected = False
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.addCleanup(self.end_all)

    def tearDown(self):
        """Nothing may be left behind by what has ended."""
        for p in self.started:
            if p.alive():
                p.end(signal.SIGTERM)
            else:
                p.wait()
        if not self.leftovers_expected:
            self.assert_nothing_left()

    def end_all(self):
        """Whatever the test did: no process survives it."""
        for p in self.started:
            if not p.result:
                p.kill(signal.SIGKILL)
                p.wait()
        for pid in processes_in(self.run_dir):
            os.kill(pid, signal.SIGKILL)

    def left(self):
        """The files in the runtime directory."""
        try:
            return sorted(os.listdir(self.run_dir))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def assert_nothing_left(self):
        """No file in the runtime directory, no process."""
        self.assertEqual(self.left(), [], "files in the runtime directory")
        # The terminal's watcher ends by itself, right after its vmm.
        end = time.monotonic() + 2
        while processes_in(self.run_dir) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(processes_in(self.run_dir), [], "processes")

    def path(self, name):
        """A file in the test's folder."""
        return os.path.join(self.dir, name)

    def write(self, name, data):
        """Write a file into the test's folder; its path."""
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def start(self, *argv, program=None, **options):
        """Start a command, vmm or a program that runs it."""
        env = options.pop("env", self.env)
        p = Process([*(program or [paths["vmm"]]), *argv], env, self.dir,
                    **options)
        self.started.append(p)
        return p

    def vmm(self, *argv, limit=PATIENCE, **options):
        """Run vmm to its end."""
        p = self.start(*argv, **options)
        result = p.wait(limit)
        self.started.remove(p)
        return result

    def guest(self, kernel, *options, **kwargs):
        """Start a guest that stays; silent guests need not be waited for."""
        ready = kwargs.pop("ready", None)
        if os.sep not in kernel:
            kernel = guest_image(kernel)
        p = self.start("run", *options, kernel, **kwargs)
        if ready:
            p.expect("stdout", ready)
        return p

    def assert_refused(self, result, code, pattern):
        """One line that says it, the right status, in bounded time."""
        self.assertEqual(result.code, code, result)
        self.assertRegex(result.err,
                         rf"\A{KERNEL_LINE}{ERROR_LINE}\Z", result)
        self.assertRegex(result.err, pattern, result)
        self.assertEqual(result.out, "", result)
        self.assertLess(result.seconds, LIMIT, result)
        self.assertLess(result.peak_kib, MEMORY_KIB, result)
        self.assert_nothing_left()

    def refused(self, code, pattern, *argv, **options):
        """Run vmm, which must refuse."""
        result = self.vmm(*argv, **options)
        self.assert_refused(result, code, pattern)
        return result

    def assert_works(self, *options, **kwargs):
        """A guest that powers off at once."""
        r = self.vmm("run", "--console=none", *options,
                     guest_image("poweroff"), **kwargs)
        self.assertEqual(r.code, OK, r)
        return r


def limits(**wanted):
    """A preexec_fn that sets soft and hard limits: limits(NOFILE=3)."""
    def apply():
        for name, value in wanted.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name),
                               (value, value))
    return apply


def skip(why):
    """End the whole program as skipped."""
    print("SKIP:", why)
    sys.exit(SKIPPED)


def main(needs_kvm=True):
    """Take our arguments, leave the others to unittest."""
    for name in "vmm", "guests", "tools":
        if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
            paths[name] = os.path.abspath(sys.argv.pop(1))
    if needs_kvm and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        skip("no usable /dev/kvm")
    unittest.main()
