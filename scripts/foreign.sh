#!/usr/bin/env bash
# Masters that we did not write against the simulated segment: SOEM (pysoem), KickCAT, and ethercrab's own init and
# groups; Beckhoff's AdsLib (pyads) against the devices that speak ADS; and a client of mailbox gateways (pyetg1510) against
# that of `zerocat run`.
#
#   scripts/foreign.sh [--cycles N]
#
# In a network namespace of its own with a veth pair: `zerocat sim` at one end, the masters at the other. N cycles in OP
# are exchanged on 8 and on 100 SubDevices (10,000 by default). It prints what failed, how many frames came late or
# were lost, and then `N passed, N failed`. The Python packages are installed in target/foreign-venv (from PyPI,
# pinned in tests/foreign/requirements.txt), and SOEM's EoE from the source of pysoem; Python's venv module must be there
# (Debian: python3-venv).
# Sizes per SubDevice, as each master found them, are left in target/foreign-sizes.json.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/netns.sh

cycles=10000
while [ $# -gt 0 ]; do
    case "$1" in
    --cycles) cycles=${2:?--cycles needs a number}; shift ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) echo "foreign.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    esac
    shift
done

target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cargo build --release --locked --quiet -p zerocat-cli
# As scripts/bench.sh has them: built once for both.
cargo build --release --locked --quiet --features xdp --manifest-path peers/Cargo.toml --target-dir "$target/peers"

venv=$target/foreign-venv
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
pip() { "$venv/bin/pip" --quiet --disable-pip-version-check "$@"; }
pip install --requirement tests/foreign/requirements.txt

# pysoem's library has no EoE; its source package has that file of SOEM. It is compiled beside the library and calls it.
pysoem=$(grep '^pysoem==' tests/foreign/requirements.txt)
eoe=$venv/$pysoem
if [ ! -e "$eoe/libsoem-eoe.so" ]; then
    mkdir -p "$eoe"
    pip download --no-deps --no-binary pysoem --no-build-isolation --dest "$eoe" "$pysoem"
    tar --extract --gzip --strip-components 1 --directory "$eoe" --file "$eoe/${pysoem/==/-}.tar.gz"
    gcc -shared -fPIC -O1 -DEC_VER2 -DUSE_SOEM_CONFIG_H \
        -I "$eoe"/soem/oshw/linux -I "$eoe"/soem/osal/linux -I "$eoe"/soem/oshw -I "$eoe"/soem/osal -I "$eoe"/soem/soem \
        -I "$eoe"/src/soem "$eoe"/soem/soem/ethercateoe.c -o "$eoe/libsoem-eoe.so"
fi

trap netns_down EXIT
trap 'exit 130' INT TERM
netns_up
# ethercrab's frames may take 1,514 bytes without their checksum, and it asks for room for 1,528.
in_netns ip link set "$VETH_MASTER" mtu 1530
in_netns ip link set "$VETH_SEGMENT" mtu 1530
# AdsLib speaks to its router over this, and tools to the gateway.
in_netns ip link set lo up
# A cable from the second end of the segment, for redundancy.
in_netns ip link add ecm1 type veth peer name ecs1
in_netns ip link set ecm1 up
in_netns ip link set ecs1 up

in_netns env PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m pytest tests/foreign --rootdir . -p no:cacheprovider -q -rfE \
    --zerocat "$target/release/zerocat" --peer "$target/peers/release/zerocat-peers" \
    --soem-eoe "$eoe/libsoem-eoe.so" \
    --master-interface "$VETH_MASTER" --segment-interface "$VETH_SEGMENT" \
    --second-master-interface ecm1 --second-segment-interface ecs1 \
    --cycles "$cycles" --sizes "$target/foreign-sizes.json"
