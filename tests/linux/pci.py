# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels on the PCI bus: what their drivers and users do to it.

The kernel finds the devices, gives each queue an interrupt of its own, moves
interrupts from CPU to CPU under load, takes a CPU away, unloads and loads the
drivers, resets a function, throws it out and finds it again by a scan, and
reboots. After each of these the disk holds what was written to it before. In
one row drivers use the interface from before virtio 1.0 and the interrupt pin.
"""

import re

import image
import row
from guest import Guest, GuestError

MIB = 1 << 20
DISK = 2 * MIB
BOOT_SECONDS = 90
DEVICE = "/sys/bus/pci/devices/0000:00:01.0"
DRIVER = "/sys/bus/pci/drivers/virtio-pci"

# kernel, transport, further words for the kernel, how an interrupt is called
SHORT = [
    ("debian-6.12", "pci", "", "PCI-MSIX?-"),
    ("debian-6.1", "pci-legacy", " pci=nomsi", "IO-APIC"),
]
LONG = SHORT + [
    ("debian-6.1", "pci", "", "PCI-MSIX?-"),
    ("debian-6.1", "pci-legacy", "", "PCI-MSIX?-"),
    ("debian-6.12", "pci", " pci=nomsi", "IO-APIC"),
    ("debian-6.12", "pci-legacy", " pci=nomsi", "IO-APIC"),
]
STEPS = ["boot", "bus", "traffic", "affinity", "offline", "reload", "reset",
         "rescan", "reboot", "poweroff"]


def rows(long):
    """The rows, their images by name."""
    for kernel, transport, words, interrupt in LONG if long else SHORT:
        name = f"linux/bus-{transport}-{kernel.removeprefix('debian-')}"
        yield {
            "name": name + ("-pin" if words else ""),
            "boots": [STEPS],
            "seconds": 400 if long else 240,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
            },
            "transport": transport,
            "append": "console=ttyS0 quiet" + words,
            "interrupt": interrupt,
            "rounds": 50 if long else 5,
        }


class Row(row.Row):
    """One guest of two CPUs with a disk and a source of random numbers."""

    def __init__(self, vmm, settings):
        super().__init__(vmm, settings)
        self.written = None  # the digest of what the disk must hold

    def load(self):
        """Loads the drivers, for the interface that is to be used."""
        legacy = self.row["transport"] == "pci-legacy"
        self.guest.run(
            f"modprobe virtio_pci {'force_legacy=1' if legacy else ''}; "
            "modprobe virtio_blk; modprobe virtio_rng"
        )
        bits = self.guest.run("cat /sys/block/vda/device/features").decode()
        if bits[32] != ("0" if legacy else "1"):
            raise GuestError(f"the features are {bits}")

    def digest(self):
        """What the disk holds now, past the guest's cache."""
        return self.guest.run(
            "dd if=/dev/vda bs=16k iflag=direct 2>/dev/null | sha256sum"
        ).split()[0]

    def same(self):
        """The disk holds what was written."""
        if self.digest() != self.written:
            raise GuestError("the disk does not hold what was written")

    def interrupts(self):
        """Interrupts of the devices so far, as {name: count}."""
        found = {}
        text = self.guest.run("grep virtio /proc/interrupts").decode()
        for line in text.splitlines():
            if not re.search(self.row["interrupt"], line):
                raise GuestError(f"an interrupt of another kind: {line}")
            fields = line.split()
            counts = [int(f) for f in fields[1:3]]
            found[fields[-1]] = sum(counts)
        return found

    def boot(self):
        """init runs and the shell answers."""
        image.create("bus.img", DISK)
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--mode=pvh",
                "--name=" + self.row["machine"],
                "--transport=" + self.row["transport"],
                "--cpus=2",
                "--memory=256M",
                "--rng",
                "--disk=" + image.path("bus.img"),
                "--initrd=" + self.row["images"]["initrd"],
                "--append=" + self.row["append"],
                self.row["images"]["kernel"],
            ]
        )
        return self.guest.login(BOOT_SECONDS).group(1).decode()

    def bus(self):
        """The bus and what is on it, with the addresses we gave."""
        functions = self.guest.run("ls /sys/bus/pci/devices").split()
        if len(functions) != 3:
            raise GuestError(f"{len(functions)} functions")
        wrong = self.guest.run(
            "dmesg | grep -E 'pci 0000|PCI: ' | grep -E "
            "'conflict|claim|no compatible|not claimed|fail|invalid|BUG' "
            "|| true"
        ).decode()
        if wrong:
            raise GuestError(wrong)
        iomem = self.guest.run("cat /proc/iomem").decode()
        for line in (
            "c0000000-dfffffff : PCI Bus 0000:00",
            "c0000000-c0007fff : 0000:00:01.0",
            "e0000000-e00fffff : PCI (MMCONFIG|ECAM) 0000 .bus 00",
        ):
            if not re.search(line, iomem):
                raise GuestError(f"no {line} in {iomem}")
        return f"{len(functions)} functions"

    def traffic(self):
        """Both devices work, each queue by an interrupt of its own."""
        self.load()
        before = self.interrupts()
        self.guest.run("dd if=/dev/urandom of=/dev/vda bs=8k oflag=direct "
                       "count=256 2>/dev/null")
        self.guest.run("dd if=/dev/hwrng of=/tmp/r bs=64 count=20 2>/dev/null")
        self.written = self.digest()
        after = self.interrupts()
        used = [name for name in after if after[name] > before.get(name, 0)]
        if not any("virtio0" in n for n in used) or not any(
            "virtio1" in n for n in used
        ):
            raise GuestError(f"interrupts by {used} only, of {after}")
        return ", ".join(f"{name} {after[name]}" for name in after)

    def affinity(self):
        """An interrupt moves between the CPUs while it fires."""
        rounds = self.row["rounds"] * 10
        self.guest.run(
            "n=$(sed -n 's/^ *\\([0-9]*\\):.*virtio1.*/\\1/p' "
            "/proc/interrupts | tail -n 1)"
        )
        self.guest.run("(while [ ! -e /tmp/enough ]; do dd if=/dev/hwrng "
                       "of=/tmp/r bs=64 count=1; done) 2>/dev/null & "
                       "for i in $(seq " + str(rounds) + "); do "
                       "echo $((i % 2 + 1)) >/proc/irq/$n/smp_affinity; "
                       "dd if=/dev/vda of=/dev/null bs=4k count=4 "
                       "iflag=direct 2>/dev/null; done; "
                       "touch /tmp/enough; wait", 180)
        cpus = self.guest.run("grep \"^ *$n:\" /proc/interrupts").split()[1:3]
        if b"0" in cpus:
            raise GuestError(f"interrupts by CPU: {cpus}")
        return f"{rounds} moves, by CPU {b' '.join(cpus).decode()}"

    def offline(self):
        """A CPU goes and comes with its interrupts."""
        rounds = self.row["rounds"]
        self.guest.run(
            "c=/sys/devices/system/cpu/cpu1/online; for i in $(seq "
            f"{rounds}); do for v in 0 1; do echo $v >$c; "
            "taskset 1 dd if=/dev/vda of=/dev/null bs=64k count=8 "
            "iflag=direct 2>/dev/null || break 2; done; done; "
            "[ $i = " + str(rounds) + " ] && [ $v = 1 ]", 180)
        self.same()
        return f"{rounds} times"

    def reload(self):
        """The drivers are unloaded and loaded again."""
        for _ in range(self.row["rounds"]):
            # Some kernels have the transport built in.
            self.guest.run("rmmod virtio_rng virtio_blk && "
                           "{ rmmod virtio_pci 2>/dev/null || true; }")
            self.load()
            self.same()
        return f"{self.row['rounds']} times"

    def reset(self):
        """A function-level reset leaves a function that works."""
        methods = self.guest.run(f"cat {DEVICE}/reset_method").decode().strip()
        if "af_flr" not in methods:
            raise GuestError(f"it can be reset by {methods!r}")
        for _ in range(self.row["rounds"]):
            self.guest.run(
                f"echo 0000:00:01.0 >{DRIVER}/unbind; echo 1 >{DEVICE}/reset "
                f"&& echo 0000:00:01.0 >{DRIVER}/bind"
            )
            self.same()
        return f"{self.row['rounds']} times by {methods}"

    def rescan(self):
        """A function is thrown out and found again."""
        for _ in range(self.row["rounds"]):
            self.guest.run(
                f"echo 1 >{DEVICE}/remove; [ ! -e /sys/block/vda ] && "
                "echo 1 >/sys/bus/pci/rescan && [ -e /sys/block/vda ]"
            )
            self.same()
        return f"{self.row['rounds']} times"

    def reboot(self):
        """A new machine has the same bus, and the disk its contents."""
        self.guest.send(b"reboot -f\n")
        self.guest.login(BOOT_SECONDS)
        self.load()
        self.same()
        return "up again"
