# Debian packages that are unpacked into a cache folder and installed nowhere; sourced by scripts that need them.
#
# What a package depends on is found by apt in lists of our own, for a machine on which nothing is installed. So it doesn't
# matter what this machine has: not even its C library is used. Wanted here: apt-get, dpkg-deb, find, flock.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# apt_in NAME ARCHITECTURE SUITE... -- COMMAND...: apt's COMMAND (apt-get or apt-cache, with its arguments) with lists and
# archives of its own below $cache/apt/NAME.
apt_in() {
    local folder=$cache/apt/$1 architecture=$2
    shift 2
    mkdir -p "$folder/lists/partial" "$folder/archives/partial"
    : >"$folder/sources.list"
    : >"$folder/status"
    while [ "$1" != -- ]; do
        echo "deb [signed-by=$keyring] $mirror $1 main" >>"$folder/sources.list"
        shift
    done
    shift
    local command=$1
    shift
    "$command" -qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o APT::Sandbox::User=root \
        -o Dir::State::lists="$folder/lists" -o Dir::State::status="$folder/status" \
        -o Dir::Cache::archives="$folder/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o Dir::Etc::sourceparts=- -o Dir::Etc::sourcelist="$folder/sources.list" -o Debug::NoLocking=1 \
        -o Acquire::Retries=3 "$@"
}

# The Debian mirror that this machine uses.
mirror=$(find /etc/apt -name '*.sources' -o -name '*.list' | xargs cat |
    sed -nE 's,^(URIs:|deb (\[.*\] )?) *(https?://[^ ]*/debian)/?( .*)?$,\3,p' | sed -n 1p)
mirror=${mirror:-http://deb.debian.org/debian}

# unpack FOLDER ARCHITECTURE SUITES PACKAGES: PACKAGES of SUITES (the last one preferred, as words) and all that they depend
# on, below FOLDER in the cache, which is there afterwards as a whole or not at all.
unpack() {
    local folder=$cache/$1 name=${1//\//-} architecture=$2 preferred package
    local -a suites=() packages=()
    read -ra suites <<<"$3"
    read -ra packages <<<"$4"
    preferred=${suites[-1]}
    rm -rf "$folder.part" "$cache/apt/$name"
    apt_in "$name" "$architecture" "${suites[@]}" -- apt-get update
    apt_in "$name" "$architecture" "${suites[@]}" -- apt-get -y --no-install-recommends --download-only -t "$preferred" \
        install "${packages[@]}" >/dev/null
    mkdir -p "$folder.part"
    for package in "$cache/apt/$name"/archives/*.deb; do dpkg-deb -x "$package" "$folder.part"; done
    rm -rf "$cache/apt/$name"
    mv "$folder.part" "$folder"
}

# libraries FOLDER TRIPLET: where the libraries of an unpacked system are, as a search path.
libraries() { echo "$1/lib/$2:$1/usr/lib/$2"; }
