#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# unit_file.sh UNIT: is the service unit one that systemd takes as it is?
set -eu

if ! command -v systemd-analyze >/dev/null; then
    echo "SKIP: no systemd-analyze on this machine (package systemd)"
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# verify wants the program in its place, and vmm is not installed yet.
sed -E 's,^(Exec[A-Za-z]+=-?)[^ ]+,\1/bin/true,' "$1" >"$dir/vmm@.service"
out=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
    "$dir/vmm@test.service" 2>&1) || {
    echo "$out"
    echo "FAIL: systemd-analyze verify"
    exit 1
}
# Units of the machine itself may be complained about; ours may not.
if echo "$out" | grep -F "vmm@"; then
    echo "FAIL: complaints about the unit"
    exit 1
fi
# A key that systemd does not know is a complaint, as the next lines prove.
sed 's/^Type=.*/Tyqe=notify/' "$dir/vmm@.service" >"$dir/bad@.service"
SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
    "$dir/bad@test.service" 2>&1 | grep -q "Tyqe" || {
    echo "FAIL: a wrong key goes unseen"
    exit 1
}
echo "OK"
