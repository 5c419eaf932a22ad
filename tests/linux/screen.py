# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody in front of a PC: GRUB and a Debian by screen and keyboard alone.

No serial port leads anywhere. What is on the screen is read by `vmm screen`,
what is typed goes through `vmm sendkey`: GRUB's menu and its command line, the
login on the first virtual console, a picture of it, and the three fingers that
reboot. All of it is in the long set.
"""

import re
import time

import image
import row
from guest import Guest, GuestError

BIOS_SECONDS = 60
GRUB_SECONDS = 120
BOOT_SECONDS = 240
KEY_SECONDS = 15  # until a key is pressed again
ANSWER_SECONDS = 90

STEPS = ["menu", "choose", "prompt", "login", "type", "picture", "fingers",
         "unplug"]


def rows(long):
    """The row, its image by name."""
    if long:
        yield {
            "name": "linux/screen-grub",
            "boots": [STEPS],
            "seconds": 900,
            "images": {"disk": ("debian-12-grub", "image")},
        }


class Row(row.Row):
    """One PC with a disk, seen from its chair."""

    def screen(self):
        """What is on the screen now."""
        return self.tell("screen")

    def await_screen(self, pattern, seconds):
        """Waits until the screen shows a pattern; the match."""
        end = time.monotonic() + seconds
        while True:
            self.guest.listen(0.3)
            found = re.search(pattern, self.screen(), re.MULTILINE)
            if found:
                return found
            if time.monotonic() > end:
                lines = "|".join(filter(None, self.screen().splitlines()))
                raise GuestError(
                    f"no {pattern!r} on the screen in {seconds} s: "
                    f"{lines[-300:]}"
                )

    def menu(self):
        """By the BIOS to GRUB's menu; keys all the time stop its clock."""
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--mode=hvm",
                "--name=" + self.row["machine"],
                "--memory=512M",
                "--console=none",
                "--log=warn",
                f"--disk={self.row['images']['disk']},snapshot=on",
            ]
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.tell("status")
                break
            except GuestError:
                self.guest.listen(0.2)
        self.await_screen("^Booting from Hard Disk", BIOS_SECONDS)
        end = time.monotonic() + GRUB_SECONDS
        found, extra = None, 5
        while time.monotonic() < end and extra:
            # Up from the first entry leads nowhere, but stops the clock: if
            # it comes in the second that the menu waits for a key.
            self.tell("sendkey", "up")
            self.guest.listen(0.1)
            found = re.search("GNU GRUB +version [0-9.]+", self.screen())
            extra -= bool(found)
        if not found:
            raise GuestError(f"no menu in {GRUB_SECONDS} s")
        return found[0]

    def press_until(self, key, pattern):
        """Presses a key, and again, until the screen shows a pattern."""
        for _ in range(5):
            self.tell("sendkey", key)
            try:
                self.await_screen(pattern, KEY_SECONDS)
                return
            except GuestError:
                pass
        raise GuestError(f"no {pattern!r} by the key {key}")

    def choose(self):
        """The arrow keys move through the menu."""
        self.press_until("down", r"\*Debian, talking")
        self.press_until("down", r"\*Restart")
        self.press_until("up", r"\*Debian +")
        return "down, down, up"

    def prompt(self):
        """GRUB's command line echoes what is typed, and obeys."""
        self.tell("sendkey", "c")
        self.await_screen("^grub> *$", ANSWER_SECONDS)
        self.tell("sendkey", "--text", 'echo "Hello, Screen!"', "enter")
        self.await_screen("^Hello, Screen!$", ANSWER_SECONDS)
        self.tell("sendkey", "esc")
        self.await_screen(r"\*Debian", ANSWER_SECONDS)
        return "Hello, Screen!"

    def login(self):
        """The first entry boots to a login on the first virtual console."""
        self.press_until("up", r"\*Debian +")
        self.tell("sendkey", "enter")
        return self.await_screen(r"\S+ login: *$", BOOT_SECONDS)[0]

    def type(self):
        """A shell obeys what is typed, on all kinds of keys."""
        self.tell("sendkey", "--text", "root", "enter")
        self.await_screen(r"# *$", 60)
        self.tell(
            "sendkey", "--text", "clear; echo \"$((6*7))_{by}|<keys>~\"",
            "enter"
        )
        self.await_screen(r"^42_\{by\}\|<keys>~$", 60)
        return "42"

    def picture(self):
        """A PNG of it, with something to be seen."""
        path = image.path("screen.png")
        self.tell("screenshot", path)
        with open(path, "rb") as file:
            png = file.read()
        if png[:8] != b"\x89PNG\r\n\x1a\n" or len(png) < 500:
            raise GuestError(f"no picture: {png[:20]!r}")
        width, height = (int.from_bytes(png[at : at + 4], "big")
                         for at in (16, 20))
        return f"{width}x{height}"

    def fingers(self):
        """Ctrl-Alt-Delete reaches init, which reboots into GRUB."""
        self.tell("sendkey", "ctrl-alt-delete")
        self.await_screen("SeaBIOS|Booting from Hard Disk|GNU GRUB", 120)
        return "the BIOS again"

    def unplug(self):
        """vmm kill ends it."""
        self.tell("kill")
        status = self.guest.wait(30)
        if status != 4:
            raise GuestError(f"vmm ended with status {status}")
        return "status 4"
