#!/usr/bin/env bash
# Builds zerocat for aarch64 on an x86_64 machine, and says where it is.
#
#   scripts/aarch64.sh [--cache DIR] [CARGO-OPTION...]      e.g. scripts/aarch64.sh --release
#
# Wanted: the packages of scripts/packages.txt, gcc-aarch64-linux-gnu and libc6-dev-arm64-cross (Debian's cross compiler), and rustup, which gets the
# standard library for the target. libelf and zlib for arm64, which libbpf needs, are downloaded from Debian into the cache
# (by default zerocat/rt-vm in $XDG_CACHE_HOME or ~/.cache) and unpacked there: dpkg needs no other architecture.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-${HOME:-target}/.cache}/zerocat/rt-vm
case "${1:-}" in
-h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
--cache) cache=${2:?}; shift 2 ;;
esac
rust=aarch64-unknown-linux-gnu
command -v aarch64-linux-gnu-gcc >/dev/null || { echo "aarch64.sh: install gcc-aarch64-linux-gnu" >&2; exit 1; }
mkdir -p "$cache"
cache=$(realpath "$cache")
. scripts/rt-vm/packages.sh
exec 9>"$cache/lock"
flock 9
[ -d "$cache/sysroot-aarch64" ] || unpack sysroot-aarch64 arm64 bookworm "libelf-dev zlib1g-dev"
flock -u 9
sysroot=$cache/sysroot-aarch64 tools=$cache/tools-aarch64
headers="-isystem $sysroot/usr/include -isystem $sysroot/usr/include/aarch64-linux-gnu"
rustup target add --toolchain "$(sed -nE 's/^channel = "(.*)"/\1/p' rust-toolchain.toml)" $rust 2>/dev/null

# Only these two libraries: the C library is the cross compiler's own. Their names for the linker point to the root.
mkdir -p "$tools"
for library in elf z; do
    ln -sfn "$(find "$sysroot" -type f \( -name "lib$library.so.*" -o -name "lib$library-*.so" \) | sed -n 1p)" "$tools/lib$library.so"
done
ln -sfn "$(realpath "$tools/libz.so")" "$tools/libz.so.1"
# BPF programs of libxdp include headers of the target's architecture.
printf '#!/bin/sh\nexec clang -isystem %s "$@"\n' "$sysroot/usr/include/aarch64-linux-gnu" >"$tools/clang"
chmod +x "$tools/clang"

export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CFLAGS_aarch64_unknown_linux_gnu=$headers
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-L native=$tools -C link-arg=-Wl,-rpath-link,$tools"
export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu="--sysroot=$sysroot"
# libbpf's and libxdp's builds ask for tools without naming the target; the machine's own are named for its own programs.
export HOST_CC=cc HOST_AR=ar CLANG=$tools/clang AR=aarch64-linux-gnu-ar LD=aarch64-linux-gnu-ld OBJCOPY=aarch64-linux-gnu-objcopy
cargo build --locked --quiet --target $rust -p zerocat-cli "$@"
echo "aarch64.sh: built $(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/$rust"
