# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks: Debian on a tap and on user networking.

A tap row pings, runs iperf3 both ways, downloads with a checksum, does so
again with the offloads off, takes the interface down and up and the driver out
and in many times, and still has its network. A user row gets its address by
DHCP, reaches the host, and is reached from it through hostfwd.
"""

import hashlib
import json
import os
import socket
import subprocess
import threading
import time

import image
from guest import Guest, GuestError

MIB = 1 << 20
TAP = "vmmtest0"
HOST, GUEST = "192.168.77.1", "192.168.77.2"
PORT = 5201  # iperf3's
FORWARDED = 15201  # on the host, to PORT in the guest
OFFLOADS = "rx tx sg tso gso gro"

TAP_STEPS = ["login", "ping", "iperf", "download", "offloads", "updown",
             "reload", "poweroff"]
USER_STEPS = ["login", "dhcp", "iperf", "download", "hostfwd", "poweroff"]

# Before these: what the card's option ROM does without a disk.
ROM_STEPS = ["ipxe", "kill"]

# What carries the link: a virtio transport, or a PC's e1000.
SHORT = [("tap", "debian-6.12", "pci"), ("user", "debian-6.1", "mmio"),
         ("tap", "debian-6.1", "e1000")]
LONG = [
    (kind, kernel, card)
    for kind in ("tap", "user")
    for kernel in ("debian-6.1", "debian-6.12")
    for card in ("pci", "mmio", "e1000")
]


def rows(long):
    """The rows, their images by name."""
    for kind, kernel, card in LONG if long else SHORT:
        release = kernel.removeprefix("debian-")
        pc = card == "e1000"
        steps = TAP_STEPS if kind == "tap" else USER_STEPS
        yield {
            "name": f"linux/net-{kind}-{card}-{release}",
            "boots": [ROM_STEPS, steps] if pc and kind == "user" else [steps],
            "mode": "hvm" if pc else "pvh",
            "driver": "e1000" if pc else "virtio_net",
            "seconds": 1200 if long else 360,
            "images": {
                "kernel": (kernel, "bzimage"),
                "initrd": (kernel, "initramfs"),
                "disk": ("debian-12", "image"),
            },
            "transport": "pci" if pc else card,
            "link": kind,
            "root": kind == "tap",
            # A card of frames costs more, and a PC starts slower.
            "times": (20 if long else 3) if pc else 100 if long else 10,
            "download": (8 if pc else 32) * (8 if long else 1) * MIB,
        }


class Server:
    """Sends so many bytes to whoever connects, once; knows their sum."""

    def __init__(self, address, size):
        self.size = size
        self.sum = hashlib.sha256()
        self.noise = os.urandom(MIB - 8)
        self.listener = socket.create_server((address, 0))
        self.listener.settimeout(300)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        """Each MiB begins with its number, so that none looks like another."""
        try:
            peer, _ = self.listener.accept()
            with peer:
                peer.settimeout(300)
                for number in range(self.size // MIB):
                    data = number.to_bytes(8, "big") + self.noise
                    self.sum.update(data)
                    peer.sendall(data)
        except OSError:
            pass  # the other end sees a wrong sum
        finally:
            self.listener.close()

    def expected(self):
        """The sum, once all was sent."""
        self.thread.join(10)
        return self.sum.hexdigest()


class FileServer:
    """Sends a file to whoever connects, once."""

    def __init__(self, address, path):
        self.path = path
        self.listener = socket.create_server((address, 0))
        self.listener.settimeout(60)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """All of it; the end is the connection's."""
        try:
            peer, _ = self.listener.accept()
            with peer, open(self.path, "rb") as file:
                peer.settimeout(60)
                peer.sendfile(file)
        except OSError:
            pass  # the other end sees a short file
        finally:
            self.listener.close()


def gateway_setup():
    """A default route for the host: user networking copies its addresses.
    Only nested KVM's machine has none."""
    if subprocess.run(
        ["ip", "-4", "route", "show", "default"],
        capture_output=True, check=True,
    ).stdout.strip():
        return
    tap_setup()
    image.tool("ip", "route", "add", "default", "via", "192.168.77.254")


def tap_setup():
    """The host's side of the tap."""
    image.tool("ip", "link", "set", "lo", "up")
    image.tool("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
    image.tool("ip", "address", "add", HOST + "/24", "dev", TAP)
    image.tool("ip", "link", "set", TAP, "up")


def tap_remove():
    """Gone, with its routes, if it was there."""
    subprocess.run(
        ["ip", "link", "delete", TAP], capture_output=True, check=False
    )


class Row(image.DiskRow):
    """One guest with one link."""

    def __init__(self, vmm, row):
        super().__init__(vmm, row)
        self.peer = HOST  # the host, as the guest knows it

    def login(self):
        """Debian boots with a network card."""
        if self.row["link"] == "tap":
            tap_setup()
            net = "--net=tap,ifname=" + TAP
        else:
            gateway_setup()
            net = f"--net=user,hostfwd=tcp:{FORWARDED}:{PORT}"
        release = self.start(f"--disk={self.master()},snapshot=on", net)
        driver = self.guest.run("ethtool -i eth0 | head -n 1").decode().strip()
        if driver != "driver: " + self.row["driver"]:
            raise GuestError(driver)
        if self.row["link"] == "tap":
            self.configure()
        return f"{release}, {driver}"

    def ipxe(self):
        """The card's ROM gets an address by DHCP, with nothing else there."""
        gateway_setup()
        self.guest = Guest(
            [self.vmm, "run", "--mode=" + self.row["mode"],
             "--name=" + self.row["machine"],
             "--memory=128M", "--log=warn", "--net=user"]
        )
        self.guest.expect(rb"iPXE [0-9][^\n]*Open Source Network Boot", 120)
        found = self.guest.expect(
            rb"net0: ([0-9.]+)/[0-9.]+ gw ([0-9.]+)[^0-9.]", 120
        )
        return f"{found.group(1).decode()} via {found.group(2).decode()}"

    def kill(self):
        """It looks for something to boot for ever."""
        self.guest.close()
        self.guest = None

    def configure(self):
        """The guest's side of the tap."""
        self.guest.run(f"ip address add {GUEST}/24 dev eth0")
        self.guest.run("ip link set eth0 up")

    def reachable(self, count=1):
        """The host answers a few pings; the first may wait for the link."""
        for _ in range(10):
            try:
                self.guest.run(f"ping -q -c {count} -W 5 {self.peer}", 60)
                return
            except GuestError as error:
                last = error
                time.sleep(0.5)
        raise last

    def ping(self):
        """Small and large packets are answered."""
        self.reachable()
        text = self.guest.run(
            f"ping -q -c 20 -i 0.05 -s 1400 {self.peer}", 60
        ).decode()
        if "20 received" not in text:
            raise GuestError(text.splitlines()[-2])
        self.guest.run(f"ping -q -c 5 -i 0.05 -s 9000 {self.peer}", 60)
        return text.splitlines()[-1]

    def rate(self, text):
        """What iperf3 says in JSON: Mbit/s received, or GuestError."""
        report = json.loads(text[text.index("{") :])
        if "error" in report:
            raise GuestError("iperf3: " + report["error"])
        received = report["end"]["sum_received"]
        # What the last of it was is not told: it may still be on its way.
        if received["bytes"] < MIB // 8:
            raise GuestError(f"iperf3: {received['bytes']} bytes in all")
        return int(received["bits_per_second"] / 1e6)

    def one_way(self, much):
        """iperf3 with so much: -t SECONDS or -n BYTES, and -R into the guest."""
        with subprocess.Popen(
            ["iperf3", "-s", "-1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                time.sleep(1)
                command = f"iperf3 -J {much} -c {self.peer}"
                return self.rate(self.guest.run(command, 120).decode())
            finally:
                server.kill()

    def both_ways(self, much):
        """iperf3 out of and into the guest."""
        out, into = self.one_way(much), self.one_way(much + " -R")
        return f"{out} Mbit/s out, {into} in"

    def iperf(self):
        """TCP flows in both directions."""
        return self.both_ways("-t 3")

    def fetch(self, size):
        """A download of that many bytes arrives as it was sent."""
        address = HOST if self.row["link"] == "tap" else "127.0.0.1"
        server = Server(address, size)
        start = time.monotonic()
        found = self.guest.run(
            f"sha256sum </dev/tcp/{self.peer}/{server.port}", 300
        ).split()[0].decode()
        if found != server.expected():
            raise GuestError("the sum of what arrived differs")
        took = time.monotonic() - start
        return f"{size // MIB} MiB in {took:.1f} s"

    def download(self):
        """A long one."""
        return self.fetch(self.row["download"])

    def offloads(self):
        """All of them off, and on again: the same bytes arrive. By their
        number: in a second there may be next to none where each packet is
        milliseconds of an emulated CPU, and a segment is 40 of them."""
        said, much = [], "-n 2M"
        for state in ("off", "on"):
            words = " ".join(f"{word} {state}" for word in OFFLOADS.split())
            # Not every driver can change all of them.
            self.guest.run(f"ethtool -K eth0 {words} 2>&1; true")
            text = self.guest.run("ethtool -k eth0").decode()
            if f"tcp-segmentation-offload: {state}" not in text:
                raise GuestError(f"TSO is not {state}")
            self.reachable()
            self.fetch(8 * MIB)
            said.append(f"{state}: {self.both_ways(much)}")
        return "; ".join(said)

    def updown(self):
        """The interface goes down and up, again and again."""
        times = self.row["times"]
        self.guest.run(
            f"(for n in $(seq {times}); do ip link set eth0 down && "
            "ip link set eth0 up || exit 1; done)",
            60 + 2 * times,
        )
        self.reachable(3)
        return f"{times} times"

    def reload(self):
        """The driver goes and comes, again and again."""
        times, driver = self.row["times"], self.row["driver"]
        self.guest.run(
            f"(for n in $(seq {times}); do modprobe -r {driver} && "
            f"modprobe {driver} && ip link set eth0 up || exit 1; done)",
            60 + 6 * times,
        )
        self.configure()
        self.reachable(3)
        self.fetch(MIB)
        return f"{times} times"

    def dhcp(self):
        """An address and a gateway by DHCP; the gateway is the host."""
        run = self.guest.run
        run("ip link set eth0 up")
        said = run("udhcpc -q -n -t 10 -i eth0 2>&1", 60)
        route = run("ip route show default").split()
        if len(route) < 3:
            raise GuestError(f"no default route by {said[-300:]!r}")
        self.peer = route[2].decode()
        address = run("ip -4 -o address show dev eth0").split()[3].decode()
        return f"{address} via {self.peer}"

    def hostfwd(self):
        """A connection from the host's port into the guest, both ways."""
        rates = []
        for way in ([], ["-R"]):
            self.guest.run(f"(iperf3 -s -1 -p {PORT} >/dev/null 2>&1 &)")
            time.sleep(1)
            done = subprocess.run(
                ["iperf3", "-J", "-t", "2", "-p", str(FORWARDED),
                 "-c", "127.0.0.1", *way],
                capture_output=True, timeout=60, check=False, text=True,
            )
            rates.append(self.rate(done.stdout))
        return f"{rates[0]} Mbit/s in, {rates[1]} out"

    def show_all(self):
        """Everything, and nothing of it is left behind."""
        try:
            super().show_all()
        finally:
            tap_remove()
