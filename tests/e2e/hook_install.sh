# tidegate install and uninstall: hooks folders, chaining, restoring, upgrades.

app() {
    new_repo "$1"
    cat >"$1/.tidegate.yaml" <<'Y'
version: 1
stages:
  pre-commit:
    gates:
      - {name: words, run: "! grep -q BAD {files}", files: ["*.txt"]}
  pre-push:
    gates:
      - {name: unit, run: "test -f good"}
Y
    git -C "$1" add .tidegate.yaml
}
# A hook of somebody's own that leaves a trace.
own_hook() {
    printf '#!/bin/sh\necho "own %s $*" >>%q\ncat >>%q\n' "$(basename "$1")" "$work/trace" "$work/trace.in" >"$1"
    chmod 750 "$1"
}

test_installs_the_stages_of_the_configuration() {
    app app
    run tidegate -C app install
    expect_status 0
    expect_contains "$out" "pre-push"
    for hook in pre-commit pre-merge-commit pre-push; do [ -x app/.git/hooks/$hook ] || fail "no $hook"; done
    expect_no_file app/.git/hooks/.tidegate-hook.new
}

test_only_what_was_named_is_installed() {
    app app
    run tidegate -C app install pre-push
    expect_status 0
    expect_file app/.git/hooks/pre-push
    expect_no_file app/.git/hooks/pre-commit
}

test_an_unknown_hook_is_refused_with_the_nearest_one() {
    app app
    run tidegate -C app install pre-pusch
    expect_status 2
    expect_contains "$err" 'did you mean `pre-push`?'
}

test_installing_twice_changes_nothing() {
    app app
    tidegate -C app install >/dev/null
    before=$(cd app/.git/hooks && stat -c '%n %i %Y' *)
    run tidegate -C app install
    expect_status 0
    expect_equal "$(cd app/.git/hooks && stat -c '%n %i %Y' *)" "$before"
}

test_an_existing_hook_runs_first_and_its_failure_stops() {
    app app
    own_hook app/.git/hooks/pre-commit
    run tidegate -C app install
    expect_contains "$out" "the hook you had is kept"
    echo fine >app/a.txt
    git -C app add a.txt
    run git -C app commit -m one
    expect_status 0
    expect_equal "$(cat trace)" "own pre-commit "
    printf '#!/bin/sh\nexit 7\n' >app/.git/hooks/pre-commit.tidegate-chained
    run git -C app commit --allow-empty -m two
    expect_status 1
}

test_a_chained_pre_push_gets_the_same_lines_and_arguments() {
    app app
    git init -q --bare far.git
    own_hook app/.git/hooks/pre-push
    tidegate -C app install >/dev/null
    touch app/good
    git -C app add -A
    git -C app commit -qm one
    run git -C app push "$work/far.git" main
    expect_status 0
    expect_equal "$(cat trace)" "own pre-push $work/far.git $work/far.git"
    head=$(git -C app rev-parse main)
    expect_equal "$(cat trace.in)" "refs/heads/main $head refs/heads/main 0000000000000000000000000000000000000000"
}

test_uninstall_restores_byte_for_byte_and_mode() {
    app app
    own_hook app/.git/hooks/pre-commit
    printf 'not a script\0at all' >app/.git/hooks/pre-push
    chmod 640 app/.git/hooks/pre-push
    ln -s ../../elsewhere app/.git/hooks/pre-merge-commit
    before=$(cd app/.git/hooks && stat -c '%n %a %s %N' * && sha256sum pre-commit pre-push)
    tidegate -C app install >/dev/null
    run tidegate -C app uninstall
    expect_status 0
    expect_contains "$out" "the hook of before is back"
    expect_equal "$(cd app/.git/hooks && stat -c '%n %a %s %N' * && sha256sum pre-commit pre-push)" "$before"
}

test_uninstall_leaves_nothing_where_nothing_was() {
    app app
    before=$(ls -A app/.git/hooks)
    tidegate -C app install >/dev/null
    tidegate -C app uninstall >/dev/null
    expect_equal "$(ls -A app/.git/hooks)" "$before"
    run tidegate -C app uninstall
    expect_status 0
    expect_contains "$out" "nothing of tidegate's"
}

test_a_hook_that_replaced_ours_is_not_touched() {
    app app
    own_hook app/.git/hooks/pre-commit
    tidegate -C app install >/dev/null
    printf '#!/bin/sh\nexit 0\n' >app/.git/hooks/pre-commit.other
    chmod +x app/.git/hooks/pre-commit.other
    mv app/.git/hooks/pre-commit.other app/.git/hooks/pre-commit
    run tidegate -C app install
    expect_status 3
    expect_contains "$err" "was replaced after tidegate had been installed"
    run tidegate -C app uninstall
    expect_contains "$out" "not tidegate's any more"
    expect_equal "$(tail -1 app/.git/hooks/pre-commit)" "exit 0"
}

test_a_folder_named_by_core_hookspath_is_used() {
    app app
    mkdir "$work/hooks"
    git -C app config core.hooksPath "$work/hooks"
    run tidegate -C app install
    expect_status 0
    expect_file hooks/pre-commit
    expect_no_file app/.git/hooks/pre-commit
    echo BAD >app/a.txt
    git -C app add a.txt
    run git -C app commit -m one
    expect_status 1
}

test_a_hooks_folder_among_the_files_is_left_alone() {
    app app
    mkdir -p app/.husky/_
    git -C app config core.hooksPath .husky/_
    run tidegate -C app install
    expect_status 2
    expect_contains "$err" "a folder among the files of this working tree"
    expect_contains "$err" '.husky/pre-commit the line'
    expect_contains "$err" 'tidegate-hook pre-commit "$@"'
    expect_equal "$(ls -A app/.husky/_)" ""
}

test_a_hook_of_ones_own_can_call_the_gates() {
    app app
    printf '#!/bin/sh\nexec tidegate-hook pre-commit "$@"\n' >app/.git/hooks/pre-commit
    chmod +x app/.git/hooks/pre-commit
    echo BAD >app/a.txt
    git -C app add a.txt
    run git -C app commit -m one
    expect_status 1
    expect_contains "$err" "words"
}

test_a_linked_worktree_is_gated_by_the_common_hooks() {
    app app
    git -C app commit -qm one --no-verify
    git -C app worktree add -q "$work/linked" -b other
    run tidegate -C linked install
    expect_status 0
    expect_file app/.git/hooks/pre-commit
    echo BAD >linked/a.txt
    git -C linked add a.txt
    run git -C linked commit -m two
    expect_status 1
    echo good >linked/a.txt
    git -C linked add a.txt
    run git -C linked commit -m two
    expect_status 0
}

test_a_submodule_has_hooks_of_its_own() {
    app lib
    git -C lib commit -qm one
    new_repo app
    git -C app submodule --quiet add "$work/lib" lib
    run tidegate -C app/lib install
    expect_status 0
    expect_file app/.git/modules/lib/hooks/pre-commit
    expect_no_file app/.git/hooks/pre-commit
}

test_a_missing_program_does_not_open_the_gate() {
    app app
    mkdir bin
    cp "$TIDEGATE_BIN/tidegate" "$TIDEGATE_BIN/tidegate-hook" bin/
    bin/tidegate -C app install >/dev/null
    rm -r bin
    echo BAD >app/a.txt
    git -C app add a.txt
    PATH=/usr/bin:/bin run git -C app commit -m one
    expect_status 1
    expect_contains "$err" "words"
}

test_an_upgraded_program_takes_over_at_once() {
    app app
    mkdir bin
    cp "$TIDEGATE_BIN/tidegate" "$TIDEGATE_BIN/tidegate-hook" bin/
    bin/tidegate -C app install >/dev/null
    printf '#!/bin/sh\necho "the new one, as $0" >&2\nexit 9\n' >bin/tidegate-hook
    echo fine >app/a.txt
    git -C app add a.txt
    run git -C app commit -m one
    expect_status 1
    expect_contains "$err" "the new one"
    run tidegate -C app doctor
    expect_contains "$out" "an upgraded program takes its place"
}

test_a_clean_merge_is_gated() {
    app app
    git -C app commit -qm one
    tidegate -C app install >/dev/null
    git -C app checkout -qb side
    echo BAD >app/a.txt
    git -C app add a.txt
    git -C app commit -qm side --no-verify
    git -C app checkout -q main
    echo other >app/b.txt
    git -C app add b.txt
    git -C app commit -qm main
    before=$(git -C app rev-parse HEAD)
    run git -C app merge --no-edit side
    [ "$status" -ne 0 ] || fail "the merge went through"
    expect_contains "$err" "words"
    expect_equal "$(git -C app rev-parse HEAD)" "$before"
}

test_outside_of_a_repository_it_says_so() {
    mkdir empty
    run tidegate -C empty install
    expect_status 3
    expect_contains "$err" "not in the working tree of a git repository"
}
