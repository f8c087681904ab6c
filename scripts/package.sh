#!/usr/bin/env bash
# Packages every crate that is to be published, and builds and runs programs outside the workspace against the packages.
#
#   scripts/package.sh
#
# What a package lacks, and what only this workspace turns on, shows here and nowhere else. The programs are in tests/outside: a
# controller over AF_PACKET with its test, one beside embassy-time, one beside ethercrab.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac

crates=$(cargo metadata --no-deps --format-version 1 --locked |
    python3 -c 'import json, sys; print(*[p["name"] for p in json.load(sys.stdin)["packages"] if p["publish"] is None])')
packages=$(printf -- '-p %s ' $crates)
# Built from the packages by the programs below, with the features that these choose. A dirty tree is packaged as it stands.
cargo package $packages --no-verify --allow-dirty --locked --quiet

outside=target/outside
rm -rf "$outside" && mkdir -p "$outside/packages" "$outside/.cargo"
cp -r tests/outside/. "$outside"
{
    # As in this workspace, so that what both need of others is built once.
    sed -n '/^\[profile.dev/,/^$/p' Cargo.toml
    echo '[patch.crates-io]'
    for crate in $crates; do
        tar -xzf target/package/$crate-[0-9]*.crate -C "$outside/packages"
        echo "$crate = { path = \"packages/$(basename "$(echo "$outside"/packages/$crate-[0-9]*)")\" }"
    done
} >> "$outside/Cargo.toml"
# The same versions of everything else.
cp Cargo.lock "$outside/Cargo.lock"
export CARGO_TARGET_DIR=$PWD/target
cd "$outside"
cargo test -p controller --quiet
cargo build -p controller --quiet
cargo run -p beside-embassy --quiet
cargo run -p beside-ethercrab --quiet
printf '%s packages, and 3 programs outside the workspace that use them\n' "$(echo $crates | wc -w)"
