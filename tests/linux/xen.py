# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian as a guest of Xen: --abi=xen, root on xvda, eth0 by netfront, hvc0.

A main row logs in on a root file system on xvda and says by which driver,
shows what the store says of it, writes and verifies by fio on the root and on
a second disk that is mounted with discard, sees that disk grow while it is in
use, runs iperf3 both ways over a tap, with its segments whole, takes the
link's driver out and in, has the second disk taken out by the operator, powers
off, and leaves both disks clean for fsck.

In the long set it also runs with its offloads off, gives memory up and takes it
back, takes CPUs off and on, obeys a magic key, suspends and resumes ten times,
starts another kernel by kexec, reboots and is stopped by the operator's orders.
The user engine is shown on a host whose KVM knows nothing of Xen.
"""

import operator
import os

import disk
import domain
import image
import net
from guest import GuestError

MAIN = ["login", "store", "verify", "discard", "resize", "ping", "iperf",
        "download", "reload", "detach"]
LIFE = ["offloads", "balloon", "cpus", "sysrq", "suspend", "kexec", "reboot",
        "stop"]
FRAME = 1514  # what a packet has at the most, if it is no segment

# Kernels, engines and CPUs meet in every way in the long set.
SHORT = [("debian-6.12", "kernel", 1)]
LONG = [
    (kernel, accel, cpus)
    for accel in ("kernel", "user")
    for kernel in ("debian-6.1", "debian-6.12")
    for cpus in (1, 2, 4)
]
# Here disk and link work long. On an emulated host another engine and more CPUs
# take many times as long for it, and show themselves in less.
HARD = ("debian-6.12", "kernel", 1)


def rows(long):
    """The rows, their images by name."""
    for kernel, accel, cpus in LONG if long else SHORT:
        release = kernel.removeprefix("debian-")
        whole = long and (kernel, accel, cpus) == HARD
        yield {
            "name": f"linux/xen-{accel}-{release}-{cpus}",
            "boots": [MAIN + (LIFE if long else ["poweroff"]) + ["fsck"]],
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
            "long": whole,
            "fio": (16, 3) if whole else (2, 1) if long else (6, 1),
            "times": 20 if whole else 3,
            "download": (128 if whole else 16) * net.MIB,
        }


class Row(domain.Domain, disk.Row, net.Row):
    """One guest with two disks and a tap."""

    console = "hvc0"
    second = "xvdb"
    # It is no PVH guest any more, and has no emulated devices either.
    kexec_append = "xen_emul_unplug=unnecessary"
    patience = 3 * image.LOGIN_SECONDS  # four CPUs, down and up again

    def __init__(self, vmm, row):
        super().__init__(vmm, row)
        self.peer = net.HOST
        self.mean = {}  # bytes of a packet: tx, rx

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

    def counted(self, way):
        """Bytes and packets that eth0 has sent (tx) or received (rx)."""
        files = (f"/sys/class/net/eth0/statistics/{way}_{what}"
                 for what in ("bytes", "packets"))
        return [int(self.guest.run("cat " + file)) for file in files]

    def one_way(self, much):
        """Notes, too, how long packets were on the average."""
        way = "rx" if "-R" in much else "tx"
        before = self.counted(way)
        rate = super().one_way(much)
        size, packets = map(operator.sub, self.counted(way), before)
        self.mean[way] = size // packets
        return rate

    def segments(self, said):
        """Large segments went both ways in one piece each, or GuestError."""
        if min(self.mean.values()) <= FRAME:
            raise GuestError(f"packets of {self.mean} bytes, no segments")
        return f"{said}, {self.mean['tx']} and {self.mean['rx']} bytes each"

    def iperf(self):
        """TCP flows in both directions, in large segments."""
        much = "-t 3" if self.row["long"] else "-n 4M"
        return self.segments(self.both_ways(much))

    def offloads(self):
        """All of them off, and on again."""
        return self.segments(super().offloads())

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

    def detach(self):
        """The second disk goes, as a tool stack has it go."""
        node = "/local/domain/0/backend/vbd/1/51728/online"
        self.tell("xs", "write", node, "0")
        self.guest.run(
            "(for n in $(seq 200); do [ -e /sys/block/xvdb ] || exit 0; "
            "sleep 0.1; done; exit 1)",
            60,
        )
        for place in ("device/vbd", "/local/domain/0/backend/vbd/1"):
            left = self.tell("xs", "ls", place).split()
            if left != ["51712"]:
                raise GuestError(f"vmm xs ls {place}: {left}")
        return "xvdb"
