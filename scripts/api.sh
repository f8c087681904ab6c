#!/usr/bin/env bash
# The public interface of the library against the listing in docs/api: a change of it is seen before it lands.
#
#   scripts/api.sh           compares; exit code 1 and the difference where it changed
#   scripts/api.sh --write   writes the listing anew, to be committed with the change
#
# Needs cargo-public-api. It reads what rustdoc of the pinned compiler says in JSON, which is unstable, hence RUSTC_BOOTSTRAP; and
# because of that a target directory of its own: crates that ask for it would be built anew, with all that need them, now and in
# the next build.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
command -v cargo-public-api >/dev/null ||
    CARGO_PROFILE_DEV_DEBUG=false cargo install --debug --locked --quiet --target-dir target/tools cargo-public-api@0.52.0
channel=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
listing=docs/api/zerocat.txt
# Without what derives and blanket implementations add.
mkdir -p target
RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$PWD/target/api cargo "+$channel" public-api -p zerocat --all-features -sss > target/api.txt
if [ "${1:-}" = --write ]; then
    mkdir -p docs/api && cp target/api.txt "$listing"
elif ! diff -u "$listing" target/api.txt; then
    echo "api.sh: the public interface of the library changed; if that is wanted: scripts/api.sh --write" >&2
    exit 1
fi
