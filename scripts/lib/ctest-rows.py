#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctest-rows.py JUNIT [REPEATED]: the results of a ctest run as rows (rows.sh).

REPEATED has the results of a second run of what failed: those count. What the
first run said is printed all the same.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


def cases(path):
    """The tests of a file of results; none if ctest did not get so far."""
    if not os.path.exists(path) or not os.path.getsize(path):
        return []
    return list(ElementTree.parse(path).getroot().iter("testcase"))


def show(case):
    """What a failed test printed, its end."""
    for line in (case.findtext("system-out") or "").splitlines()[-60:]:
        print(f"#   {line}")


def failed(case):
    """Did it run, and fail?"""
    return case.find("failure") is not None or case.get("status") == "fail"


def row(case, again):
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
    elif failed(case):
        verdict = "fail"
        show(case)
        failure = case.find("failure")
        text = failure.get("message", "") if failure is not None else ""
    else:
        verdict = "pass"
    if again:
        text = f"{text} (second try)".lstrip()
    return f"{verdict} {name} {seconds:.1f} {text[:100]}".rstrip()


def main():
    """Every test of the file, in its order."""
    second = {}
    if len(sys.argv) > 2:
        second = {case.get("name"): case for case in cases(sys.argv[2])}
    for case in cases(sys.argv[1]):
        again = second.get(case.get("name")) if failed(case) else None
        if again is None:
            print(row(case, False))
            continue
        print(f"# failed, and was repeated: {case.get('name')}")
        show(case)
        print(row(again, True))


if __name__ == "__main__":
    main()
