# SPDX-License-Identifier: GPL-2.0-or-later
"""Clocks of a PC: each of Linux's clock sources keeps the host's time.

A row boots a kernel, has it take one clock source after the other, and compares
what passes on the guest's clock with what passes on the host's, over a minute.
A look at the guest's clock is a line typed and a line read; it is good to half
of what that takes, and is taken again until that is little. The ticks of the
8254, counted and nothing else, are a row of their own. All of it is in the long
set.
"""

import time

import row
from guest import Guest, GuestError

BOOT_SECONDS = 180
WATCH_SECONDS = 60
DRIFT = 0.001
CLOSE = 0.015  # seconds: a good look at the guest's clock
LOOKS = 100
RESOLUTION = 0.01  # of /proc/uptime

# An emulated host's counter is not called stable; that it is, is to be shown.
TSC = "tsc=reliable"
# Neither HPET nor local APIC timer nor anything to read: ticks alone. With a
# TSC deadline timer Linux would leave the 8254 off even so, and have no ticks.
TICKS = ("clocksource=jiffies hpet=disable nolapic_timer "
         "lapic=notscdeadline highres=off nohz=off")

# name, kernel command line, clock sources
ROWS = [
    ("read", TSC, ["kvm-clock", "tsc", "hpet", "acpi_pm"]),
    ("ticks", TICKS, ["jiffies"]),
]


def rows(long):
    """The rows, their images by name."""
    for name, append, sources in ROWS if long else []:
        yield {
            "name": f"linux/clock-{name}",
            "boots": [["boot"] + [f"clock-{s}" for s in sources]
                      + ["poweroff"]],
            "seconds": 400 + 120 * len(sources),
            "images": {
                "kernel": ("debian-6.1", "bzimage"),
                "initrd": ("debian-6.1", "initramfs"),
            },
            "append": append,
        }


class Row(row.Row):
    """One PC and its clocks."""

    step = ""

    def attempt(self, step):
        """What is behind the dash is the method's to know."""
        self.step = step
        return super().attempt(step)

    def boot(self):
        """init runs and the shell answers."""
        self.guest = Guest(
            [
                self.vmm,
                "run",
                "--mode=hvm",
                "--name=" + self.row["machine"],
                "--memory=256M",
                "--log=warn",
                "--initrd=" + self.row["images"]["initrd"],
                "--append=console=ttyS0 quiet " + self.row["append"],
                self.row["images"]["kernel"],
            ]
        )
        return self.guest.login(BOOT_SECONDS).group(1).decode()

    def look(self):
        """The guest's time, the host's, and how far either may be off: the
        best of some tries."""
        best = None
        for _ in range(LOOKS):
            begin = time.monotonic()
            guest = float(self.guest.run("read t _ </proc/uptime; echo $t"))
            end = time.monotonic()
            if not best or (end - begin) / 2 < best[0]:
                best = (end - begin) / 2, guest, (begin + end) / 2
            if best[0] < CLOSE:
                break
        return best[1], best[2], best[0]

    def clock(self):
        """One of the guest's clocks is as fast as the host's."""
        name = self.step.partition("-")[2]
        where = "/sys/devices/system/clocksource/clocksource0/"
        current = where + "current_clocksource"
        self.guest.run(
            f"[ $(cat {current}) = {name} ] || echo {name} >{current}"
        )
        if self.guest.run("cat " + current).decode().strip() != name:
            raise GuestError("the guest does not take it")
        guest, host, error = self.look()
        time.sleep(WATCH_SECONDS)
        guest2, host2, error2 = self.look()
        passed, slack = host2 - host, error + error2 + RESOLUTION
        drift = guest2 - guest - passed
        said = (f"{drift * 1000:+.0f} ms in {passed:.1f} s, give or take "
                f"{slack * 1000:.0f}")
        if slack > DRIFT * passed:
            raise GuestError(f"too busy a machine to tell: {said}")
        if abs(drift) > DRIFT * passed + slack:
            raise GuestError(said)
        return said
