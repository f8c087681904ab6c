#!/usr/bin/env bash
# What the realtime thread asks of the kernel in a cycle, counted by the kernel's tracer: system calls by name, page
# faults, allocations, context switches; over AF_XDP and AF_PACKET, with each wait policy.
#
#   scripts/audit.sh [--no-install] [ARGUMENT...]
#
# On a veth pair in a network namespace of its own, against the demonstration's simulated segment. Other arguments go to
# `zerocat bench audit` (--cycles, --rate, --links, --waits, --json, --report). It needs root, or sudo, and exits with 1
# where something is not as it should be. Nothing is left behind.
set -euo pipefail
cd "$(dirname "$0")/.."

install=() arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
    --no-install) install=(--no-install) ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) arguments+=("$1") ;;
    esac
    shift
done

scripts/install.sh "${install[@]:+${install[@]}}"
cargo build --release --locked --quiet -p zerocat-cli
target="${CARGO_TARGET_DIR:-target}"

. scripts/netns.sh
trap netns_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
netns_up
in_netns "$target/release/zerocat" bench audit --interface "$VETH_MASTER" --segment "$VETH_SEGMENT" \
    "${arguments[@]:+${arguments[@]}}"
