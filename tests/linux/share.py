# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest has in common with its host: stream sockets and folders.

A Debian root on a disk that is thrown away. Sockets: 1 MiB there and back on
a connection the guest makes, and on one a program of the host makes. Folders:
one to write to and one that is read-only, mounted by virtiofs; what one side
writes the other finds, files are unpacked, renamed and compared; and all of it
again after a reboot.
"""

import hashlib
import os
import re
import socket
import threading

import image
from guest import GuestError

MIB = 1 << 20

SHORT = [("debian-6.12", "pci"), ("debian-6.1", "mmio")]
LONG = [
    (kernel, transport)
    for transport in ("mmio", "pci")
    for kernel in ("debian-6.1", "debian-6.12")
]
STEPS = ["login", "outward", "inward", "folder", "churn", "readonly", "reboot",
         "outward-2", "folder-2", "poweroff"]

# Sends a file on a connection and stores what comes back.
THROUGH = (
    "if (!fork) {{ "
    'open(my $f, "<", "{sent}") or die; '
    "while (sysread($f, my $d, 65536)) {{ "
    "for (my $o = 0; $o < length $d;) {{ "
    "$o += syswrite(S, $d, length($d) - $o, $o) or die }} }} "
    "shutdown(S, 1); exit 0 }} "
    'open(my $f, ">", "{got}") or die; '
    "while (sysread(S, my $d, 65536)) {{ print $f $d }} wait"
)
CONNECT = (
    "socket(S, 40, 1, 0) or die $!; "
    'connect(S, pack("SSLLx4", 40, 0, 5000, 2)) or die $!; '
)
# Gives one program back what it sends.
ECHO = (
    "socket(L, 40, 1, 0) or die $!; "
    'bind(L, pack("SSLLx4", 40, 0, 7, 0xffffffff)) or die $!; '
    "listen(L, 1) or die $!; accept(S, L) or die $!; "
    "while (sysread(S, my $d, 65536)) { "
    "for (my $o = 0; $o < length $d;) { "
    "$o += syswrite(S, $d, length($d) - $o, $o) or die } }"
)


def rows(long):
    """The rows, their images by name."""
    for kernel, transport in LONG if long else SHORT:
        yield {
            "name": f"linux/share-{transport}-"
                    + kernel.removeprefix("debian-"),
            "boots": [STEPS],
            "seconds": 600 if long else 300,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
                "disk": ("debian-12", "image"),
            },
            "transport": transport,
            "long": long,
        }


def digest(data):
    """A hash, as sha256sum says it."""
    return hashlib.sha256(data).hexdigest()


def echo(listener):
    """Gives one connection back what it sends."""
    with listener.accept()[0] as stream:
        while data := stream.recv(65536):
            stream.sendall(data)


class Row(image.DiskRow):
    """One guest with its sockets and folders."""

    def login(self):
        """Boots, with the drivers loaded."""
        for name in "rw", "ro":
            os.makedirs(image.path(name), exist_ok=True)
            with open(image.path(name + "/from-host"), "wb") as file:
                file.write(name.encode() * 10000)
        release = self.start(
            f"--disk={self.master()},snapshot=on",
            f"--vsock=42,uds={image.path('v')}",
            f"--share=work={image.path('rw')}",
            f"--share=tools={image.path('ro')},ro=on",
        )
        self.drivers()
        return release

    def drivers(self):
        """There is no udev to load them, and no index that kmod reads."""
        self.guest.run("depmod -a", 60)
        self.guest.run("modprobe -a vmw_vsock_virtio_transport virtiofs")

    def outward(self):
        """The guest connects to a program of the host."""
        run = self.guest.run
        path = image.path("v_5000")
        run("head -c 1048576 /dev/urandom >/tmp/sent")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            thread = threading.Thread(target=echo, args=[listener], daemon=True)
            thread.start()
            self.perl(CONNECT + THROUGH.format(sent="/tmp/sent",
                                               got="/tmp/got"), 120)
            thread.join(10)
        os.unlink(path)
        run("cmp /tmp/sent /tmp/got && rm /tmp/sent /tmp/got")
        return "1 MiB there and back"

    def inward(self):
        """A program of the host connects to the guest."""
        self.guest.run(f"perl -e '{ECHO}' & sleep 2")
        data = os.urandom(MIB)
        got = b""
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(120)
            stream.connect(image.path("v"))
            stream.sendall(b"CONNECT 7\n")
            said = stream.recv(64)
            if not re.fullmatch(rb"OK \d+\n", said):
                raise GuestError(f"the answer is {said!r}")
            thread = threading.Thread(
                target=lambda: (stream.sendall(data),
                                stream.shutdown(socket.SHUT_WR)))
            thread.start()
            while part := stream.recv(65536):
                got += part
            thread.join()
        if got != data:
            raise GuestError(f"{len(got)} bytes came back, or others")
        return "1 MiB there and back"

    def folder(self):
        """What one side writes, the other finds."""
        run = self.guest.run
        run("mount -t virtiofs work /mnt")
        seen = run("sha256sum </mnt/from-host").decode().split()[0]
        if seen != digest(b"rw" * 10000):
            raise GuestError("the guest sees another file")
        run("head -c 3000000 /dev/urandom >/mnt/from-guest && sync")
        said = run("sha256sum </mnt/from-guest").decode().split()[0]
        with open(image.path("rw/from-guest"), "rb") as file:
            if digest(file.read()) != said:
                raise GuestError("the host sees another file")
        run("rm /mnt/from-guest")
        return "a file each way"

    def churn(self):
        """Files are unpacked, moved and compared."""
        run = self.guest.run
        count = 1000 if self.row["long"] else 150
        run(f"cd /usr && find share/perl -type f | head -n {count} >/tmp/list")
        run("xargs sha256sum </tmp/list >/tmp/sums")
        run("tar -cf /mnt/tree.tar -T /tmp/list && mkdir -p /mnt/c/a", 60)
        run("cd /mnt/c && tar -C a -xf ../tree.tar && mv a b", 120)
        run("echo 3 >/proc/sys/vm/drop_caches")
        run("cd b && sha256sum --quiet -c /tmp/sums", 120)
        files = int(run("find . -type f | wc -l"))
        run("cd / && rm -rf /mnt/c /mnt/tree.tar", 60)
        if "c" in os.listdir(image.path("rw")):
            raise GuestError("removed files are still there")
        return f"{files} files the same"

    def readonly(self):
        """The other folder can be read and not be written to."""
        run = self.guest.run
        run("mkdir -p /tmp/ro && mount -t virtiofs tools /tmp/ro")
        run("cmp -n 10 /tmp/ro/from-host /tmp/ro/from-host")
        run("! touch /tmp/ro/new 2>/dev/null")
        run("! rm /tmp/ro/from-host 2>/dev/null")
        if os.listdir(image.path("ro")) != ["from-host"]:
            raise GuestError("the folder has changed")
        return "refused to write"

    def reboot(self):
        """The same vmm and virtiofsd, a new machine."""
        self.guest.send(b"reboot\n")
        release = self.guest.login_disk(image.LOGIN_SECONDS)
        self.drivers()
        return release.group(1).decode()
