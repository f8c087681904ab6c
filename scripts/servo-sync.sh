#!/usr/bin/env bash
# A servo in cyclic synchronous position under SYNC0 in real time, over a veth pair in a network namespace of its own: each loss of
# synchronization is set against the holes of the run, and phase over time is a page, target/servo-sync.html.
#
#   scripts/servo-sync.sh [--no-install] [ARGUMENT...]
#
# Other arguments go to `zerocat bench sync` (--seconds, --rate, --link, --json, --report, --html). It needs root, or sudo, and exits
# with 1 where a loss follows no hole. Nothing is left behind but the page.
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
in_netns "$target/release/zerocat" bench sync --interface "$VETH_MASTER" --segment "$VETH_SEGMENT" \
    --html "$target/servo-sync.html" "${arguments[@]:+${arguments[@]}}"
