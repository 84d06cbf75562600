# Sessions on a pseudo-terminal, by terminal.py: what stands there in the end, scrolled away or not, is what was meant to
# stay. Times and ids are made alike.

shown() { sed -E 's/[0-9]+(\.[0-9]+)?(ms|s)\b/T/g; s/[0-9]{4}-[0-9-]+T[0-9-]+(~[0-9]+)?-pre/WHEN-pre/; s/\^C//; s/ +$//; s/ +T/ T/'; }
# on_terminal COLUMNS ROWS OPTIONS… -- COMMAND…: the end of it in $out, the exit code in $status.
on_terminal() {
    unset NO_COLOR
    run python3 "$(dirname "$script")/terminal.py" "$@"
    out=$(shown <<<"$out")
}
app() {
    new_repo app
    cd app || exit
    cat >.tidegate.yaml <<Y
version: 1
stages:
  pre-commit:
    gates:
      - {name: hygiene, builtin: [trailing-whitespace]}
      - {name: lint, run: "for i in 1 2 3 4 5 6 7 8 9; do echo checking \$i; sleep 0.05; done; ! grep -l BAD {files}", files: ["*.txt"]}
      - {name: types, run: "sleep 0.3"}
      - {name: docs, needs: [lint], run: "true"}
Y
    echo good >a.txt
    git add -A
    tidegate install >/dev/null
}
# Waits for the test to be ready, with output meanwhile.
waiting() {
    cat >.tidegate.yaml <<Y
version: 1
stages:
  pre-commit:
    gates:
      - {name: waits-for-a-very-long-time, run: "touch $work/ready; while ! [ -e $work/ready.resized ]; do echo a line that is quite long and would be broken by a narrow window; sleep 0.05; done"}
      - {name: wide, run: "echo 日本語の出力はとても長いので折り返されます; sleep 0.4"}
Y
    git add -A
}

test_a_commit_that_passes_leaves_its_lines_and_no_others() {
    app
    on_terminal 80 24 -- git commit -qm one
    expect_status 0
    expect_equal "$out" "tidegate pre-commit  4 gates on 2 files
  ✓ hygiene        2 files T
  ✓ lint           1 file T
  ✓ types T
  ✓ docs T
passed in T"
}

test_a_commit_that_fails_leaves_the_failure_last() {
    app
    echo BAD >b.txt
    git add -A
    on_terminal 80 24 -- git commit -qm one
    expect_status 1
    expect_equal "$(grep -v "^  checking" <<<"$out")" "tidegate pre-commit  4 gates on 3 files
  ✓ hygiene        3 files T
  ✗ lint           exit 1 T
  ✓ types T
  ■ docs           not run: needs lint
lint ─ for i in 1 2 3 4 5 6 7 8 9; do echo checking \$i; sleep 0.05; done; ! grep -l BAD {files}
  b.txt
── full log: .git/tidegate/logs/WHEN-pre-commit/lint.log
stopped: lint failed on what is being committed.
Again: tidegate run pre-commit --gate lint"
    expect_equal "$(grep -c "^  checking" <<<"$out")" 9
}

test_an_interrupted_commit_says_what_was_stopped() {
    app
    waiting
    sed -i 's/wide, run: .*/after, needs: [waits-for-a-very-long-time], run: "true"}/' .tidegate.yaml
    git add -A
    on_terminal 80 24 --interrupt "$work/ready" --raw "$work/raw" -- git commit -qm one
    expect_equal "$out" "tidegate pre-commit  2 gates
  ■ waits-for-a-very-long-time  interrupted
  ■ after                       not run
interrupted after T: waits-for-a-very-long-time was stopped; nothing was
committed."
    expect_lacks "$(cat "$work/raw")" $'\x1b[?25l'
    run git rev-parse -q --verify HEAD
    expect_status 1
}

test_narrow_windows_and_wide_characters_leave_no_line_over() {
    app
    waiting
    touch "$work/ready.resized"
    on_terminal 40 10 -- git commit -qm one
    expect_status 0
    expect_equal "$out" "tidegate pre-commit  2 gates
  ✓ waits-for-a-very-l… T
  ✓ wide T
passed in T"
    git commit -q --amend --no-verify -m again
    tidegate cache clear >/dev/null
    echo more >m.md
    git add -A
    on_terminal 20 6 -- git commit -qm two
    expect_status 0
    expect_equal "$out" "tidegate pre-commit  2 gates
  ✓ waits-fo… T
  ✓ wide T
passed in T"
}

test_a_window_that_becomes_narrow_leaves_no_line_over() {
    app
    waiting
    on_terminal 90 24 --resize "$work/ready" 33 -- git commit -qm one
    expect_status 0
    expect_equal "$out" "tidegate pre-commit  2 gates
  ✓ waits-for-a-ve… T
  ✓ wide T
passed in T"
}

test_more_gates_than_rows_leave_nothing_in_the_scrollback() {
    app
    {
        printf 'version: 1\nstages:\n  pre-commit:\n    gates:\n'
        for i in 1 2 3 4 5 6 7 8 9; do printf '      - {name: gate-%s, run: "sleep 0.%s; echo done"}\n' "$i" "$i"; done
    } >.tidegate.yaml
    git add -A
    on_terminal 80 7 -- git commit -qm one
    expect_status 0
    expect_equal "$out" "tidegate pre-commit  9 gates
$(for i in 1 2 3 4 5 6 7 8 9; do echo "  ✓ gate-$i T"; done)
passed in T"
}

test_a_dumb_terminal_and_ci_get_plain_lines() {
    app
    TERM=dumb on_terminal 80 24 --raw "$work/raw" -- git commit -qm one
    expect_equal "$out" "tidegate pre-commit  4 gates on 2 files
passed in T"
    expect_lacks "$(cat "$work/raw")" $'\x1b'
    echo more >m.md
    git add -A
    CI=true on_terminal 80 24 --raw "$work/raw" -- git commit -qm two
    expect_lacks "$(cat "$work/raw")" $'\x1b'
    echo again >m.md
    git add -A
    unset NO_COLOR
    CI=true CLICOLOR_FORCE=1 run git commit -qm three
    expect_contains "$err" $'\x1b[32mpassed'
    expect_lacks "$err" $'\x1b['1A
}
