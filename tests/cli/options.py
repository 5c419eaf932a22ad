#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The words after `vmm`: what each must say no to, what each prints.

Hostile case 52. Wrong values are found before anything of the host is
touched, so most of this needs no /dev/kvm.
"""
import json
import os
import re
import resource
import shutil
import subprocess

import kernels
import vmmtest
from vmmtest import ERROR_LINE, HOST, OK, USAGE

# Each: words after `vmm run`, what the line says.
BAD_OPTIONS = [
    ([], "no kernel given"),
    (["--no-reboot"], "no kernel given"),
    (["--"], "no kernel given"),
    (["k", "l"], "two kernels: 'k' and 'l'"),
    (["k", "--", "--cpus=2"], "two kernels"),
    (["--frobnicate", "k"], "unknown option '--frobnicate': see"),
    (["--frobnicate=1", "k"], "unknown option"),
    (["--mem=1G", "k"], "unknown option '--mem=1G'"),
    (["--memoryy=1G", "k"], "unknown option"),
    (["-x", "k"], "unknown option '-x'"),
    (["-vv", "k"], "unknown option '-vv'"),
    (["--=1", "k"], "unknown option"),
    (["---", "k"], "unknown option"),
    (["--mode"], "--mode needs a value"),
    (["--mode=", "k"], "--mode: '' is not valid: give hvm"),
    (["--mode=xen", "k"], "'xen' is not valid: give hvm, hvm-pv"),
    (["--mode=PVH", "k"], "not valid"),
    (["--abi=hyperv", "k"], "give kvm, xen or none"),
    (["--cpus"], "needs a value"),
    (["--cpus=", "k"], "'' is not valid: give a number from 1"),
    (["--cpus=0", "k"], "not valid"),
    (["--cpus=-1", "k"], "not valid"),
    (["--cpus=+1", "k"], "not valid"),
    (["--cpus= 1", "k"], "not valid"),
    (["--cpus=1.5", "k"], "not valid"),
    (["--cpus=0x2", "k"], "not valid"),
    (["--cpus=two", "k"], "not valid"),
    (["--cpus=4294967297", "k"], "not valid"),
    (["--cpus=99999999999999999999", "k"], "not valid"),
    (["--memory"], "needs a value"),
    (["--memory=", "k"], "a multiple of 4 KiB such as 512M"),
    (["--memory=0", "k"], "not valid"),
    (["--memory=1", "k"], "not valid"),
    (["--memory=4095", "k"], "not valid"),
    (["--memory=4097", "k"], "not valid"),
    (["--memory=-4096", "k"], "not valid"),
    (["--memory=512X", "k"], "not valid"),
    (["--memory=512MM", "k"], "not valid"),
    (["--memory=M", "k"], "not valid"),
    (["--memory=1e9", "k"], "not valid"),
    (["--memory=18446744073709551616", "k"], "not valid"),
    (["--memory=16777216T", "k"], "not valid"),
    (["--initrd"], "needs a value"),
    (["--initrd=", "k"], "--initrd: '' is not valid"),
    (["--append"], "needs a value"),
    (["--console"], "needs a value"),
    (["--console=", "k"], "give stdio, pty, file:PATH, unix:PATH or none"),
    (["--console=tty", "k"], "not valid"),
    (["--console=file:", "k"], "not valid"),
    (["--console=file", "k"], "not valid"),
    (["--console=STDIO", "k"], "not valid"),
    (["--name"], "needs a value"),
    (["--name=", "k"], "--name: '' is not valid"),
    (["--sandbox=maybe", "k"], "give on or off"),
    (["--sandbox=", "k"], "not valid"),
    (["--log=loud", "k"], "error, warn, info or debug"),
    (["--log=", "k"], "not valid"),
    (["--no-reboot=yes", "k"], "--no-reboot takes no value"),
    (["--hugepages=2M", "k"], "takes no value"),
    (["--fdt=1", "k"], "takes no value"),
    (["--dump-config=x", "k"], "takes no value"),
    (["--dump-acpi=", "k"], "--dump-acpi: ''"),
    (["--dump-fdt=", "k"], "--dump-fdt: ''"),
    (["--help=x"], "takes no value"),
    (["--verbose=x", "k"], "takes no value"),
]

# Right words that do not go together, or ask for too much on any host.
BAD_SENSE = [
    (["--mode=hvm", "--firmware=f", "k"], "starts without"),
    (["--entry=64", "k"], "has one entry"),
    (["--mode=hvm", "--entry=8", "k"], "give auto, 16, 32 or 64"),
    (["--mode=hvm", "--disk=a,if=virtio,media=cdrom"], "media=cdrom goes with if=ide"),
    (["--disk=a,if=xen", "k"], "if=xen needs a guest of Xen"),
    (["--disk=a,persistent=on", "k"], "persistent=on goes with if=xen"),
    (["--abi=xen", "--disk=a,persistent=on,if=virtio", "k"], "goes with if=xen"),
    (["--net=user,model=xen", "k"], "model=xen needs a guest of Xen"),
    (["--mode=hvm"] + ["--disk=a,snapshot=on"] * 5, "5 disks with if=ide"),
    (["--mode=hvm"] + ["--disk=a,snapshot=on,if=ahci"] * 7, "7 disks with if=ahci"),
    (["--disk=a,if=ahci", "k"], "if=ahci needs a PC"),
    (["--net=user,model=e1000", "k"], "model=e1000 needs a PC"),
    (["--net=user,rom=f", "k"], "rom=f is for the firmware of a PC"),
    (["--mode=hvm", "--net=tap,ifname=t,queues=2"], "queues= goes with"),
    (["--disk=a,if=ide", "k"], "if=ide needs a PC"),
    (["--firmware=f", "k"], "--firmware: a guest with --mode=pvh has no"),
    (["--boot=menu=on", "k"], "--boot: a guest with --mode=pvh has no"),
    (["--mode=hvm", "--boot=order=cc"], "--boot: order: 'cc'"),
    (["--mode=hvm", "--boot=order=x"], "letters of c"),
    (["--mode=hvm", "--boot=c"], "--boot: no key 'c'"),
    (["--mode=hvm-pv", "--transport=mmio"], "on its PCI bus"),
    (["--serial2=pty", "k"], "--serial2: a guest with --mode=pvh has no place"),
    (["--mode=pv", "k"], "not built yet"),
    (["--xen-accel=fast", "k"], "give auto, kernel or user"),
    (["--xen-accel=user", "k"], "are for a guest with --abi=xen"),
    (["--xen-version=4", "k"], "two numbers such as 4.17"),
    (["--xen-version=4.x", "k"], "'4.x' is not valid"),
    (["--xen-version=4.17", "k"], "are for a guest with --abi=xen"),
    (["--trace=everything", "k"], "give hypercall"),
    (["--abi=none", "k"], "makes no sense with --mode=pvh: 'vmm spectrum'"),
    (["--mode=hvm", "--abi=xen", "k"], "makes no sense"),
    (["--memory=4096", "k"], "4096 bytes is too little: give 4M or more"),
    (["--memory=4190208", "k"], "too little"),
    # More than an x86 CPU can address, whatever the host.
    (["--memory=8E", "k"], "not valid|too much"),
    (["--memory=9223372036854775808", "k"], "too much"),
    (["--memory=18446744073709547520", "k"], "too much"),
    (["--memory=4096T", "k"], "too much"),
    (["--cpus=256", "k"], "256 is too many"),
    (["--cpus=1000000", "k"], "too many"),
]

BAD_COMMANDS = [
    ([], "no command given: see 'vmm help'"),
    (["frobnicate"], "unknown command 'frobnicate': see 'vmm help'"),
    ([""], "unknown command ''"),
    (["RUN"], "unknown command"),
    (["--frobnicate"], "unknown command"),
    (["run2"], "unknown command"),
    (["two\nlines"], r"unknown command 'two\?lines'"),
    (["spectrum", "x"], "it takes no arguments"),
    (["doctor", "x"], "it takes no arguments"),
    (["inspect"], "no kernel given"),
    (["inspect", "--all", "k"], "'--all': give"),
    (["inspect", "k", "l"], "'l': give"),
    (["inspect", "--unpack"], "'--unpack': give"),
    (["inspect", "k", "--unpack"], "'--unpack': give"),
]

CONFIG_KEYS = {"mode", "abi", "cpus", "memory", "hugepages", "kernel",
               "append", "initrd", "console", "name", "reboot", "fdt",
               "sandbox"}


class OptionTest(vmmtest.Case):
    def setUp(self):
        super().setUp()
        self.kernel = self.write("kernel", kernels.elf())

    def test_wrong_options(self):
        for words, pattern in BAD_OPTIONS:
            with self.subTest(words):
                self.refused(USAGE, pattern, "run", *words)

    def test_wrong_sense(self):
        """Refused whether a guest is to be started or only described."""
        for given, pattern in BAD_SENSE:
            words = [self.kernel if w == "k" else w for w in given]
            for more in [], ["--dump-config"], \
                    ["--dump-acpi=" + self.path("acpi")], \
                    ["--dump-fdt=" + self.path("fdt")]:
                with self.subTest(words=words, more=more):
                    self.refused(USAGE, pattern, "run", *more, *words)
        self.assertFalse(os.path.exists(self.path("acpi")))
        self.assertFalse(os.path.exists(self.path("fdt")))

    def test_wrong_commands(self):
        for words, pattern in BAD_COMMANDS:
            with self.subTest(words):
                self.refused(USAGE, pattern, *words)

    def test_last_value_counts(self):
        r = self.vmm("run", "--cpus=3", "--memory=1G", "--cpus", "2",
                     "--memory", "64M", "--dump-config", "k")
        config = json.loads(r.out)
        self.assertEqual((config["cpus"], config["memory"]), (2, 64 << 20))

    def test_hostile_words(self):
        """Whatever the words: one printable line, never a format string."""
        for word in ("%s%n%p", "\x1b[2J", "\xff\xfe", "a" * 100000, "\n",
                     "--" + "b" * 100000, "--memory=" + "9" * 100000,
                     "--mode=%s%s%s%s"):
            with self.subTest(word[:20]):
                r = self.vmm("run", "--cpus=2", word, "two")
                self.assertEqual(r.code, USAGE, r)
                self.assertRegex(r.err, rf"\A{ERROR_LINE}\Z")
                self.assertLessEqual(len(r.err.encode()), 1024)
                self.assertNotRegex(r.err[:-1], r"[\x00-\x1f\x7f]")

    def test_thousand_options(self):
        """Repetition costs nothing."""
        r = self.vmm("run", *["--cpus=2"] * 20000, "--dump-config", "k")
        self.assertEqual(json.loads(r.out)["cpus"], 2)
        self.assertLess(r.seconds, vmmtest.LIMIT)

    # ---- --args-file ----

    def args(self, text):
        return "--args-file=" + self.write("args", text)

    def test_args_file(self):
        r = self.vmm("run", self.args(
            b"# a guest\n\n  --cpus 3\r\n--append=a  b # c\n--memory\t1G\n"
            b"kernel with blank"), "--dump-config")
        config = json.loads(r.out)
        self.assertEqual(config["cpus"], 3)
        self.assertEqual(config["append"], "a  b # c")
        self.assertEqual(config["memory"], 1 << 30)
        self.assertEqual(config["kernel"], "kernel with blank")

    def test_args_file_that_is_refused(self):
        os.mkfifo(self.path("fifo"))
        bad = {
            "--args-file=" + self.path("missing"): "No such file",
            "--args-file=" + self.dir: "Is a directory",
            "--args-file=/dev/zero": "longer than 64 KiB",
            "--args-file=" + self.path("fifo"): "no kernel given",
            "--args-file=": "--args-file",
        }
        for word, pattern in bad.items():
            with self.subTest(word):
                self.refused(USAGE, pattern, "run", word)
        for text, pattern in ((b"--cpus 2\0\n", "not a text file"),
                              (b"#" * 65537, "longer than 64 KiB"),
                              (b"-v\n" * 300, "more than 256 words"),
                              (b"--frobnicate\n", "unknown option"),
                              (b"--args-file x\n", "given twice"),
                              (b"--cpus\n", "needs a value"),
                              (b"k\nl\n", "two kernels")):
            with self.subTest(text[:20]):
                self.refused(USAGE, pattern, "run", self.args(text))
        self.refused(USAGE, "given twice", "run", self.args(b""),
                     self.args(b""))

    # ---- what is printed ----

    def test_help(self):
        helps = [self.vmm(w) for w in ("help", "--help", "-h")]
        for r in helps:
            self.assertEqual(r.code, OK, r)
            self.assertEqual(r.err, "")
            self.assertEqual(r.out, helps[0].out)
        for command in ("run", "inspect", "doctor", "spectrum", "ps",
                        "status", "stop", "kill", "pause", "resume"):
            self.assertRegex(helps[0].out, rf"(?m)^  {command} ")

    def test_run_help(self):
        for words in ["--help"], ["-h"], ["--cpus=2", "--help", "--nonsense"]:
            r = self.vmm("run", *words)
            self.assertEqual((r.code, r.err), (OK, ""), r)
        # Each option has one line of at most 80 columns.
        for name in ("mode", "cpus", "memory", "initrd", "append", "console",
                     "name", "dump-config", "log", "no-reboot", "hugepages"):
            self.assertEqual(len(re.findall(
                rf"(?m)^  (?:-., )?--{name}\b", r.out)), 1, name)
        for line in r.out.splitlines():
            self.assertLessEqual(len(line), 100, line)

    def test_version(self):
        said = {self.vmm(w).out for w in ("version", "--version", "-V")}
        self.assertEqual(len(said), 1)
        self.assertRegex(said.pop(), r"\Avmm \d+\.\d+\.\d+\n\Z")

    def test_spectrum(self):
        r = self.vmm("spectrum")
        self.assertEqual((r.code, r.err), (OK, ""), r)
        modes = re.findall(r"(?m)^([a-z][a-z-]*)$", r.out)
        self.assertEqual(modes, ["hvm", "hvm-pv", "pvhvm", "pvh", "pv"])
        for row in ("entry", "platform", "interrupts", "timers", "disk",
                    "network", "console", "page tables"):
            self.assertEqual(len(re.findall(rf"(?m)^  {row}", r.out)), 5, row)
        self.assertIn("not built yet", r.out)

    def test_inspect(self):
        r = self.vmm("inspect", self.kernel)
        self.assertEqual((r.code, r.err), (OK, ""), r)
        self.assertRegex(r.out, r"(?m)^format +ELF64 x86-64$")
        self.assertRegex(r.out, r"(?m)^PVH entry +0x100000$")
        self.assertRegex(r.out, r"(?m)^  Xen +PHYS32_ENTRY +0x100000$")
        self.assertRegex(r.out, r"(?m)^  pvh +yes$")
        self.assertRegex(r.out, r"(?m)^  hvm-pv +yes: PVH entry$")
        # The same rows as vmm spectrum's, and as much built.
        rows = re.findall(r"(?m)^([a-z-]+)$(?s:.*?)in this version (.*)$",
                          self.vmm("spectrum").out)
        self.assertEqual(len(rows), 5)
        for name, built in rows:
            self.assertRegex(r.out, rf"(?m)^  {name} +" + (
                built if built == "not built yet" else "yes"))
        bare = self.write("bare", kernels.elf([kernels.load()]))
        r = self.vmm("inspect", bare)
        self.assertEqual(r.code, OK)
        self.assertRegex(r.out, r"(?m)^  pvh +no: no PVH entry note")
        self.assertRegex(r.out, "CONFIG_PVH=y")

    def test_inspect_shows_no_escape_sequence(self):
        evil = kernels.note(name=b"\x1b[2J\n\0", kind=7)
        path = self.write("\x1b[2J", kernels.elf(
            [kernels.load(), kernels.notes(evil + kernels.note())]))
        r = self.vmm("inspect", path)
        self.assertEqual(r.code, OK, r)
        self.assertNotRegex(r.out, r"[\x00-\x09\x0b-\x1f\x7f]")

    def test_inspect_unpacks(self):
        path = self.write("bz", kernels.bzimage())
        out = self.path("vmlinux")
        r = self.vmm("inspect", "--unpack", out, path)
        self.assertEqual((r.code, r.err, r.out), (OK, "", ""), r)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), kernels.elf())
        for target in self.path("no/such"), self.dir:
            self.refused(HOST, "--unpack: .*(No such|Is a dir|exists|empty)",
                         "inspect", "--unpack", target, path)
        self.assertEqual(sorted(os.listdir(self.dir)),
                         ["bz", "kernel", "vmlinux"])

    def test_dump_config(self):
        """All that can be chosen is there, by its JSON type."""
        r = self.vmm(
            "run", "--dump-config", "--cpus=7", "--memory=1T", "--fdt",
            "--hugepages", "--initrd=a", "--initrd=b,cmdline=x y",
            "--append=\u00e4 \"\\", "--console=file:log", "--name=n",
            "--no-reboot", "--sandbox=off", "--rng", "--disk=a,,b,ro=on,id=x",
            "--disk=c,cache=none,bps=1M,on-error=stop", "--transport=mmio-cmdline",
            "--vsock=7,uds=s", "--net=user,hostfwd=tcp:1:2,filter=on",
            "--net=tap,ifname=t,mac=02:00:00:00:00:01,queues=2,pps=3,bps=4K",
            "--share=t=d=e,ro=on", "k")
        self.assertEqual((r.code, r.err), (OK, ""), r)
        config = json.loads(r.out)
        self.assertEqual(config, {
            "mode": "pvh", "abi": "kvm", "entry": "auto", "cpus": 7,
            "memory": 1 << 40,
            "pc_ports": {"serial2": "none", "parallel": "none",
                         "debug-console": "none", "xen-console": "none"},
            "boot": {"order": "", "menu": False, "wait": 0},
            "display": {"kind": "none"},
            "hugepages": True, "kernel": "k", "append": "\u00e4 \"\\",
            "initrd": [{"file": "a"}, {"file": "b", "cmdline": "x y"}],
            "console": "file", "console_path": "log", "name": "n",
            "reboot": False, "fdt": True, "sandbox": False, "rng": True,
            "transport": "mmio-cmdline", "vsock": {"cid": 7, "uds": "s"},
            "shares": [{"tag": "t", "dir": "d=e", "ro": True}],
            "virtio_consoles": [], "balloon": None,
            "nets": [{"kind": "user", "model": "virtio", "queues": 1,
                      "pps": 0, "bps": 0, "filter": True,
                      "hostfwd": ["tcp:1:2"]},
                     {"kind": "tap", "model": "virtio", "ifname": "t",
                      "queues": 2, "pps": 3, "mac": "02:00:00:00:00:01",
                      "bps": 4096, "filter": False, "hostfwd": []}],
            "disks": [{"file": "a,b", "ro": True, "snapshot": False,
                       "cache": "writeback", "id": "x", "iops": 0, "bps": 0,
                       "on_error": "report", "if": "virtio", "cdrom": False,
                       "persistent": False},
                      {"file": "c", "ro": False, "snapshot": False,
                       "cache": "none", "iops": 0, "bps": 1 << 20,
                       "on_error": "stop", "if": "virtio", "cdrom": False,
                       "persistent": False}]})
        plain = json.loads(self.vmm("run", "--dump-config", "k").out)
        self.assertNotIn("xen_accel", plain)
        xen = json.loads(self.vmm("run", "--dump-config", "--abi=xen",
                                  "--xen-version=4.20", "k").out)
        self.assertEqual((xen["abi"], xen["xen_accel"], xen["xen_version"]),
                         ("xen", "auto", "4.20"))
        self.assertLessEqual(CONFIG_KEYS - {"name"}, set(plain))
        self.assertEqual((plain["cpus"], plain["memory"]), (1, 256 << 20))
        self.refused(USAGE, "not valid UTF-8", "run", "--dump-config",
                     b"--append=\xff", "k")

    def test_dump_acpi(self):
        folder = self.path("acpi")
        r = self.vmm("run", "--dump-acpi=" + folder, "--cpus=255", "k")
        self.assertEqual((r.code, r.out, r.err), (OK, "", ""), r)
        names = sorted(os.listdir(folder))
        self.assertEqual(names, ["apic.dat", "dsdt.dat", "facp.dat",
                                 "rsdp.bin", "xsdt.dat"])
        if not shutil.which("iasl"):
            self.skipTest("no iasl (package acpica-tools)")
        for name in names:
            if name.endswith(".dat"):
                p = subprocess.run(["iasl", "-d", name], cwd=folder,
                                   capture_output=True, check=False)
                said = (p.stdout + p.stderr).decode()
                self.assertEqual(p.returncode, 0, said)
                self.assertNotRegex(said, "(?i)error|invalid|incorrect")
        # What it read, it can compile again.
        p = subprocess.run(["iasl", "dsdt.dsl"], cwd=folder,
                           capture_output=True, check=False)
        self.assertIn(b"0 Errors, 0 Warnings", p.stdout)

    def test_dump_acpi_of_a_bus(self):
        """A device puts a PCI bus into the tables, unless it is elsewhere."""
        for which, there in ((), True), (("--transport=pci-legacy",), True), \
                (("--transport=mmio",), False):
            folder = self.path("acpi" + "".join(which))
            r = self.vmm("run", "--dump-acpi=" + folder, "--rng", *which, "k")
            self.assertEqual((r.code, r.out, r.err), (OK, "", ""), r)
            self.assertEqual("mcfg.dat" in os.listdir(folder), there, which)
            with open(folder + "/dsdt.dat", "rb") as f:
                dsdt = f.read()
            self.assertEqual(b"PCI0" in dsdt, there, which)
            self.assertEqual(b"LNRO0005" in dsdt, not there, which)
        self.refused(USAGE, "'isa' is not valid: give pci, pci-legacy, mmio or",
                     "run", "--transport=isa", "k")

    def test_dump_fdt(self):
        path = self.path("fdt")
        r = self.vmm("run", "--dump-fdt=" + path, "--append=a b", "--cpus=3",
                     "--memory=6G", self.kernel)
        self.assertEqual((r.code, r.out), (OK, ""), r)
        if not shutil.which("dtc"):
            self.skipTest("no dtc (package device-tree-compiler)")
        p = subprocess.run(["dtc", "-I", "dtb", "-O", "dts", path],
                           capture_output=True, check=False)
        self.assertEqual((p.returncode, p.stderr), (0, b""))
        self.assertEqual(len(re.findall(rb"cpu@\d+ {", p.stdout)), 3)
        self.assertIn(b'bootargs = "a b"', p.stdout)

    def test_dumps_that_cannot_be_written(self):
        for place in "/proc/x", self.kernel + "/x", self.path("no/such"):
            with self.subTest(place):
                self.refused(HOST, f"dump {place}: .*give|make", "run",
                             "--dump-acpi=" + place, "k")
                self.refused(HOST, f"dump {place}: .*give", "run",
                             "--dump-fdt=" + place, self.kernel)
        self.refused(HOST, "dump /dev/full: .*No space", "run",
                     "--dump-fdt=/dev/full", self.kernel)

    def test_output_that_is_lost(self):
        """A command whose whole purpose is its output says so."""
        with open("/dev/full", "wb") as full:
            for words in (["help"], ["--version"], ["spectrum"],
                          ["run", "--help"], ["run", "--dump-config", "k"],
                          ["inspect", self.kernel], ["ps"]):
                with self.subTest(words):
                    r = self.vmm(*words, stdout=full)
                    self.assertEqual(r.code, HOST, r)
                    self.assertRegex(r.err, rf"\A{ERROR_LINE}\Z")
                    self.assertRegex(r.err, "standard output.*No space")

    def test_closed_descriptors(self):
        """Whichever of 0, 1 and 2 is closed: same end, no file harmed."""
        for shut in range(8):
            fds = [fd for fd in range(3) if shut >> fd & 1]
            with self.subTest(closed=fds):
                r = self.vmm("run", "--dump-config", "k",
                             preexec_fn=lambda fds=fds:
                                 [os.close(fd) for fd in fds])
                self.assertEqual(r.code, OK, r)
                r = self.vmm("run", "--memory=1", "k",
                             preexec_fn=lambda fds=fds:
                                 [os.close(fd) for fd in fds])
                self.assertEqual(r.code, USAGE, r)

    def test_broken_pipe(self):
        """`vmm help | head -1`: no message about it, and no core."""
        out, into = os.pipe()
        os.close(out)
        r = self.vmm("help", stdout=into, preexec_fn=lambda:
                     resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
        os.close(into)
        self.assertIn(r.code, (HOST, -13), r)

    # ---- the runtime directory and names ----

    def test_names(self):
        for name in ("-a", "a/b", "../x", "a b", "\u00e9", "x" * 65, "a\n",
                     "%s"):
            with self.subTest(name):
                self.refused(USAGE, "use 1 to 64 of A-Z", "run",
                             "--name=" + name, self.kernel)

    def test_runtime_directory_that_is_refused(self):
        os.mkdir(self.path("open"), 0o755)
        os.symlink(self.path("open"), self.path("link"))
        for place, pattern in ((self.kernel, "Not a directory"),
                               (self.path("no/such"), "No such file"),
                               (self.path("open"), "mode 755.*chmod 700"),
                               (self.path("link"), "Not a dir|symbolic"),
                               ("/proc/vmm", "No such file|Permission"),
                               (self.dir + "/" + "x" * 100,
                                "longer than the 107 bytes"),
                               (self.dir + "/" + "x" * 60,
                                "longer than the 107 bytes.*shorter")):
            with self.subTest(place):
                self.refused(HOST, pattern, "run", "--name=" + "n" * 60,
                             self.kernel,
                             env=dict(self.env, VMM_RUNTIME_DIR=place))


if __name__ == "__main__":
    vmmtest.main(needs_kvm=False)
