#!/usr/bin/env bash
# zerocat in a virtual machine with a PREEMPT_RT kernel and a NIC whose driver does AF_XDP zero-copy, against the
# simulated segment on this machine.
#
#   scripts/rt-vm.sh [--arch x86_64|aarch64] [--nic igb|virtio] [--cycles N] [--clocks] [--busy-poll] [--json FILE]
#                    [--cache DIR] [--binary FILE] [--sim FILE] [--verbose]
#
# It tests function, not time: the machine is emulated. Debian's packages of QEMU and of the kernel are downloaded into
# the cache (about 150 MB, kept; by default zerocat/rt-vm in $XDG_CACHE_HOME or ~/.cache), unpacked there and installed
# nowhere. It needs no root and no network namespace: the guest's NIC is a pair of UNIX sockets. Asserted: PREEMPT_RT; a
# zero-copy bind read back from the kernel, and that the driver's zero-copy functions ran and the copying one didn't;
# SCHED_FIFO on an isolated CPU; locked memory; OP; the cycles asked for, with inputs and outputs; a cable pulled while it
# runs and put back ends in OP again; `zerocat tune` before and its `--restore` after, with nothing left of either; with
# --busy-poll that it is noticed that these NICs would send nothing with it; with --clocks that the servo has SYNC0, frames are at
# their phase and clocks settled, also after the cable. docs/rt-vm.md has more.
#
# --binary is the zerocat of the guest, --sim the one that serves the segment here; without them both are built, for aarch64
# by scripts/aarch64.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

arch=x86_64 nic=igb cycles=5000 busy_poll=off clocks=off json='' binary='' sim_binary='' verbose=no
cache=${XDG_CACHE_HOME:-${HOME:-target}/.cache}/zerocat/rt-vm
while [ $# -gt 0 ]; do
    case "$1" in
    --arch) arch=${2:?}; shift ;;
    --nic) nic=${2:?}; shift ;;
    --cycles) cycles=${2:?}; shift ;;
    --busy-poll) busy_poll=on ;;
    --clocks) clocks=on ;;
    --json) json=${2:?}; shift ;;
    --cache) cache=${2:?}; shift ;;
    --binary) binary=$(realpath "${2:?}"); shift ;;
    --sim) sim_binary=$(realpath "${2:?}"); shift ;;
    --verbose) verbose=yes ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) echo "rt-vm.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    esac
    shift
done
say() { echo "rt-vm: $*"; }
fail() { echo "rt-vm: $*" >&2; exit 1; }
for tool in python3 apt-get dpkg-deb flock timeout; do
    command -v $tool >/dev/null || fail "$tool is missing: apt install python3 apt dpkg util-linux coreutils"
done

case "$nic" in
igb)
    modules="i2c-algo-bit igb" functions="igb_xmit_zc igb_clean_rx_irq_zc"
    device="igb,netdev=n0,mac=52:54:00:00:00:01"
    ;;
virtio)
    modules="failover net_failover virtio_net" functions="virtnet_xsk_wakeup"
    device="virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01,iommu_platform=on,disable-legacy=on"
    ;;
*) fail "unknown NIC $nic: igb or virtio" ;;
esac
case "$arch" in
x86_64) debian=amd64 triplet=x86_64-linux-gnu loader=/lib64/ld-linux-x86-64.so.2 console=ttyS0 machine="-M q35 -cpu max" ;;
# A processor without pointer authentication, which takes long to emulate; a GIC with message interrupts, for igb.
aarch64) debian=arm64 triplet=aarch64-linux-gnu loader=/lib/ld-linux-aarch64.so.1 console=ttyAMA0 machine="-M virt,gic-version=3 -cpu cortex-a76" ;;
*) fail "unknown architecture $arch: x86_64 or aarch64" ;;
esac
case "$arch $nic" in
"x86_64 igb") modules="dca $modules" ;;
"aarch64 virtio") fail "Linux's virtio_net binds no zero-copy socket on arm64 where it is a module (docs/rt-vm.md); use igb" ;;
esac

mkdir -p "$cache"
cache=$(realpath "$cache")

# -- packages ---------------------------------------------------------------------------------------------------------
. scripts/rt-vm/packages.sh

# The newest PREEMPT_RT kernel's version; nothing where the mirror can't be asked.
newest_kernel() {
    apt_in newest "$debian" trixie-backports -- apt-get update >&2 || return 0
    apt_in newest "$debian" trixie-backports -- apt-cache show "linux-image-rt-$debian" |
        sed -nE "s/^Depends:.* linux-image-([^ ]+-rt-$debian) .*/\1/p" | sed -n 1p
    rm -rf "$cache/apt/newest"
}

# fetch_kernel VERSION: the kernel and the modules that a NIC needs.
fetch_kernel() {
    local tree=$cache/kernel.tree module
    say "downloading Linux $1"
    rm -rf "$tree" "$cache/kernel.part" "$cache/apt/kernel"
    apt_in kernel "$debian" trixie-backports -- apt-get update
    mkdir -p "$cache/kernel.debs" "$cache/kernel.part"
    (cd "$cache/kernel.debs" && apt_in kernel "$debian" trixie-backports -- apt-get download "linux-binary-$1" "linux-modules-$1")
    for module in "$cache"/kernel.debs/*.deb; do dpkg-deb -x "$module" "$tree"; done
    cp "$tree/usr/lib/modules/$1/vmlinuz" "$cache/kernel.part/"
    for module in dca i2c-algo-bit igb failover net_failover virtio_net; do
        # The busybox of this machine's architecture unpacks what this machine may have no tool for.
        find "$tree" -name "$module.ko.xz" -exec sh -c '"$1" xzcat <"$2" >"$3"' _ "$busybox" {} "$cache/kernel.part/$module.ko" \;
    done
    echo "$1" >"$cache/kernel.part/version"
    rm -rf "$cache/kernel-$arch"
    mv "$cache/kernel.part" "$cache/kernel-$arch"
    rm -rf "$tree" "$cache/kernel.debs" "$cache/apt/kernel"
}

exec 9>"$cache/lock"
flock 9
if [ ! -d "$cache/qemu" ]; then
    say "downloading QEMU"
    unpack qemu amd64 "bookworm bookworm-backports" "qemu-system-x86 qemu-system-arm seabios ipxe-qemu busybox-static"
fi
busybox=$cache/qemu/bin/busybox
[ -d "$cache/guest-$arch" ] || [ "$arch" = x86_64 ] || unpack "guest-$arch" "$debian" bookworm "busybox-static libelf1 zlib1g libgcc-s1"
# Once a day it is looked whether there is a newer one.
if [ -z "$(find "$cache/kernel-$arch/version" -mtime -1 2>/dev/null)" ]; then
    newest=$(newest_kernel)
    if [ -z "$newest" ]; then
        [ -d "$cache/kernel-$arch" ] || fail "the mirror $mirror has no linux-image-rt-$debian in trixie-backports"
        say "the mirror can't be asked for a newer kernel"
    elif [ "$newest" = "$(cat "$cache/kernel-$arch/version" 2>/dev/null)" ]; then
        touch "$cache/kernel-$arch/version"
    else
        fetch_kernel "$newest"
    fi
fi
flock -u 9
kernel=$cache/kernel-$arch
say "kernel $(cat "$kernel/version"), NIC $nic"
# QEMU's own C library starts it, so that this machine needs none of its libraries. It takes the place of a shell of its own, so
# that a signal to that is one to QEMU.
qemu=$cache/qemu
emulator() {
    exec "$qemu/lib64/ld-linux-x86-64.so.2" --library-path "$(libraries "$qemu" x86_64-linux-gnu)" "$qemu/usr/bin/qemu-system-$arch" "$@"
}

# -- the guest's files ------------------------------------------------------------------------------------------------
# What --sim and --binary name, or release builds of this tree.
target() { cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'; }
if [ -z "$sim_binary" ] && [ "$arch" = x86_64 ] && [ -n "$binary" ]; then
    sim_binary=$binary
elif [ -z "$sim_binary" ]; then
    cargo build --release --locked --quiet -p zerocat-cli
    sim_binary=$(target)/release/zerocat
fi
if [ -z "$binary" ] && [ "$arch" = aarch64 ]; then
    scripts/aarch64.sh --cache "$cache"
    binary=$(target)/aarch64-unknown-linux-gnu/debug/zerocat
fi
zerocat=${binary:-$sim_binary}
work=$(mktemp -d)
sim='' vm=''
clean_up() {
    [ -z "$vm" ] || kill "$vm" 2>/dev/null || true
    [ -z "$sim" ] || { kill "$sim" 2>/dev/null && wait "$sim"; } || true
    rm -rf "$work"
}
trap clean_up EXIT

root=$work/root
mkdir -p "$root"/{bin,sbin,lib,lib64,modules,proc,sys,dev,tmp}
cp scripts/rt-vm/init.sh "$root/init"
cp "$zerocat" "$root/bin/zerocat"
if [ "$arch" = x86_64 ]; then
    cp "$busybox" "$root/bin/"
    ldd "$zerocat" | sed -nE 's/.*=> (\/[^ ]+).*/\1/p' | xargs -I{} cp -L {} "$root/lib/"
    cp -L "$loader" "$root$loader"
else
    cp "$cache/guest-$arch/bin/busybox" "$root/bin/"
    for library in libc.so.6 libm.so.6 libgcc_s.so.1 libelf.so.1 libz.so.1 "$(basename "$loader")"; do
        cp -L "$(find "$cache/guest-$arch" -name "$library" | sed -n 1p)" "$root/lib/"
    done
fi
for module in $modules; do cp "$kernel/$module.ko" "$root/modules/"; done
# 4 ms a cycle: the emulated machine is slow, and a test of function.
sed -e 's/"interface": "ecm0"/"interface": "eth0"/; s/"rate": 1000/"rate": 250/; s/"sample_rate": 100/"sample_rate": 50/' \
    -e 's/"stream_rate": 20/"stream_rate": 10/; s/"mode": "auto"/"mode": "zero_copy", "cpu": 1, "watchdog": "1s", "busy_poll": "'$busy_poll'"/' \
    examples/demo-rig.json >"$root/rig.json"
cp examples/demo-segment.json "$work/segment.json"
# SYNC0 for the servo, and crystals that are off. The emulated machine wakes some 100 us late, so frames take long to their phase.
if [ $clocks = on ]; then
    python3 - "$root/rig.json" "$work/segment.json" <<'EOF'
import json, sys
rig, segment = (json.load(open(path)) for path in sys.argv[1:])
rig["slaves"][-1]["dc"] = {"assign_activate": "0x0300"}
rig["engine"]["dc"] = {"use": "auto", "settle_timeout": "60s"}
for n, subdevice in enumerate(segment["subdevices"]):
    subdevice["clock"] = {"drift_ppm": [20, 0, 0, -60, 45, -30][n], "offset": f"{3 * n}s"}
for value, path in zip((rig, segment), sys.argv[1:]):
    json.dump(value, open(path, "w"))
EOF
fi
cat >"$root/rt-vm.conf" <<EOF
MODULES="$modules"
ZERO_COPY_FUNCTIONS="$functions"
LOADER="$loader"
RUN_OPTIONS="--seconds $((cycles / 200 + 40))"
EOF
(cd "$root" && find . | "$busybox" cpio -o -H newc) >"$work/initrd" 2>/dev/null

# -- run --------------------------------------------------------------------------------------------------------------
"$sim_binary" sim --unix "$work/segment.sock:$work/nic.sock" --config "$work/segment.json" --quiet &
sim=$!
say "booting"
status=0
# shellcheck disable=SC2086
emulator -L "$qemu/usr/share/seabios" -L "$qemu/usr/share/qemu" -L "$qemu/usr/lib/ipxe/qemu" \
    $machine -accel tcg,thread=multi -m 512 -smp 2 -kernel "$kernel/vmlinuz" -initrd "$work/initrd" \
    -append "console=$console panic=-1 quiet rdinit=/init isolcpus=managed_irq,domain,1 nohz_full=1 rcu_nocbs=1 irqaffinity=0 rcutree.enable_rcu_lazy=0" \
    -display none -nodefaults -no-user-config -no-reboot -serial stdio -monitor none -qmp "unix:$work/qmp.sock,server=on,wait=off" \
    -netdev "dgram,id=n0,local.type=unix,local.path=$work/nic.sock,remote.type=unix,remote.path=$work/segment.sock" \
    -device "$device" >"$work/console" 2>&1 </dev/null &
vm=$!
# It ends by itself, or is ended.
(for ((second = 0; second < 400; second++)); do sleep 1; kill -0 "$vm" 2>/dev/null || exit 0; done; kill "$vm") 2>/dev/null &

# await WORD SECONDS: until the guest has said it, or is gone.
await() {
    local end=$((SECONDS + $2))
    until grep -aq "GUEST $1" "$work/console"; do
        kill -0 "$vm" 2>/dev/null && [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}
# cable on|off, by the machine's control socket.
cable() {
    python3 - "$work/qmp.sock" "$1" <<'EOF'
import json, socket, sys
control = socket.socket(socket.AF_UNIX)
control.connect(sys.argv[1])
lines = control.makefile("r")
lines.readline()
for name, arguments in ("qmp_capabilities", {}), ("set_link", {"name": "n0", "up": sys.argv[2] == "on"}):
    control.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
    while "return" not in (answer := json.loads(lines.readline())):
        if "error" in answer:
            sys.exit(f"{name}: {answer}")
EOF
}
if await op 200; then
    sleep 3
    say "pulling the cable"
    cable off
    await lost 30 || true
    sleep 1
    say "putting it back"
    cable on
fi
wait "$vm" || status=$?
vm=
tr -d '\r' <"$work/console" >"$work/console.txt"
[ $verbose = no ] || cat "$work/console.txt"
guest() { sed -nE "s/^.*GUEST $1 ?//p" "$work/console.txt"; }

# -- what must be so --------------------------------------------------------------------------------------------------
passed=0 failed=0
must() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1)); printf '  ok      %s: %s\n' "$1" "$3"
    else
        failed=$((failed + 1)); printf '  FAILED  %s: %s, wanted %s\n' "$1" "${3:-nothing}" "$2"
    fi
}
report() { guest report | python3 -c "import json,sys; v=json.load(sys.stdin)
for key in '$1'.split('.'): v=v[int(key) if key.isdigit() else key]
print(v)" 2>/dev/null; }
said() { ! grep -q "GUEST $1" "$work/console.txt" || echo "$1"; }
hits() { guest "hits $1" | awk '{print ($1 > 0) ? "hit" : "not hit"}'; }

[ "$status" -eq 0 ] || say "QEMU ended with status $status"
must "the guest ended by itself" ok "$(guest end)"
must "kernel" PREEMPT_RT "$(guest uname | grep -o PREEMPT_RT)"
must "zerocat's exit code" 0 "$(guest status)"
must "mode asked for" zero_copy "$(report link.mode_asked)"
must "mode read back from the kernel" zero_copy "$(report link.mode_got)"
for function in $functions; do must "$function" hit "$(hits "$function")"; done
must "__xsk_rcv, the copying path" "not hit" "$(hits __xsk_rcv)"
must "realtime thread" "policy 1 priority 80 cpu 1" "$(guest thread)"
must "isolated CPU" 1 "$(guest isolated)"
must "locked memory" locked "$(guest locked | awk '{print ($1 > 0) ? "locked" : "not locked"}')"
must "a cable pulled" lost "$(said lost)"
must "and put back" again "$(said again)"
must "outages" "all recovered" "$(report outages.recovered | awk -v n="$(report outages.count)" '{print ($1 == n && n > 0) ? "all recovered" : $1 " of " n}')"
if [ "$busy_poll" = on ]; then
    # Both NICs have another NAPI instance for sending: busy polling would send nothing, and that must be noticed.
    must "busy polling" "nothing is sent with it" "$(report link.busy_poll.why_not | cut -d: -f1)"
fi
if [ $clocks = on ]; then
    must "SYNC0 of the servo" 4000000 "$(report synchronized.0.sync0_cycle_ns)"
    must "phase of the frames" locked "$(report clocks.controller.state)"
    must "clocks" settled "$(guest report | python3 -c 'import json, sys; print("settled" if all(c["settled"] for c in json.load(sys.stdin)["clocks"]["list"]) else "apart")')"
fi
must "working counter faults" 0 "$(report working_counter_faults)"
must "complete cycles" enough "$(report cycles.done | awk -v lost="$(report cycles.lost)" -v n="$cycles" '{print ($1 - lost >= n) ? "enough" : "too few: " $1 - lost}')"
must "page faults of the realtime thread" 0 "$(report rt.page_faults_minor)"
must "allocations of the realtime thread" 0 "$(report rt.allocations)"
# tuned WHAT: what `tune` did before the run and took back after it.
tuned() {
    local name
    for name in tune-before tune-applied tune-restored tune-after doctor; do guest $name >"$work/$name.json"; done
    python3 scripts/rt-vm/tuned.py "$work" "$1" 2>/dev/null
}
must "settings of the NIC tuned" all "$(tuned applied)"
must "doctor's findings of what tune sets" none "$(tuned doctor)"
must "settings put back" all "$(tuned restored)"
must "the NIC after" "as before" "$(tuned same)"
[ -z "$json" ] || guest report >"$json"
[ "$failed" -eq 0 ] || { guest out | tail -20; [ $verbose = yes ] || tail -5 "$work/console.txt"; }
version=$(emulator --version | sed -nE '1s/.*version ([^ ]+).*/\1/p')
say "$(date -u +%F), zerocat $(report version)"
say "host: Linux $(uname -r), $(nproc) cores, $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | sed -n 1p); QEMU $version, software emulation"
say "guest: $arch, Linux $(cat "$kernel/version") $(guest uname); NIC $nic, driver $(report link.driver), mode $(report link.mode_got), busy polling asked: $busy_poll"
say "$(report cycles.done) cycles at 4 ms, $(report cycles.lost) lost (those of the outage too), $(report outages.count) outage(s), the longest $(report outages.longest_ms) ms"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
