#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel and initrd files that cannot be booted, and odd ones that can.

Hostile cases 48 and 49 at the command line: one line that says what, where
and what to do, no guest started, nothing left, whatever the file's size.
"""
import bz2
import gzip
import lzma
import os
import struct

import kernels
import vmmtest
from kernels import elf, load, note, notes
from vmmtest import HOST, OK, USAGE

TIB = 1 << 40
MIB = 1 << 20

# name: (image, what the line says)
BAD_ELF = {
    "empty": (b"", "the file is empty"),
    "text": (b"hello\n" * 100, "not a kernel image"),
    "script": (b"#!/bin/sh\n", "a script"),
    "cpio": (b"070701" + b"0" * 200, "cpio archive: give it with --initrd"),
    "qcow2": (b"QFI\xfb" + b"\0" * 600, "qcow2 disk image"),
    "archive": (b"!<arch>\n" + b" " * 200, "archive of object files"),
    "magic only": (b"\x7fELF", "ELF header.*truncated"),
    "header cut": (elf()[:40], "ELF header.*truncated"),
    "program headers cut": (elf()[:100], "program headers.*truncated"),
    "contents cut": (elf([load(b"\xf4" * 8192), notes()])[:4096],
                     "segment.*past the end of the file"),
    "no class": (elf(klass=0), "ELF class 0"),
    "class 3": (elf(klass=3), "ELF class 3"),
    "big-endian": (elf(data=2), "not a little-endian ELF"),
    "version 0": (elf(version=0), "ELF version 0"),
    "arm": (elf(machine=183), r"machine 183 \(AArch64\): give an x86"),
    "object": (elf(kind=1), "ELF type 1.*object file"),
    "core": (elf(kind=4), "ELF type 4.*core dump"),
    "no headers": (elf(phnum=0), "without program headers"),
    "phnum 65535": (elf(phnum=65535), "65535 ELF program headers"),
    "phnum past the end": (elf(phnum=200),
                           "program headers.*outside the file"),
    "phoff wraps": (elf(phoff=(1 << 64) - 56), "headers.*outside the file"),
    "phoff far": (elf(phoff=1 << 40), "headers.*outside the file"),
    "phentsize 0": (elf(phentsize=0), "program headers of 0 bytes"),
    "phentsize 57": (elf(phentsize=57), "program headers of 57 bytes"),
    "offset wraps": (elf([load(offset=(1 << 64) - 8), notes()]),
                     "segment.*past the end of the file"),
    "filesz > memsz": (elf([load(memsz=4), notes()]),
                       "larger in the file than in memory"),
    "paddr wraps": (elf([load(paddr=(1 << 64) - 4), notes()]),
                    "wraps around"),
    "memsz wraps": (elf([load(memsz=(1 << 64) - 1), notes()]),
                    "wraps around"),
    "overlap": (elf([load(), load(paddr=kernels.BASE + 4), notes()]),
                "overlaps another segment"),
    "overlap in bss": (elf([load(memsz=1 << 20),
                            load(paddr=kernels.BASE + 0x8000), notes()]),
                       "overlaps another segment"),
    "same segment twice": (elf([load(), load(), notes()]), "overlaps"),
    "nothing to load": (elf([notes()]), "nothing to load"),
    "no note": (elf([load()]), "no PVH entry point.*CONFIG_PVH"),
    "foreign note": (elf([load(), notes(note(name=b"Linux\0"))]),
                     "no PVH entry point"),
    "note cut": (elf([load(), notes(note()[:10])]),
                 "note runs past the end"),
    "note name too long": (
        elf([load(), notes(struct.pack("<III", 0xffffffff, 4, 18))]),
        "note runs past the end"),
    "note contents too long": (
        elf([load(), notes(struct.pack("<III4s", 4, 0xfffffff0, 18,
                                       b"Xen\0"))]),
        "note runs past the end"),
    "notes past the end": (elf([load(), notes(filesz=1 << 16)]),
                           "ELF notes.*outside the file"),
    "2 MiB of notes": (elf([load(), notes(filesz=2 * MIB)]),
                       "bytes of ELF notes, more than 1 MiB"),
    "note of 2 bytes": (elf([load(), notes(note(size=2))]),
                        "has 2 bytes, not 4 or 8"),
    "entry above 4 GiB": (elf([load(), notes(note(1 << 32, 8))]),
                          "not below 4 GiB"),
    "entry in no segment": (elf([load(), notes(note(0x300000))]),
                            "lies in no segment"),
    "entry in bss": (elf([load(memsz=4096),
                          notes(note(kernels.BASE + 2048))]),
                     "lies in no segment"),
    "shnum past the end": (elf([load()], shoff=64, shnum=1000, shentsize=64),
                           "section headers.*outside the file"),
    "shoff wraps": (elf([load()], shoff=(1 << 64) - 64, shnum=2,
                        shentsize=64), "section headers.*outside the file"),
}

# Sound in itself, but not for a machine of 256 MiB.
BAD_PLACE = {
    "above RAM": (0x20000000, 16, "outside the guest's 256 MiB.*--memory"),
    "across the end of RAM": (0xffff000, 8192, "give more with --memory"),
    "in the MMIO hole": (0xfec00000, 16, "3 GiB to 4 GiB is for devices"),
    "over the local APIC": (0xfee00000, 16, "3 GiB to 4 GiB"),
    "above 4 GiB": (1 << 32, 16, "give more with --memory"),
    "in the ROM area": (0xa0000, 16, "reserved, link it at 1 MiB"),
    "over the tables": (0xe0000, 16, "reserved, link it at 1 MiB"),
    "over the reset vector": (0xffff0, 16, "reserved"),
    "from RAM into the ROM area": (0x9f000, 8192, "reserved"),
    "bss of 1 TiB": (0x200000, TIB, "outside the guest's 256 MiB"),
}

# What looks wrong at first sight and is not.
GOOD_ELF = {
    "smallest": elf(),
    "ELF32": elf(elf64=False, machine=kernels.EM_386),
    "ELF32 that says x86-64": elf(elf64=False),
    "ELF64 that says i386": elf(machine=kernels.EM_386),
    "ET_DYN": elf(kind=3),
    "PT_LOAD of nothing at 0": elf([load(b"", 0), load(), notes()]),
    "PT_LOAD of nothing in the hole": elf([load(b"", 0xfee00000), load(),
                                           notes()]),
    "bss only": elf([load(), load(b"", 0x200000, memsz=1 << 20), notes()]),
    "8-byte note": elf([load(), notes(note(size=8))]),
    "notes first": elf([notes(), load()]),
    "two notes": elf([load(), notes(note(name=b"GNU\0", kind=3) + note())]),
    "segments out of order": elf([load(b"\xf4", 0x300000), load(), notes()]),
    "segments that touch": elf([
        load(), load(b"\xf4", kernels.BASE + len(kernels.POWER_OFF)),
        notes()]),
    "first byte of RAM": elf([load(b"\xf4", 0), load(), notes()]),
    "last byte of RAM": elf([load(b"\xf4", 0xfffffff), load(), notes()]),
    "gzip": gzip.compress(elf(), 1),
    "xz": lzma.compress(elf()),
    "lzma": lzma.compress(elf(), lzma.FORMAT_ALONE),
    "bzip2": bz2.compress(elf()),
    "bzImage": kernels.bzimage(),
    # 0 means 4, for historical reasons.
    "bzImage, setup_sects 0": kernels.bzimage(setup_sects=0),
    "bzImage, setup_sects 255": kernels.bzimage(setup_sects=255),
    # init_size is for the bzImage's own code, which does not run.
    "bzImage, init_size 4 GiB": kernels.bzimage(init_size=0xffffffff),
}

BAD_BZIMAGE = {
    "boot flag": (kernels.bzimage(boot_flag=0), "not a kernel image"),
    "no HdrS": (kernels.bzimage(magic=b"HdrT"), "not a kernel image"),
    "old protocol": (kernels.bzimage(version=0x207), "protocol 2.07"),
    "short header": (kernels.bzimage(jump=0x40), "does not say where"),
    "header cut": (kernels.bzimage()[:0x220], "setup header.*truncated"),
    "no payload": (kernels.bzimage(payload_length=0), "payload"),
    "payload cut": (kernels.bzimage()[:-10], "payload.*not in the file"),
    "payload offset": (kernels.bzimage(payload_offset=0xffffffff),
                       "payload.*not in the file"),
    "payload length": (kernels.bzimage(payload_length=0xffffffff),
                       "payload.*not in the file"),
    "setup beyond the file": (kernels.bzimage(setup_sects=255)[:4096],
                              "payload.*not in the file"),
    "plain payload": (kernels.bzimage(elf()), "payload begins 7f 45 4c 46"),
    "packed text": (kernels.bzimage(gzip.compress(b"hello")),
                    "packed in it with gzip is not an ELF"),
    "damaged gzip": (kernels.bzimage(gzip.compress(elf())[:40]
                                     + b"\xff" * 100), "gzip"),
    "cut gzip": (kernels.bzimage(gzip.compress(elf())[:60]), "gzip"),
    "lz4 of nothing": (kernels.bzimage(b"\x02\x21\x4c\x18" + b"\0" * 8),
                       "lz4"),
    "lz4 block too long": (
        kernels.bzimage(b"\x02\x21\x4c\x18\xff\xff\xff\xff" + b"a" * 64),
        "lz4"),
    "zstd of nothing": (kernels.bzimage(b"\x28\xb5\x2f\xfd" + b"\0" * 8),
                        "zstd"),
    "no PVH note": (kernels.bzimage(gzip.compress(elf([load()]))),
                    "no PVH entry point"),
}


class ImageTest(vmmtest.Case):
    def kernel(self, image):
        return self.write("kernel", image)

    def run_kernel(self, image, *options):
        return self.vmm("run", "--console=none", *options,
                        self.kernel(image))

    def sparse(self, size, head=b""):
        path = self.write("sparse", head)
        os.truncate(path, size)
        return path

    def test_elf_that_is_refused(self):
        for name, (image, pattern) in BAD_ELF.items():
            with self.subTest(name):
                r = self.refused(USAGE, pattern, "run", "--console=none",
                                 self.kernel(image))
                self.assertIn(self.path("kernel"), r.err)

    def test_bzimage_that_is_refused(self):
        for name, (image, pattern) in BAD_BZIMAGE.items():
            with self.subTest(name):
                self.refused(USAGE, pattern, "run", "--console=none",
                             self.kernel(image))

    def test_inspect_says_the_same(self):
        """Format errors, that is; the lack of a PVH note is none."""
        for name, (image, pattern) in {**BAD_ELF, **BAD_BZIMAGE}.items():
            if "no PVH entry" in pattern:
                continue
            with self.subTest(name):
                self.refused(USAGE, pattern, "inspect", self.kernel(image))

    def test_segments_outside_ram(self):
        for name, (paddr, size, pattern) in BAD_PLACE.items():
            with self.subTest(name):
                image = elf([load(), load(b"", paddr, memsz=size), notes()])
                r = self.refused(USAGE, pattern, "run", "--console=none",
                                 self.kernel(image))
                self.assertIn(f"0x{paddr:x}", r.err)

    def test_what_boots(self):
        for name, image in GOOD_ELF.items():
            with self.subTest(name):
                r = self.run_kernel(image)
                self.assertEqual(r.code, OK, r)
                self.assert_nothing_left()

    def test_not_regular_files(self):
        os.mkfifo(self.path("fifo"))
        for path in (self.dir, self.path("fifo"), "/dev/zero", "/dev/null",
                     "/dev/full", "/dev/tty"):
            with self.subTest(path):
                if path == "/dev/tty" and not self.has_terminal():
                    continue
                self.refused(USAGE, "not a regular file", "run",
                             "--console=none", path)
                self.refused(USAGE, "not a regular file", "inspect", path)

    def has_terminal(self):
        try:
            os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
            return True
        except OSError:
            return False

    def test_files_that_cannot_be_opened(self):
        os.symlink("loop", self.path("loop"))
        os.symlink("nowhere", self.path("dangling"))
        names = {
            self.path("missing"): "No such file",
            self.path("loop"): "symbolic link",
            self.path("dangling"): "No such file",
            self.write("file", b"") + "/below": "Not a directory",
            self.dir + "/" + "x" * 300: "File name too long",
            self.path("two\nlines"): r"two\?lines.*No such file",
            self.path("\033[2J"): r"/\?\[2J.*No such file",
        }
        for path, pattern in names.items():
            with self.subTest(path):
                self.refused(HOST, pattern, "run", "--console=none", path)
                self.refused(HOST, pattern, "inspect", path)
        # So long a name leaves no room for the reason; it is still one line.
        self.refused(HOST, "/x/x/x", "run", "/" + "x/" * 3000)

    def test_huge_sparse_files(self):
        """What a file claims to be is looked at, not all it holds."""
        self.refused(USAGE, "not a kernel image", "run", self.sparse(TIB))
        for head in (b"\x1f\x8b\x08\0" + b"\0" * 6, b"\xfd7zXZ\0",
                     b"BZh91AY&SY", b"\x28\xb5\x2f\xfd"):
            with self.subTest(head):
                self.refused(USAGE, "MiB, more than", "run",
                             self.sparse(TIB, head))
        self.refused(USAGE, "MiB, more than", "run",
                     self.sparse(TIB, kernels.bzimage(
                         payload_length=0xffffffff)))
        r = self.vmm("run", "--console=none", self.sparse(TIB, elf()))
        self.assertEqual(r.code, OK, r)
        self.assertLess(r.peak_kib, vmmtest.MEMORY_KIB)

    def test_decompression_bomb(self):
        """1.5 GiB of zeros behind an ELF, packed to a hundred KiB."""
        packer = lzma.LZMACompressor(preset=0)
        bomb = packer.compress(elf())
        zeros = b"\0" * MIB
        bomb += b"".join(packer.compress(zeros) for _ in range(1536))
        bomb += packer.flush()
        r = self.vmm("run", "--console=none", self.kernel(bomb))
        self.assertEqual(r.code, USAGE, r)
        self.assertRegex(r.err, rf"\A{vmmtest.ERROR_LINE}\Z")
        self.assertRegex(r.err, "unpacks to more than|MiB")
        self.assertLess(r.peak_kib, 1200 * 1024)

    # ---- initrd ----

    def with_initrd(self, code, pattern, path, *options):
        return self.refused(code, pattern, "run", "--console=none",
                            *options, f"--initrd={path}", self.kernel(elf()))

    def test_initrd_that_is_refused(self):
        os.mkfifo(self.path("fifo"))
        self.with_initrd(USAGE, "initrd.*empty", self.write("none", b""))
        self.with_initrd(USAGE, "not a regular file", self.path("fifo"))
        self.with_initrd(USAGE, "not a regular file", "/dev/zero")
        self.with_initrd(USAGE, "not a regular file", self.dir)
        self.with_initrd(HOST, "No such file", self.path("missing"))

    def test_initrd_beyond_ram(self):
        for size in (256 * MIB, 3 << 30, TIB):
            with self.subTest(size):
                r = self.with_initrd(HOST, "initrd.*does not fit.*--memory",
                                     self.sparse(size))
                self.assertIn(f"needs {size >> 10} KiB", r.err)

    def test_initrd_that_fills_ram(self):
        """Up to the last byte; what is free is what the refusal says."""
        room = 15 * MIB - 4096  # 16 MiB without the first, and the kernel
        options = ("--console=none", "--memory=16M")
        r = self.vmm("run", *options, "--initrd=" + self.sparse(room),
                     self.kernel(elf()))
        self.assertEqual(r.code, OK, r)
        r = self.with_initrd(HOST, f"stretch.* has {room >> 10} KiB",
                             self.sparse(room + 1), "--memory=16M")

    def test_modules_that_fit_only_alone(self):
        path = self.sparse(8 * MIB)
        self.refused(HOST, "initrd.*does not fit", "run", "--console=none",
                     "--memory=16M", f"--initrd={path}", f"--initrd={path}",
                     self.kernel(elf()))

    def test_one_module_too_many(self):
        path = self.write("module", b"m")
        many = [f"--initrd={path},cmdline=module {i}" for i in range(17)]
        r = self.run_kernel(elf(), *many[:16])
        self.assertEqual(r.code, OK, r)
        self.refused(USAGE, "--initrd.*at most 16 times", "run", *many,
                     self.kernel(elf()))

    def test_file_that_shrinks_under_a_running_guest(self):
        """A reboot loads anew: the failure is told, and ends the guest."""
        path = self.kernel(elf([load(kernels.RESET + b"\0" * 100000),
                                notes()]))
        p = self.start("run", "--console=none", path)
        p.expect("stderr", "the guest reboots")
        os.truncate(path, 4096)
        r = p.wait()
        self.assertEqual(r.code, HOST, r)
        self.assertEqual(r.err.count("vmm: error: "), 1, r)
        self.assertRegex(r.err, "segment 0 cannot be read.*changed")

    # ---- command line of the kernel ----

    def test_command_line(self):
        exact = "x" * 4095
        self.assertEqual(self.run_kernel(elf(), "--append=" + exact).code, OK)
        self.refused(USAGE, "4096 bytes, but at most 4095", "run",
                     f"--append={exact}x", self.kernel(elf()))
        self.refused(USAGE, "at most 4095", "run",
                     "--append=" + "x" * 100000, self.kernel(elf()))
        self.refused(USAGE, "2048 bytes, but at most 2047", "run",
                     "--append=" + "x" * 2048,
                     self.kernel(kernels.bzimage()))
        self.assertEqual(self.run_kernel(kernels.bzimage(),
                                         "--append=" + "x" * 2047).code, OK)
        for bad in "\n", "\r", "\x1b", "\x01":
            with self.subTest(bad):
                self.refused(USAGE, "byte 1 is the control character", "run",
                             f"--append=a{bad}b", self.kernel(elf()))
                path = self.write("module", b"m")
                self.refused(USAGE, "control character", "run",
                             f"--initrd={path},cmdline=a{bad}",
                             self.kernel(elf()))
        for good in "", " ", "\t", "a\"b'", "\u00e9", "a,b=c":
            with self.subTest(good):
                r = self.run_kernel(elf(), "--append=" + good)
                self.assertEqual(r.code, OK, r)


if __name__ == "__main__":
    vmmtest.main()
