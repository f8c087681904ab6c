#!/usr/bin/env bash
# Every crate by itself, and every set of features of the library that somebody may choose, compiles without a warning.
#
#   scripts/features.sh
#
# A build of the whole workspace hides what a crate lacks: Cargo turns on what any of them asks for. Nothing is linked.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
# Not by RUSTFLAGS, which would have everything compiled once more.
check() {
    printf 'cargo check %s\n' "$*"
    said=$(cargo check --locked --quiet "$@" 2>&1) && [ -z "$said" ] || { printf '%s\n' "$said" >&2; exit 1; }
}

for layer in wire faults pdi link sched xdp config engine bus; do check -p "zerocat-$layer"; done
check -p zerocat-pdi --features serde
check -p zerocat-pdi --features schema
check -p zerocat-link --features packet
check -p zerocat-link --features capture
check -p zerocat-sched --features serde
check -p zerocat-config --features schema
for set in "" packet xdp host capture schema testing "packet capture" "xdp packet host"; do
    check -p zerocat --no-default-features --features "$set"
done
check -p zerocat
# What AF_PACKET alone brings has no C in it.
if cargo tree --locked -p zerocat --no-default-features --features packet -e normal --prefix none | grep -E '^(libbpf|libxdp|xsk)'; then
    echo "features.sh: AF_PACKET alone brings the libraries of AF_XDP" >&2
    exit 1
fi
