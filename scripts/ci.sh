#!/usr/bin/env bash
# Everything that must hold before a change lands, on a Debian 12 machine with Rust, as root.
#
#   scripts/ci.sh [--no-install]
#
# It installs what is missing, checks format, lints, licences and dependencies, builds, runs all tests (in network
# namespaces of their own), lets SOEM and ethercrab drive the simulated segment, and runs the demo and the bench for
# seconds. A campaign lives some hundred seeded lives under virtual time, and the devices of the sample descriptions are swept. Emulated machines show zero-copy under PREEMPT_RT,
# and a build for aarch64; what they need is downloaded once (docs/rt-vm.md). It leaves no namespace, process or XDP program
# behind, and checks that. At the end it says how many seconds each step took.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac

[ "$(id -u)" -eq 0 ] || { echo "ci.sh: run as root: the tests make network namespaces and attach XDP programs" >&2; exit 1; }

# step NAME: what follows is of this step, and timed. How long each took is a table at the end, also where one failed.
name='' began=0 beside='' times=()
lap() { [ -z "$name" ] || times+=("$(printf '%6d s  %s' $((SECONDS - began)) "$name")"); name=''; }
step() { lap; printf '\n== %s\n' "$*"; name=$* began=$SECONDS; }
ended() {
    status=$?
    lap
    [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
    printf '\n%s\n%6d s  in all\n' "$(printf '%s\n' "${times[@]:+${times[@]}}")" "$SECONDS"
    [ "$status" -ne 0 ] || printf '\nall green\n'
}
trap ended EXIT
# tool NAME VERSION: it only looks at sources, so it is built in the fastest way; what several tools need is built once.
tool() {
    command -v "$1" >/dev/null ||
        CARGO_PROFILE_DEV_DEBUG=false cargo install --debug --locked --quiet --target-dir target/tools "$1@$2"
}

# What runs here is to work, and its speed decides nothing: releases are built in half the time without what makes them fast.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=false

step "packages and tools"
# g++ for the fuzz targets; tshark and ethtool read captures and interfaces in a way that isn't ours; python3-venv for SOEM;
# stress-ng for tests under load; strace and linux-perf count for the bench; gcc-aarch64-linux-gnu and its C library link for aarch64; python3
# talks to the emulator.
scripts/install.sh "$@" g++ tshark ethtool python3 python3-venv stress-ng strace linux-perf gcc-aarch64-linux-gnu libc6-dev-arm64-cross
tool cargo-deny 0.20.2
tool cargo-machete 0.9.2

step "format"
cargo fmt --all --check
# Releases are built beside what is only checked, which leaves half a CPU idle. What fails here fails again, and is shown, where it is needed.
mkdir -p target
{
    nice cargo build --release --locked --quiet -p zerocat-cli
    nice cargo build --release --locked --quiet --features xdp --manifest-path peers/Cargo.toml --target-dir target/peers
} >target/ci-release.log 2>&1 &
beside=$!

step "lints"
cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
step "crates by themselves, and sets of features"
scripts/features.sh
step "packages, and programs that use them"
scripts/package.sh
step "public interface of the library"
scripts/api.sh
step "licences, sources and bans; unused dependencies"
cargo deny --workspace check bans licenses sources
cargo machete
step "fuzz targets build"
cargo check --manifest-path fuzz/Cargo.toml --target-dir target --locked --quiet

step "releases, as far as they aren't built yet"
wait "$beside" || true
beside=''

step "tests"
cargo test --workspace --locked --no-fail-fast

step "foreign masters"
scripts/foreign.sh --cycles 10000
step "demo"
scripts/demo.sh --no-install --seconds 5 --report target/ci-demo.json
step "a servo under SYNC0"
scripts/servo-sync.sh --no-install --seconds 10 --report target/ci-servo-sync.json
step "campaign"
target/release/zerocat campaign --seeds 200 --minutes 3 --json > target/ci-campaign.json
step "clocks"
target/release/zerocat bench dc --seconds 12 --starts 2 --json > target/ci-dc.json
step "mailboxes"
target/release/zerocat bench mailbox --transactions 20000 --json > target/ci-mailbox.json
step "device descriptions"
target/release/zerocat sweep esi/tests/samples --json > target/ci-sweep.json
step "bench"
scripts/bench.sh --no-install --quick --json target/ci-bench.json

step "zero-copy under PREEMPT_RT, emulated: igb"
scripts/rt-vm.sh --nic igb --clocks --cycles 1000 --binary target/release/zerocat
# A test of function, not of time: it may have the compiler beside it.
step "zero-copy under PREEMPT_RT, emulated: virtio; built for aarch64"
scripts/rt-vm.sh --nic virtio --cycles 1000 --binary target/release/zerocat >target/ci-virtio.log 2>&1 &
beside=$!
nice scripts/aarch64.sh
status=0
wait "$beside" || status=$?
beside=''
cat target/ci-virtio.log
[ "$status" -eq 0 ]
step "brought to OP on aarch64, emulated"
scripts/rt-vm.sh --arch aarch64 --nic igb --cycles 1000 --sim target/release/zerocat \
    --binary target/aarch64-unknown-linux-gnu/debug/zerocat

step "nothing is left behind"
left=$(ip netns list | grep '^zerocat-' || true)
[ -z "$left" ] || { echo "namespaces left: $left" >&2; exit 1; }
left=$(pgrep -ax zerocat || true)
[ -z "$left" ] || { echo "processes left: $left" >&2; exit 1; }
left=$(ip -d link show | grep -B1 'prog/xdp' || true)
[ -z "$left" ] || { echo "XDP programs left: $left" >&2; exit 1; }
