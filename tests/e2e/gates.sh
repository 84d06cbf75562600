# A gate sees the tree that is committed or pushed, that tree only, and nobody's files are touched.
source "${BASH_SOURCE[0]%/*}/app.sh"

# What a gate does in these tests: writes down every file it sees, into $RECORD.
record_gate='find . -path ./.git -prune -o \( -type f -o -type l \) -printf "%P\0%m\0%l\0" -type f -exec sha256sum {} \; | LC_ALL=C sort -z | sha256sum >"$RECORD/seen"'

# The app with gates in both stages and one commit.
app() {
    new_app
    printf '%s\n' "$record_gate" >"$RECORD/see.sh"
    cat >.tidegate.yaml <<'EOF'
version: 1
defaults: {pass_env: [RECORD]}
stages:
  pre-commit:
    gates:
      - {name: see, run: 'sh "$RECORD/see.sh"'}
  pre-push:
    gates:
      - {name: see, run: ': pushed; sh "$RECORD/see.sh"'} # another definition: no result of pre-commit counts
EOF
    git add -A
    git commit -qm first
}

# The files of a commit, as the gate would see them.
hash_of_commit() {
    rm -rf "$work/expected"
    mkdir "$work/expected"
    git -c tar.umask=user archive "$1" | tar -xf - -C "$work/expected"
    (cd "$work/expected" && RECORD=$work/expected.d && mkdir -p "$RECORD" && eval "$record_gate" && cat "$RECORD/seen")
}

# expect_exact COMMAND…: it succeeds, the gate ran and saw exactly the commit HEAD, and the working tree is as before.
expect_exact() {
    local before
    rm -f "$RECORD/seen"
    before=$(hash_of_tree .)
    run "$@"
    expect_status 0
    expect_file "$RECORD/seen"
    expect_equal "$(cat "$RECORD/seen")" "$(hash_of_commit HEAD)"
    expect_equal "$(hash_of_tree .)" "$before"
}

test_the_first_commit_of_a_repository_is_gated() {
    app
    expect_file "$RECORD/seen"
    expect_equal "$(cat "$RECORD/seen")" "$(hash_of_commit HEAD)"
}

test_a_partially_staged_file_is_seen_as_staged() {
    app
    echo staged >>src/a.c
    git add src/a.c
    echo unstaged >>src/a.c
    echo unstaged >src/b.c
    expect_exact git commit -qm partial
    expect_equal "$(git show HEAD:src/a.c | tail -1)" staged
}

test_an_untracked_file_that_makes_tests_pass_is_not_seen() {
    app
    gates pre-commit <<'EOF'
      - {name: unit, run: test -f helper.txt}
EOF
    echo help >helper.txt
    git add .tidegate.yaml
    run git commit -qm "without its helper"
    expect_status 1
    expect_contains "$err$out" unit
    expect_file helper.txt
    git add helper.txt
    run git commit -qm "with it"
    expect_status 0
}

test_a_file_staged_and_then_deleted_is_seen() {
    app
    echo here >src/new.c
    git add src/new.c
    rm src/new.c
    expect_exact git commit -qm staged-then-deleted
    expect_no_file src/new.c
}

test_a_deleted_file_is_not_seen() {
    app
    git rm -q --cached src/b.c
    expect_exact git commit -qm deletion
    expect_file src/b.c
}

test_a_change_of_mode_is_seen() {
    app
    chmod +x src/a.c
    git add src/a.c
    chmod -x src/a.c
    expect_exact git commit -qm executable
}

test_a_symbolic_link_is_seen() {
    app
    ln -s a.c src/link
    ln -s /nonexistent/elsewhere dangling
    git add -A
    rm notes.txt
    ln -s src notes.txt
    git add notes.txt
    expect_exact git commit -qm links
}

test_a_rename_is_seen() {
    app
    git mv src/a.c src/renamed.c
    expect_exact git commit -qm rename
}

test_a_file_that_becomes_a_folder_is_seen() {
    app
    git rm -q notes.txt
    mkdir notes.txt
    echo deep >notes.txt/deep
    git add -A
    expect_exact git commit -qm folder
    git rm -qr --cached notes.txt
    rm -rf notes.txt
    echo file >notes.txt
    git add -A
    expect_exact git commit -qm file
}

test_a_submodule_stays_empty_as_git_leaves_it() {
    app
    new_repo ../library
    (cd ../library && echo lib >lib.c && git add -A && git -c core.hooksPath=/dev/null commit -qm lib)
    git submodule add -q "$work/library" lib
    expect_exact git commit -qm submodule
}

test_git_commit_with_a_path_gates_that_path_only() {
    app
    echo staged >src/a.c
    git add src/a.c
    echo asked >src/b.c
    expect_exact git commit -qm path -- src/b.c
    expect_equal "$(git show HEAD:src/a.c)" one
}

test_git_commit_all_gates_all() {
    app
    echo changed >src/a.c
    echo untracked >new.c
    expect_exact git commit -qam all
    expect_equal "$(git show HEAD:src/a.c)" changed
}

test_git_commit_amend_gates_the_new_tree() {
    app
    echo amended >src/a.c
    git add src/a.c
    echo later >src/a.c
    expect_exact git commit -q --amend -m amended
}

test_a_merge_with_conflicts_mended_is_gated() {
    app
    git checkout -q -b other
    echo theirs >src/a.c
    git commit -qam theirs
    git checkout -q main
    echo ours >src/a.c
    git commit -qam ours
    git merge -q other >/dev/null 2>&1 && fail "there should be a conflict"
    echo both >src/a.c
    git add src/a.c
    echo unstaged >>src/a.c
    expect_exact git commit -qm merged
    expect_equal "$(git rev-list --parents -1 HEAD | wc -w)" 3
}

test_a_linked_worktree_is_gated_by_its_own_index() {
    app
    git worktree add -q ../linked -b linked
    cd ../linked
    echo linked >src/a.c
    git add src/a.c
    echo unstaged >src/a.c
    expect_exact git commit -qm linked
    expect_equal "$(git -C ../app show main:src/a.c)" one
}

test_a_detached_head_and_a_subfolder_are_gated() {
    app
    git checkout -q --detach
    echo x >src/a.c
    git add -A
    expect_exact git -C src commit -qm detached
}

test_an_intent_to_add_entry_is_no_part_of_the_tree() {
    app
    echo later >src/later.c
    git add -N src/later.c
    echo now >src/now.c
    git add src/now.c
    expect_exact git commit -qm now
    expect_equal "$(git ls-tree --name-only HEAD src/later.c)" ""
}

test_sha256_and_split_index_repositories_are_gated() {
    app
    git update-index --split-index
    echo split >src/a.c
    git add src/a.c
    expect_exact git commit -qm split
    cd ..
    git init -q -b main --object-format=sha256 big
    cp app/.tidegate.yaml big/
    cd big
    install_hooks .git
    echo a >a
    git add -A
    expect_exact git commit -qm first
    echo b >a
    git add -A
    echo c >a
    expect_exact git commit -qm second
}

test_the_index_and_the_refs_are_as_before_when_a_gate_fails() {
    app
    sed -i "s|run: 'sh.*|run: 'git commit -qm evil --allow-empty; git branch evil; git reset -q --hard; rm -rf src; false'}|" .tidegate.yaml
    echo staged >src/a.c
    git add -A
    echo unstaged >src/a.c
    before="$(hash_of_tree .) $(git rev-parse HEAD) $(git for-each-ref) $(git ls-files -s) $(sha256sum .git/config)"
    run git commit -qm stopped
    expect_status 1
    expect_equal "$(hash_of_tree .) $(git rev-parse HEAD) $(git for-each-ref) $(git ls-files -s) $(sha256sum .git/config)" "$before"
    expect_equal "$(git config core.bare)" false
}

test_a_gate_that_makes_repositories_of_its_own_does_no_harm() {
    app
    git worktree add -q ../linked -b linked
    cd ../linked
    gates pre-commit <<'EOF'
      - {name: init, run: 'd=$(mktemp -d) && cd $d && git init -q && echo x >f && git add f && git -c user.name=x -c user.email=x commit -qm inner && rm -rf $d'}
EOF
    git add -A
    before=$(git for-each-ref; cat ../app/.git/config)
    run git commit -qm outer
    expect_status 0
    expect_equal "$(git -C ../app config core.bare)" false
    expect_equal "$(git log --format=%s -1)" outer
    expect_equal "$(cat ../app/.git/config)" "$(printf '%s\n' "$before" | sed -n '/\[core\]/,$p')"
}

test_git_works_in_the_snapshot() {
    app
    git tag v1
    gates pre-commit <<'EOF'
      - name: git
        run: |
          { git rev-parse HEAD; git rev-parse --abbrev-ref HEAD; git describe --tags; git status --porcelain
            test "$(git rev-parse --show-toplevel)" = "$PWD" && echo top
            basename "$PWD"; env | grep ^GIT_ || echo clean; } >"$RECORD/git"
EOF
    git add -A
    parent=$(git rev-parse HEAD)
    run git commit -qm git
    expect_status 0
    expect_equal "$(cat "$RECORD/git")" "$parent
main
v1
M  .tidegate.yaml
top
app
clean"
}

test_a_snapshot_that_a_gate_spoiled_is_mended_and_said() {
    app
    gates pre-commit <<'EOF'
      - {name: spoil, run: 'if test -e "$RECORD/spoil"; then echo junk >src/a.c; rm src/b.c; echo more >added; fi'}
EOF
    git add -A
    touch "$RECORD/spoil"
    run git commit -qm spoiled
    expect_status 1
    expect_contains "$out$err" src/a.c
    rm "$RECORD/spoil"
    sed -i "s|name: spoil.*|name: see, run: 'sh \"\$RECORD/see.sh\"'}|" .tidegate.yaml
    git add -A
    expect_exact git commit -qm mended
}

test_a_gate_that_stages_or_commits_what_it_changed_is_seen() {
    app
    gates pre-commit <<'EOF'
      - {name: spoil, run: 'if test -e "$RECORD/spoil"; then echo junk >src/a.c; git add -A; git commit -qm inner; fi'}
EOF
    git add -A
    touch "$RECORD/spoil"
    run git commit -qm spoiled
    expect_status 1
    expect_contains "$out$err" src/a.c
    rm "$RECORD/spoil"
    sed -i "s|name: spoil.*|name: see, run: 'git status --porcelain >\"\$RECORD/status\"; sh \"\$RECORD/see.sh\"'}|" .tidegate.yaml
    git add -A
    expect_exact git commit -qm mended
    expect_equal "$(cat "$RECORD/status")" "M  .tidegate.yaml"
}

test_a_lost_snapshot_is_made_anew_and_ignored_output_survives() {
    app
    gates pre-commit <<'EOF'
      - {name: build, run: 'echo run >>out.o; wc -l <out.o >"$RECORD/runs"; pwd >"$RECORD/where"'}
EOF
    git add -A
    git commit -qm 1
    echo x >src/a.c
    git commit -qam 2
    expect_equal "$(cat "$RECORD/runs")" 2
    rm -rf "$(cat "$RECORD/where")"
    echo y >src/a.c
    git commit -qam 3
    expect_equal "$(cat "$RECORD/runs")" 1
    expect_lacks "$(cat "$RECORD/where")" /.git/
}

test_a_run_that_was_killed_leaves_nothing_behind() {
    app
    gates pre-commit <<'EOF'
      - {name: slow, run: 'if test -e "$RECORD/slow"; then echo junk >src/a.c; touch "$RECORD/runs"; sleep 60; else sh "$RECORD/see.sh"; fi'}
EOF
    touch "$RECORD/slow"
    echo staged >src/b.c
    git add -A
    echo unstaged >src/b.c
    before="$(hash_of_tree .) $(git ls-files -s)"
    start "$TIDEGATE_BIN/tidegate-hook" pre-commit
    wait_for 10 test -e "$RECORD/runs"
    kill -KILL "$started"
    wait "$started" 2>/dev/null || true
    expect_equal "$(hash_of_tree .) $(git ls-files -s)" "$before"
    rm "$RECORD/slow"
    expect_exact git commit -qm after
}

test_interrupted_children_are_gone_and_the_tree_is_as_before() {
    app
    gates pre-commit <<'EOF'
      - {name: stubborn, run: 'trap "" TERM; sh -c "trap \"\" TERM; echo \$\$ >$RECORD/pid; sleep 60"'}
EOF
    git add -A
    before="$(hash_of_tree .) $(git ls-files -s)"
    start "$TIDEGATE_BIN/tidegate-hook" pre-commit
    wait_for 10 test -s "$RECORD/pid"
    kill -INT "$started"
    status=0
    wait "$started" || status=$?
    expect_equal "$status" 130
    ! kill -0 "$(cat "$RECORD/pid")" 2>/dev/null || fail "the gate still runs"
    expect_equal "$(hash_of_tree .) $(git ls-files -s)" "$before"
}

test_a_daemon_left_by_a_gate_is_ended() {
    app
    gates pre-commit <<'EOF'
      - {name: daemon, run: 'setsid sh -c "echo \$\$ >$RECORD/pid; sleep 60" & while ! test -s "$RECORD/pid"; do :; done'}
EOF
    git add -A
    run git commit -qm daemon
    expect_status 0
    ! kill -0 "$(cat "$RECORD/pid")" 2>/dev/null || fail "the daemon still runs"
}

test_a_gate_that_takes_too_long_is_ended() {
    app
    printf 'version: 1\nstages: {pre-commit: {gates: [{name: slow, run: sleep 60, timeout: 100ms}]}}\n' >.tidegate.yaml
    git add -A
    run git commit -qm slow
    expect_status 1
    expect_contains "$out$err" "timed out"
}

test_a_gate_that_passed_is_not_run_again() {
    app
    gates pre-commit <<'EOF'
      - {name: whole, run: 'echo x >>"$RECORD/whole"'}
      - {name: each, run: 'for f in {files}; do echo "$f" >>"$RECORD/each"; done', files: ["*.c"]}
EOF
    echo 1 >src/a.c
    echo 1 >src/b.c
    git add -A
    "$TIDEGATE_BIN/tidegate-hook" pre-commit
    "$TIDEGATE_BIN/tidegate-hook" pre-commit
    expect_equal "$(wc -l <"$RECORD/whole")" 1
    expect_equal "$(wc -l <"$RECORD/each")" 2
    echo 2 >src/b.c
    git add -A
    "$TIDEGATE_BIN/tidegate-hook" pre-commit
    expect_equal "$(wc -l <"$RECORD/whole")" 2
    expect_equal "$(tail -1 "$RECORD/each")" src/b.c
    expect_equal "$(wc -l <"$RECORD/each")" 3
}

test_file_names_of_every_kind_reach_the_gate() {
    app
    gates pre-commit <<'EOF'
      - {name: shell, run: 'for f in {files}; do cat "$f" >>"$RECORD/shell"; done', files: ["*.x"]}
      - {name: list, run: [sh, -c, 'for f in "$@"; do cat "$f" >>"$RECORD/list"; done', sh, "{files}"], files: ["*.x"]}
EOF
    for name in -rf.x 'a b.x' "it's.x" '$(touch pwned).x' '"quoted".x' $'new\nline.x' $'\xff\xfe.x' '*.x' ';ls.x'; do echo "ok" >"./$name"; done
    git add -A
    run git commit -qm names
    expect_status 0
    expect_equal "$(wc -l <"$RECORD/shell")" 9
    expect_equal "$(wc -l <"$RECORD/list")" 9
    expect_no_file pwned
}

test_setup_runs_once_for_each_content_of_its_inputs_and_link_lends_a_folder() {
    app
    cat >.tidegate.yaml <<'EOF'
version: 1
defaults: {pass_env: [RECORD]}
stages:
  pre-commit:
    link: [node_modules]
    setup:
      - {run: 'echo x >>"$RECORD/setup"', inputs: [lock]}
    gates:
      - {name: linked, run: 'cat node_modules/lent >"$RECORD/lent"; git status --porcelain --untracked-files=normal | grep node_modules && exit 1; true'}
EOF
    echo node_modules/ >>.gitignore
    mkdir node_modules
    echo lent >node_modules/lent
    echo 1 >lock
    git add -A
    git commit -qm 1
    echo change >src/a.c
    git commit -qam 2
    expect_equal "$(wc -l <"$RECORD/setup")" 1
    expect_equal "$(cat "$RECORD/lent")" lent
    echo 2 >lock
    git commit -qam 3
    expect_equal "$(wc -l <"$RECORD/setup")" 2
    expect_file node_modules/lent
}

test_a_gate_that_misses_an_ignored_folder_gets_a_hint() {
    app
    gates pre-commit <<'EOF'
      - {name: lint, run: ./node_modules/.bin/lint}
EOF
    mkdir -p node_modules/.bin
    printf '#!/bin/sh\n' >node_modules/.bin/lint
    chmod +x node_modules/.bin/lint
    git add .tidegate.yaml
    run git commit -qm lint
    expect_status 1
    expect_contains "$out$err" "link: [node_modules]"
    expect_contains "$out$err" setup
}

test_a_flaky_gate_passes_on_record_and_needs_are_kept() {
    app
    gates pre-commit <<'EOF'
      - {name: after, run: 'test -e "$RECORD/once"', needs: [flaky]}
      - {name: flaky, run: 'if test -e "$RECORD/once"; then exit 0; fi; touch "$RECORD/once"; exit 1', retries: 1}
      - {name: broken, run: exit 3}
      - {name: never, run: 'touch "$RECORD/never"', needs: [broken]}
EOF
    git add -A
    run git commit -qm flaky
    expect_status 1
    expect_contains "$out$err" "exit 3"
    expect_contains "$out$err" "needs broken"
    expect_no_file "$RECORD/never"
    expect_contains "$out$err" flaky
}

test_a_push_gates_the_commit_and_not_the_working_tree() {
    app
    echo pushed >src/a.c
    git commit -qam pushed
    echo unstaged >src/a.c
    expect_exact git push -q origin main
}

test_a_push_of_branches_that_are_not_checked_out_gates_each_tree() {
    app
    printf 'cat src/a.c >>"$RECORD/trees"\n' >"$RECORD/see.sh"
    for branch in a b; do
        git checkout -q -b $branch main
        echo $branch >src/a.c
        git commit -qam $branch
    done
    git checkout -q main
    rm -f "$RECORD/trees"
    run git push -q origin a b
    expect_status 0
    expect_equal "$(sort "$RECORD/trees")" "a
b"
    git tag -a v1 -m v1 a
    git tag same a
    rm "$RECORD/trees"
    run git push -q origin v1 same :b
    expect_status 0
    expect_no_file "$RECORD/trees" # the tree passed already
}

test_a_push_takes_its_files_from_the_range_that_the_remote_lacks() {
    app
    gates pre-push <<'EOF'
      - {name: files, run: 'echo {files} >"$RECORD/files"', files: ["*.c"]}
EOF
    git add -A
    git commit -qm base
    git push -q origin main
    git checkout -q -b topic
    echo mine >src/mine.c
    git add -A
    git commit -qm mine
    git push -q origin topic
    expect_equal "$(cat "$RECORD/files")" src/mine.c
    # upstream moves on, the topic is rebased and pushed by force: mine only, not upstream's
    git checkout -q main
    echo upstream >src/upstream.c
    git add -A
    git commit -qm upstream
    git push -q origin main
    git checkout -q topic
    echo more >src/more.c
    git add -A
    git commit -qm more
    git rebase -q main
    rm "$RECORD/files"
    git push -q --force origin topic
    expect_equal "$(cat "$RECORD/files")" src/more.c # mine.c passed with this content before
    # a merge of what the remote has brings nothing of it
    git checkout -q main
    echo again >src/upstream.c
    git commit -qam again
    git push -q origin main
    git checkout -q topic
    echo last >src/last.c
    git add -A
    git commit -qm last
    git merge -q -m merge main
    rm "$RECORD/files"
    git push -q origin topic
    expect_equal "$(cat "$RECORD/files")" src/last.c
}

test_a_hundred_thousand_ref_lines_are_read_at_once() {
    app
    head=$(git rev-parse HEAD)
    zero=0000000000000000000000000000000000000000
    python3 - "$head" $zero >lines <<'EOF'
import sys
head, zero = sys.argv[1:]
for i in range(100000):
    print(f"refs/heads/b{i} {head if i % 2 else zero} refs/heads/b{i} {zero if i % 3 else head}")
EOF
    status=0
    timeout 200 "$TIDEGATE_BIN/tidegate-hook" pre-push origin ../origin.git <lines || status=$?
    expect_equal "$status" 0
}
