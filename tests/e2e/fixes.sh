# Fixes: what a gate can mend is mended in what is committed and in the working tree, or nothing is touched at all.
# shellcheck shell=bash disable=SC2154
source "${BASH_SOURCE[0]%/*}/app.sh"

# A gate that refuses BAD in *.c and knows how to mend it, and one that writes down what it judged.
format="{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}', files: ['*.c']}"
see="{name: see, run: 'cat src/*.c >\"\$RECORD/seen\"'}"

# An app with these gates, or others, and one commit.
fixing_app() {
    new_app
    if [ $# -gt 0 ]; then gates pre-commit "$@"; else gates pre-commit "$format" "$see"; fi
    seq 1 20 >src/a.c
    commit_unseen first
}
# Puts BAD into a line of a file.
spoil() { sed -i "$2s/\$/ BAD/" "$1"; }
line() { sed -n "$2p" "$1"; }

test_what_a_gate_can_fix_is_committed_fixed() {
    fixing_app
    spoil src/a.c 3
    echo BAD >src/new.c
    chmod +x src/new.c
    git add -A
    run git commit -qm fixed
    expect_status 0
    expect_contains "$out$err" "fixed 2 files, staged and in the working tree:
  src/a.c
  src/new.c"
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p)" "3 good"
    expect_equal "$(line src/a.c 3)" "3 good"
    expect_equal "$(stat -c %a src/new.c) $(git ls-tree HEAD src/new.c | cut -d' ' -f1)" "755 100755"
    expect_equal "$(git status --porcelain)" ""
    # what was judged is what was committed
    expect_equal "$(cat "$RECORD/seen")" "$(git show HEAD:src/a.c HEAD:src/b.c HEAD:src/new.c)"
    # and it has been judged: nothing runs again
    git commit -q --amend -m again
    expect_equal "$(git ls-files -v | grep -v '^H')" ""
}

test_unstaged_edits_of_a_fixed_file_are_kept() {
    fixing_app
    spoil src/a.c 3
    git add src/a.c
    sed -i '15s/.*/my unstaged work/' src/a.c
    echo 'BAD and unstaged' >>src/b.c
    run git commit -qm partial
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n '3p;15p')" "3 good
15"
    expect_equal "$(line src/a.c 3) $(line src/a.c 15)" "3 good my unstaged work"
    expect_equal "$(tail -1 src/b.c)" "BAD and unstaged"
    expect_equal "$(git diff --numstat)" "1	1	src/a.c
1	0	src/b.c"
}

test_a_fix_that_meets_an_unstaged_edit_changes_nothing_and_prints_the_patch() {
    fixing_app
    spoil src/a.c 3
    echo BAD >src/b.c
    git add -A
    sed -i '3s/.*/my own line/' src/a.c
    before=$(state_of_all)
    run git commit -qm conflict
    expect_status 1
    expect_contains "$err" "the fixes meet your unstaged edits in src/a.c"
    expect_contains "$err" "-3 BAD"
    expect_contains "$err" "+3 good"
    expect_equal "$(state_of_all)" "$before"
    # the command it names does what it says, and the commit goes through; the working tree is still mine
    command=$(grep -o 'git -C .* apply --cached .*' <<<"$err")
    (cd / && eval "$command")
    run git commit -qm mended
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p)" "3 good"
    expect_equal "$(line src/a.c 3)" "my own line"
}

test_fixes_are_not_kept_when_another_gate_fails_on_the_fixed_tree() {
    fixing_app "$format" "{name: never, run: 'cat src/a.c; false'}"
    spoil src/a.c 3
    git add -A
    before=$(state_of_all)
    run git commit -qm failing
    expect_status 1
    expect_equal "$(state_of_all)" "$before"
    expect_contains "$err" "3 good" # it judged the fixed tree
    expect_contains "$err" "nothing was changed"
    expect_contains "$err" "git -C"
}

test_a_fix_that_does_not_mend_stops_and_changes_nothing() {
    fixing_app "{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/still-BAD/ {files}', files: ['*.c']}" "$see"
    spoil src/a.c 3
    git add -A
    before=$(state_of_all)
    run git commit -qm failing
    expect_status 1
    expect_contains "$err" "format failed"
    expect_equal "$(state_of_all)" "$before"
}

test_fixes_of_several_gates_build_on_each_other() {
    fixing_app "{name: one, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/WORSE/ {files}', files: ['*.c']}" \
        "{name: two, run: '! grep -l WORSE {files}', fix: 'sed -i s/WORSE/good/ {files}', files: ['*.c']}" \
        "{name: see, run: 'echo run >>\"\$RECORD/runs\"; cat src/a.c >\"\$RECORD/seen\"'}"
    spoil src/a.c 3
    git add -A
    run git commit -qm two
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p)" "3 good"
    expect_equal "$(cat "$RECORD/runs")" run # the others waited for the last tree
    expect_equal "$(cat "$RECORD/seen")" "$(git show HEAD:src/a.c)"
}

test_built_in_checks_fix_what_they_know() {
    fixing_app "{name: hygiene, builtin: [trailing-whitespace, end-of-file, byte-order-mark, mixed-line-endings]}"
    printf '\xef\xbb\xbfone  \ntwo\r\nthree\t\n\n\n' >src/b.c
    git add -A
    printf 'unstaged\n' >>notes.txt
    run git commit -qm hygiene
    expect_status 0
    expect_contains "$out$err" "fixed 1 file"
    expect_equal "$(git show HEAD:src/b.c | od -c)" "$(printf 'one\ntwo\nthree\n' | od -c)"
    expect_equal "$(git status --porcelain)" " M notes.txt"
}

test_what_cannot_be_fixed_stops_together_with_what_can() {
    fixing_app "{name: hygiene, builtin: [trailing-whitespace, json]}"
    echo 'x ' >src/b.c
    echo '{' >bad.json
    git add -A
    before=$(state_of_all)
    run git commit -qm json
    expect_status 1
    expect_contains "$err" bad.json
    expect_equal "$(state_of_all)" "$before"
}

test_fixing_can_be_turned_off_for_a_clone_and_for_a_check() {
    fixing_app
    git config tidegate.fix false
    spoil src/a.c 3
    git add -A
    before=$(state_of_all)
    run git commit -qm off
    expect_status 1
    expect_contains "$err" "tidegate run pre-commit --fix"
    expect_equal "$(state_of_all)" "$before"
    git config --unset tidegate.fix
    git reset -q --hard
    gates pre-commit "{name: hygiene, builtin: trailing-whitespace, fix: false}"
    echo 'x ' >src/b.c
    git add -A
    run git commit -qm off
    expect_status 1
    expect_equal "$(cat src/b.c)" "x "
}

# `git commit -- path` makes an index for the commit and holds another that becomes the user's: both get the fix.
test_a_commit_of_a_path_and_of_all_is_fixed_in_every_index() {
    fixing_app
    spoil src/a.c 3
    echo 'staged BAD' >src/b.c
    git add src/b.c
    run git commit -qm path -- src/a.c
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p)" "3 good"
    expect_equal "$(git show :src/a.c | sed -n 3p)" "3 good"
    expect_equal "$(git show HEAD:src/b.c) $(git show :src/b.c)" "two staged BAD"
    expect_equal "$(git status --porcelain)" "M  src/b.c"
    spoil src/a.c 5
    run git commit -qam all
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 5p) $(git show HEAD:src/b.c)" "5 good staged good"
    expect_equal "$(git status --porcelain)" ""
    spoil src/a.c 7
    run git commit -q --amend -i src/a.c -m amended
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 7p)" "7 good"
    expect_equal "$(git status --porcelain)" ""
    expect_equal "$(find .git -name '*.lock' ! -path '*/tidegate/*')" ""
}

test_fixes_work_in_a_linked_worktree_a_subfolder_and_an_unborn_repository() {
    fixing_app
    git worktree add -q ../linked -b linked
    cd ../linked/src
    spoil a.c 3
    git add a.c
    sed -i '15s/.*/mine/' a.c
    run git commit -qm linked
    expect_status 0
    expect_equal "$(git show HEAD:./a.c | sed -n 3p) $(line a.c 3) $(line a.c 15)" "3 good 3 good mine"
    expect_equal "$(git -C "$work/app" status --porcelain)" ""
    new_repo "$work/unborn"
    cd "$work/unborn"
    install_hooks .git
    gates pre-commit "$format"
    echo BAD >first.c
    git add -A
    run git commit -qm first
    expect_status 0
    expect_equal "$(git show HEAD:first.c) $(cat first.c)" "good good"
}

test_a_merge_with_conflicts_mended_is_fixed() {
    fixing_app
    git checkout -q -b other
    sed -i '3s/.*/theirs BAD/' src/a.c
    commit_unseen theirs
    git checkout -q main
    sed -i '3s/.*/ours/' src/a.c
    commit_unseen ours
    git merge -q other >/dev/null 2>&1 && fail "there should be a conflict"
    sed -i '/^[<=>]/d' src/a.c
    git add src/a.c
    run git commit -qm merged
    expect_status 0
    expect_lacks "$(git show HEAD:src/a.c)" BAD
    expect_equal "$(git rev-list --parents -1 HEAD | wc -w)" 3
    expect_equal "$(git status --porcelain)" ""
}

# git has made a clean merge's tree before it asks: a fix must not be believed to be in it.
test_a_clean_merge_that_was_fixed_is_left_to_be_concluded() {
    fixing_app
    git checkout -q -b other
    spoil src/a.c 3
    commit_unseen theirs
    git checkout -q main
    echo ours >>src/b.c
    commit_unseen ours
    run git merge -m merged other
    expect_status 1
    expect_contains "$out$err" "Conclude it with: git commit"
    expect_equal "$(git show :src/a.c | sed -n 3p)" "3 good"
    run git commit -qm merged
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p)" "3 good"
    expect_equal "$(git rev-list --parents -1 HEAD | wc -w)" 3
}

test_a_fix_that_leaves_nothing_to_commit_makes_no_empty_commit() {
    fixing_app "{name: hygiene, builtin: trailing-whitespace}"
    sed -i 's/$/  /' src/b.c
    run git commit -qam blanks
    expect_status 1
    expect_contains "$err" "nothing is left to commit"
    expect_equal "$(git log --format=%s -1) $(git status --porcelain)" "first "
}

# What an entry of the index is besides its blob stays: flags, entries that are only meant to be added, modes.
test_flags_of_the_index_and_other_entries_stay() {
    fixing_app
    spoil src/a.c 3
    echo BAD >src/b.c
    git add -A
    echo local >local.txt
    echo assumed >assumed.txt
    git add local.txt assumed.txt
    git update-index --skip-worktree local.txt src/b.c
    git update-index --assume-unchanged assumed.txt src/a.c
    echo later >later.c
    git add -N later.c
    # what a person has in files with these flags is theirs
    echo 'local edit' >local.txt
    sed -i '15s/.*/local edit/' src/a.c
    run git commit -qm flags
    expect_status 0
    expect_equal "$(git ls-files -v | grep -v '^H')" "h assumed.txt
S local.txt
h src/a.c
S src/b.c"
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p) $(line src/a.c 3) $(line src/a.c 15)" "3 good 3 good local edit"
    expect_equal "$(cat local.txt) $(cat src/b.c)" "local edit good"
    expect_equal "$(git diff --name-only)" later.c
}

test_what_a_fix_does_to_other_files_is_not_taken_and_said() {
    fixing_app "{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}; echo all >notes.txt; echo x >litter; rm src/b.c; chmod +x src/a.c; git add -A', files: ['src/*.c']}"
    spoil src/a.c 3
    echo three >src/b.c
    git add -A
    run git commit -qm others
    expect_status 0
    expect_contains "$err" notes.txt
    expect_contains "$err" litter
    expect_contains "$err" src/b.c
    expect_equal "$(git show HEAD:notes.txt) $(git show HEAD:src/b.c) $(git ls-tree HEAD src/a.c | cut -c1-6)" "text three 100644"
    expect_equal "$(git status --porcelain)" ""
}

test_a_fix_that_is_killed_or_missing_counts_for_nothing() {
    fixing_app "{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/half/ {files}; kill -KILL \$\$', files: ['*.c']}" \
        "{name: gone, run: '! grep -l BAD {files}', fix: [no-such-formatter, '{files}'], files: ['*.c']}"
    spoil src/a.c 3
    git add -A
    before=$(state_of_all)
    run git commit -qm half
    expect_status 1
    expect_contains "$err" "the fix of format did not work: SIGKILL"
    expect_contains "$err" "the fix of gone did not work: exit 127"
    expect_equal "$(state_of_all)" "$before"
}

test_names_of_every_kind_are_fixed() {
    fixing_app "{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}', files: ['*.x']}"
    for name in -rf.x 'a b.x' "it's.x" '$(touch pwned).x' '"quoted".x' $'new\nline.x' $'\xff\xfe.x' '*.x' ';ls.x' ':(top).x'; do echo BAD >"./$name"; done
    git add -A
    run git commit -qm names
    expect_status 0
    expect_equal "$(cat ./*.x | sort -u)" good
    expect_equal "$(git grep -h -c BAD HEAD -- '*.x' | wc -l)" 0
    expect_equal "$(git status --porcelain)" ""
    expect_no_file pwned
}

# Links, deletions and submodules of the working tree are unstaged edits as any other.
test_a_file_that_is_gone_or_a_link_in_the_working_tree_stays_so() {
    fixing_app
    spoil src/a.c 3
    echo BAD >src/b.c
    mkdir lib
    echo BAD >lib/c.c
    git add -A
    rm src/a.c src/b.c
    ln -s /etc/passwd src/b.c
    mv lib ../elsewhere
    ln -s ../elsewhere lib
    before=$(sha256sum /etc/passwd ../elsewhere/c.c)
    run git commit -qm gone
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p) $(git show HEAD:src/b.c HEAD:lib/c.c | tr '\n' ' ')" "3 good good good "
    expect_no_file src/a.c
    expect_equal "$(readlink src/b.c) $(readlink lib)" "/etc/passwd ../elsewhere"
    expect_equal "$(sha256sum /etc/passwd ../elsewhere/c.c)" "$before"
}

# Bytes in the working tree are what git's own checkout makes: line endings, filters, encodings.
test_line_endings_and_filters_are_gits_own() {
    fixing_app "{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}', files: ['*.c']}" \
        "{name: hygiene, builtin: trailing-whitespace}"
    printf '*.c text eol=crlf\n*.up filter=upper\n*.w text working-tree-encoding=UTF-16LE\n' >.gitattributes
    git config filter.upper.clean 'tr A-Z a-z'
    git config filter.upper.smudge 'tr a-z A-Z'
    rm src/*.c
    printf '1\r\n2 BAD\r\n3\r\n4\r\n5\r\n6\r\n' >src/a.c
    printf 'SHOUT \nMORE\n' >loud.up
    printf 'a  \nb\n' | iconv -t UTF-16LE >wide.w
    git add -A
    printf '1\r\n2 BAD\r\n3\r\n4\r\n5\r\nunstaged\r\n' >src/a.c
    run git commit -qm crlf
    expect_status 0
    expect_equal "$(od -c src/a.c)" "$(printf '1\r\n2 good\r\n3\r\n4\r\n5\r\nunstaged\r\n' | od -c)"
    expect_equal "$(git show HEAD:src/a.c | od -c)" "$(printf '1\n2 good\n3\n4\n5\n6\n' | od -c)"
    expect_equal "$(iconv -f UTF-16LE wide.w)" "a
b"
    expect_equal "$(cat loud.up) $(git show HEAD:loud.up)" "SHOUT
MORE shout
more"
    expect_equal "$(git diff --name-only)" src/a.c
}

test_binary_content_is_fixed_whole_or_conflicts() {
    fixing_app "{name: pack, run: '! grep -lc BAD {files}', fix: 'sed -i s/BAD/good/ {files}', files: ['*.bin']}"
    printf 'a\0BAD\0b' >x.bin
    git add -A
    run git commit -qm binary
    expect_status 0
    expect_equal "$(git show HEAD:x.bin | od -c)" "$(od -c x.bin)"
    printf 'b\0BAD\0b' >x.bin
    git add -A
    printf 'c\0BAD\0c' >x.bin
    before=$(state_of_all)
    run git commit -qm conflict
    expect_status 1
    expect_contains "$err" "x.bin"
    expect_equal "$(state_of_all)" "$before"
}

test_an_index_that_is_locked_or_changed_meanwhile_is_left_alone() {
    fixing_app "{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}; sh \"\$RECORD/act\"', files: ['*.c']}"
    spoil src/a.c 3
    git add -A
    echo "touch $PWD/.git/index.lock" >"$RECORD/act"
    run git commit -qm locked
    expect_status 1
    expect_contains "$err" "index.lock is there"
    expect_equal "$(line src/a.c 3)" "3 BAD"
    rm .git/index.lock
    echo "cd $PWD && echo more >more.c && git add more.c" >"$RECORD/act"
    run git commit -qm changed
    expect_status 1
    expect_contains "$err" "the index was changed"
    expect_equal "$(line src/a.c 3) $(git ls-files more.c)" "3 BAD more.c"
    expect_no_file .git/index.lock
}

test_a_file_that_cannot_be_written_leaves_all_as_it_was() {
    [ "$(id -u)" != 0 ] || command -v chattr >/dev/null || skip "needs chattr as root"
    fixing_app
    mkdir fixed
    echo BAD >fixed/z.c
    spoil src/a.c 3
    git add -A
    protect=(chmod a-w fixed) free=(chmod u+w fixed)
    if [ "$(id -u)" = 0 ]; then protect=(chattr +i fixed/z.c) free=(chattr -i fixed/z.c); fi
    "${protect[@]}" 2>/dev/null || skip "this file system has no immutable files"
    before=$(state_of_all)
    run git commit -qm readonly
    "${free[@]}"
    expect_status 1
    expect_contains "$err" fixed/z.c
    expect_equal "$(state_of_all)" "$before"
    expect_equal "$(find . -name '*tidegate-fix*')" ""
}

test_split_sparse_and_sha256_repositories_are_fixed() {
    fixing_app
    git update-index --split-index
    spoil src/a.c 3
    git add src/a.c
    run git commit -qm split
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c | sed -n 3p) $(git status --porcelain)" "3 good "
    git update-index --no-split-index
    mkdir -p kept left
    echo BAD >kept/k.c
    echo BAD >left/l.c
    commit_unseen more
    git sparse-checkout set --sparse-index kept src
    expect_no_file left
    echo 'more BAD' >>kept/k.c
    git add kept
    run git commit -qm sparse
    expect_status 0
    expect_equal "$(git show HEAD:kept/k.c | tail -1) $(tail -1 kept/k.c) $(git show HEAD:left/l.c)" "more good more good BAD"
    expect_equal "$(git status --porcelain)" ""
    expect_no_file left
    cd ..
    git init -q -b main --object-format=sha256 big
    cd big
    install_hooks .git
    gates pre-commit "$format"
    echo BAD >a.c
    git add -A
    echo 'BAD then' >a.c
    run git commit -qm first
    expect_status 1 # the fix meets the edit
    echo BAD >a.c
    run git commit -qm first
    expect_status 0
    expect_equal "$(git show HEAD:a.c) $(cat a.c)" "good good"
}

test_run_fix_mends_the_whole_repository_and_without_it_run_changes_nothing() {
    fixing_app "$format" "{name: never, run: 'false'}"
    echo 'old BAD' >old.c
    echo 'left BAD' >src/b.c
    commit_unseen old
    spoil src/a.c 3
    git add src/a.c
    sed -i '15s/.*/mine/' src/a.c
    before=$(state_of_all)
    run tidegate run pre-commit --all
    expect_status 1
    expect_equal "$(state_of_all)" "$before"
    run tidegate -C src run pre-commit --fix
    expect_status 1 # another gate fails; what was asked for is done all the same
    expect_contains "$out" "fixed 3 files"
    expect_equal "$(cat old.c src/b.c) $(git show :old.c)" "old good
left good old good"
    expect_equal "$(line src/a.c 3) $(line src/a.c 15) $(git show :src/a.c | sed -n 15p)" "3 good mine 15"
    run tidegate run pre-commit --fix --json
    expect_equal "$(python3 -c 'import json,sys; print(json.loads(sys.argv[1])["fixed"])' "$out")" "[]"
    run tidegate run pre-commit --fix --tree HEAD
    expect_status 2
}

test_a_push_fixes_nothing_and_tells_how() {
    new_app
    gates pre-push "$format"
    commit_unseen first
    echo BAD >src/a.c
    commit_unseen bad
    before=$(state_of_all)
    run git push -q origin main
    expect_status 1
    expect_contains "$err" "tidegate run pre-push --fix"
    expect_equal "$(state_of_all)" "$before"
    run tidegate run pre-push --fix
    expect_status 0
    expect_equal "$(git status --porcelain)" "M  src/a.c"
}

# Killed anywhere: work is where it was, or mended; never gone, and the next commit works.
test_killed_while_it_fixes_no_work_is_lost() {
    command -v strace >/dev/null || skip "needs strace"
    strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
    fixing_app
    spoil src/a.c 3
    spoil src/b.c 1
    git add -A
    sed -i '15s/.*/mine/' src/a.c
    cp -a . ../pristine
    for at in renameat2:1 renameat2:2 rename:1; do # the first file, the second, the index
        rm -rf ../again
        cp -a ../pristine ../again
        cd ../again
        only=()
        [ $at != rename:1 ] || only=(-P "$PWD/.git/index.lock")
        traced -o /dev/null "${only[@]}" -e trace="${at%:*}" -e inject="${at%:*}:signal=KILL:when=${at#*:}" \
            "$TIDEGATE_BIN/tidegate-hook" pre-commit >/dev/null 2>&1 || true
        expect_file .git/index.lock # it was killed in the middle
        expect_equal "$(line src/a.c 15)" mine
        case "$(line src/a.c 3)$(git show :src/a.c | sed -n 3p)" in
            "3 BAD3 BAD" | "3 good3 BAD" | "3 good3 good") ;;
            *) fail "killed at $at: $(line src/a.c 3), staged $(git show :src/a.c | sed -n 3p)" ;;
        esac
        rm -f .git/index.lock # as after any git command that was killed
        run git commit -qm after
        expect_status 0
        expect_equal "$(git show HEAD:src/a.c | sed -n 3p) $(line src/a.c 15)" "3 good mine"
        expect_equal "$(find .git/tidegate -maxdepth 1 -name 'fix.*')" ""
    done
}

# Tools that only know to write: what they wrote is the fix, whatever they exit with.
test_a_gate_that_writes_what_is_right_is_its_own_fix() {
    fixing_app "{name: loud, run: './write BAD {files}; ! git diff --quiet -- {files} && exit 1 || exit 0', fix: true, files: ['*.c']}" \
        "{name: quiet, run: './write WORSE {files}', fix: true, files: ['*.c']}" "$see"
    cat >./write <<'X'
#!/bin/sh
word=$1
shift
for file; do
    right=$(sed "s/$word/good/" "$file")
    sleep 0.1 # two of them at once would undo each other's work
    printf '%s\n' "$right" >"$file"
done
X
    chmod +x write
    git add write
    commit_unseen tool
    spoil src/a.c 3
    sed -i '7s/$/ WORSE/' src/a.c
    git add -A
    sed -i '15s/.*/mine/' src/a.c # unstaged
    run git commit -qm fixed
    expect_status 0
    expect_contains "$out$err" "fixed 1 file, staged and in the working tree"
    expect_equal "$(git show HEAD:src/a.c | sed -n '3p;7p;15p' | tr '\n' ,)" "3 good,7 good,15,"
    expect_equal "$(line src/a.c 15)" mine
    expect_equal "$(cat "$RECORD/seen")" "$(git show HEAD:src/a.c HEAD:src/b.c)"
    git checkout -q .
    spoil src/a.c 4
    commit_unseen bad
    run tidegate run pre-commit --all # by hand nothing is changed
    expect_status 1
    expect_contains "$out" "changed files of the tree:"
    expect_equal "$(git status --porcelain)" ""
    run tidegate run pre-commit --fix
    expect_status 0
    expect_equal "$(line src/a.c 4)" "4 good"
}
