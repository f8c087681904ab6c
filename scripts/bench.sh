#!/usr/bin/env bash
# Measures round trips over a veth pair against a reflector in the kernel, a cycle over 100 SubDevices in process, and
# single frames through simulated segments, and prints them as tables.
#
#   scripts/bench.sh [--quick] [--json FILE] [--no-install] [ARGUMENT...]
#
# --quick measures for seconds instead of a minute; --json writes the round trips to FILE, with the machine beside them; --no-install installs nothing, and fails if a package is missing. Other arguments go to `zerocat bench rtt`.
# It needs root, or sudo for the network namespace. Nothing is left behind.
set -euo pipefail
here="$(pwd)"
cd "$(dirname "$0")/.."

quick=no json='' install=() arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
    --quick) quick=yes ;;
    --json) json="${2:?--json needs a file}"; shift ;;
    --json=*) json="${1#--json=}" ;;
    --no-install) install=(--no-install) ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) arguments+=("$1") ;;
    esac
    shift
done
[ -z "$json" ] || [ "${json#/}" != "$json" ] || json="$here/$json"
if [ $quick = yes ]; then arguments=(--rounds 3 --cycles 5000 "${arguments[@]:+${arguments[@]}}"); fi
[ -z "$json" ] || arguments+=(--report "$json")

scripts/install.sh "${install[@]:+${install[@]}}"
cargo build --release -p zerocat-cli
target="${CARGO_TARGET_DIR:-target}"

. scripts/netns.sh
trap netns_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
netns_up
in_netns "$target/release/zerocat" bench rtt \
    --interface "$VETH_MASTER" --reflector "$VETH_SEGMENT" "${arguments[@]:+${arguments[@]}}"
"${ROOT[@]}" "$target/release/zerocat" bench segment --subdevices 100
"${ROOT[@]}" "$target/release/zerocat" bench frames --frames $([ $quick = yes ] && echo 1000 || echo 20000)
