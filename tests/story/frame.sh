# The frame of a told story: headings, commands shown with what they print. Sourced after tests/e2e/lib.sh.
# shellcheck shell=bash

# step SENTENCE: a heading.
step() {
    printf '\n%s\n' "$1"
}
say() {
    printf '\n  # %s\n' "$1"
}
indent() {
    sed 's/^/    /'
}

# enter FOLDER: go there; its name is the prompt.
enter() {
    cd "$1" || fail "no such folder: $1"
}

# show COMMAND: runs a line of shell here, and prints it and what it prints. Leaves its exit code in $status and its
# output (both streams) in $out.
show() {
    printf '  %s$ %s\n' "$(basename "$PWD")" "$1"
    status=0
    (eval "$1") >"$work/.shown" 2>&1 </dev/null || status=$?
    out=$(cat "$work/.shown")
    [ -z "$out" ] || indent <<<"$out"
}
# As `show`, and the command must succeed.
show_good() {
    show "$1"
    expect_status_of_shown 0
}
# show_bad CODE COMMAND: it must end with CODE.
show_bad() {
    show "$2"
    [ "$status" -eq 0 ] || printf '    (exit code %s)\n' "$status"
    expect_status_of_shown "$1"
}
expect_status_of_shown() {
    [ "$status" = "$1" ] || fail "exit code $status, expected $1"
}
# A file as it is, indented.
show_file() {
    printf '  %s$ cat %s\n' "$(basename "$PWD")" "$1"
    indent <"$1"
}
# edit FILE OLD NEW: replaces a text that must be there.
edit() {
    /usr/bin/python3 - "$@" <<'PYTHON'
import sys
name, old, new = sys.argv[1:]
text = open(name).read()
if old not in text:
    sys.exit(f"{name} does not hold {old!r}")
open(name, "w").write(text.replace(old, new, 1))
PYTHON
}
