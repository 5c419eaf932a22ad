# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian as a guest of Xen: --abi=xen, root on xvda, eth0 by netfront, hvc0.

A main row logs in on a root file system on xvda and says by which driver,
shows what the store says of it, writes and verifies by fio on the root and on
a second disk that is mounted with discard, sees that disk grow while it is in
use, runs iperf3 both ways over a tap, with its segments whole, takes both
drivers out and in, powers off, and leaves both disks clean for fsck.

In the long set it also runs with its offloads off, gives memory up and takes it
back, takes CPUs off and on, obeys a magic key, suspends and resumes ten times,
starts another kernel by kexec, reboots and is stopped by the operator's orders.
The user engine is shown on a host whose KVM knows nothing of Xen.
"""

import os
import re
import time

import disk
import image
import net
from guest import GuestError

MIB = 1 << 20
MAIN = ["login", "store", "verify", "discard", "resize", "ping", "iperf",
        "download", "reload"]
LIFE = ["offloads", "balloon", "cpus", "sysrq", "suspend", "kexec", "reboot",
        "stop"]
MEMORY = 256 * MIB  # what image.py gives a guest
SMALL = 160 * MIB
SUSPENDS = 10

# Kernels, engines and CPUs meet in every way in the long set.
SHORT = [("debian-6.12", "kernel", 1)]
LONG = [
    (kernel, accel, cpus)
    for accel in ("kernel", "user")
    for kernel in ("debian-6.1", "debian-6.12")
    for cpus in (1, 2, 4)
]

# kexec_file_load and reboot by number: the image has no kexec, but Perl. No
# quote in here: it is one argument of perl -e.
KEXEC = (
    "open(my $k, q(<), q(/dev/shm/kernel)) or die; "
    "open(my $i, q(<), q(/dev/shm/initrd)) or die; "
    "my $line = q({line}) . chr(0); "
    "syscall(320, fileno($k), fileno($i), length($line), $line, 0) == 0 "
    "or die qq($!); "
)
KEXEC_GO = "syscall(169, 0xfee1dead, 0x28121969, 0x45584543, 0)"


def life(accel):
    """The user engine cannot run what a Debian starts by kexec: its
    hypercalls are instructions that vmm did not load."""
    return [step for step in LIFE if accel == "kernel" or step != "kexec"]


def rows(long):
    """The rows, their images by name."""
    for kernel, accel, cpus in LONG if long else SHORT:
        release = kernel.removeprefix("debian-")
        yield {
            "name": f"linux/xen-{accel}-{release}-{cpus}",
            "boots": [MAIN + (life(accel) if long else ["poweroff"]) + ["fsck"]],
            "host": "6.1" if accel == "user" else "6.12",
            "seconds": 1800 if long else 420,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
                "disk": ("debian-12", "image"),
            },
            "accel": accel,
            "driver": "xen_netfront",
            "cpus": cpus,
            "root": True,
            "link": "tap",
            "long": long,
            "times": 20 if long else 3,
            "download": (128 if long else 16) * net.MIB,
        }


class Row(disk.Row, net.Row):
    """One guest with two disks and a tap."""

    console = "hvc0"
    second = "xvdb"
    patience = 2 * image.LOGIN_SECONDS  # four CPUs, each call an exit

    def __init__(self, vmm, row):
        super().__init__(vmm, row)
        self.peer = net.HOST

    def machine(self):
        """A Xen guest, by the engine that was asked for."""
        return [
            "--mode=pvh", "--abi=xen", "--xen-accel=" + self.row["accel"],
            f"--cpus={self.row['cpus']}",
        ]

    def login(self):
        """Boots from xvda, with a console and a link of Xen's."""
        net.tap_setup()
        image.copy(self.master(), "root.img")
        image.create("space.img", disk.SPACE)
        release = self.start(
            "--disk=" + image.path("root.img"),
            f"--disk={image.path('space.img')},id=space",
            "--net=tap,ifname=" + net.TAP,
        )
        run = self.guest.run
        for path, driver in (
            ("/sys/block/xvda/device/driver", "vbd"),
            ("/sys/class/net/eth0/device/driver", "vif"),
        ):
            found = os.path.basename(run(f"readlink {path}").decode().strip())
            if found != driver:
                raise GuestError(f"{path} is {found}")
        if b"Xen" not in run("dmesg | grep 'Hypervisor detected'"):
            raise GuestError("the kernel sees no Xen")
        self.configure()
        clock = run(
            "cat /sys/devices/system/clocksource/clocksource0/current_clocksource"
        ).decode().strip()
        return f"{release}, clocksource {clock}"

    def store(self):
        """The operator reads there what the guest wrote."""
        text = self.tell("xs", "tree")
        for word in ("backend", "51712", "ring-ref", "event-channel"):
            if word not in text:
                raise GuestError(f"vmm xs tree: no {word}")
        return f"{len(text.splitlines())} nodes"

    def reload(self):
        """The network's driver goes and comes, again and again."""
        times = self.row["times"]
        self.guest.run(
            # A device that is bound holds its driver.
            f"(for n in $(seq {times}); do "
            "echo vif-0 >/sys/bus/xen/drivers/vif/unbind && "
            "modprobe -r xen_netfront && modprobe xen_netfront && "
            "ip link set eth0 up || exit 1; done)",
            60 + 30 * times,
        )
        self.configure()
        self.reachable(3)
        self.fetch(net.MIB)
        return f"{times} times"

    # ---- the life of a domain ----

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
        self.tell("mem", f"{SMALL // MIB}M")
        self.until(90, lambda: self.kept() <= SMALL, lambda: f"has {self.kept()}")
        self.until(
            30,
            lambda: self.resident() < SMALL + 16 * MIB,
            lambda: f"{self.resident() // MIB} MiB are resident",
        )
        tight = self.resident()
        self.tell("mem", f"{MEMORY // MIB}M")
        self.until(
            90, lambda: self.kept() > MEMORY - 8 * MIB, lambda: f"has {self.kept()}"
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

    def suspend(self):
        """Suspended and resumed in place, again and again."""
        # vm-button takes the key that wakes up for the press of the button.
        self.guest.run("pkill head; true")
        for number in range(SUSPENDS):
            self.guest.run("dmesg -C")
            self.tell("xs", "order", "suspend")
            self.until(
                60,
                lambda: b"Restarting tasks" in self.guest.run("dmesg"),
                f"no resume, the {number + 1}th time",
            )
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
        # It is no PVH guest any more, and has no emulated devices either.
        line = "console=hvc0 xen_emul_unplug=unnecessary " + image.APPEND
        self.perl(KEXEC.format(line=line), 60)
        run("rm /dev/shm/kernel /dev/shm/initrd; sync")
        self.guest.send(b"mount -o remount,ro /; perl -e '%s'\n"
                        % KEXEC_GO.encode())
        release = self.guest.login_disk(self.patience).group(1).decode()
        if b"unnecessary" not in run("cat /proc/cmdline"):
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
