#!/usr/bin/env bash
# What end-to-end tests stand on. Run as `lib.sh SCRIPT CASE`: makes a private folder with a HOME of its own, sources
# SCRIPT, calls the function CASE there, ends everything it started and removes the folder. A case fails on the first
# command that fails (set -e) or on an expect_… that does not hold; `skip WHY` ends it as skipped.
set -euo pipefail

fail() {
    echo "FAILED: $*" >&2
    exit 1
}
skip() {
    echo "skipped: $*"
    exit 77
}

# run COMMAND…: runs it, keeps its exit code in $status, its output in $out, its errors in $err.
run() {
    status=0
    "$@" >"$work/.out" 2>"$work/.err" </dev/null || status=$?
    out=$(cat "$work/.out")
    err=$(cat "$work/.err")
}
expect_status() {
    [ "$status" = "$1" ] || fail "exit code $status, expected $1
--- out
$out
--- err
$err"
}
expect_equal() { [ "$1" = "$2" ] || fail "got:      $1
expected: $2"; }
expect_contains() { case "$1" in *"$2"*) ;; *) fail "expected \"$2\" in:
$1" ;; esac; }
expect_lacks() { case "$1" in *"$2"*) fail "did not expect \"$2\" in:
$1" ;; esac; }
expect_file() { [ -e "$1" ] || fail "no such file: $1"; }
expect_no_file() { [ ! -e "$1" ] && [ ! -L "$1" ] || fail "should not be there: $1"; }

# wait_for SECONDS COMMAND…: until it succeeds; fails when the time is up. The seconds are those of a quiet machine: a
# busy one, or a sanitizer's build, has six times as long.
wait_for() {
    local limit=$(($1 * 6)) until
    shift
    until=$((SECONDS + limit))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -le $until ] || fail "not within ${limit}s: $*"
        sleep 0.05
    done
}

# traced OPTION… COMMAND…: by strace, under which the sanitizers look for no leaks.
traced() { ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 strace "$@"; }

# start COMMAND…: in the background, in a group of its own, ended with the test; its pid in $started.
start() {
    setsid "$@" >>"$work/.background.log" 2>&1 </dev/null &
    started=$!
    echo "$started" >>"$work/.started"
}

# A port that is free, and that the kernel gives nobody who asks for just any: it is still free when it is bound.
free_port() {
    python3 -c 'import random, socket
while True:
    port = random.randrange(10000, 32000)
    try:
        socket.socket().bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    break'
}

# A daemon of this test answers at its socket: a file alone may be what a killed one left, or not be listened at yet.
daemon_answers() {
    local code=0
    tidegatectl status || code=$?
    [ $code -le 1 ] || [ $code = 4 ]
}

# A new git repository with an identity, on branch main.
new_repo() {
    git init -q -b main "$1"
}

# A hash over every file of a folder but .git: content, names, modes, links.
hash_of_tree() {
    (cd "$1" && find . -path ./.git -prune -o \( -type f -o -type l \) -printf '%P\0%m\0%l\0' -type f -exec sha256sum {} \; | LC_ALL=C sort -z | sha256sum)
}

# Ends what still lives in the test's folder: services that were started by what was started.
sweep() {
    local process pid
    for process in /proc/[0-9]*; do
        pid=${process#/proc/}
        [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] || continue
        case "$(readlink "$process/cwd" 2>/dev/null)/ $(tr '\0' ' ' 2>/dev/null <"$process/cmdline")" in
            *"$work/"*) kill -KILL "$pid" 2>/dev/null || true ;;
        esac
    done
}

cleanup() {
    local code=$?
    trap - EXIT
    disown -a 2>/dev/null || true
    if [ -f "$work/.started" ]; then
        while read -r pid; do kill -KILL -- "-$pid" 2>/dev/null || true; done <"$work/.started"
    fi
    sweep
    if [ $code -ne 0 ] && [ $code -ne 77 ] && [ -s "$work/.background.log" ]; then
        echo "--- what ran in the background" >&2
        grep -v "^\[[0-9]*\]" "$work/.background.log" | tail -n 60 >&2
    fi
    if [ -n "${TIDEGATE_KEEP:-}" ]; then echo "kept: $work" >&2; else
        chmod -R u+rwX "$work" 2>/dev/null || true
        rm -rf "$work"
    fi
    exit $code
}

script=$1
case=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-e2e.XXXXXX")
chmod 755 "$work"
trap cleanup EXIT
# A signal alone would end bash without the trap above.
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
unset "${!GIT_@}" "${!TIDEGATE_SKIP@}" 2>/dev/null || true
export HOME=$work/home XDG_CONFIG_HOME=$work/home/.config XDG_CACHE_HOME=$work/home/.cache
export PATH=$TIDEGATE_BIN:/usr/bin:/bin:$PATH LC_ALL=C.UTF-8 NO_COLOR=1 TIDEGATE_E2E=1
unset CI TERM SSH_AUTH_SOCK
mkdir -p "$HOME"
git config --global user.name "Ana Lima"
git config --global user.email ana@example.com
git config --global init.defaultBranch main
git config --global protocol.file.allow always
git config --global commit.gpgsign false
cd "$work"
source "$script"
"$case"
