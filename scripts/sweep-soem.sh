#!/usr/bin/env bash
# Devices of a folder of device descriptions (ESI) to OP under SOEM (pysoem), which we did not write.
#
#   scripts/sweep-soem.sh FOLDER [--seed S] [--draw N] [--per-segment N] [--json]
#
# `zerocat sweep FOLDER --draw N --seed S --list` draws the devices (100 by default). In a network namespace of its own with a
# veth pair, `zerocat sim` serves several of them in a line (8 by default) at one end, and SOEM brings them to OP at the other; a
# device that doesn't get there is tried once more alone. It prints how many reached OP and why the others did not; --json prints
# `devices`, `op` and `failed` as `zerocat sweep` does. Exit code 1 where a device didn't reach OP. pysoem is installed in
# target/foreign-venv (from PyPI, pinned in tests/foreign/requirements.txt). ZEROCAT names a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/netns.sh

folder= seed=0 draw=100 per_segment=8 json=()
while [ $# -gt 0 ]; do
    case "$1" in
    --seed) seed=${2:?--seed needs a number}; shift ;;
    --draw) draw=${2:?--draw needs a number}; shift ;;
    --per-segment) per_segment=${2:?--per-segment needs a number}; shift ;;
    --json) json=(--json) ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) echo "sweep-soem.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    *) folder=$1 ;;
    esac
    shift
done
[ -d "$folder" ] || { echo "sweep-soem.sh: no folder $folder; see --help" >&2; exit 2; }

target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
zerocat=${ZEROCAT:-$target/release/zerocat}
[ -n "${ZEROCAT:-}" ] || cargo build --release --locked --quiet -p zerocat-cli
venv=$target/foreign-venv
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/foreign/requirements.txt

work=$(mktemp -d)
trap 'netns_down; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
"$zerocat" sweep "$folder" --draw "$draw" --seed "$seed" --list --json > "$work/drawn.json"
netns_up
in_netns env PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" tests/foreign/sweep_devices.py --zerocat "$zerocat" \
    --drawn "$work/drawn.json" --work "$work" --per-segment "$per_segment" \
    --master-interface "$VETH_MASTER" --segment-interface "$VETH_SEGMENT" "${json[@]}"
