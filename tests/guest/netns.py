# SPDX-License-Identifier: GPL-2.0-or-later
"""A network namespace for a test, with a tap in it, and frames through that.

Taps of tests side by side, and the host's own interfaces, never meet.
"""
import os
import select
import socket
import struct
import subprocess
import sys

TYPE = 0x88B5  # of the tests' frames, guests/lib/nic.h
HEADER = 14
ALL_STATIONS = b"\xff" * 6
OUR_MAC = b"\x02\0\0\0\0\x01"
INSIDE = "VMM_TEST_NETNS"


def enter():
    """Start this program again in a namespace, as root of it where need be.

    Returns only inside, with None, or where it cannot be, with the reason.
    """
    if os.environ.get(INSIDE):
        return None
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no usable /dev/net/tun"
    os.environ[INSIDE] = "1"
    for unshare in (["unshare", "-n"], ["unshare", "-rn"]):
        if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            os.execvp("unshare", [*unshare, sys.executable, *sys.argv])
    return "no network namespaces for this user here"


def ip(*words):
    """Run ip(8)."""
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


def make_tap(name):
    """A tap that is up."""
    ip("tuntap", "add", "mode", "tap", "name", name)
    ip("link", "set", name, "up")


class Link:
    """The host's end of a tap: frames in and out, past all protocols."""

    def __init__(self, name):
        self.socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(TYPE)
        )
        self.socket.bind((name, TYPE))
        self.socket.setblocking(False)

    def send(self, number, length=60):
        """Send a frame; False if the interface has no room, or is down."""
        body = bytes([number & 0xFF]) * (length - HEADER - 4)
        frame = ALL_STATIONS + OUR_MAC + struct.pack(">H", TYPE)
        try:
            self.socket.send(frame + struct.pack("<I", number) + body)
        except OSError:
            return False
        return True

    def receive_frame(self, seconds=1.0):
        """The next frame that the guest sent, or None."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        return self.socket.recv(65536)

    def receive(self, seconds=1.0):
        """The number of the next frame that the guest sent, or None."""
        frame = self.receive_frame(seconds)
        if frame is None:
            return None
        (number,) = struct.unpack_from("<I", frame, HEADER)
        body = frame[HEADER + 4 :]
        if body != bytes([number & 0xFF]) * len(body):
            raise AssertionError(f"frame {number}: not what was sent")
        return number

    def close(self):
        """Nothing stays."""
        self.socket.close()
