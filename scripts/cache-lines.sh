#!/usr/bin/env bash
# Counts the cache lines and pages that one cycle of the engine touches, of code and of data, over a link in memory.
#
#   scripts/cache-lines.sh [--no-install]
#
# valgrind traces every access to memory, so the counts are the same on every run and on a busy machine. System calls and
# the kernel aren't in them. Caches that are cold at the beginning of a cycle have to fetch about these lines.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac

scripts/install.sh "$@" valgrind
cargo build --release --locked --quiet -p zerocat-benches --example cycle_lines
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

# Lines of the trace: `I  address,size` for code, ` L`, ` S` and ` M` for data. A cycle is what is between the marks;
# the last 20 cycles count, when everything has been touched before.
valgrind --tool=lackey --trace-mem=yes --log-fd=9 "$target/release/examples/cycle_lines" 9>&1 | awk '
function hex(text,    n, i) {
    n = 0
    for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
    return n
}
function touch(kind, address, size,    line, last) {
    line = int(address / 64); last = int((address + size - 1) / 64)
    for (; line <= last; line++) {
        if (!((kind, line) in seen)) { seen[kind, line]; lines[kind]++ }
        if (!((kind, "page", int(line / 64)) in seen)) { seen[kind, "page", int(line / 64)]; pages[kind]++ }
    }
}
/^0x[0-9a-f]+ 0x[0-9a-f]+$/ { begin = hex(substr($1, 3)); end = hex(substr($2, 3)); next }
!/^(I | [LSM] )/ || !begin { next }
{
    split($2, part, ","); address = hex(part[1])
    if ($1 != "I" && address == begin) { inside = 1; half++; next }
    if ($1 != "I" && address == end) {
        inside = 0
        if (half % 2 == 0) {
            cycle = half / 2
            if (cycle > 40) { n++; sum["code"] += lines["code"]; sum["data"] += lines["data"]; page["code"] += pages["code"]; page["data"] += pages["data"]; count += instructions }
            delete seen; delete lines; delete pages; instructions = 0
        }
        next
    }
    if (!inside) next
    if ($1 == "I") { instructions++; touch("code", address, part[2]) } else touch("data", address, part[2])
}
END {
    if (n != 20) { print "cache-lines.sh: " n + 0 " cycles in the trace instead of 20" > "/dev/stderr"; exit 1 }
    printf "a cycle of the engine, one LRW of 32 bytes, mean of %d: %d instructions\n", n, count / n
    printf "code: %d cache lines on %d pages\n", sum["code"] / n, page["code"] / n
    printf "data: %d cache lines on %d pages\n", sum["data"] / n, page["data"] / n
}'
