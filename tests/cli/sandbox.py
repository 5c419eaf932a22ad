#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The sealed process: filters on each thread, no descriptor too many, and a
forbidden system call caught.

Hostile cases 73 and 74. A thread that was taken over is played by a helper
that makes it call the kernel (inject.c); both ABIs beside the 64-bit one are
tried, since a filter for one ABI says nothing about another.
"""
import os
import re
import subprocess

import vmmtest
from vmmtest import OK, SANDBOX, STOPPED

# Numbers of x86-64 (asm/unistd_64.h) and what a thread is made to do.
CLONE_VFORK, SIGCHLD = 0x4000, 17
PROT_RWX, MAP_PRIVATE_ANON = 7, 0x22
KVM_CREATE_VM, TIOCSTI = 0xae01, 0x5412
FORBIDDEN = {
    "execve": (59, 0, 0, 0),
    "openat": (257, -100, 0, 0),
    "open": (2, 0, 0),
    "openat2": (437, -100, 0, 0, 24),
    "socket": (41, 2, 1, 0),
    "connect": (42, 0, 0, 0),
    "ptrace": (101, 0),
    "process_vm_writev": (311, 1, 0, 0, 0, 0, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "unshare": (272, 0x10000000),
    "setuid": (105, 0),
    "bpf": (321, 0, 0, 0),
    "perf_event_open": (298, 0, 0, 0, 0, 0),
    "io_uring_setup": (425, 8, 0),
    "io_uring_register": (427, 0, 0, 0, 0),
    "memfd_create": (319, 0, 0),
    "init_module": (175, 0, 0, 0),
    "kexec_load": (246, 0, 0, 0, 0),
    "fork": (57,),
    "vfork": (58,),
    "unlink": (87, 0),
    "keyctl": (250, 0),
    "userfaultfd": (323, 0),
}
# With arguments that decide, for each thread.
FORBIDDEN_OF = {
    "vmm": {
        "clone": (56, SIGCHLD, 0, 0, 0, 0),
        "mmap": (9, 0, 4096, PROT_RWX, MAP_PRIVATE_ANON, -1, 0),
        "mprotect": (10, 0, 4096, PROT_RWX),
        "ioctl": (16, 0, TIOCSTI, 0),
    },
    "vcpu0": {
        "clone": (56, SIGCHLD, 0, 0, 0, 0),
        "mmap": (9, 0, 4096, 3, MAP_PRIVATE_ANON, -1, 0),
        "mprotect": (10, 0, 4096, 3),
        "ioctl": (16, 0, KVM_CREATE_VM, 0),
        "io_uring_enter": (426, 0, 0, 0, 0, 0, 0),
        "read": (0, 0, 0, 0),
        "accept4": (288, 0, 0, 0, 0),
        "sendto": (44, 0, 0, 0, 0, 0, 0),
        "sendmsg": (46, 0, 0, 0),
        "recvmsg": (47, 0, 0, 0),
        "kill": (62, 1, 0),
        "seccomp": (317, 0, 0, 0),
    },
}


class SandboxTest(vmmtest.Case):
    def running(self, *options, cpus=1, kernel="spin", **kwargs):
        p = self.guest(kernel, "--name=g", f"--cpus={cpus}", *options,
                       ready="READY", **kwargs)
        return p

    def inject(self, p, thread, abi, call):
        """What became of the call, in the helper's words."""
        tid = vmmtest.threads_of(p.pid)[thread]
        done = subprocess.run(
            [vmmtest.tool("inject"), str(tid), abi,
             *(str(a & (1 << 64) - 1) for a in call)],
            capture_output=True, timeout=vmmtest.PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode().strip()

    def assert_caught(self, p, name, thread):
        """One line that names call and thread, and the status for it."""
        r = p.wait()
        self.started.remove(p)
        self.assertEqual(r.code, SANDBOX, r)
        errors = re.findall(r"(?m)^vmm: error: .*$", r.err)
        self.assertEqual(len(errors), 1, r)
        self.assertRegex(errors[0], r"sandbox: a forbidden system call: "
                         rf"{name} \(\d+\) by thread {thread}; the guest was "
                         "ended")
        self.assertEqual(self.vmm("ps").code, OK)  # buries it

    # ---- case 73 ----

    def test_every_thread_is_sealed(self):
        p = self.running(cpus=3)
        threads = vmmtest.threads_of(p.pid)
        self.assertLessEqual({"vmm", "vcpu0", "vcpu1", "vcpu2"},
                             set(threads))
        for name, tid in threads.items():
            if name.startswith("kvm-"):
                continue  # a thread of the kernel's, in our process
            with self.subTest(name):
                status = vmmtest.status_of(p.pid, tid)
                self.assertEqual(status["Seccomp"], "2")
                self.assertEqual(status["NoNewPrivs"], "1")
                # A vCPU has the loop's filter and its own on top.
                self.assertEqual(int(status["Seccomp_filters"]),
                                 2 if name.startswith("vcpu") else 1)

    def test_sealed_again_after_a_reboot(self):
        p = self.guest("reboot", "--name=g", ready="READY",
                       stdin=subprocess.PIPE)
        for n in 2, 3:
            p.popen.stdin.write(b"r")
            p.popen.stdin.flush()
            p.expect("stdout", "(?s)" + "READY.*" * n)
        for tid in vmmtest.threads_of(p.pid).values():
            self.assertEqual(vmmtest.status_of(p.pid, tid)["Seccomp"], "2")
        p.popen.stdin.close()

    def test_sandbox_off(self):
        p = self.running("--sandbox=off")
        for tid in vmmtest.threads_of(p.pid).values():
            self.assertEqual(vmmtest.status_of(p.pid, tid)["Seccomp"], "0")
        self.assertRegex(p.text("stderr"), "warning: the sandbox is off")

    def test_watcher_is_no_way_out(self):
        """It has no descriptor but the terminal and its socket; see term.py
        for what it does."""
        p = self.running()
        others = [q for q in vmmtest.processes_in(self.run_dir)
                  if q != p.pid]
        self.assertEqual(others, [])

    def test_descriptors(self):
        """Not one more than has a purpose, for each kind of console."""
        # Two eventfds: the loop's bell and the board's.
        common = ["anon_inode:[eventfd]", "anon_inode:[eventfd]",
                  "anon_inode:[io_uring]", "anon_inode:[signalfd]",
                  "anon_inode:kvm-vcpu:0", "anon_inode:kvm-vcpu:1",
                  "anon_inode:kvm-vm", "/dev/kvm", "KERNEL", "RUN", "g.lock",
                  "socket"]
        log = self.path("log")
        more = {
            "none": [],
            "stdio": ["anon_inode:[timerfd]", "STDIN", "STDOUT"],
            f"file:{log}": ["anon_inode:[timerfd]", "LOG"],
            "pty": ["anon_inode:[timerfd]", "/dev/ptmx", "/dev/pts/"],
        }
        for console, own in more.items():
            with self.subTest(console):
                p = self.guest("idle", "--name=g", "--cpus=2",
                               "--console=" + console)
                vmmtest.wait_until(lambda: "vcpu1" in
                                   vmmtest.threads_of(p.pid))
                found = [self.simple(p, fd, target) for fd, target
                         in vmmtest.fds_of(p.pid).items() if fd > 2]
                p.end()
                self.started.remove(p)
                self.assertEqual(sorted(found), sorted(common + own))

    def simple(self, p, fd, target):
        """A descriptor by what it is, not by which one."""
        names = {
            self.run_dir: "RUN", vmmtest.guest_image("idle"): "KERNEL",
            self.path("log"): "LOG", self.run_dir + "/g.lock": "g.lock",
            "/dev/null": "STDIN",
        }
        for prefix in "socket", "/dev/pts/":
            if target.startswith(prefix):
                return prefix
        if target == os.readlink(f"/proc/{p.pid}/fd/1"):
            return "STDOUT"
        return names.get(target, target)

    def test_inherited_descriptors_are_closed_or_harmless(self):
        """What the parent left open is not lent to the guest."""
        secret = os.open(self.write("secret", b"s"), os.O_RDWR)
        os.set_inheritable(secret, True)
        p = self.running(pass_fds=[secret])
        os.close(secret)
        self.assertNotIn(self.path("secret"),
                         vmmtest.fds_of(p.pid).values())

    def test_memory_is_never_writable_and_executable(self):
        p = self.running(cpus=2)
        with open(f"/proc/{p.pid}/maps", encoding="utf-8") as f:
            for line in f:
                self.assertNotIn("wx", line.split()[1], line)

    # ---- case 74 ----

    def test_the_helper_itself(self):
        """An allowed call returns, and the thread goes on."""
        p = self.running()
        for thread in "vmm", "vcpu0":
            self.assertEqual(self.inject(p, thread, "64", (39,)),
                             f"returned {p.pid}")
        self.assertRegex(self.vmm("status", "g").out, r"state +running")
        self.assertEqual(p.end().code, STOPPED)

    def test_forbidden_calls(self):
        for thread, own in FORBIDDEN_OF.items():
            for name, call in {**FORBIDDEN, **own}.items():
                with self.subTest(thread=thread, call=name):
                    if vmmtest.is_sanitized() and name in (
                            "openat", "open", "ptrace", "clone", "mmap",
                            "mprotect", "read", "kill"):
                        continue  # the sanitizers' runtime may
                    p = self.running()
                    self.assertEqual(self.inject(p, thread, "64", call),
                                     "signal 31")
                    self.assert_caught(p, name, thread)

    def test_other_abis(self):
        """x32 and int 0x80: the whole process ends, not a lone thread."""
        for thread in "vmm", "vcpu0":
            for abi, number in (("x32", 39), ("x32", 59), ("32", 20),
                                ("32", 11)):
                with self.subTest(thread=thread, abi=abi, number=number):
                    p = self.running()
                    self.inject(p, thread, abi, (number, 0, 0, 0))
                    self.assert_caught(p, ".*", thread)

    def test_number_that_does_not_exist(self):
        p = self.running()
        self.inject(p, "vcpu0", "64", (9999,))
        self.assert_caught(p, "unknown", "vcpu0")


if __name__ == "__main__":
    vmmtest.main()
