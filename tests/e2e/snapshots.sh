# Snapshots among themselves: runs at the same time, what was lost or killed, gates that wait, what is lent.
# shellcheck shell=bash disable=SC2154,SC2016
source "${BASH_SOURCE[0]%/*}/app.sh"

# A gate that notes when it begins and ends, and whether its files are those of one tree: src/a.c and src/b.c are equal.
PAIR='cmp src/a.c src/b.c && echo begin >>"$RECORD/when" && sleep 0.3 && cmp src/a.c src/b.c && echo end >>"$RECORD/when"'

test_two_runs_of_a_stage_at_once_see_their_own_trees() {
    local first second
    new_app
    gates nightly "{name: pair, run: '$PAIR'}"
    cp src/a.c src/b.c
    commit_unseen one
    printf 'other\n' | tee src/a.c >src/b.c
    commit_unseen two
    tidegate run nightly --tree HEAD >../first 2>&1 &
    first=$!
    tidegate run nightly --tree HEAD~1 >../second 2>&1 &
    second=$!
    wait $first || fail "$(cat ../first)"
    wait $second || fail "$(cat ../second)"
    expect_equal "$(sort "$RECORD/when" | uniq -c | tr -s ' \n' ' ')" " 2 begin 2 end "
}

test_commits_in_two_worktrees_at_once_see_their_own_trees() {
    local first second
    new_app
    gates pre-commit "{name: pair, run: '$PAIR'}"
    cp src/a.c src/b.c
    commit_unseen one
    git worktree add -q -b other ../linked
    printf 'here\n' | tee src/a.c >src/b.c
    printf 'there\n' | tee ../linked/src/a.c >../linked/src/b.c
    git commit -qam here >../first 2>&1 &
    first=$!
    git -C ../linked commit -qam there >../second 2>&1 &
    second=$!
    wait $first || fail "$(cat ../first)"
    wait $second || fail "$(cat ../second)"
    expect_equal "$(git show main:src/b.c) $(git show other:src/b.c)" "here there"
    expect_equal "$(grep -c end "$RECORD/when")" 2
    git fsck --strict
}

# snapshot_of STAGE: its folder.
snapshot_of() { find "$HOME/.cache/tidegate/snapshots" -mindepth 2 -maxdepth 2 -name "$1"; }

checkout_began() { [ -n "$(find "$HOME/.cache/tidegate" -name '*.c' 2>/dev/null | head -1)" ]; }

test_a_snapshot_killed_in_its_first_checkout_is_made_anew() {
    new_app
    for number in $(seq 400); do echo "$number" >"src/$number.c"; done
    gates nightly "{name: count, run: 'test \"\$(ls src | wc -l)\" = 402 && cat src/400.c'}"
    commit_unseen many
    start tidegate run nightly
    wait_for 20 checkout_began
    kill -KILL "$started" 2>/dev/null || true
    run tidegate run nightly
    expect_status 0
}

test_a_snapshot_whose_records_are_garbage_is_still_exact() {
    local file
    new_app
    gates nightly "{name: see, run: 'cat src/a.c >\"\$RECORD/a\"', version: 'date +%N'}"
    commit_unseen one
    run tidegate run nightly
    expect_status 0
    # Everything that is kept beside the files themselves, one after the other.
    find "$(snapshot_of nightly)" -maxdepth 2 -type f | sort >../kept
    grep -q /state ../kept && grep -q /git/index ../kept || fail "these are not its records: $(cat ../kept)"
    while read -r file; do
        case $file in */tree/*) continue ;; esac
        echo "$RANDOM" >src/a.c
        commit_unseen "after $(basename "$file")"
        printf 'gar\0bage' >"$file" 2>/dev/null || continue
        run tidegate run nightly
        expect_status 0
        expect_equal "$(cat "$RECORD/a")" "$(cat src/a.c)"
    done <../kept
}

# The smaller tree is looked at file by file, of the larger the kernel tells.
test_a_change_that_keeps_size_and_time_is_seen() {
    local files
    new_app
    gates nightly "{name: forge, version: date +%N, run: 'touch -r src/a.c \"\$RECORD/time\"; echo eno >src/a.c; touch -r \"\$RECORD/time\" src/a.c; if test -d many2001; then echo x >many2001/1; fi'}"
    for files in 0 2001; do
        mkdir -p "many$files"
        (cd "many$files" && seq "$files" | xargs -r touch)
        commit_unseen "$files"
        for _ in new old; do # its files and folders, in the snapshot
            run tidegate run nightly
            expect_status 1
            expect_contains "$out$err" src/a.c
            if [ "$files" != 0 ]; then expect_contains "$out$err" many2001/1; fi
        done
    done
}

test_what_somebody_changes_in_a_snapshot_between_runs_is_mended() {
    local tree
    new_app
    gates nightly "{name: see, run: 'cat src/a.c >\"\$RECORD/a\"; pwd >\"\$RECORD/where\"', version: 'date +%N'}"
    commit_unseen one
    tidegate run nightly
    tree=$(cat "$RECORD/where")
    touch -r "$tree/src/a.c" ../time
    echo eno >"$tree/src/a.c"
    touch -r ../time "$tree/src/a.c"
    run tidegate run nightly
    expect_status 0
    expect_equal "$(cat "$RECORD/a")" one
}

# A file of a snapshot is written over when the tree changes it, but never what has another name too.
test_what_a_gate_linked_elsewhere_keeps_its_content() {
    local text
    new_app
    echo '/out/' >>.gitignore
    gates pre-commit "{name: keep, run: 'mkdir -p out; test -e out/kept || ln src/a.c out/kept; cat out/kept src/a.c src/b.c >\"\$RECORD/seen\"'}"
    commit_unseen one
    echo first >src/a.c
    git commit -qam linked
    for text in 1 2; do # after these the snapshot's index knows the file as it is since then
        echo "$text" >src/b.c
        git commit -qam "$text"
    done
    echo second >src/a.c
    git commit -qam changed
    expect_equal "$(tr '\n' ' ' <"$RECORD/seen")" "first second 2 "
}

test_gates_that_only_wait_do_not_wait_for_each_other() {
    local number
    new_app
    # Each goes on only when all sixteen have come: that takes all of them at once, on however few cores.
    for number in $(seq 16); do
        echo "{name: g$number, run: 'touch \"\$RECORD/$number\"; until [ \$(ls \"\$RECORD\" | wc -l) = 16 ]; do sleep 0.05; done', timeout: 60s}"
    done | sed 's/^/      - /' | gates nightly
    commit_unseen all
    run tidegate run nightly
    expect_status 0
}

test_link_lends_an_ignored_folder_and_refuses_a_tracked_one() {
    new_app
    printf '/lent/\n' >>.gitignore
    mkdir lent
    echo lent >lent/tool
    gates nightly "{name: tool, run: cat lent/tool src/a.c}"
    sed -i 's/^  nightly:/  nightly:\n    link: [lent]/' .tidegate.yaml
    commit_unseen one
    run tidegate run nightly
    expect_status 0
    sed -i 's/link: .lent./link: [src]/' .tidegate.yaml
    commit_unseen two
    echo unsaved >src/a.c
    run tidegate run nightly
    expect_status 2
    expect_contains "$err" '`link` names something that the tree holds: src'
    # What is tracked is the tree's, whatever is lent.
    expect_lacks "$(cat .git/tidegate/logs/*/tool.log)" unsaved
}

# What a tool leaves where no .gitignore names it is told of when something is wrong, not at each commit.
test_a_good_run_says_nothing_of_new_files_and_missing_links() {
    new_app
    mkdir -p .tidegate
    cat >.tidegate.yaml <<'Y'
version: 1
stages:
  pre-commit:
    link: [node_modules]
    gates: [{name: py, run: 'mkdir -p __pycache__ && touch __pycache__/x.pyc && ! grep -q BAD src/a.c'}]
Y
    git add -A
    run git commit -qm quiet
    expect_status 0
    expect_lacks "$err" "new file"
    expect_lacks "$err" "node_modules"
    echo BAD >src/a.c
    git add -A
    run git commit -qm bad
    expect_status 1
    expect_contains "$(tr '\n' ' ' <<<"$err")" "left 1 new file in the snapshot that no .gitignore names (__pycache__/"
    expect_contains "$err" "the working tree has no node_modules"
    expect_lacks "$err" "changed files of the tree"
}

# Content that the clone has; nothing is downloaded for a gate, and nothing written into the clone.
test_files_of_git_lfs_have_their_content_and_submodules_are_said_to_be_empty() {
    command -v git-lfs >/dev/null || skip "needs git-lfs"
    new_app
    git lfs install --local --skip-repo >/dev/null
    git lfs track '*.bin' >/dev/null
    seq 1 5000 >data.bin
    gates pre-commit "{name: lfs, run: 'cp data.bin \"\$RECORD/data\"; git status --short >\"\$RECORD/status\"; ! grep spec/v1 data.bin'}"
    git add -A
    run git commit -qm one
    expect_status 0
    cmp data.bin "$RECORD/data" || fail "the gate saw a pointer"
    expect_contains "$(git show HEAD:data.bin)" "git-lfs.github.com/spec/v1"
    seq 5 6000 >data.bin
    git add -A
    run git commit -qm two
    expect_status 0
    cmp data.bin "$RECORD/data" || fail "the gate saw something else"
    expect_equal "$(cat "$RECORD/status")" "M  data.bin"
    find .git/lfs/objects -type f -delete
    tidegate doctor --clear-snapshots >/dev/null
    run tidegate run pre-commit --no-cache
    expect_status 1
    expect_contains "$(tr '\n' ' ' <<<"$out")" "Git LFS files that your clone has no content of are pointers: git lfs pull"
    expect_no_file .git/lfs/logs # of downloads that did not work
    git init -q "$work/lib"
    git -C "$work/lib" commit -q --allow-empty -m lib
    git -c protocol.file.allow=always submodule --quiet add "$work/lib" lib
    gates pre-commit "{name: sub, run: 'test -e lib/file'}"
    run git commit -qam three
    expect_status 1
    expect_contains "$(tr '\n' ' ' <<<"$err")" "Submodules are empty folders in the snapshot"
}
