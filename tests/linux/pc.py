# SPDX-License-Identifier: GPL-2.0-or-later
"""A PC: its BIOS, the boot loader on a disk, and a Debian nobody prepared.

What starts is the disk's own GRUB, kernel and initramfs. The rows: an IDE disk
and one CPU, with what Linux made of the chips, blocks written and verified, a
reboot that returns to GRUB, and poweroff from inside; virtio and two CPUs, and
the power button. The long set has one and two CPUs with IDE, e1000 and the
network, a CD-ROM, and a kernel that is started directly at each of its
entries.
"""

import disk
import image
import net
from guest import Guest, GuestError

SECONDS = 400
BOOT_SECONDS = 240
DOWNLOAD = 16 << 20
GRUB = rb"GNU GRUB"

SHORT = [
    ("ide", "hvm", 1, ["login", "chips", "verify", "reboot", "poweroff"]),
    ("virtio", "hvm-pv", 2, ["login", "chips", "button"]),
]
WHOLE = ["login", "chips", "network", "verify", "reboot"]
LONG = [
    ("ide", "hvm", 1, WHOLE + ["poweroff"]),
    ("ide-2cpu", "hvm", 2, WHOLE + ["button"]),
    ("virtio", "hvm-pv", 2, WHOLE + ["button"]),
    ("virtio-1cpu", "hvm-pv", 1, WHOLE + ["poweroff"]),
]

# What must be at work, by mode: in /proc/interrupts, and of the disk.
CHIPS = {
    "hvm": (["timer", "rtc0", "acpi", "i8042", "ttyS0", "ata_piix"], "sda"),
    "hvm-pv": (["timer", "rtc0", "acpi", "i8042", "ttyS0", "virtio0"], "vda"),
}


def rows(long):
    """The rows, their images by name."""
    for name, mode, cpus, boot in LONG if long else SHORT:
        yield {
            "name": f"linux/pc-{name}",
            "boots": [boot],
            "seconds": 2 * SECONDS if long else SECONDS,
            "images": {"disk": ("debian-12-grub", "image")},
            "mode": mode,
            "cpus": cpus,
            "link": "network" in boot,
            "root": "network" in boot,
        }
    if long:
        yield from others()


def others():
    """What is in the long set besides."""
    yield {
        "name": "linux/pc-cdrom",
        "boots": [["cdrom", "halt"]],
        "seconds": SECONDS,
        "images": {
            "disk": ("debian-iso", "image"),
            "kernel": ("debian-6.1", "bzimage"),
        },
        "mode": "hvm",
        "cpus": 1,
    }
    for bits in ("64", "32", "16"):
        yield {
            "name": f"linux/pc-entry-{bits}",
            "boots": [["entry", "halt"]],
            "seconds": SECONDS,
            "images": {
                "kernel": ("debian-6.1", "bzimage"),
                "initrd": ("debian-6.1", "initramfs"),
            },
            "mode": "hvm",
            "cpus": 1,
            "bits": bits,
        }


class Row(image.DiskRow):
    """One PC."""

    memory = 512 << 20

    def run_vmm(self, *options):
        """vmm with this row's machine."""
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--mode=" + self.row["mode"],
                "--name=" + self.row["machine"],
                f"--cpus={self.row['cpus']}",
                f"--memory={self.memory >> 20}M",
                "--log=warn",  # the terminal is the guest's
                *options,
            ]
        )

    def start_pc(self, *options):
        """vmm with this medium, to the boot loader's menu."""
        self.run_vmm(*options)
        self.guest.expect(GRUB, BOOT_SECONDS)

    def login(self):
        """By BIOS and GRUB to a shell on the disk."""
        link = []
        if self.row["link"]:
            net.tap_setup()
            link = ["--net=tap,ifname=" + net.TAP]
        self.start_pc(
            f"--disk={self.row['images']['disk']},snapshot=on", *link
        )
        return self.guest.login_disk(BOOT_SECONDS).group(1).decode()

    def chips(self):
        """Linux drives the PC's chips, and finds nothing wrong with them."""
        run, (drivers, device) = self.guest.run, CHIPS[self.row["mode"]]
        interrupts = run("cat /proc/interrupts").decode()
        missing = [d for d in drivers if d not in interrupts]
        if missing:
            raise GuestError(f"no interrupt of {', '.join(missing)}")
        if run("nproc").strip() != str(self.row["cpus"]).encode():
            raise GuestError("not all CPUs")
        run(f"grep -q ' {device}' /proc/partitions")
        run("! grep deep /sys/power/mem_sleep")  # there is no S3
        said = run("dmesg -l emerg,alert,crit,err | grep -vi spectre || true")
        if said.strip():
            raise GuestError(f"the kernel says {said[-200:]!r}")
        return f"{len(drivers)} drivers, {self.row['cpus']} CPUs"

    def network(self):
        """The card's link is up; what is downloaded is what was sent."""
        run = self.guest.run
        run(f"ip address add {net.GUEST}/24 dev eth0 && ip link set eth0 up")
        run(f"for n in 1 2 3 4 5 6 7 8 9; do ping -q -c 1 -W 5 {net.HOST} && "
            "break; sleep 1; done", 90)
        driver = run("readlink /sys/class/net/eth0/device/driver").decode()
        server = net.Server(net.HOST, DOWNLOAD)
        found = run(
            f"sha256sum </dev/tcp/{net.HOST}/{server.port}", 300
        ).split()[0].decode()
        if found != server.expected():
            raise GuestError("the sum of what arrived differs")
        return (f"{DOWNLOAD // net.MIB} MiB by "
                f"{driver.strip().rpartition('/')[2]}")

    def verify(self):
        """What is written to the disk is read back the same."""
        run = self.guest.run
        run(
            "cd /root && fio --name=v --size=3m --rw=randwrite --bs=4k "
            "--direct=1 --verify=crc32c --verify_fatal=1 --output=/dev/null",
            120,
        )
        return "3 MiB"

    def reboot(self):
        """reboot(8) leads to the BIOS, GRUB, and a shell again."""
        self.guest.send(b"reboot\n")
        self.guest.expect(GRUB, BOOT_SECONDS)
        said = self.guest.login_disk(BOOT_SECONDS).group(1).decode()
        return f"{said}, {self.network()}" if self.row["link"] else said

    def button(self):
        """`vmm stop` presses the power button, and init heeds it."""
        self.tell("stop")
        self.ended()
        return "status 0"

    def cdrom(self):
        """El Torito: GRUB on the CD-ROM, and a kernel from there."""
        self.start_pc(
            f"--disk={self.row['images']['disk']},media=cdrom,ro=on"
        )
        self.guest.login(BOOT_SECONDS)
        run = self.guest.run
        run("modprobe -a ata_piix sr_mod isofs")
        run("for i in $(seq 100); do [ ! -b /dev/sr0 ] || break; "
            "usleep 100000; done; mount -t iso9660 -o ro /dev/sr0 /mnt")
        found = run("sha256sum </mnt/boot/vmlinuz", 120).split()[0].decode()
        if found != disk.digest(self.row["images"]["kernel"]):
            raise GuestError("the kernel on it differs")
        return "a shell, and the kernel is the same"

    def entry(self):
        """The kernel at the entry that is asked for, to the shell of its initramfs."""
        self.run_vmm(
            "--entry=" + self.row["bits"],
            "--initrd=" + self.row["images"]["initrd"],
            "--append=console=ttyS0 quiet",
            self.row["images"]["kernel"],
        )
        return self.guest.login(BOOT_SECONDS).group(1).decode()

    def halt(self):
        """Power-off from inside ends vmm with status 0."""
        self.guest.send(b"poweroff -f\n")
        self.ended()
        return "status 0"

    def show_all(self):
        """Everything, and nothing of it is left behind."""
        try:
            super().show_all()
        finally:
            net.tap_remove()
