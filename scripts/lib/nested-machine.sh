# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# nested-machine.sh: the machine of nested-kvm, as a QEMU command line and as a
# saved state. QEMU's software CPU offers AMD SVM with nested paging; in it runs
# a Debian kernel with a complete KVM.
#
# The state is what makes a run quick. RAM is a file mapped shared while the
# machine boots, and x-ignore-shared keeps it out of the migration stream, which
# then holds devices only. A run maps the file private: copy on write, so that
# runs side by side share it and none can harm it. The state's name is a hash
# of all it depends on.
#
# Needs common.sh and initramfs.sh. Uses the variables that nested-kvm's options
# set: CPUS MEMORY KERNEL ICOUNT WRITABLE REBUILD, and WORK, its own directory.

STATES=$CACHE/nested
# Features whose emulation costs more than it gives, or that KVM would use.
CPU_MODEL=EPYC-v1,+svm,+npt,-rdseed,-sha-ni,-fxsr-opt,-misalignsse
CPU_MODEL+=,-3dnowprefetch,-osvw,-topoext,-nrip-save,-xsavec
KERNEL_LINE="console=ttyS0 panic=-1 quiet mitigations=off nokaslr"
KERNEL_LINE+=" no_timer_check tsc=reliable rcupdate.rcu_expedited=1 audit=0"
KERNEL_LINE+=" selinux=0 apparmor=0"

# machine_files: sets QEMU, KERNEL_TREE and INITRAMFS, getting what is missing.
machine_files()
{
    local images=$ROOT/scripts/guest-images lib=$ROOT/scripts/lib tree busybox
    local stamp
    tree=$("$images" path qemu)
    QEMU=("$tree/usr/bin/qemu-system-x86_64" -L "$tree/usr/share/qemu"
        -L "$tree/usr/share/seabios")
    if ldd "${QEMU[0]}" 2>&1 | grep -q 'not found'; then
        say "the newer QEMU lacks libraries here: using the system's"
        QEMU=(qemu-system-x86_64)
    fi
    command -v "${QEMU[0]}" >/dev/null || die "no qemu-system-x86_64:" \
        "run scripts/install-deps boot"
    KERNEL_TREE=$("$images" path "debian-$KERNEL" root)
    busybox=$("$images" path busybox)/bin/busybox
    stamp=$(cat "$lib"/{l1-init,l1-modules.list,initramfs.sh} \
        "$KERNEL_TREE/stamp" | sha256sum | cut -c1-12)
    mkdir -p "$STATES"
    INITRAMFS=$STATES/initramfs-$stamp.cpio
    [ -s "$INITRAMFS" ] || make_initramfs "$busybox" "$lib/l1-init" \
        "$KERNEL_TREE" "$lib/l1-modules.list" "$INITRAMFS"
}

# machine_line: sets MACHINE to the command line, without RAM. One line for all
# uses, since a state fits only the machine it was saved from.
machine_line()
{
    local accel=tcg,thread=multi clock=() port
    if [ -n "$ICOUNT" ]; then
        accel=tcg,thread=single
        clock=(-icount "shift=0,align=off,sleep=off")
    fi
    # shellcheck disable=SC2054 # the commas are QEMU's
    MACHINE=("${QEMU[@]}" -accel "$accel" ${clock[@]+"${clock[@]}"}
        -machine q35,memory-backend=ram -cpu "$CPU_MODEL" -smp "$CPUS"
        -m "$MEMORY" -nodefaults -no-user-config -display none -no-reboot
        -kernel "$KERNEL_TREE/bzimage" -initrd "$INITRAMFS"
        -append "$KERNEL_LINE"
        -chardev "file,id=log,path=$WORK/log" -serial chardev:log
        -chardev "pipe,id=monitor,path=$WORK/monitor"
        -mon "chardev=monitor,mode=control" -device virtio-serial-pci)
    for port in control output input; do
        MACHINE+=(-chardev "pipe,id=$port,path=$WORK/$port"
            -device "virtserialport,chardev=$port,name=$port")
    done
    # shellcheck disable=SC2054
    MACHINE+=(
        -fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
        -device virtio-9p-pci,fsdev=host,mount_tag=host
        -fsdev "local,id=writable,path=${WRITABLE:-$WORK},security_model=none,multidevs=remap"
        -device virtio-9p-pci,fsdev=writable,mount_tag=writable)
}

# machine_start ARGUMENT...: runs it in the background as process MACHINE_PID;
# it dies with this script, however that ends.
machine_start()
{
    setpriv --pdeathsig KILL "${MACHINE[@]}" "$@" 2>"$WORK/errors" \
        4>&- 5>&- 6>&- 7>&- 9>&- &
    MACHINE_PID=$!
}

# machine_kill: ends it at once, if it still runs.
machine_kill()
{
    [ -n "$MACHINE_PID" ] || return 0
    kill -KILL "$MACHINE_PID" 2>/dev/null || :
    wait "$MACHINE_PID" 2>/dev/null || :
    MACHINE_PID=
}

machine_alive()
{
    kill -0 "$MACHINE_PID" 2>/dev/null
}

# machine_blame TEXT: what the machine itself had to say.
machine_blame()
{
    { cat "$WORK/errors"; tail -n 20 "$WORK/log" 2>/dev/null; } >&2 || :
    DIE_STATUS=125 die "$1"
}

# ram FILE SHARE: the argument that makes FILE the machine's RAM.
ram()
{
    echo "memory-backend-file,id=ram,size=${MEMORY}M,mem-path=$1,share=$2"
}

# monitor COMMAND [ARGUMENTS]: tells QEMU; the answers are read from fd 7.
monitor()
{
    printf '{"execute":"%s"%s}\n' "$1" "${2:+,\"arguments\":$2}" >&6
}

# monitor_begin: what both saving and restoring say first.
monitor_begin()
{
    monitor qmp_capabilities
    monitor migrate-set-capabilities \
        '{"capabilities":[{"capability":"x-ignore-shared","state":true}]}'
}

# wait_ready: until L1 waits in its read, 300 seconds at most.
wait_ready()
{
    local turn
    for ((turn = 0; turn < 3000; turn++)); do
        ! grep -qs L1-READY "$WORK/log" || return 0
        machine_alive || machine_blame "the nested machine did not boot"
        sleep 0.1
    done
    machine_blame "the nested machine is not ready after 300 s"
}

# wait_saved: until the migration has ended, 60 seconds at most.
wait_saved()
{
    local turn line
    for ((turn = 0; turn < 300; turn++)); do
        monitor query-migrate
        while read -r -t 0.2 line <&7; do
            case $line in
            *'"status": "completed"'*) return ;;
            *'"status": "failed"'*) machine_blame "state not saved: $line" ;;
            esac
        done
    done
    machine_blame "the machine's state was not saved in 60 s"
}

# state_make STATE: boots the machine and saves it. The lock is held.
state_make()
{
    say "booting the nested machine once to save its state (about 20 s)"
    rm -f "$1".{ram,state}*
    truncate -s "${MEMORY}M" "$1.ram.part"
    machine_start -object "$(ram "$1.ram.part" on)"
    wait_ready
    # Let what init started settle; a state saved busy wakes up busy.
    sleep 1
    monitor_begin
    monitor migrate "{\"uri\":\"exec:cat >$1.state.part\"}"
    wait_saved
    monitor quit
    wait "$MACHINE_PID" || :
    MACHINE_PID=
    mv "$1.ram.part" "$1.ram"
    mv "$1.state.part" "$1.state"
    rm -f "$WORK/log"
}

# states_prune: forgets states that no run has used for a week.
states_prune()
{
    local lock
    find "$STATES" -name '*.lock' -mtime +7 | while read -r lock; do
        flock -xn "$lock" rm -f "${lock%.lock}".{ram,state} "$lock" || :
    done
}

# state_ready: sets STATE to a saved state of MACHINE, made first if there is
# none, and keeps it locked (fd 9, shared) for the life of this script.
state_ready()
{
    local key
    # WORK and WRITABLE differ from run to run and are no part of the state.
    key=$(printf '%s\n' "${MACHINE[@]//"$WORK"/}" |
        sed "s|path=${WRITABLE:-$WORK},|path=,|" |
        cat - "$KERNEL_TREE/stamp" | sha256sum | cut -c1-16)
    STATE=$STATES/$key
    exec 9>>"$STATE.lock"
    flock -s 9
    # Runs that share a state must not wait for each other to end: only who
    # makes one locks the others out, and looks again once it has the lock.
    if [ -n "$REBUILD" ] || [ ! -s "$STATE.state" ]; then
        flock 9
        [ -z "$REBUILD" ] || rm -f "$STATE.state"
        [ -s "$STATE.state" ] || { states_prune; state_make "$STATE"; }
        flock -s 9
    fi
    touch "$STATE.lock"
}
