# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# pc-image.sh: what a PC's BIOS boots by itself, made of images that are here
# already: a disk with GRUB in its MBR, and a CD-ROM.
#
# No loop device, no mount and no boot. The disk is a partition table, GRUB's
# two parts before the first partition, and the root file system of another
# image, as it is, in the partition; debugfs puts kernel, initramfs and GRUB's
# files in. GRUB's boot.img and diskboot.img expect the rest of GRUB from sector
# 1 on unless they are told otherwise, and that is where it is put, so nothing
# in them is patched.
#
# Needs common.sh.

GRUB=/usr/lib/grub/i386-pc
PC_PARTITION=2048 # the first sector of the partition, as fdisk would choose

# What GRUB must have before it can read its modules; the rest it loads.
PC_CORE=(biosdisk part_msdos ext2)
# What a menu on a serial port and a screen needs, and a person at the prompt.
PC_MODULES=(acpi all_video boot cat configfile cpuid date echo elf eval ext2
    gfxterm halt help iso9660 keystatus linux linux16 ls lsacpi lsmmap lspci
    memrw minicmd multiboot normal part_msdos probe read reboot relocator
    search search_label serial sleep terminal terminfo test true vbe vga
    vga_text video video_bochs video_fb)

# pc_inputs: what decides how such an image turns out, but for the images it is
# made of.
pc_inputs()
{
    cat "$ROOT"/scripts/lib/{pc-image.sh,guest-init,guest-modules.list} \
        "$ROOT"/scripts/lib/initramfs.sh
}

# pc_tools: says which package is missing.
pc_tools()
{
    local tool
    for tool in grub-mkimage grub-mkrescue xorriso debugfs; do
        PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null ||
            die "there is no $tool: scripts/install-deps test"
    done
    [ -s "$GRUB/boot.img" ] || die "there is no GRUB for a BIOS in $GRUB:" \
        "scripts/install-deps test"
}

# pc_menu KERNEL INITRD APPEND: GRUB's configuration on standard output. It
# talks on the first serial port and the screen, and waits a second.
pc_menu()
{
    cat <<MENU
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=1
set default=0
menuentry "Debian" {
    linux $1 $3 quiet
    initrd $2
}
menuentry "Debian, talking" {
    linux $1 $3
    initrd $2
}
menuentry "Restart" {
    reboot
}
menuentry "Power off" {
    halt
}
MENU
}

# le32 NUMBER: its four bytes.
le32()
{
    printf '%b' "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) \
        $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

# pc_mbr SECTORS CORE IMAGE: the sectors before the partition, which is
# SECTORS long, active and Linux's.
pc_mbr()
{
    local sectors=$1 core=$2 image=$3
    [ "$(stat -c %s "$core")" -le $(((PC_PARTITION - 1) * 512)) ] ||
        die "GRUB's core image does not fit before the partition"
    dd if="$GRUB/boot.img" of="$image" bs=446 count=1 conv=notrunc status=none
    # Disk identifier; then flags, CHS (none: LBA), type, first, length.
    { le32 0x5f1c7a52; printf '\0\0\x80\xfe\xff\xff\x83\xfe\xff\xff'
      le32 $PC_PARTITION; le32 "$sectors"; } |
        dd of="$image" bs=1 seek=440 conv=notrunc status=none
    printf '\x55\xaa' | dd of="$image" bs=1 seek=510 conv=notrunc status=none
    dd if="$core" of="$image" bs=512 seek=1 conv=notrunc status=none
}

# pc_boot_files ROOTFS KERNEL INITRD WORK: what GRUB reads, into ROOTFS.
pc_boot_files()
{
    local rootfs=$1 work=$4 module
    {
        echo "mkdir /boot/grub"
        echo "mkdir /boot/grub/i386-pc"
        echo "write $2 /boot/vmlinuz"
        echo "write $3 /boot/initrd.img"
        echo "write $work/grub.cfg /boot/grub/grub.cfg"
        for module in "$GRUB"/*.lst "${work}"/modules/*.mod; do
            echo "write $module /boot/grub/i386-pc/$(basename "$module")"
        done
    } >"$work/commands"
    debugfs -w -f "$work/commands" "$rootfs" >"$work/log" 2>&1
    # debugfs says what went wrong and goes on.
    if grep -vE '^(debugfs|Allocated inode)' "$work/log" >&2; then
        die "cannot put GRUB's files into the disk"
    fi
    e2fsck -fp "$rootfs" >&2 || die "the disk's file system is damaged"
}

# pc_pick_modules DIR: the modules and all they depend on.
pc_pick_modules()
{
    local todo=("${PC_MODULES[@]}") name need
    mkdir -p "$1"
    while [ ${#todo[@]} -gt 0 ]; do
        name=${todo[0]} todo=("${todo[@]:1}")
        [ ! -e "$1/$name.mod" ] || continue
        cp "$GRUB/$name.mod" "$1/"
        # shellcheck disable=SC2013 # words are wanted
        for need in $(sed -n "s/^$name://p" "$GRUB/moddep.lst"); do
            todo+=("$need")
        done
    done
}

# pc_disk NEW ROOTFS KERNEL INITRD: the image in NEW.
pc_disk()
{
    local new=$1 rootfs=$2 kernel=$3 initrd=$4 sectors
    pc_tools
    say "making the disk"
    mkdir "$new/parts"
    cp --sparse=always "$rootfs" "$new/parts/rootfs"
    gzip -9n <"$initrd" >"$new/parts/initrd"
    pc_menu /boot/vmlinuz /boot/initrd.img "root=LABEL=debian ro \
console=tty0 console=ttyS0" >"$new/parts/grub.cfg"
    pc_pick_modules "$new/parts/modules"
    pc_boot_files "$new/parts/rootfs" "$kernel" "$new/parts/initrd" "$new/parts"
    grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' \
        -o "$new/parts/core" "${PC_CORE[@]}"
    sectors=$(($(stat -c %s "$new/parts/rootfs") / 512))
    truncate -s $(((PC_PARTITION + sectors) * 512)) "$new/image"
    pc_mbr "$sectors" "$new/parts/core" "$new/image"
    dd if="$new/parts/rootfs" of="$new/image" bs=1M \
        seek=$((PC_PARTITION * 512 / 1048576)) conv=sparse,notrunc status=none
    rm -rf "$new/parts"
}

# pc_iso NEW KERNEL INITRD: a CD-ROM as installers have it: El Torito without
# emulation, GRUB, a kernel, and all else in the initramfs.
pc_iso()
{
    local new=$1 boot=$1/parts/boot
    pc_tools
    say "making the CD-ROM"
    mkdir -p "$boot/grub"
    cp "$2" "$boot/vmlinuz"
    gzip -9n <"$3" >"$boot/initrd.img"
    pc_menu /boot/vmlinuz /boot/initrd.img "console=tty0 console=ttyS0" \
        >"$boot/grub/grub.cfg"
    grub-mkrescue -d "$GRUB" --fonts= --locales= --themes= \
        --install-modules="${PC_MODULES[*]}" -o "$new/image" "$new/parts" \
        -- -volid VMMISO >"$new/log" 2>&1 || {
        cat "$new/log" >&2
        die "grub-mkrescue failed"
    }
    rm -rf "$new/parts" "$new/log"
}
