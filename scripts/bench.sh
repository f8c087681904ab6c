#!/usr/bin/env bash
# Compares zerocat with bare sockets, ethercrab and SOEM on a veth pair or on your own NIC, and writes
# target/bench/report.json and target/bench/report.html.
#
#   scripts/bench.sh [--quick] [--rtt | --bringup | --mailbox] [--interface IF] [--no-peers] [--no-install] [--json FILE] [ARGUMENT...]
#
# Without --interface it makes a veth pair in a network namespace of its own, with a program in the kernel at the far end
# that returns each frame. With it nothing is made: SubDevices have to answer on IF, and nothing else may use it.
# --quick measures for less than a minute instead of ten, which shows that it works and decides about no aim; --rtt measures only zerocat and bare sockets, in one process and
# flat out, a cycle of 100 SubDevices and single frames (`zerocat bench rtt`, `segment` and `frames`), as tables;
# --bringup measures how long zerocat and SOEM take from cold to OP, and their frames, on simulated segments
# (`zerocat bench bringup`); it always makes its own veth pair;
# --mailbox measures SDO transactions a second beside the cycle, their latency, and what they cost the cycle (`zerocat bench mailbox`),
# over a veth pair of its own too;
# --no-peers builds and measures neither ethercrab nor SOEM; --no-install installs nothing, and fails if a package is
# missing; --json writes the report to FILE as well.
# Other arguments go to `zerocat bench compare`, `rtt`, `bringup` or `mailbox` (see --help there), for example --scenarios 60@flat,300@1000 --rounds 9.
# It needs root, or sudo. Nothing is left behind but the files. docs/bench.md tells how to read them.
set -euo pipefail
here="$(pwd)"
cd "$(dirname "$0")/.."

quick=no rtt=no bringup=no mailbox=no json='' interface='' peers=yes install=() arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
    --quick) quick=yes ;;
    --rtt) rtt=yes peers=no ;;
    --bringup) bringup=yes ;;
    --mailbox) mailbox=yes peers=no ;;
    --no-peers) peers=no ;;
    --interface) interface="${2:?--interface needs a name}"; shift ;;
    --interface=*) interface="${1#--interface=}" ;;
    --json) json="${2:?--json needs a file}"; shift ;;
    --json=*) json="${1#--json=}" ;;
    --no-install) install=(--no-install) ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) arguments+=("$1") ;;
    esac
    shift
done
[ -z "$json" ] || [ "${json#/}" != "$json" ] || json="$here/$json"
if [ $bringup = yes ] && { [ $rtt = yes ] || [ -n "$interface" ]; }; then
    echo "bench.sh: --bringup goes neither with --rtt nor with --interface" >&2
    exit 2
fi
if [ $mailbox = yes ] && { [ $rtt$bringup != nono ] || [ -n "$interface" ]; }; then
    echo "bench.sh: --mailbox goes neither with --rtt, --bringup nor with --interface" >&2
    exit 2
fi
if [ $quick = yes ] && [ $mailbox = yes ]; then
    arguments=(--pairs 1 --seconds 2 "${arguments[@]:+${arguments[@]}}")
elif [ $quick = yes ] && [ $bringup = yes ]; then
    arguments=(--rounds 3 --alone '' "${arguments[@]:+${arguments[@]}}")
elif [ $quick = yes ] && [ $rtt = yes ]; then
    arguments=(--rounds 3 --cycles 5000 "${arguments[@]:+${arguments[@]}}")
elif [ $quick = yes ]; then
    arguments=(--set quick --rounds 3 --cycles 5000 --seconds 0.2 "${arguments[@]:+${arguments[@]}}")
fi

# strace counts system calls, perf instructions, in runs that aren't timed.
scripts/install.sh "${install[@]:+${install[@]}}" $([ $rtt$bringup$mailbox != nonono ] || echo strace linux-perf)
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --release --locked -p zerocat-cli
if [ $peers = yes ]; then
    soem=peers/soem_bringup.py
    if [ $bringup = no ]; then
        soem=peers/soem.py
        cargo build --release --locked --features xdp --manifest-path peers/Cargo.toml --target-dir "$target/peers"
        arguments+=(--ethercrab "$target/peers/release/zerocat-peers")
    fi
    venv=$target/foreign-venv
    if [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"; then
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/foreign/requirements.txt
        arguments+=(--soem "$venv/bin/python $PWD/$soem")
    else
        echo "bench.sh: SOEM is left out: python3 -m venv failed (Debian: python3-venv)" >&2
    fi
fi

out=$target/bench
mkdir -p "$out"
if [ $bringup = yes ]; then
    bench=("$target/release/zerocat" bench bringup --report "$out/bringup.json") report=$out/bringup.json
elif [ $mailbox = yes ]; then
    bench=("$target/release/zerocat" bench mailbox --report "$out/mailbox.json") report=$out/mailbox.json
elif [ $rtt = yes ]; then
    bench=("$target/release/zerocat" bench rtt --report "$out/rtt.json") report=$out/rtt.json
else
    bench=("$target/release/zerocat" bench compare --report "$out/report.json" --html "$out/report.html")
    report=$out/report.json
fi

. scripts/netns.sh
if [ -n "$interface" ]; then
    "${ROOT[@]:+${ROOT[@]}}" "${bench[@]}" --interface "$interface" "${arguments[@]:+${arguments[@]}}"
else
    trap netns_down EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    netns_up
    # ethercrab asks for room for 1,528 bytes, and its raw socket task ends on frames longer than the MTU.
    in_netns ip link set "$VETH_MASTER" mtu 1530
    in_netns ip link set "$VETH_SEGMENT" mtu 1530
    far=(--reflector "$VETH_SEGMENT")
    [ $bringup$mailbox = nono ] || far=(--segment "$VETH_SEGMENT")
    in_netns "${bench[@]}" --interface "$VETH_MASTER" "${far[@]}" "${arguments[@]:+${arguments[@]}}"
fi
if [ $rtt = yes ]; then
    "${ROOT[@]:+${ROOT[@]}}" "$target/release/zerocat" bench segment --subdevices 100
    "${ROOT[@]:+${ROOT[@]}}" "$target/release/zerocat" bench frames --frames $([ $quick = yes ] && echo 1000 || echo 20000)
fi
[ -z "$json" ] || cp "$report" "$json"
echo "wrote $report$([ $rtt$bringup$mailbox != nonono ] || echo " and $out/report.html")"
