#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody in front of a PC: its screen, its keyboard, its mouse.

The PC starts guests/seat from its disk by SeaBIOS, which says of each key what
it is; so what is typed by 'vmm sendkey', on a terminal or by VNC can be read on
the screen, by 'vmm screen', on the terminal and by VNC.
"""
import json
import os
import shutil
import signal
import socket
import struct
import time
import zlib

import rfb
import vmmtest
from vmmtest import HOST, OK, STOPPED, USAGE

FIRMWARE = "/usr/share/seabios/bios-256k.bin"
VGA_BIOS = "/usr/share/seabios/vgabios-stdvga.bin"
BOOT = 60.0  # seconds from power-on to the boot sector, on a busy machine

# Once there is a file "go" it says all sorts of things, and then types an a.
MAD_SERVER = """#!/usr/bin/env python3
import os, random, socket, struct, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=4)
def say(*event):
    s.send(struct.pack("<IIIII", *event))
say(0, 0, 0, 0, 0)
while not os.path.exists(os.environ["VMM_RUNTIME_DIR"] + "/../go"):
    time.sleep(0.1)
r = random.Random(1)
for i in range(3000):
    s.send(r.randbytes(r.choice([1, 19, 20, 21, 500, 4000])))
    say(r.randrange(5), *(r.choice([0, 1, 2 ** 31, 2 ** 32 - 1,
                                    r.randrange(0x80, 2 ** 32)])
                          for _ in range(4)))
say(0, 1, 0, 0, 0)
say(1, 0x2a, 0, 0, 0)
while True:
    time.sleep(1)
    say(1, 0x1e, 1, 0, 0)
    say(1, 0x1e, 0, 0, 0)
"""


def read_png(path):
    """Width, height and rows of an RGB picture without filters but the five
    of the format."""
    with open(path, "rb") as f:
        png = f.read()
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) == (8, 2)
    data, at = b"", 8
    while at < len(png):
        n, name = struct.unpack(">I4s", png[at:at + 8])
        if name == b"IDAT":
            data += png[at + 8:at + 8 + n]
        at += 12 + n
    return width, height, unfilter(zlib.decompress(data), 3 * width, height)


def paeth(a, b, c):
    """PNG's predictor."""
    p = a + b - c
    near = min(abs(p - a), abs(p - b), abs(p - c))
    return a if near == abs(p - a) else b if near == abs(p - b) else c


def unfilter(data, stride, height):
    """The rows as they were before PNG's filters."""
    rows, up = [], bytes(stride)
    for y in range(height):
        at = y * (stride + 1)
        kind, row = data[at], bytearray(data[at + 1:at + 1 + stride])
        if kind:
            for i in range(stride):
                a = row[i - 3] if i >= 3 else 0
                c = up[i - 3] if i >= 3 else 0
                row[i] = row[i] + (0, a, up[i], (a + up[i]) // 2,
                                   paeth(a, up[i], c))[kind] & 0xff
        rows.append(bytes(row))
        up = rows[-1]
    return rows


class DisplayTest(vmmtest.Case):
    """One PC a test."""

    def sector(self):
        """A disk with the boot sector; its path."""
        with open(vmmtest.paths["guests"] + "/seat.mbr", "rb") as f:
            return self.write("disk.img", f.read() + bytes(1 << 20))

    def pc(self, *options, **kwargs):
        """A PC whose disk is the boot sector."""
        return self.start("run", "--mode=hvm", "--name=pc",
                          f"--disk={self.sector()}", *options, **kwargs)

    def screen(self):
        """The lines of the screen; none while the guest does not answer."""
        r = self.vmm("screen", "pc")
        return [] if r.code else r.out.rstrip("\n").split("\n")

    def wait_screen(self, line, limit=BOOT):
        """Wait for a line on the screen."""
        vmmtest.wait_until(lambda: line in self.screen(), limit, line)

    def send(self, *words):
        """Type."""
        r = self.vmm("sendkey", "pc", *words)
        self.assertEqual((r.code, r.out, r.err), (OK, "", ""), r)

    def wait_picture(self, size, y, color):
        """Wait until row y of a picture of this size is of one colour; the
        rows."""
        path = self.path("wait.png")
        found = []

        def is_there():
            self.assertEqual(self.vmm("screenshot", "pc", path).code, OK)
            width, height, rows = read_png(path)
            found[:] = rows
            return (width, height) == size and found[y] == width * color

        vmmtest.wait_until(is_there, BOOT, color)
        return found

    def mmio_exits(self):
        """How often the guest left for an access to memory."""
        said = json.loads(self.vmm("status", "pc", "--json").out)
        return said["exits_by_reason"]["KVM_EXIT_MMIO"]

    def kill(self, p):
        """The plug is pulled."""
        self.assertEqual(self.vmm("kill", "pc").code, OK)
        self.assertEqual(p.wait().code, STOPPED)

    def test_screen_and_keys(self):
        p = self.pc("--console=none")
        self.wait_screen("READY")
        self.assertTrue(self.screen()[0].startswith("SeaBIOS"))
        self.send("--text", "aB?", "f1", "left", "ctrl-c", "alt-x", "esc")
        self.wait_screen("011b")
        lines = self.screen()
        self.assertEqual(lines[lines.index("READY") + 1:],
                         ["1e61", "3042", "353f", "3b00", "4b00", "2e03",
                          "2d00", "011b"])
        said = json.loads(self.vmm("screen", "pc", "--json").out)
        self.assertFalse(said["graphics"])
        self.assertEqual(said["cursor"], [0, len(lines)])
        # A reset by three fingers: the BIOS is there again.
        self.send("ctrl-alt-delete")
        vmmtest.wait_until(lambda: "011b" not in self.screen(), BOOT)
        self.wait_screen("READY")
        self.kill(p)

    def test_boot_menu(self):
        empty = self.write("empty.img", bytes(1 << 20))
        p = self.start("run", "--mode=hvm", "--name=pc", "--console=none",
                       "--boot=menu=on", f"--disk={empty}",
                       f"--disk={self.sector()}")
        self.wait_screen("Press ESC for boot menu.")
        self.send("esc")
        self.wait_screen("Select boot device:")
        vmmtest.wait_until(lambda: [line[:2] for line in self.screen()
                                    if "HARDDISK" in line] == ["1.", "2."])
        self.send("2")
        self.wait_screen("READY")
        self.kill(p)

    def test_pictures(self):
        p = self.pc("--console=none")
        self.wait_screen("READY")
        path = self.path("shot.png")
        self.assertEqual(self.vmm("screenshot", "pc", path).code, OK)
        width, height, rows = read_png(path)
        self.assertEqual((width, height), (720, 400))
        self.assertGreater(sum(1 for b in b"".join(rows) if b), 1000)
        self.send("g")
        vmmtest.wait_until(lambda: not self.screen())
        r = self.vmm("screen", "pc")
        self.assertEqual(r.code, HOST)
        self.assertIn("shows graphics (640x400)", r.err)
        # The BIOS's colours: 4 is red, 15 is white; two lines each.
        rows = self.wait_picture((640, 400), 31, b"\xff\xff\xff")
        for y, color in (0, b"\0\0\0"), (8, b"\xaa\0\0"), \
                (9, b"\xaa\0\0"), (30, b"\xff\xff\xff"):
            self.assertEqual(rows[y], 640 * color)
        self.send("v")
        rows = self.wait_picture((640, 480), 101, b"\xff\x55\x55")
        self.assertEqual(rows[0], 640 * b"\xff\x55\x55")
        self.assertEqual(rows[103], 640 * b"\0\0\0")
        # The frame buffer is memory: filling it costs no exit a byte.
        before = self.mmio_exits()
        self.send("l")
        rows = self.wait_picture((640, 480), 101, b"\x55\xff\x55")
        self.assertEqual(rows[0], 640 * b"\x55\xff\x55")
        self.assertEqual(rows[103], 640 * b"\0\0\0")
        self.assertLess(self.mmio_exits() - before, 1000)
        self.send("t")
        self.wait_screen("READY")
        self.kill(p)

    def test_text_on_the_terminal(self):
        p = self.pc("--display=text", stdin=-1)
        p.expect("stdout", "READY", BOOT)
        p.popen.stdin.write(b"k\x1b[C")
        p.popen.stdin.flush()
        p.expect("stdout", "256b")
        p.expect("stdout", "4d00")
        p.popen.stdin.write(b"g")
        p.popen.stdin.flush()
        p.expect("stdout", r"\[graphics, 640x400: 'vmm screenshot pc FILE'")
        self.assertEqual(p.end(signal.SIGTERM).code, STOPPED)
        p.popen.stdin.close()

    def test_colors_on_the_terminal(self):
        p = self.pc("--display=text")
        p.expect("stdout", "READY", BOOT)
        # Light grey on black, row and column, cursor.
        self.assertRegex(p.text("stdout"),
                         r"\x1b\[1;1H\x1b\[37;40mSeaBIOS")
        self.assertRegex(p.text("stdout"), r"\x1b\[\d+;1H\x1b\[\?25h")

    def start_vnc(self, where):
        """A PC for viewers; None: this vmm has no server for them."""
        server = os.path.join(os.path.dirname(vmmtest.paths["vmm"]),
                              "vmm-vnc")
        if not os.access(server, os.X_OK):
            self.skipTest("vmm-vnc is not built: no libvncserver-dev")
        p = self.pc("--console=none", f"--display=vnc={where}")
        self.wait_screen("READY")
        return p

    def test_vnc(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        p = self.start_vnc(f"127.0.0.1:{port}")
        v = rfb.Viewer(("127.0.0.1", port))
        self.assertEqual(v.version, b"RFB 003.008\n")
        self.assertEqual((v.security, v.result), (b"\x01", 0))
        self.assertEqual(v.name, "vmm: pc")
        v.wait(lambda: (v.width, v.height) == (720, 400) and v.lit() > 300)
        before = v.lit()
        v.type(ord("a"))
        self.wait_screen("1e61")
        v.wait(lambda: v.lit() > before)
        # Shift is a key of its own.
        v.key(0xffe1, True)
        v.type(ord("B"))
        v.key(0xffe1, False)
        self.wait_screen("3042")
        # The mouse: left button, 5 to the right and 3 down, which is -3.
        v.type(ord("m"))
        for x in range(5, 500, 5):
            v.pointer(x, x * 3 // 5, 1)
            time.sleep(0.3)
            if {"2905fd", "290afa"} & set(self.screen()):
                break
        else:
            self.fail(f"no mouse: {self.screen()}")
        # A second viewer, and the first leaves with a key pressed.
        w = rfb.Viewer(("127.0.0.1", port))
        v.key(0xffe3, True)
        v.close()
        w.type(ord("g"))
        w.wait(lambda: (w.width, w.height) == (640, 400))
        w.wait(lambda: w.dot(320, 8) == 0xaa0000 and
               w.dot(639, 31) == 0xffffff)
        w.close()
        self.kill(p)

    def test_vnc_on_a_socket(self):
        path = self.path("screen.sock")
        p = self.start_vnc("unix:" + path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        v = rfb.Viewer(path)
        v.wait(lambda: v.lit() > 300)
        v.close()
        self.kill(p)
        self.assertFalse(os.path.exists(path))

    def test_vnc_that_dies(self):
        path = self.path("screen.sock")
        p = self.start_vnc("unix:" + path)
        servers = [q for q in vmmtest.processes_in(self.run_dir)
                   if vmmtest.status_of(q)["Name"] == "vmm-vnc"]
        self.assertEqual(len(servers), 1)
        self.assertEqual(vmmtest.status_of(servers[0])["Seccomp"], "2")
        os.kill(servers[0], signal.SIGKILL)
        p.expect("stderr", "the VNC server has ended")
        self.send("a")
        self.wait_screen("1e61")
        self.kill(p)

    def test_garbage_for_vnc(self):
        path = self.path("screen.sock")
        p = self.start_vnc("unix:" + path)
        for data in b"", b"\0" * 4096, b"RFB 003.008\n" + b"\xff" * 999:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.sendall(data)
        v = rfb.Viewer(path)
        v.wait(lambda: v.lit() > 300)
        v.close()
        self.kill(p)

    def test_a_server_that_went_mad(self):
        """What is beside vmm under the server's name is not believed."""
        own = self.path("vmm")
        shutil.copy(vmmtest.paths["vmm"], own)
        with open(self.path("vmm-vnc"), "w", encoding="ascii") as f:
            f.write(MAD_SERVER)
        os.chmod(self.path("vmm-vnc"), 0o755)
        p = self.start("run", "--mode=hvm", "--name=pc", "--console=none",
                       f"--disk={self.sector()}",
                       "--display=vnc=unix:" + self.path("s"), program=[own])
        self.wait_screen("READY")
        self.write("go", b"")
        self.wait_screen("1e61")
        self.kill(p)

    def test_refusals(self):
        for where in "vga", "vnc", "vnc=", "vnc=host", "vnc=1.2.3.4:0", \
                "vnc=1.2.3.4:65536", "vnc=[::1", "vnc=unix:":
            self.refused(USAGE, "--display", "run", "--mode=hvm",
                         "--display=" + where)
        self.refused(USAGE, "no screen", "run", "--display=text",
                     vmmtest.guest_image("poweroff"))
        self.refused(USAGE, "stdio can be used once", "run", "--mode=hvm",
                     "--display=text", "--console=stdio")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen(1)
            port = s.getsockname()[1]
            r = self.vmm("run", "--mode=hvm", "--console=none",
                         f"--display=vnc=127.0.0.1:{port}")
            self.assertEqual(r.code, HOST, r)
            self.assertRegex(r.err, "vnc=127.0.0.1:.*in use.*another")

    def test_nothing_to_look_at(self):
        p = self.guest("idle", "--console=none", "--name=bare")
        vmmtest.wait_until(lambda: self.vmm("status", "bare").code == OK)
        for verb in ["screen"], ["screenshot", self.path("x.png")]:
            r = self.vmm(verb[0], "bare", *verb[1:])
            self.assertEqual(r.code, HOST)
            self.assertIn("has no display", r.err)
        r = self.vmm("sendkey", "bare", "a")
        self.assertEqual(r.code, HOST)
        self.assertIn("has no keyboard", r.err)
        self.assertEqual(p.end(signal.SIGTERM).code, STOPPED)


if __name__ == "__main__":
    if not os.path.exists(FIRMWARE) or not os.path.exists(VGA_BIOS):
        vmmtest.skip("no SeaBIOS: install the package seabios")
    vmmtest.main()
