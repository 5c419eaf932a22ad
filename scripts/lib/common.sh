# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# common.sh: what every script here shares. Sourced, never run; sets ROOT (the
# tree this script stands in) and CACHE (what was fetched or made once and can
# be made again: removing it is always safe), and changes nothing else.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
ME=${0##*/}
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
CACHE=${VMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmm}

# say TEXT...: one line of progress; standard output stays for results.
say()
{
    printf '%s: %s\n' "$ME" "$*" >&2
}

# die TEXT...: the reason, once, and out.
die()
{
    say "$*"
    exit "${DIE_STATUS:-1}"
}

# usage: the comment at the top of the running script is its help text.
usage()
{
    sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
}

# list_rows FILE: the rows of a list file, without comments and blank lines.
list_rows()
{
    sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' "$1"
}

# real_kvm: true when the CPU offers what KVM needs to run any guest.
real_kvm()
{
    [ -w /dev/kvm ] && grep -qwE '^flags.*(vmx|svm)' /proc/cpuinfo
}

# kvm_words: the same as a sentence, for the reader.
kvm_words()
{
    if real_kvm; then
        echo "native KVM: the CPU has VMX or SVM and /dev/kvm is usable"
    elif [ -w /dev/kvm ]; then
        echo "nested KVM: /dev/kvm is here but the CPU shows neither" \
            "vmx nor svm, so stock kernels cannot run on it directly"
    else
        echo "nested KVM: no usable /dev/kvm on this machine"
    fi
}
