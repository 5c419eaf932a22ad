#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# man.sh VMM SOURCE_DIR [lint]: do the manual pages say what the program says?
#
# Options of `vmm run --help`, commands of `vmm help` and the numbers of
# include/vmm/exitcode.h must be in the pages, and the pages must have no
# others. With lint: do mandoc or groff find fault with a page? 77 if neither
# is installed.

set -eu -o pipefail
VMM=$1
MAN=$2/docs/man
bad=0

# same WHAT PROGRAM PAGE: two lists of words, one a line, must be one list.
same()
{
    local found
    [ -n "$2" ] || { echo "$1: the program lists none"; bad=1; return; }
    found=$(diff <(sort -u <<<"$2") <(sort -u <<<"$3")) || {
        echo "$1: < only the program has, > only the manual page has:"
        grep '^[<>]' <<<"$found"
        bad=1
    }
}

# items PAGE SECTION: the .It lines of a section of an mdoc page.
items()
{
    awk -v section="$2" '/^\.Sh / { on = $0 == ".Sh " section }
        on && /^\.It / { sub(/^\.It /, ""); print }' "$MAN/$1"
}

check_options()
{
    local program page
    program=$("$VMM" run --help | sed -n '/^options:/,$p' |
        grep -oE '^  (-[a-z], )?--[a-z-]+' | grep -oE -- '-[-a-z]+')
    page=$(items vmm-run.1 OPTIONS | grep -oE '\<Fl -?[a-z-]+' |
        sed 's/^Fl /-/')
    same "options of vmm run" "$program" "$page"
}

check_commands()
{
    local program page
    program=$("$VMM" help | sed -n '/^commands:/,/^$/p' |
        awk '/^  / { print $1 }')
    page=$(items vmm.1 DESCRIPTION | awk '$1 == "Cm" { print $2 }')
    same "commands" "$program" "$page"
}

check_exit_codes()
{
    local program page
    program=$(sed -nE 's/^ +VMM_EXIT_[A-Z]+ = ([0-9]+),.*/\1/p' \
        "$MAN/../../include/vmm/exitcode.h")
    page=$(items vmm-run.1 "EXIT STATUS")
    same "exit codes" "$program" "$page"
}

check_lint()
{
    local page
    for page in "$MAN"/*.[1-8]; do
        if command -v mandoc >/dev/null; then
            mandoc -T lint -W warning "$page" || bad=1
        elif command -v groff >/dev/null; then
            [ -z "$(groff -mandoc -Tutf8 -ww -z "$page" 2>&1 | tee /dev/stderr)" ] ||
                bad=1
        else
            echo "neither mandoc nor groff is installed"
            exit 77
        fi
    done
}

if [ "${3:-}" = lint ]; then
    check_lint
else
    check_options
    check_commands
    check_exit_codes
fi
exit $bad
