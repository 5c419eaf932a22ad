# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a domain of Xen's, whatever machine it is: steps for rows.

Memory given up and taken back, CPUs off and on, a magic key, suspend and
resume in place, another kernel by kexec, reboot and stop by the operator's
orders. xen.py and pvhvm.py have the machines.
"""

import os
import re
import time

import image
import net
from guest import GuestError

MIB = 1 << 20
SUSPENDS = 10

# kexec_file_load and reboot by number: the image has no kexec, but Perl. No
# quote in here: it is one argument of perl -e.
KEXEC = (
    "open(my $k, q(<), q(/dev/shm/kernel)) or die; "
    "open(my $i, q(<), q(/dev/shm/initrd)) or die; "
    "my $line = q({line}) . chr(0); "
    "syscall(320, fileno($k), fileno($i), length($line), $line, 0) == 0 "
    "or die qq($!); "
)
MARK = "vm.by=kexec"  # in that kernel's command line
KEXEC_GO = "syscall(169, 0xfee1dead, 0x28121969, 0x45584543, 0)"


class Domain:
    """The steps; the row's other classes have the guest, its disk and link."""

    memory = 256 * MIB  # what image.py gives a guest
    small = 160 * MIB
    kexec_append = ""  # what a kernel that kexec starts is told besides

    def resident(self):
        """Bytes of RAM that vmm has."""
        with open(f"/proc/{self.guest.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) << 10

    def until(self, seconds, what, text):
        """Waits until what() is true."""
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise GuestError(text() if callable(text) else text)
            time.sleep(0.2)

    def kept(self):
        """Bytes that the guest's balloon says it has."""
        return int(self.guest.run(
            "cat /sys/devices/system/xen_memory/xen_memory0/info/current_kb"
        )) << 10

    def balloon(self):
        """The guest gives memory to the host, and has it again."""
        self.guest.run("dd if=/dev/zero of=/dev/shm/x bs=1M count=80 2>&1", 120)
        full = self.resident()
        self.guest.run("rm /dev/shm/x")
        self.tell("mem", f"{self.small // MIB}M")
        self.until(
            90, lambda: self.kept() <= self.small, lambda: f"has {self.kept()}"
        )
        self.until(
            30,
            lambda: self.resident() < self.small + 16 * MIB,
            lambda: f"{self.resident() // MIB} MiB are resident",
        )
        tight = self.resident()
        self.tell("mem", f"{self.memory // MIB}M")
        self.until(
            90,
            lambda: self.kept() > self.memory - 8 * MIB,
            lambda: f"has {self.kept()}",
        )
        self.guest.run("dd if=/dev/zero of=/dev/shm/x bs=1M count=90 2>&1", 120)
        self.guest.run("rm /dev/shm/x")
        return f"{full // MIB} MiB resident, then {tight // MIB}"

    def cpus(self):
        """Every CPU but the first goes and comes, with work on it."""
        run, cpus = self.guest.run, self.row["cpus"]
        for _ in range(5 if cpus > 1 else 0):
            for number in range(1, cpus):
                run(f"echo 0 >/sys/devices/system/cpu/cpu{number}/online")
            if int(run("nproc")) != 1:
                raise GuestError("CPUs are still online")
            for number in range(1, cpus):
                run(f"echo 1 >/sys/devices/system/cpu/cpu{number}/online")
                run(f"taskset -c {number} true")
        if int(run("nproc")) != cpus:
            raise GuestError("not all CPUs are online again")
        return f"{cpus - 1} CPUs, 5 times" if cpus > 1 else "there is one"

    def sysrq(self):
        """A magic key from outside."""
        self.guest.run("dmesg -C")
        self.tell("xs", "sysrq", "h")
        self.until(
            20,
            lambda: b"HELP" in self.guest.run("dmesg | grep -i sysrq; true"),
            "no help by a magic key",
        )
        return "HELP"

    def alive(self):
        """Disk and link do what they did."""
        self.guest.run("date >/srv/alive && sync /srv/alive", 60)
        self.reachable()

    def sleep(self):
        """Suspended by order, and resumed in place. The guest waits for it by
        itself: what is typed at a serial port that sleeps is lost."""
        self.guest.send(
            b"dmesg -C; echo @ready@; "
            b"until dmesg | grep -q 'Restarting tasks'; do sleep 0.2; done\n"
        )
        self.guest.expect(rb"@ready@\r*\n", 60)
        self.tell("xs", "order", "suspend")
        self.guest.expect(rb"@0@\r*\n", 60)

    def suspend(self):
        """Suspended and resumed, again and again."""
        for _ in range(SUSPENDS):
            self.sleep()
            self.alive()
        return f"{SUSPENDS} times"

    def kexec(self):
        """Another kernel is started; all of Xen's begins anew."""
        run = self.guest.run
        for name in ("kernel", "initrd"):
            path = self.row["images"][name]
            server = net.FileServer(net.HOST, path)
            run(f"cat </dev/tcp/{self.peer}/{server.port} >/dev/shm/{name}", 120)
            if int(run(f"stat -c %s /dev/shm/{name}")) != os.stat(path).st_size:
                raise GuestError(f"{name} has come in part")
        line = f"console={self.console} {image.APPEND} {MARK} "
        line += self.kexec_append
        self.perl(KEXEC.format(line=line), 60)
        run("rm /dev/shm/kernel /dev/shm/initrd; sync")
        self.guest.send(b"mount -o remount,ro /; perl -e '%s'\n"
                        % KEXEC_GO.encode())
        release = self.guest.login_disk(self.patience).group(1).decode()
        if MARK.encode() not in run("cat /proc/cmdline"):
            raise GuestError("it was no kexec")
        self.configure()
        self.alive()
        return release

    def reboot(self):
        """By order of the operator, in the same process."""
        self.tell("xs", "order", "reboot")
        self.guest.login_disk(self.patience)
        self.configure()
        self.alive()
        return "up again"

    def stop(self):
        """vmm stop: a whole shutdown by order, and vmm ends well."""
        self.tell("stop")
        self.ended()
        return "status 0"
