# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# apt.sh: Debian packages by name, from a suite that the machine itself need
# not use. Each suite has an apt state of its own below the cache; nothing of
# the machine's apt is changed. The mirror is the one the machine's own apt
# already uses, and apt verifies signature and SHA-256 as always.
#
# Needs common.sh. Callers hold no lock of apt's.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# mirror: where this machine gets Debian itself from.
# shellcheck disable=SC2016 # the format is apt's, not the shell's
mirror()
{
    local rows format='$(REPO_URI) $(ORIGIN) $(COMPONENT)'
    rows=$(apt-get indextargets --format "$format" 'Created-By: Packages' \
        2>/dev/null)
    if [ -z "$rows" ]; then
        say "no package lists yet: apt-get update"
        apt-get -qq update >&2 || die "apt-get update failed: is there a net?"
        rows=$(apt-get indextargets --format "$format" 'Created-By: Packages')
    fi
    # The security archive has another layout and no backports.
    awk '$2 == "Debian" && $3 == "main" && $1 !~ /security/ {
        print $1; exit }' <<<"$rows"
}

# suite_apt SUITE: sets APT to the options that select the suite's state.
suite_apt()
{
    local state=$CACHE/apt/$1 uri
    mkdir -p "$state"/{lists/partial,cache/archives/partial}
    if [ ! -s "$state/sources.list" ]; then
        uri=$(mirror)
        [ -n "$uri" ] || die "no Debian mirror in the apt configuration of" \
            "this machine: add one to /etc/apt and run apt-get update"
        echo "deb [signed-by=$KEYRING] $uri $1 main" >"$state/sources.list"
    fi
    APT=(-qq -o "Dir::Etc::SourceList=$state/sources.list"
        -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$state/lists"
        -o "Dir::Cache=$state/cache" -o APT::Sandbox::User=root)
}

# suite_update SUITE [now]: fresh lists, when there are none, when they are
# older than a day, or now.
suite_update()
{
    local state=$CACHE/apt/$1
    suite_apt "$1"
    [ "${2:-}" != now ] && [ -n "$(find "$state/updated" -mtime -1 \
        2>/dev/null)" ] && return
    say "reading the package lists of $1"
    if ! apt-get "${APT[@]}" update >&2; then
        # The mirror may have moved since the list was written.
        rm -f "$state/sources.list"
        suite_apt "$1"
        apt-get "${APT[@]}" update >&2 || die "cannot read the lists of $1:" \
            "check the network and /etc/apt"
    fi
    touch "$state/updated"
}

# suite_depends SUITE PACKAGE PREFIX: the dependency of a metapackage that
# begins with PREFIX, or PACKAGE itself when there is none.
suite_depends()
{
    local name
    suite_apt "$1"
    name=$(apt-cache "${APT[@]}" depends "$2" |
        sed -n "s/^ *Depends: \($3[^ ]*\).*/\1/p" | head -n 1)
    echo "${name:-$2}"
}

# suite_fetch SUITE DIR PACKAGE...: the packages' files in DIR. A download that
# was cut off is continued: apt keeps its part in DIR.
suite_fetch()
{
    local suite=$1 dir=$2
    shift 2
    mkdir -p "$dir"
    suite_update "$suite"
    say "fetching $* ($suite)"
    (cd "$dir" && apt-get "${APT[@]}" download "$@" >&2) && return
    # Yesterday's lists may name a version that is gone.
    suite_update "$suite" now
    (cd "$dir" && apt-get "${APT[@]}" download "$@" >&2) ||
        die "cannot fetch $*: run the command again to continue"
}
