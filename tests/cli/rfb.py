# SPDX-License-Identifier: GPL-2.0-or-later
"""A viewer: as much of RFB (RFC 6143) as it takes to look and to type."""
import socket
import struct

RAW, DESKTOP_SIZE = 0, -223


class Viewer:
    """Connected to a server without a password, with a picture of it."""

    def __init__(self, address, limit=20):
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(limit)
        self.sock.connect(address)
        self.version = self.read(12)
        self.sock.sendall(b"RFB 003.008\n")
        self.security = self.read(self.read(1)[0])
        self.sock.sendall(b"\x01")
        self.result = struct.unpack(">I", self.read(4))[0]
        self.sock.sendall(b"\x01")
        self.width, self.height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack(">I", self.read(4))[0]).decode()
        # 32 bits a dot, true colour: 0x00RRGGBB, lowest byte first.
        self.send(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255,
                  16, 8, 0)
        self.send(">BxHii", 2, 2, RAW, DESKTOP_SIZE)
        self.dots = bytearray(4 * self.width * self.height)
        self.ask(incremental=False)

    def read(self, n):
        """Exactly n bytes."""
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise ConnectionError("the server hung up")
            data += more
        return data

    def send(self, form, *values):
        """A message."""
        self.sock.sendall(struct.pack(form, *values))

    def ask(self, incremental=True):
        """Ask for what is new, or for all."""
        self.send(">BBHHHH", 3, incremental, 0, 0, self.width, self.height)

    def key(self, sym, down):
        """A key goes down or up."""
        self.send(">BBxxI", 4, down, sym)

    def type(self, sym):
        """Press and release."""
        self.key(sym, True)
        self.key(sym, False)

    def pointer(self, x, y, buttons=0):
        """The pointer is there."""
        self.send(">BBHH", 5, buttons, x, y)

    def take_rectangle(self):
        """One piece of news."""
        x, y, width, height, kind = struct.unpack(">HHHHi", self.read(12))
        if kind == DESKTOP_SIZE:
            self.width, self.height = width, height
            self.dots = bytearray(4 * width * height)
            return
        if kind != RAW:
            raise ValueError(f"a rectangle of kind {kind}")
        for row in range(y, y + height):
            at = 4 * (row * self.width + x)
            self.dots[at:at + 4 * width] = self.read(4 * width)

    def update(self):
        """Wait for news, take them, and ask for more."""
        kind = self.read(1)[0]
        if kind != 0:
            raise ValueError(f"a message of kind {kind}")
        for _ in range(struct.unpack(">xH", self.read(3))[0]):
            self.take_rectangle()
        self.ask()

    def dot(self, x, y):
        """The colour of a dot."""
        at = 4 * (y * self.width + x)
        return struct.unpack("<I", self.dots[at:at + 4])[0] & 0xffffff

    def wait(self, what):
        """Take news until what() is true."""
        while not what():
            self.update()

    def lit(self):
        """How many dots are not black."""
        return sum(1 for i in range(0, len(self.dots), 4)
                   if self.dots[i:i + 3] != b"\0\0\0")

    def close(self):
        """Hang up."""
        self.sock.close()
