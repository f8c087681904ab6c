#!/usr/bin/env bash
# zerocat in a virtual machine with a PREEMPT_RT kernel and a NIC whose driver does AF_XDP zero-copy, against the
# simulated segment on this machine.
#
#   scripts/rt-vm.sh [--nic igb|virtio] [--cycles N] [--busy-poll] [--json FILE] [--cache DIR] [--binary FILE]
#                  [--verbose]
#
# It tests function, not time: the machine is emulated. Debian's packages of QEMU and of the kernel are downloaded into
# the cache (about 200 MB, kept), unpacked there and installed nowhere. It needs no root and no network namespace: the
# guest's NIC is a pair of UNIX sockets. Asserted: PREEMPT_RT; a zero-copy bind read back from the kernel, and that the
# driver's zero-copy functions ran and the copying one didn't; SCHED_FIFO on an isolated CPU; locked memory; OP; the
# cycles asked for, with inputs and outputs; a cable pulled while it runs and put back ends in OP again; `zerocat tune`
# before and its `--restore` after, with nothing left of either; with --busy-poll that it is noticed that these NICs
# would send nothing with it. docs/rt-vm.md has more.
set -euo pipefail
cd "$(dirname "$0")/.."

nic=igb cycles=5000 busy_poll=off json='' cache=target/rt-vm binary='' verbose=no
while [ $# -gt 0 ]; do
    case "$1" in
    --nic) nic=${2:?}; shift ;;
    --cycles) cycles=${2:?}; shift ;;
    --busy-poll) busy_poll=on ;;
    --json) json=${2:?}; shift ;;
    --cache) cache=${2:?}; shift ;;
    --binary) binary=$(realpath "${2:?}"); shift ;;
    --verbose) verbose=yes ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) echo "rt-vm.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    esac
    shift
done
say() { echo "rt-vm: $*"; }
fail() { echo "rt-vm: $*" >&2; exit 1; }

case "$nic" in
igb)
    modules="dca i2c-algo-bit igb" functions="igb_xmit_zc igb_clean_rx_irq_zc"
    device="igb,netdev=n0,mac=52:54:00:00:00:01"
    ;;
virtio)
    modules="failover net_failover virtio_net" functions="virtnet_xsk_wakeup"
    device="virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01,iommu_platform=on,disable-legacy=on"
    ;;
*) fail "unknown NIC $nic: igb or virtio" ;;
esac

mkdir -p "$cache"
cache=$(realpath "$cache")

# -- packages ---------------------------------------------------------------------------------------------------------
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=$(find /etc/apt -name '*.sources' -o -name '*.list' | xargs cat |
    sed -nE 's,^(URIs:|deb (\[.*\] )?) *(https?://[^ ]*/debian)/?( .*)?$,\3,p' | sed -n 1p)

# apt_in NAME SUITE... -- ARGUMENT...: apt-get with lists and archives of its own, which installs nothing.
apt_in() {
    local name=$1 suite
    shift
    mkdir -p "$cache/apt/$name/lists/partial" "$cache/apt/$name/archives/partial"
    : >"$cache/apt/$name/sources.list"
    while [ "$1" != -- ]; do
        suite=$1
        echo "deb [signed-by=$keyring] $mirror $suite main" >>"$cache/apt/$name/sources.list"
        shift
    done
    shift
    apt-get -qq -o Dir::State::lists="$cache/apt/$name/lists" -o Dir::Cache::archives="$cache/apt/$name/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::Etc::sourceparts=- \
        -o Dir::Etc::sourcelist="$cache/apt/$name/sources.list" -o Debug::NoLocking=1 "$@"
}

fetch_qemu() {
    say "downloading QEMU"
    apt_in qemu bookworm bookworm-backports -- update
    apt_in qemu bookworm bookworm-backports -- -y --no-install-recommends --download-only -t bookworm-backports \
        install qemu-system-x86 seabios
    apt_in tools bookworm -- update
    (cd "$cache/apt/tools/archives" && apt_in tools bookworm -- download ipxe-qemu busybox-static kmod)
    local package
    for package in "$cache"/apt/qemu/archives/*.deb "$cache"/apt/tools/archives/*.deb; do
        dpkg -x "$package" "$cache/qemu.part"
    done
    mv "$cache/qemu.part" "$cache/qemu"
    rm -rf "$cache/apt/qemu" "$cache/apt/tools"
}

fetch_kernel() {
    say "downloading a PREEMPT_RT kernel"
    apt_in kernel trixie-backports -- update
    local version
    version=$(apt-get indextargets --format '$(FILENAME)' -o Dir::State::lists="$cache/apt/kernel/lists" \
        -o Dir::Etc::sourceparts=- -o Dir::Etc::sourcelist="$cache/apt/kernel/sources.list" 'Created-By: Packages' |
        xargs /usr/lib/apt/apt-helper cat-file |
        sed -nE '/^Package: linux-image-rt-amd64$/,/^$/s/^Depends:.* linux-image-([^ ]+-rt-amd64) .*/\1/p' | sed -n 1p)
    [ -n "$version" ] || fail "no linux-image-rt-amd64 in trixie-backports"
    mkdir -p "$cache/kernel.debs"
    (cd "$cache/kernel.debs" && apt_in kernel trixie-backports -- download "linux-binary-$version" "linux-modules-$version")
    local package
    for package in "$cache"/kernel.debs/*.deb; do dpkg -x "$package" "$cache/kernel.tree"; done
    mkdir -p "$cache/kernel.part"
    cp "$cache/kernel.tree/usr/lib/modules/$version/vmlinuz" "$cache/kernel.part/"
    local module
    for module in dca i2c-algo-bit igb failover net_failover virtio_net; do
        find "$cache/kernel.tree" -name "$module.ko.xz" -exec sh -c 'xz -dc "$1" >"$2"' _ {} "$cache/kernel.part/$module.ko" \;
    done
    echo "$version" >"$cache/kernel.part/version"
    mv "$cache/kernel.part" "$cache/kernel"
    rm -rf "$cache/kernel.tree" "$cache/kernel.debs" "$cache/apt/kernel"
}

[ -d "$cache/qemu" ] || fetch_qemu
[ -d "$cache/kernel" ] || fetch_kernel
say "kernel $(cat "$cache/kernel/version"), NIC $nic"

# -- the guest's files ------------------------------------------------------------------------------------------------
# What --binary names, or a release build of this tree.
zerocat=$binary
if [ -z "$zerocat" ]; then
    cargo build --release --locked --quiet -p zerocat-cli
    zerocat=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/zerocat
fi
work=$(mktemp -d)
sim='' vm=''
clean_up() {
    [ -z "$sim" ] || kill "$sim" 2>/dev/null || true
    [ -z "$vm" ] || kill "$vm" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

root=$work/root
mkdir -p "$root"/{bin,sbin,lib,lib64,modules,proc,sys,dev,tmp}
cp "$cache/qemu/bin/busybox" "$root/bin/"
cp scripts/rt-vm/init.sh "$root/init"
cp "$zerocat" "$root/bin/zerocat"
ldd "$zerocat" | sed -nE 's/.*=> (\/[^ ]+).*/\1/p' | xargs -I{} cp -L {} "$root/lib/"
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
for module in $modules; do cp "$cache/kernel/$module.ko" "$root/modules/"; done
# 4 ms a cycle: the emulated machine is slow, and a test of function.
sed -e 's/"interface": "ecm0"/"interface": "eth0"/; s/"rate": 1000/"rate": 250/; s/"sample_rate": 100/"sample_rate": 50/' \
    -e 's/"stream_rate": 20/"stream_rate": 10/; s/"mode": "auto"/"mode": "zero_copy", "cpu": 1, "watchdog": "1s", "busy_poll": "'$busy_poll'"/' \
    examples/demo-rig.json >"$root/rig.json"
cat >"$root/rt-vm.conf" <<EOF
MODULES="$modules"
ZERO_COPY_FUNCTIONS="$functions"
RUN_OPTIONS="--seconds $((cycles / 200 + 40))"
EOF
(cd "$root" && find . | "$cache/qemu/bin/busybox" cpio -o -H newc) >"$work/initrd" 2>/dev/null

# -- run --------------------------------------------------------------------------------------------------------------
"$zerocat" sim --unix "$work/segment.sock:$work/nic.sock" --config examples/demo-segment.json --quiet &
sim=$!
qemu=$cache/qemu/usr
say "booting"
status=0
LD_LIBRARY_PATH="$qemu/lib/x86_64-linux-gnu" timeout 400 "$qemu/bin/qemu-system-x86_64" \
    -L "$qemu/share/seabios" -L "$qemu/share/qemu" -L "$qemu/lib/ipxe/qemu" \
    -M q35 -accel tcg,thread=multi -cpu max -m 512 -smp 2 -kernel "$cache/kernel/vmlinuz" -initrd "$work/initrd" \
    -append "console=ttyS0 panic=-1 quiet rdinit=/init isolcpus=managed_irq,domain,1 nohz_full=1 rcu_nocbs=1 irqaffinity=0 rcutree.enable_rcu_lazy=0" \
    -display none -nodefaults -no-user-config -no-reboot -serial stdio -monitor none -qmp "unix:$work/qmp.sock,server=on,wait=off" \
    -netdev "dgram,id=n0,local.type=unix,local.path=$work/nic.sock,remote.type=unix,remote.path=$work/segment.sock" \
    -device "$device" >"$work/console" 2>&1 </dev/null &
vm=$!

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
for key in '$1'.split('.'): v=v[key]
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
version=$(LD_LIBRARY_PATH="$qemu/lib/x86_64-linux-gnu" "$qemu/bin/qemu-system-x86_64" --version | sed -nE '1s/.*version ([^ ]+).*/\1/p')
say "$(date -u +%F), zerocat $(report version)"
say "host: Linux $(uname -r), $(nproc) cores, $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | sed -n 1p); QEMU $version, software emulation"
say "guest: Linux $(cat "$cache/kernel/version") $(guest uname); NIC $nic, driver $(report link.driver), mode $(report link.mode_got), busy polling asked: $busy_poll"
say "$(report cycles.done) cycles at 4 ms, $(report cycles.lost) lost (those of the outage too), $(report outages.count) outage(s), the longest $(report outages.longest_ms) ms"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
