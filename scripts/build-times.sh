#!/usr/bin/env bash
# How long a program takes to be built from nothing: with zerocat over AF_PACKET alone, and with ethercrab and smol.
#
#   scripts/build-times.sh [ROUNDS]
#
# Both are built in turns, ROUNDS times (1), each time in an empty folder, as debug and as release builds with the settings that
# Cargo has for a new package. Sources are downloaded before, so only the compiler is timed. It prints seconds, and how many crates
# each has.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
rounds=${1:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

package() { # NAME DEPENDENCIES MAIN
    mkdir -p "$work/$1/src"
    printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n%s\n' "$1" "$2" > "$work/$1/Cargo.toml"
    printf '%s\n' "$3" > "$work/$1/src/main.rs"
    cp Cargo.lock "$work/$1/Cargo.lock"
    cargo fetch --quiet --manifest-path "$work/$1/Cargo.toml"
}
package zerocat-packet \
    "zerocat = { path = \"$PWD/master\", default-features = false, features = [\"packet\", \"time-driver\"] }" \
    'fn main() { let _ = zerocat::Bus::on("eth1").start(); }'
package ethercrab-smol 'ethercrab = "=0.7.1"
smol = "2"' \
    'fn main() { let _ = smol::block_on(async { ethercrab::std::tx_rx_task("eth1", static_tx(), static_rx()).map(drop) }); }
fn static_tx() -> ethercrab::PduTx<'"'static"'> { todo!() }
fn static_rx() -> ethercrab::PduRx<'"'static"'> { todo!() }'

for name in zerocat-packet ethercrab-smol; do
    crates=$(cargo tree --manifest-path "$work/$name/Cargo.toml" -e normal --prefix none | sed 's/ (\*)//' | sort -u | wc -l)
    printf '%-16s %4s crates\n' "$name" "$crates"
done
for _ in $(seq "$rounds"); do
    for profile in dev release; do
        for name in zerocat-packet ethercrab-smol; do
            rm -rf "$work/target"
            began=$(date +%s.%N)
            CARGO_TARGET_DIR=$work/target cargo build --quiet --profile "$profile" --manifest-path "$work/$name/Cargo.toml"
            printf '%-16s %-8s %6.1f s\n' "$name" "$profile" "$(python3 -c "import time; print(time.time() - $began)")"
        done
    done
done
