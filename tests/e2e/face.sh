# What a person sees, on a terminal and in a pipe.

app() {
    new_repo app
    cd app
    cat >.tidegate.yaml <<'Y'
version: 1
stages:
  pre-commit:
    gates:
      - {name: hygiene, builtin: [trailing-whitespace]}
      - {name: lint, run: "true {files}", files: ["*.txt"]}
      - {name: types, run: "true {files}", files: ["*.ts"]}
  pre-push:
    gates:
      - {name: build, run: "true"}
      - {name: unit, needs: [build], run: "echo checking src/parser.cpp; grep -q fixed src/parser.cpp"}
      - {name: e2e, needs: [unit], run: "true"}
Y
    mkdir src
    echo broken >src/parser.cpp
    echo text >a.txt
    git add -A
}
# Times are not part of the picture.
timeless() { sed -E 's/[0-9]+(\.[0-9]+)?(ms|s)\b/T/g; s/[0-9]{4}-[0-9-]+T[0-9-]+-pre/WHEN-pre/; s/~[0-9]+\//\//'; }
# on_terminal COLUMNS COMMAND…: runs it on a pseudo-terminal; what it wrote in $out, raw.
# Once the screen has shown $awaited, the file $work/.seen is there.
on_terminal() {
    status=0
    AWAITED=${awaited:-} SEEN=$work/.seen python3 - "$@" >"$work/.screen" <<'P' || status=$?
import fcntl, os, pty, struct, sys, termios
columns = int(sys.argv[1])
begin, go = os.pipe()
pid, fd = pty.fork()
if pid == 0:
    os.read(begin, 1)  # until the window has its size
    os.environ.update(TERM="xterm")
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
os.write(go, b"x")
awaited, shown = os.environ["AWAITED"].encode(), b""
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
    shown += data
    if awaited and awaited in shown and b"\x1b[1A" in shown:
        open(os.environ["SEEN"], "w").close()
sys.stdout.flush()
_, code = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(code) if os.WIFEXITED(code) else 128 + os.WTERMSIG(code))
P
    out=$(cat "$work/.screen")
}
# The screen as it stands in the end: what was rewritten is gone.
screen() {
    python3 -c '
import re, sys
lines, row = [""], 0
for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", open(sys.argv[1], newline="", encoding="utf-8").read()):
    if part == "\n":
        row += 1
        while len(lines) <= row: lines.append("")
        column = 0
    elif part == "\r": column = 0
    elif part.endswith("A") and part.startswith("\x1b"): row = max(0, row - int(part[2:-1] or 1))
    elif part == "\x1b[J": lines = lines[:row] + [lines[row][:0]]
    elif part == "\x1b[K": lines[row] = lines[row][:column]
    elif part.startswith("\x1b"): pass
    else:
        column = locals().get("column", 0)
        lines[row] = lines[row][:column] + part + lines[row][column + len(part):]
        column += len(part)
print("\n".join(line.rstrip() for line in lines).rstrip())
' "$work/.screen"
}

test_a_commit_that_passes_is_two_lines_in_a_pipe() {
    app
    tidegate install >/dev/null
    run git commit -m one
    expect_status 0
    expect_equal "$(timeless <<<"$err")" "tidegate pre-commit  3 gates on 3 files
passed in T"
}

test_a_push_that_is_stopped_says_why_in_a_pipe() {
    app
    git commit -qm one
    git init -q --bare "$work/far.git"
    git remote add origin "$work/far.git"
    tidegate install >/dev/null
    echo fixed >src/parser.cpp
    run git push origin main
    expect_status 1
    head=$(git rev-parse --short=7 HEAD) tree=$(git rev-parse --short=7 'HEAD^{tree}')
    expect_equal "$(grep -v '^error: failed to push' <<<"$err" | timeless)" "tidegate pre-push  main → origin  1 commit, tree $tree
  ✓ build                             T
  ✗ unit           exit 1             T
  ■ e2e            not run: needs unit
unit ─ echo checking src/parser.cpp; grep -q fixed src/parser.cpp
  checking src/parser.cpp
── full log: .git/tidegate/logs/WHEN-pre-push/unit.log
stopped: unit failed on the commit being pushed ($head). Your working tree has
unstaged changes to src/parser.cpp; they are not part of this push.
Again: tidegate run pre-push --gate unit"
    git add -A
    git commit -qm two
    run git push origin main
    expect_status 0
}

test_no_escape_is_ever_in_a_pipe() {
    app
    unset NO_COLOR
    export TERM=xterm-256color
    run tidegate run pre-push --tree "$(git write-tree)"
    expect_lacks "$out$err" $'\x1b'
    tidegate install >/dev/null
    run git commit -m one
    expect_lacks "$out$err" $'\x1b'
    run tidegate doctor
    expect_lacks "$out$err" $'\x1b'
}

test_escapes_of_a_gate_are_made_visible() {
    app
    cat >.tidegate.yaml <<'Y'
version: 1
stages:
  pre-push:
    gates: [{name: evil, run: "printf '\\033]0;owned\\007\\033[31mred\\n'; exit 1"}]
Y
    git add -A
    git commit -qm one
    run tidegate run pre-push
    expect_status 1
    expect_lacks "$out" $'\x1b'
    expect_contains "$out" '\x1b[31mred'
}

test_colours_can_be_forced_and_forbidden() {
    app
    git commit -qm one
    NO_COLOR="" CLICOLOR_FORCE=1 run tidegate run pre-push
    expect_contains "$out" $'\x1b[31m'
    NO_COLOR=1 CLICOLOR_FORCE=1 run tidegate run pre-push
    expect_lacks "$out" $'\x1b'
}

test_a_terminal_settles_to_one_line_each() {
    app
    on_terminal 80 tidegate run pre-commit
    expect_equal "$status" 0
    expect_equal "$(screen | timeless)" "tidegate pre-commit  3 gates on 3 files
  ✓ hygiene        3 files            T
  ✓ lint           1 file             T
  – types          no matching files
passed in T"
}

test_a_running_gate_has_a_line_with_a_clock() {
    app
    cat >.tidegate.yaml <<'Y'
version: 1
stages:
  slow:
    gates: [{name: waits, run: "echo step one; until [ -e SEEN ]; do sleep 0.05; done; echo step two"}]
Y
    sed -i "s#SEEN#$work/.seen#" .tidegate.yaml
    git add -A
    git commit -qm one --no-verify
    awaited="step one" on_terminal 80 tidegate run slow
    expect_contains "$out" "step one"
    expect_contains "$out" $'\x1b[1A'
    expect_contains "$(timeless <<<"$out")" "waits"
    expect_contains "$(screen)" "✓ waits"
    expect_lacks "$(screen)" "step one"
}

test_nothing_is_wider_than_a_narrow_terminal() {
    app
    cat >.tidegate.yaml <<'Y'
version: 1
stages:
  slow:
    gates: [{name: a-gate-with-quite-a-long-name-indeed, run: "echo a very long line of output that would wrap around; sleep 0.3"}]
Y
    git add -A
    git commit -qm one --no-verify
    on_terminal 30 tidegate run slow
    run python3 -c '
import re, sys
text = open(sys.argv[1], newline="", encoding="utf-8").read()
body = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "").split("\n")[1:]
print(max(len(line) for line in body))' "$work/.screen"
    [ "$out" -le 30 ] || fail "a line of $out columns"
}

test_an_interrupt_ends_gates_and_leaves_the_terminal_sane() {
    app
    cat >.tidegate.yaml <<'Y'
version: 1
stages:
  slow:
    gates: [{name: waits, run: "echo $$ >../pid; sleep 60"}]
Y
    sed -i "s#\.\./pid#$work/pid#" .tidegate.yaml
    git add -A
    git commit -qm one --no-verify
    before=$(git status --porcelain)
    status=0
    python3 - "$work/pid" >"$work/.screen" <<'P' || status=$?
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp("tidegate", ["tidegate", "run", "slow"])
sent = False
data = b""
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    data += piece
    if not sent and os.path.exists(sys.argv[1]) and os.path.getsize(sys.argv[1]) > 0:
        os.write(fd, b"\x03")
        sent = True
sys.stdout.buffer.write(data)
sys.stdout.flush()
_, code = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(code))
P
    expect_equal "$status" 130
    expect_contains "$(screen)" "interrupted"
    expect_lacks "$(cat "$work/.screen")" $'\x1b[?25l'
    run kill -0 "$(cat "$work/pid")"
    expect_status 1
    expect_equal "$(git status --porcelain)" "$before"
}

test_a_file_that_was_not_added_is_pointed_at() {
    app
    cat >.tidegate.yaml <<'Y'
version: 1
stages:
  pre-commit:
    gates: [{name: build, run: "cat missing.h"}]
Y
    git add -A
    touch missing.h
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$(tr '\n' ' ' <<<"$out")" "git does not track missing.h; what is not added is not part of this commit."
}

test_a_push_of_what_is_not_checked_out_says_so() {
    app
    git commit -qm one
    git branch other
    echo fixed >src/parser.cpp
    git add -A
    git commit -qm two
    git init -q --bare "$work/far.git"
    tidegate install >/dev/null
    run git push "$work/far.git" other
    expect_status 1
    expect_contains "$(tr '\n' ' ' <<<"$err")" "It is not the commit that is checked out"
    expect_contains "$err" "Again: tidegate run pre-push --tree $(git rev-parse --short=7 other) --gate unit"
}
