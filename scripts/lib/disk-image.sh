# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# disk-image.sh: a Debian root file system in a raw disk image, out of packages
# alone. mmdebstrap unpacks and configures them in a directory, what disk-root
# holds is laid over it, and mke2fs makes the file system of the directory: no
# loop device and no mount. The file system fills the disk, without partitions,
# so that a guest calls it vda or xvda; its label is "debian".
#
# Needs common.sh and apt.sh. Needs root, as the files belong to many users.

DISK_SIZE=1G
# Fixed, for root=UUID= in a command line that is kept.
DISK_UUID=5f1c7a52-7d0c-4f3b-9a55-2d6b9ed0c001
DISK_ROOT=$ROOT/scripts/lib/disk-root
# What an image for tests does without; licences stay.
DISK_WITHOUT=('/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*'
    '/usr/share/doc/*' '/usr/share/gtk-doc/*' '/usr/share/lintian/*'
    '/usr/lib/python3/dist-packages/*' '/usr/share/X11/*')

# disk_inputs PACKAGE...: a hash of what decides how the image turns out, but
# for the versions of the packages: an image is not made anew for these.
disk_inputs()
{
    { printf '%s\n' "$@"
      cd "$DISK_ROOT" && find . -type f | LC_ALL=C sort | xargs cat
      cat "$ROOT/scripts/lib/disk-image.sh"; } | sha256sum | cut -c1-16
}

# disk_fetch SUITE DEBS PACKAGE...: the packages with all they need in DEBS. A
# run that was cut off goes on where it was; apt verifies what it finds there.
disk_fetch()
{
    local suite=$1 debs=$2
    shift 2
    suite_update "$suite"
    mkdir -p "$debs/partial"
    : >"$debs/status"
    APT+=(-o "Dir::Cache::archives=$debs" -o "Dir::State::status=$debs/status")
    say "fetching packages for the disk ($suite)"
    apt-get "${APT[@]}" install -y --no-install-recommends --download-only \
        '?essential' "$@" >&2 ||
        die "cannot fetch the packages: run the command again to continue"
}

# disk_tree SUITE DEBS TREE PACKAGE...: the root file system as a directory.
disk_tree()
{
    local suite=$1 debs=$2 tree=$3 path options=()
    shift 3
    for path in "${DISK_WITHOUT[@]}"; do
        options+=("--dpkgopt=path-exclude=$path")
    done
    say "unpacking and configuring $(find "$debs" -name '*.deb' | wc -l)" \
        "packages"
    # The hook gives apt the files that are here already.
    mmdebstrap --quiet --mode=root --variant=essential --format=directory \
        --include="$(IFS=,; echo "$*")" \
        --dpkgopt=force-unsafe-io "${options[@]}" \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --setup-hook="mkdir -p \"\$1\"/var/cache/apt/archives" \
        --setup-hook="cp '$debs'/*.deb \"\$1\"/var/cache/apt/archives/" \
        "$suite" "$tree" "$CACHE/apt/$suite/sources.list" >&2
}

# disk_dress TREE: our few files, and a root who needs no password.
disk_dress()
{
    local tree=$1
    cp -r --preserve=mode,links "$DISK_ROOT/." "$tree/"
    echo debian >"$tree/etc/hostname"
    : >"$tree/etc/machine-id"
    : >"$tree/etc/motd"
    mkdir -p "$tree"/{usr/lib/modules,etc/inittab.d}
    chroot "$tree" passwd -q -d root
    rm -rf "$tree"/var/{cache/apt,lib/apt/lists,log}/*
}

# disk_file TREE IMAGE: the image, sparse.
disk_file()
{
    say "making the file system"
    rm -f "$2"
    mke2fs -q -t ext4 -L debian -U "$DISK_UUID" \
        -E "hash_seed=$DISK_UUID,lazy_itable_init=0,lazy_journal_init=0" \
        -O ^orphan_file,^metadata_csum_seed -J size=16 -m 1 -d "$1" \
        "$2" "$DISK_SIZE" >&2
}
