# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel images made to order: right ones, and every way to be wrong.

System V gABI chapters 4 and 5; Linux Documentation/arch/x86/boot.rst for the
bzImage header; Xen docs/misc/pvh for the note.
"""
import gzip
import struct

BASE = 0x100000
EM_386, EM_X86_64 = 3, 62
ET_EXEC = 2
PT_LOAD, PT_NOTE = 1, 4
PHYS32_ENTRY = 18

# 32-bit code, all of it position-independent.
POWER_OFF = bytes.fromhex("66ba0006 b034 ee f4 ebfd".replace(" ", ""))
RESET = bytes.fromhex("66ba0206 b001 ee f4 ebfd".replace(" ", ""))
HALT = bytes.fromhex("f4ebfd")  # 1: hlt; jmp 1b
# 1: out %al, $0xee; jmp 1b: nothing is there, and the guest insists.
KNOCK = bytes.fromhex("e6eeebfc")
# mov $0x3f8, %dx; mov $'x', %al; 1: out %al, (%dx); jmp 1b
FLOOD = bytes.fromhex("66baf803b078eeebfd")


def note(entry=BASE, size=4, name=b"Xen\0", kind=PHYS32_ENTRY):
    """One ELF note, padded to 4 bytes."""
    contents = struct.pack("<Q", entry)[:size]
    return (struct.pack("<III", len(name), len(contents), kind)
            + name + b"\0" * (-len(name) % 4)
            + contents + b"\0" * (-len(contents) % 4))


class Segment:
    """A program header, and the bytes it is about."""

    def __init__(self, kind, data=b"", paddr=0, **fields):
        self.data = data
        self.kind = kind
        self.paddr = paddr
        self.fields = fields  # offset, filesz, memsz where they lie

    def header(self, offset, elf64):
        """Packed for the class."""
        f = {"offset": offset, "filesz": len(self.data),
             "memsz": len(self.data), **self.fields}
        if elf64:
            return struct.pack("<IIQQQQQQ", self.kind, 7, f["offset"],
                               self.paddr, self.paddr, f["filesz"],
                               f["memsz"], 4)
        return struct.pack("<IIIIIIII", self.kind, f["offset"], self.paddr,
                           self.paddr, f["filesz"], f["memsz"], 7, 4)


def load(data=POWER_OFF, paddr=BASE, **fields):
    """A segment to load."""
    return Segment(PT_LOAD, data, paddr, **fields)


def notes(data=None, **fields):
    """A segment of notes: the PVH entry by default."""
    return Segment(PT_NOTE, note() if data is None else data, 0, **fields)


def elf(segments=None, elf64=True, machine=EM_X86_64, **fields):
    """An ELF; fields override those of its header (phnum, phoff, ...)."""
    segments = [load(), notes()] if segments is None else segments
    ehsize, phentsize = (64, 56) if elf64 else (52, 32)
    at = ehsize + phentsize * len(segments)
    headers, body = b"", b""
    for s in segments:
        headers += s.header(at + len(body), elf64)
        body += s.data + b"\0" * (-len(s.data) % 8)
    f = {"klass": 2 if elf64 else 1, "data": 1, "version": 1,
         "kind": ET_EXEC, "machine": machine, "entry": 0, "phoff": ehsize,
         "shoff": 0, "phentsize": phentsize, "phnum": len(segments),
         "shentsize": 0, "shnum": 0, **fields}
    ident = b"\x7fELF" + bytes([f["klass"], f["data"], f["version"]])
    word = "Q" if elf64 else "I"
    return ident.ljust(16, b"\0") + struct.pack(
        f"<HHI{word}{word}{word}IHHHHHH", f["kind"], f["machine"], 1,
        f["entry"], f["phoff"], f["shoff"], 0, ehsize, f["phentsize"],
        f["phnum"], f["shentsize"], f["shnum"], 0) + headers + body


def kernel(code):
    """The smallest kernel that runs this code."""
    return elf([load(code), notes()])


def bzimage(payload=None, setup_sects=1, **fields):
    """A bzImage around a packed ELF; fields override those of its header."""
    payload = gzip.compress(elf(), 1) if payload is None else payload
    setup_end = ((setup_sects or 4) + 1) * 512
    f = {"setup_sects": setup_sects, "boot_flag": 0xaa55, "jump": 0x6a,
         "magic": b"HdrS", "version": 0x20f, "release": 0,
         "cmdline_size": 2047, "payload_offset": 0,
         "payload_length": len(payload), "init_size": 1 << 20, **fields}
    head = bytearray(setup_end)
    head[0x1f1] = f["setup_sects"]
    struct.pack_into("<H", head, 0x1fe, f["boot_flag"])
    struct.pack_into("<BB4sH", head, 0x200, 0xeb, f["jump"], f["magic"],
                     f["version"])
    struct.pack_into("<H", head, 0x20e, f["release"])
    struct.pack_into("<I", head, 0x238, f["cmdline_size"])
    struct.pack_into("<II", head, 0x248, f["payload_offset"],
                     f["payload_length"])
    struct.pack_into("<I", head, 0x260, f["init_size"])
    return bytes(head) + payload
