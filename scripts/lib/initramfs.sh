# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# initramfs.sh: small initramfs images of a static busybox, an init script and
# a few modules of one kernel. Needs common.sh.

# pack_module ROOT VERSION MODULE DEST: the module with what it depends on,
# uncompressed since the small loaders know no compression. A module that is
# built in, or that this kernel lacks, is no error.
pack_module()
{
    local root=$1 version=$2 dest=$4 verb file _ to
    modprobe -q -d "$root" -S "$version" --show-depends "$3" 2>/dev/null |
        while read -r verb file _; do
            [ "$verb" = insmod ] || continue
            to=$dest/lib/modules/$version/${file#*/"$version"/}
            mkdir -p "${to%/*}"
            case $file in
            *.xz) xz -dc "$file" >"${to%.xz}" ;;
            *.zst) zstd -dcq "$file" >"${to%.zst}" ;;
            *) cp "$file" "$to" ;;
            esac
        done || :
}

# make_initramfs BUSYBOX INIT ROOT LIST OUT: ROOT is a kernel's tree with
# lib/modules/VERSION below it, LIST names modules (/modules in OUT). OUT is an uncompressed
# cpio archive with the same bytes for the same input.
make_initramfs()
{
    local busybox=$1 init=$2 root=$3 list=$4 out=$5 version work name
    version=$(basename "$root"/lib/modules/*)
    work=$(mktemp -d "$out.XXXXXX")
    mkdir -p "$work"/{bin,dev,proc,sys,mnt,"lib/modules/$version"}
    cp "$busybox" "$work/bin/busybox"
    "$busybox" --list | while read -r name; do
        [ "$name" = busybox ] || ln -s busybox "$work/bin/$name"
    done
    list_rows "$list" >"$work/modules"
    cp "$init" "$work/init"
    chmod 755 "$work/init"
    cp "$root/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} \
        "$work/lib/modules/$version/"
    while read -r name; do
        pack_module "$root" "$version" "$name" "$work"
    done < <(list_rows "$list")
    # Both forms: busybox reads the text, kmod in a root file system the index.
    depmod -b "$work" "$version"
    find "$work" -exec touch -h -d @0 {} +
    (cd "$work" && find . -print0 | LC_ALL=C sort -z |
        cpio -0 -o -H newc -R 0:0 --reproducible --quiet) >"$out.part"
    rm -rf "$work"
    mv "$out.part" "$out"
}
