#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""driver.py VMM JOB: shows the rows of JOB, where there is a KVM.

matrix.py runs it, directly or in nested KVM. JOB is a JSON file: a list of
rows, each with its kind, name, images (paths), boots and what else the module
of that kind puts there. For each row every property is one line of output,
RESULT pass|fail NAME/PROPERTY SECONDS TEXT, written as soon as it is
known, so that a lost session loses nothing that was already shown. A failure
is followed by the console's end. BEAT lines meanwhile say that the machine
runs.
"""

import importlib
import json
import os
import sys
import threading
import time

BEAT_SECONDS = 5


def beat():
    """One line every few seconds, whatever the rows do."""
    while True:
        # Past sys.stdout's buffer: it cannot part a line of the rows.
        os.write(1, b"BEAT\n")
        time.sleep(BEAT_SECONDS)


def main():
    """Every row of the job, one after the other."""
    vmm, job = sys.argv[1:]
    with open(job, encoding="utf-8") as file:
        rows = json.load(file)
    threading.Thread(target=beat, daemon=True).start()
    for number, row in enumerate(rows):
        row["machine"] = f"linux{number}"
        importlib.import_module(row["kind"]).Row(vmm, row).show_all()


if __name__ == "__main__":
    main()
