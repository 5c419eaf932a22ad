# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# rows.sh: results of tests, one line each, the same from every script:
#
#   pass|fail|skip NAME SECONDS TEXT
#
# Lines with "# " before them are progress and details. scripts/test counts
# the rows; whoever runs a part by hand reads them. Needs common.sh.

# row NAME COMMAND...: a row out of a command's status. Its last line becomes
# the row's text; when it fails, all of its output is shown before.
row()
{
    local name=$1 log begin verdict=pass text
    shift
    log=$(mktemp)
    begin=$(date +%s%N)
    "$@" >"$log" 2>&1 </dev/null || verdict=fail
    text=$(tail -n 1 "$log" | cut -c1-100)
    if [ "$verdict" = fail ]; then
        tail -n 200 "$log" | sed 's/^/#   /'
        text="see above"
    fi
    echo "$verdict $name $(since "$begin") $text"
    rm -f "$log"
    [ "$verdict" = pass ]
}

# since NANOSECONDS: seconds gone since then, with one digit.
since()
{
    local tenths=$((($(date +%s%N) - $1) / 100000000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

# skip_row NAME TEXT...: why a row was not run.
skip_row()
{
    local name=$1
    shift
    printf 'skip %s 0 %s\n' "$name" "$*"
}
