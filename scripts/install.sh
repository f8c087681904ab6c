#!/usr/bin/env bash
# Installs the Debian packages that zerocat needs and that are missing, after saying which and why.
#
#   scripts/install.sh [--no-install] [PACKAGE...]
#
# PACKAGEs are installed beside those of scripts/packages.txt. With --no-install it only says what is missing, and
# fails if anything is.
set -euo pipefail
cd "$(dirname "$0")/.."

install=yes
extra=()
for argument in "$@"; do
    case "$argument" in
    --no-install) install=no ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) echo "install.sh: unknown argument $argument; see --help" >&2; exit 2 ;;
    *) extra+=("$argument") ;;
    esac
done

missing=()
want() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed' || missing+=("$1"); }

command -v dpkg-query >/dev/null || { echo "install.sh: not a Debian system; see scripts/packages.txt for what is needed" >&2; exit 1; }
while read -r package reason; do
    want "$package"
    [[ " ${missing[*]:-} " == *" $package "* ]] && printf 'missing: %-14s %s\n' "$package" "$reason"
done < <(grep -v '^#' scripts/packages.txt)
for package in "${extra[@]:+${extra[@]}}"; do want "$package"; done

command -v cargo >/dev/null || { echo "install.sh: cargo is missing; install Rust with rustup (https://rustup.rs)" >&2; exit 1; }
[ ${#missing[@]} -eq 0 ] && exit 0
if [ $install = no ]; then
    echo "install.sh: missing packages: ${missing[*]}" >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "install.sh: run as root, or install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
