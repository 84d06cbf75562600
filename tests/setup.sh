# What tests/run and tests/demo share: installing what is missing, and building. Sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# stop SENTENCE [MEND]: ends with the sentence as the last thing said.
stop() {
    echo "$(basename "$0"): $1" >&2
    [ $# -lt 2 ] || echo "  $2" >&2
    exit 3
}

# packages USE…: the names in tests/packages for these uses.
packages() {
    local use name
    while read -r use name _; do
        case " $* " in *" $use "*) echo "$name" ;; esac
    done <"$root/tests/packages"
}

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'; }

# install_missing USE…: installs the packages for these uses that are not there. Says nothing when all are.
install_missing() {
    local missing=() name as_root=()
    command -v dpkg-query >/dev/null || {
        echo "not a Debian: trusting that what tests/packages names is here" >&2
        return 0
    }
    for name in $(packages "$@"); do
        installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing ${#missing[@]} missing packages: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || stop "packages are missing, and there is neither root nor sudo to install them" \
            "as root: apt-get update && apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    local log
    log=$(mktemp)
    if ! {
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -o Acquire::Retries=5 -o DPkg::Lock::Timeout=120 update &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y -o Acquire::Retries=5 -o DPkg::Lock::Timeout=120 \
                install --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        stop "the missing packages could not be installed: ${missing[*]}" \
            "look at apt's words above; then, as root: apt-get update && apt-get install ${missing[*]}"
    fi
    rm -f "$log"
}

# configure PRESET [CMAKE ARGUMENT…]: quiet unless it fails. ccache is used where it is installed.
configure() {
    local preset=$1 launcher=() log=$root/build/$1.configure.log
    shift
    mkdir -p "$root/build"
    if command -v ccache >/dev/null; then
        launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
        export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
    fi
    (cd "$root" && cmake --preset "$preset" "${launcher[@]}" "$@") >"$log" 2>&1 || {
        cat "$log" >&2
        return 1
    }
}

# build PRESET [TARGET…]
build() {
    local preset=$1 targets=()
    shift
    [ $# -eq 0 ] || targets=(--target "$@")
    (cd "$root" && cmake --build "build/$preset" -j "$(nproc)" "${targets[@]}")
}
