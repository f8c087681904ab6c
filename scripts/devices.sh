#!/usr/bin/env bash
# The public device descriptions that were tried: where they are from, and whether a folder has them.
#
#   scripts/devices.sh                        print the list: repository, commit, path, SHA-256
#   scripts/devices.sh --check FOLDER         say which files of the list a folder has, by SHA-256, wherever they are in it
#   scripts/devices.sh --make FOLDER          print a list from FOLDER/OWNER+NAME/PATH and FOLDER/commits (OWNER/NAME COMMIT)
#
# The files are their vendors' and not in this repository. A clone of each repository at its commit, below one folder, is
# a folder that `zerocat sweep` takes.
set -euo pipefail
list=$(dirname "$0")/devices.list
case "${1:-}" in
"") cat "$list" ;;
--check)
    folder=${2:?--check needs a folder}
    hashes=$(find "$folder" -type f -iname '*.xml' -exec sha256sum {} + | cut -c1-64 | sort -u)
    have=0 missing=0
    while read -r repository commit sha path; do
        if [[ $hashes == *"$sha"* ]]; then have=$((have + 1)); else
            missing=$((missing + 1))
            echo "missing: $repository $commit $path"
        fi
    done < <(grep -v '^#' "$list")
    echo "$have of $((have + missing)) files are there"
    [ "$missing" -eq 0 ]
    ;;
--make)
    folder=${2:?--make needs a folder}
    echo "# Public device descriptions that were tried: repository, commit, SHA-256, path. See devices.sh."
    (cd "$folder" && find . -type f -iname '*.xml' -printf '%P\n' | LC_ALL=C sort) | while IFS= read -r file; do
        repository=${file%%/*} repository=${repository/+//}
        commit=$(awk -v r="$repository" '$1 == r { print $2 }' "$folder/commits")
        echo "$repository $commit $(sha256sum < "$folder/$file" | cut -c1-64) ${file#*/}"
    done
    ;;
-h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" ;;
*) echo "devices.sh: unknown argument $1; see --help" >&2; exit 2 ;;
esac
