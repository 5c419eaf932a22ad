#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctest-rows.py JUNIT: the results of a ctest run as rows (rows.sh)."""

import sys
import xml.etree.ElementTree as ElementTree


def row(case):
    """One test of ctest: its verdict and what a reader wants beside it."""
    name, status = case.get("name"), case.get("status")
    seconds = float(case.get("time", "0"))
    text = ""
    if case.find("skipped") is not None or status in ("notrun", "disabled"):
        verdict, found = "skip", case.find("skipped")
        text = found.get("message", "") if found is not None else status
        said = (case.findtext("system-out") or "").strip().splitlines()
        text = said[-1] if said and status != "disabled" else text
        # A test whose program is missing was not skipped by anyone.
        if "not found" in text.lower() or "unable to find" in text.lower():
            verdict = "fail"
    elif case.find("failure") is not None or status == "fail":
        verdict = "fail"
        for line in (case.findtext("system-out") or "").splitlines()[-60:]:
            print(f"#   {line}")
        failure = case.find("failure")
        text = failure.get("message", "") if failure is not None else ""
    else:
        verdict = "pass"
    return f"{verdict} {name} {seconds:.1f} {text[:100]}".rstrip()


def main():
    """Every test of the file, in its order."""
    for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        print(row(case))


if __name__ == "__main__":
    main()
