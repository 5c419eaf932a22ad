# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian root file system on a disk: transports, contents, kinds of disk.

The main rows, one for each transport, log in on a root file system on a disk,
churn it as a package manager does, write and verify by fio on the root and on
a second disk that is mounted with discard, see blocks given back to the host,
grow that disk while it is in use, power off, and leave both clean for fsck.
The other rows have disks of many kinds beside a root with snapshot=on: one
that is read-only, one with snapshot=on, two behind an NBD server.
"""

import hashlib
import os
import signal
import subprocess
import time

import image
from guest import GuestError

MIB = 1 << 20
SPACE = 256 * MIB  # the second disk
GROWN = 384 * MIB
SMALL = 32 * MIB
VERSION_1 = 32  # the feature bit that drivers from before 1.0 lack

# Kernels and transports meet in every way in the long set.
SHORT = [("debian-6.12", "pci"), ("debian-6.1", "mmio")]
LONG = [
    (kernel, transport)
    for transport in ("pci", "mmio")
    for kernel in ("debian-6.1", "debian-6.12", "debian-6.1-cloud",
                   "debian-6.12-cloud")
] + [("debian-6.1", "pci-legacy"), ("debian-6.12", "mmio-cmdline")]
MAIN = ["login", "churn", "verify", "discard", "resize", "poweroff", "fsck"]
KINDS = ["login", "readonly", "snapshot", "nbd", "qcow2", "poweroff",
         "untouched", "after"]

# Four jobs, each with its own depth and habit of flushing; every block is
# read back and compared. Overlapping writes in flight would be a guest's own
# fault, so fio keeps them apart.
FIO = """
[global]
directory={where}
size={size}m
loops={loops}
ioengine=libaio
direct=1
rw=randwrite
bssplit=512/20:1k/10:4k/30:12k/10:64k/20:1m/10
verify=crc32c
verify_fatal=1
verify_backlog=256
serialize_overlap=1
randrepeat=0
group_reporting
[one]
iodepth=1
fsync=8
[four]
iodepth=4
fdatasync=16
[many]
iodepth=16
fsync=64
[deep]
iodepth=64
"""

# dpkg's way with a file: written beside it, on the disk, then renamed over it.
RENAME = (
    "use IO::Handle; for my $n (1..{count}) {{ "
    'open(my $f, ">", "f$n.new") or die; print $f "$n," x (7 * $n % 4000); '
    "$f->flush; $f->sync or die; close $f; "
    'rename("f$n.new", "f" . $n % 97) or die }}'
)


def rows(long):
    """The rows, their images by name."""
    for kernel, transport in LONG if long else SHORT:
        common = {
            "seconds": 1800 if long else 360,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
                "disk": ("debian-12", "image"),
            },
            "transport": transport,
            "long": long,
        }
        name = f"linux/disk-{transport}-{kernel.removeprefix('debian-')}"
        yield {"name": name, "boots": [MAIN], **common}
        if long or kernel == "debian-6.12":
            name = name.replace("/disk", "/disks")
            yield {"name": name, "boots": [KINDS], **common}


def digest(path):
    """What a file holds, in short."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def on_host(path):
    """The bytes that a sparse file takes on the host."""
    os.sync()
    return os.stat(path).st_blocks * 512


class Row(image.DiskRow):
    """One guest with its disks."""

    second = "vdb"  # as the guest calls it

    def __init__(self, vmm, row):
        super().__init__(vmm, row)
        self.is_kinds = "readonly" in row["boots"][0]
        self.servers = []
        self.sums = {}

    def login(self):
        """Boots from the disk over the transport that was asked for."""
        if self.is_kinds:
            options = self.disks_of_all_kinds()
        else:
            image.copy(self.master(), "root.img")
            image.create("space.img", SPACE)
            options = [
                "--disk=" + image.path("root.img"),
                f"--disk={image.path('space.img')},id=space",
            ]
        release = self.start(*options)
        driver = self.guest.run(
            "readlink -f /sys/block/vda/device/../driver"
        ).decode().strip()
        bus = self.row["transport"].split("-")[0]
        legacy = self.row["transport"] == "pci-legacy"
        if not driver.endswith("/virtio-" + bus):
            raise GuestError(f"the disk is driven by {driver}")
        bits = self.guest.run("cat /sys/block/vda/device/features").decode()
        if bits[VERSION_1] != ("0" if legacy else "1"):
            raise GuestError(f"the features are {bits}")
        return f"{release} by {driver.rpartition('/')[2]}"

    def churn(self):
        """Many small files: unpacked, renamed over each other, compared."""
        run, count, trees = self.guest.run, 100, "share/perl"
        if self.row["long"]:
            count, trees = 1000, "share/perl lib/python3.11 share/perl5"
        run("mkdir -p /srv/churn && cd /srv/churn")
        run(f"tar -C /usr -cf tree.tar {trees}")
        run("mkdir a && tar -C a -xf tree.tar", 120)
        run("mv a c && sync", 60)
        self.perl(RENAME.format(count=count), 240)
        run("mkdir b && tar -C b -xf tree.tar && sync", 120)
        run("echo 3 >/proc/sys/vm/drop_caches")
        run("diff -r b c", 240)
        files = int(run("find . -type f | wc -l"))
        run("cd && rm -rf /srv/churn && sync", 120)
        return f"{files} files the same, {count} renamed"

    def fio(self, where, size, loops):
        """fio in a directory; what it wrote in MiB."""
        job = FIO.format(where=where, size=size, loops=loops)
        job = job.strip().replace("\n", "\\n")  # one line, for the shell
        self.guest.run(f"printf '%b' '{job}' >/tmp/job")
        text = self.guest.run(
            "fio --output-format=terse --terse-version=3 /tmp/job", 700
        ).decode()
        fields = text.strip().splitlines()[-1].split(";")
        if fields[0] != "3" or fields[4] != "0":
            raise GuestError(f"fio: {text[-200:]!r}")
        self.guest.run(f"rm -f {where}/*.0 && sync")
        return int(fields[46]) >> 10  # KiB written

    def verify(self):
        """fio --verify on the root, and on a file system with discard."""
        run, long = self.guest.run, self.row["long"]
        run(f"mkfs.ext4 -q -E nodiscard /dev/{self.second}")
        run(f"mount -o discard /dev/{self.second} /mnt")
        size, loops = self.row.get("fio", (16, 3) if long else (6, 1))
        total = sum(self.fio(d, size, loops) for d in ("/root", "/mnt"))
        if total < 2 * 4 * size * loops * 9 // 10:
            raise GuestError(f"fio has written {total} MiB only")
        return f"{total} MiB written and verified"

    def discard(self):
        """What is deleted goes back to the host, and what is trimmed too."""
        disk, run = image.path("space.img"), self.guest.run
        run("dd if=/dev/urandom of=/mnt/big bs=1M count=32 conv=fsync 2>&1")
        full = on_host(disk)
        run("rm /mnt/big && sync /mnt && sleep 1", 60)
        left = on_host(disk)
        if full - left < 30 * MIB:
            raise GuestError(f"{full >> 10} KiB before, {left >> 10} after")
        run("mount -o remount,nodiscard /mnt")
        run("dd if=/dev/urandom of=/mnt/big bs=1M count=32 conv=fsync 2>&1")
        run("rm /mnt/big && sync /mnt && fstrim /mnt")
        trimmed = on_host(disk)
        if trimmed > left + 2 * MIB:
            raise GuestError(f"{trimmed >> 10} KiB left by fstrim")
        return f"{full >> 20} MiB, {left >> 20} after rm"

    def resize(self):
        """The disk and its file system grow while they are in use."""
        run, disk = self.guest.run, image.path("space.img")
        run("cd /mnt && (while :; do date >>x; sync x; done) & cd /root")
        os.truncate(disk, GROWN)
        said = self.tell("resize", "space")
        if "384 MiB" not in said:
            raise GuestError(f"vmm resize: {said}")
        for _ in range(50):
            size = int(run(f"cat /sys/block/{self.second}/size")) * 512
            if size == GROWN:
                break
            time.sleep(0.1)
        else:
            raise GuestError(f"the guest sees {size} bytes")
        run(f"resize2fs /dev/{self.second} 2>&1", 120)
        run("kill %1; wait; true")
        blocks = int(run("stat -f -c %b /mnt")) * int(run("stat -f -c %S /mnt"))
        if blocks < GROWN * 9 // 10:
            raise GuestError(f"the file system has {blocks} bytes")
        run("umount /mnt")
        return f"{blocks >> 20} MiB in the file system"

    def fsck(self):
        """Nothing is wrong with the file systems that are left behind."""
        for name in ("root.img", "space.img"):
            image.fsck(image.path(name))
        image.forget("root.img", "space.img")
        return "clean"

    # ---- disks of all kinds ----

    def serve(self, name, *command):
        """An NBD server in the background, once its socket is there."""
        with open(image.path("servers.log"), "ab") as log:
            self.servers.append(
                subprocess.Popen(command, stdout=log, stderr=log)
            )
        for _ in range(200):
            if os.path.exists(image.path(name)):
                return
            time.sleep(0.1)
        raise GuestError(f"{command[0]} makes no socket in 20 s")

    def disks_of_all_kinds(self):
        """The images and servers; vdb to vde, in the order of the options."""
        for name in ("fixed.img", "base.img"):
            with open(image.path(name), "wb") as file:
                file.write(os.urandom(MIB) * (SMALL // MIB))
            self.sums[name] = digest(image.path(name))
        self.sums["root"] = image.checksum(
            self.master(), self.row["extents"]["disk"]
        )
        image.create("nbd.img", 2 * SMALL)
        qcow2 = image.path("disk.qcow2")
        image.tool("qemu-img", "create", "-q", "-f", "qcow2", qcow2, "64M")
        self.serve("nbd", "nbdkit", "-f", "-U", image.path("nbd"), "file",
                   image.path("nbd.img"))
        self.serve(
            "qcow2", "qemu-storage-daemon",
            "--blockdev", f"driver=file,node-name=file,filename={qcow2}",
            "--blockdev", "driver=qcow2,node-name=disk,file=file",
            "--nbd-server", f"addr.type=unix,addr.path={image.path('qcow2')}",
            "--export", "type=nbd,id=e,node-name=disk,name=disk,writable=on",
        )
        return [
            f"--disk={self.master()},snapshot=on",
            f"--disk={image.path('fixed.img')},ro=on",
            f"--disk={image.path('base.img')},snapshot=on",
            f"--disk=nbd:unix:{image.path('nbd')}",
            f"--disk=nbd:unix:{image.path('qcow2')}:disk",
        ]

    def readonly(self):
        """A read-only disk can be read, and not be written."""
        run = self.guest.run
        if run("blockdev --getro /dev/vdb").strip() != b"1":
            raise GuestError("the guest thinks that it may write")
        found = run("sha256sum </dev/vdb", 120).split()[0].decode()
        if found != self.sums["fixed.img"]:
            raise GuestError("the sum of what was read differs")
        run("! dd if=/dev/zero of=/dev/vdb count=1 oflag=direct 2>&1")
        return "read, not written"

    def snapshot(self):
        """What is written to a snapshot is read back from it."""
        run = self.guest.run
        found = run("sha256sum </dev/vdc", 120).split()[0].decode()
        if found != self.sums["base.img"]:
            raise GuestError("the sum of what was read differs")
        run("mkfs.ext4 -q /dev/vdc && mount /dev/vdc /mnt")
        written = self.fio("/mnt", 2, 1)
        run("umount /mnt && e2fsck -f -n /dev/vdc 2>&1")
        return f"{written} MiB written and verified"

    def over_server(self, disk):
        """A file system on a disk behind a server."""
        self.guest.run(f"mkfs.ext4 -q {disk} && mount {disk} /mnt")
        written = self.fio("/mnt", 4, 1)
        self.guest.run("cp -a /usr/share/perl /mnt && sync", 60)
        self.guest.run("umount /mnt", 60)
        self.guest.run(f"e2fsck -f -n {disk} 2>&1", 60)
        return f"{written} MiB written and verified"

    def nbd(self):
        """A raw file behind nbdkit."""
        return self.over_server("/dev/vdd")

    def qcow2(self):
        """qcow2 behind qemu-storage-daemon."""
        return self.over_server("/dev/vde")

    def untouched(self):
        """The files behind read-only disks and snapshots are as they were."""
        for name in ("fixed.img", "base.img"):
            if digest(image.path(name)) != self.sums[name]:
                raise GuestError(f"{name} has changed")
        found = image.checksum(self.master(), self.row["extents"]["disk"])
        if found != self.sums["root"]:
            raise GuestError("the root's image has changed")
        return "three images"

    def after(self):
        """What the servers hold is a clean file system too."""
        self.stop_servers()
        image.fsck(image.path("nbd.img"))
        qcow2, raw = image.path("disk.qcow2"), image.path("disk.raw")
        image.tool("qemu-img", "check", "-q", qcow2)
        image.tool("qemu-img", "convert", "-O", "raw", qcow2, raw)
        image.fsck(raw)
        return "clean"

    def stop_servers(self):
        """Asks them to end, and waits."""
        for server in self.servers:
            server.send_signal(signal.SIGTERM)
        for server in self.servers:
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self.servers = []

    def show_all(self):
        """Everything, and nothing of it is left behind."""
        try:
            super().show_all()
        finally:
            self.stop_servers()
            image.forget("root.img", "space.img", "fixed.img", "base.img",
                         "nbd.img", "disk.qcow2", "disk.raw", "nbd", "qcow2")
