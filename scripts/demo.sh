#!/usr/bin/env bash
# zerocat against a simulated segment over AF_XDP, in a network namespace of its own.
#
#   scripts/demo.sh [--seconds N] [--samples] [--report FILE] [--capture FILE] [--no-install]
#
# It installs what is missing (Debian packages, says which and why first), builds, makes a namespace with a veth pair,
# starts `zerocat sim` at one end and `zerocat run` on the other, shows what flows, prints a summary, and cleans
# everything up, also after Ctrl-C. Without root or sudo it runs the same rig over the in-process link.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/scripts/netns.sh"

seconds=10
install=()
run_options=()
while [ $# -gt 0 ]; do
    case "$1" in
    --seconds) seconds=${2:?--seconds needs a number}; shift ;;
    --report) run_options+=(--report "$(realpath -m "${2:?--report needs a file}")"); shift ;;
    --capture) run_options+=(--capture "$(realpath -m "${2:?--capture needs a file}")"); shift ;;
    --samples) run_options+=(--samples) ;;
    --no-install) install=(--no-install) ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "demo.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    esac
    shift
done

cd "$root"
scripts/install.sh "${install[@]}"
echo "building (a few minutes the first time)"
cargo build --release --locked --quiet -p zerocat-cli
zerocat=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/zerocat

if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null && { [ ! -t 0 ] || ! command -v sudo >/dev/null; }; then
    echo "not root: running over the in-process link. Left out: AF_XDP, the veth pair, and what SCHED_FIFO and locked"
    echo "memory would need."
    exec "$zerocat" demo --in-process --seconds "$seconds" "${run_options[@]}"
fi

sim=
run=
clean_up() {
    trap - EXIT INT TERM
    # In this order: the segment must answer while the bus goes down to INIT.
    for process in "$run" "$sim"; do
        [ -n "$process" ] || continue
        "${ROOT[@]}" kill -TERM "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    netns_down
}
trap clean_up EXIT

# The last CPU is the realtime thread's; the segment, which plays another device, keeps off it where there are more.
cpu=$(($(nproc) - 1))
apart=()
[ "$cpu" -eq 0 ] || apart=(taskset -c "0-$((cpu - 1))")

# Both in sessions of their own: Ctrl-C reaches this script alone, which stops them in order.
netns_up
"${ROOT[@]}" setsid ip netns exec "$NETNS" "${apart[@]}" "$zerocat" sim --interface "$VETH_SEGMENT" \
    --config examples/demo-segment.json --quiet &
sim=$!
"${ROOT[@]}" setsid ip netns exec "$NETNS" "$zerocat" run examples/demo-rig.json --interface "$VETH_MASTER" \
    --cpu "$cpu" --seconds "$seconds" "${run_options[@]}" &
run=$!
trap '"${ROOT[@]}" kill -TERM "$run" 2>/dev/null || true' INT TERM

status=0
wait "$run" || status=$?
# A trapped signal ends `wait` before the process has ended.
while "${ROOT[@]}" kill -0 "$run" 2>/dev/null; do
    status=0
    wait "$run" || status=$?
done
run=
exit "$status"
