# What is asked of every hook manager, and what somebody who means harm would try: probes and attacks on exactness.
# shellcheck shell=bash disable=SC2154,SC2016
source "${BASH_SOURCE[0]%/*}/app.sh"

# random_work MODE: random sequences of edits, stagings, commits and merges, checked after each; see random_work.py.
random_work() {
    local steps=120 seed=${TIDEGATE_SEED:-$((RANDOM * 32768 + RANDOM))}
    [ -z "${TIDEGATE_LONG:-}" ] || steps=3000
    export RECORD=$work/record
    mkdir -p "$RECORD" repository
    cd repository
    python3 "$TIDEGATE_SOURCE/tests/e2e/random_work.py" "$1" "$TIDEGATE_BIN/tidegate-hook" "$seed" "$steps"
}

test_random_work_is_seen_exactly_and_never_touched() {
    random_work plain
}

test_random_work_with_a_fixer_loses_nothing_and_commits_what_was_judged() {
    random_work fixing
}

test_a_broken_commit_that_is_mended_only_in_the_working_tree_is_not_pushed() {
    new_app
    gates pre-push "{name: unit, run: '! grep -r broken src'}"
    echo broken >src/a.c
    commit_unseen broken
    echo mended >src/a.c
    run git push -q origin main
    expect_status 1
    git add src/a.c # staged is not pushed either
    run git push -q origin main
    expect_status 1
    expect_equal "$(git ls-remote origin)" ""
}

test_two_new_branches_of_one_push_are_both_gated() {
    new_app
    gates pre-push "{name: unit, run: '! grep -r broken src'}"
    commit_unseen good
    git branch good
    echo broken >src/a.c
    commit_unseen broken
    git branch broken
    git checkout -q good
    run git push -q origin good broken
    expect_status 1
    run git push -q origin broken good
    expect_status 1
    expect_equal "$(git ls-remote origin)" ""
}

test_a_clean_merge_with_a_failing_gate_makes_no_commit() {
    new_app
    gates pre-commit "{name: unit, run: '! { test -e src/x.c && test -e src/y.c; }'}"
    commit_unseen base
    git checkout -q -b other
    echo x >src/x.c
    commit_unseen x
    git checkout -q main
    echo y >src/y.c
    commit_unseen y
    run git merge -q -m merge other
    expect_status 1
    expect_equal "$(git log --format=%s -1)" y
}

# git is killed by SIGPIPE where a hook leaves its input unread: whatever goes wrong, all of it is read.
test_standard_input_is_read_to_its_end_whatever_goes_wrong() {
    new_app
    gates pre-push "{name: unit, run: 'true'}"
    commit_unseen first
    cat >"$work/feed.py" <<'P'
import subprocess, sys
line = b"refs/heads/x " + b"1" * 40 + b" refs/heads/x " + b"0" * 40 + b"\n"
hook = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
hook.stdin.write(line * 20000)
hook.stdin.close()
print(hook.wait())
P
    feed() { python3 "$work/feed.py" "$@"; }
    push=("$TIDEGATE_BIN/tidegate-hook" pre-push origin ../origin.git)
    feed "${push[@]}" >/dev/null # no such commits
    echo 'versio: 1' >.tidegate.yaml
    commit_unseen wrong
    feed "${push[@]}" >/dev/null
    mkdir "$work/nowhere"
    cd "$work/nowhere"
    feed "${push[@]}" >/dev/null
    # a hook that was there before and reads nothing
    cd "$work/app"
    rm .git/hooks/pre-push
    cp "$TIDEGATE_BIN/tidegate-hook" .git/hooks/pre-push
    printf '#!/bin/sh\nexit 7\n' >.git/hooks/pre-push.tidegate-chained
    chmod +x .git/hooks/pre-push.tidegate-chained
    expect_equal "$(feed .git/hooks/pre-push origin ../origin.git)" 7
}

test_attack_48_tools_beside_the_files_are_not_run() {
    new_app
    gates pre-commit "{name: format, run: 'true {files} && ! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}', files: ['*.c']}"
    commit_unseen first
    for tool in git sh env; do
        printf '#!/bin/sh\ntouch "%s/pwned"\nexit 0\n' "$work" >$tool
        chmod +x $tool
        cp $tool src/
    done
    echo BAD >src/a.c
    git add src/a.c
    PATH=.:src:$PWD:$PWD/src:$PATH run /usr/bin/git commit -qm evil
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c)" good
    PATH=.:$PWD:$PATH run /usr/bin/git -C src push -q origin main
    expect_status 0
    expect_no_file "$work/pwned"
}

test_attack_49_the_callers_variables_reach_no_gate() {
    new_app
    gates pre-commit "{name: env, run: 'env >\"\$RECORD/env\"; echo \"[\$IFS]\" >\"\$RECORD/ifs\"'}"
    git add -A
    echo "touch $work/pwned" >"$work/rc"
    (
        export BASH_ENV=$work/rc ENV=$work/rc IFS=x GIT_AUTHOR_NAME=Eve GIT_DIR=$PWD/.git GIT_WORK_TREE=$PWD SECRET_TOKEN=canary
        export LD_LIBRARY_PATH=/nonexistent PERL5OPT=-w GIT_EXTERNAL_DIFF=false
        "$TIDEGATE_BIN/tidegate-hook" pre-commit
    ) >/dev/null 2>&1
    expect_file "$RECORD/env"
    expect_lacks "$(cat "$RECORD/env")" canary
    expect_equal "$(grep -E '^(GIT_|LD_|BASH_ENV|ENV=|IFS|PERL5OPT)' "$RECORD/env" || true)" ""
    expect_equal "$(cat "$RECORD/ifs")" "$(printf '[ \t\n]')"
    expect_no_file "$work/pwned"
}

test_attack_50_cherry_picks_rebases_and_picked_hunks_are_gated() {
    new_app
    gates pre-commit "{name: see, run: 'cat src/a.c >\"\$RECORD/seen\"'}"
    seq 1 30 >src/a.c
    commit_unseen first
    sed -i '3s/$/ three/; 27s/$/ late/' src/a.c
    printf 'y\nn\n' | git commit -qpm hunk >/dev/null 2>&1
    expect_equal "$(cat "$RECORD/seen")" "$(git show HEAD:src/a.c)"
    expect_equal "$(git diff --numstat)" "1	1	src/a.c"
    git checkout -q .
    git checkout -q -b side HEAD~1
    sed -i '3s/$/ side/' src/a.c
    commit_unseen side
    git checkout -q main
    git cherry-pick side >/dev/null 2>&1 && fail "there should be a conflict"
    sed -i '/^[<=>]/d' src/a.c
    git add src/a.c
    rm "$RECORD/seen"
    run git -c core.editor=true cherry-pick --continue
    expect_status 0
    expect_equal "$(cat "$RECORD/seen")" "$(git show HEAD:src/a.c)"
    git checkout -q side
    git rebase -q main >/dev/null 2>&1 && fail "there should be a conflict"
    sed -i '/^[<=>]/d; 10s/$/ mended/' src/a.c
    git add src/a.c
    rm "$RECORD/seen"
    run git commit -qm mended
    expect_status 0
    expect_equal "$(cat "$RECORD/seen")" "$(git show HEAD:src/a.c)"
}

test_attack_54_deletions_and_a_closed_pipe_are_no_push_of_anything() {
    new_app
    gates pre-push "{name: unit, run: 'touch \"\$RECORD/ran\"'}"
    commit_unseen first
    zero=0000000000000000000000000000000000000000
    run "$TIDEGATE_BIN/tidegate-hook" pre-push origin ../origin.git <&-
    expect_status 0
    echo "(delete) $zero refs/heads/old $(git rev-parse HEAD)" | "$TIDEGATE_BIN/tidegate-hook" pre-push origin ../origin.git
    expect_no_file "$RECORD/ran"
    # nobody reads what it says
    { "$TIDEGATE_BIN/tidegate-hook" pre-push origin ../origin.git <<<"refs/heads/main $(git rev-parse HEAD) refs/heads/main $zero" 2>&1; echo "exit $?" >"$work/code"; } | true
    wait_for 20 test -s "$work/code"
    expect_equal "$(cat "$work/code")" "exit 0"
    expect_file "$RECORD/ran"
}

test_attack_55_a_gate_that_was_gone_round_leaves_no_proof() {
    new_app
    gates pre-push "{name: unit, run: 'true'}"
    commit_unseen first
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    git config gpg.format ssh
    git config user.signingkey "$work/key"
    echo "ana@example.com $(cut -d' ' -f1,2 "$work/key.pub")" >"$work/allowed"
    git push -q --no-verify origin main
    mkdir "$work/empty"
    git commit -q --allow-empty --no-verify -m moved
    git -c core.hooksPath="$work/empty" push -q origin main
    rm .git/hooks/pre-push
    git commit -q --allow-empty --no-verify -m removed
    git push -q origin main
    expect_equal "$(git ls-remote origin 'refs/tidegate/*')" ""
    run tidegate attest verify HEAD --stage pre-push --allowed-signers "$work/allowed"
    [ "$status" != 0 ] || fail "a tree that nobody judged was vouched for"
}

test_attack_57_no_descriptor_of_the_caller_reaches_a_gate() {
    new_app
    gates pre-commit "{name: fds, run: 'ls -l /proc/self/fd >\"\$RECORD/fds\"'}"
    git add -A
    echo canary >"$work/secret"
    (
        exec 7<"$work/secret" 9>>"$work/secret"
        git commit -qm fds
    ) >/dev/null 2>&1
    expect_file "$RECORD/fds"
    expect_lacks "$(cat "$RECORD/fds")" secret
    expect_lacks "$(cat "$RECORD/fds")" .git/
    expect_contains "$(grep ' 0 -> ' "$RECORD/fds")" /dev/null
}

# A run ends what its gates left behind, and nothing that the program itself still needs for the next.
test_two_trees_of_one_push_are_both_gated_and_attested() {
    new_app
    gates pre-push "{name: unit, run: 'cat src/a.c >>\"\$RECORD/seen\"'}"
    commit_unseen first
    git branch one
    echo changed >src/a.c
    commit_unseen second
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    git config gpg.format ssh
    git config user.signingkey "$work/key"
    run git push -q origin one main
    expect_status 0
    expect_equal "$(sort "$RECORD/seen")" "changed
one"
    expect_equal "$(git -C ../origin.git ls-tree -r --name-only refs/tidegate/attestations | wc -l)" 2
}

test_a_commit_that_is_attested_is_fixed_in_what_it_changes() {
    new_app
    gates pre-commit "{name: format, run: '! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}', files: ['*.c']}"
    commit_unseen first
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    git config gpg.format ssh
    git config user.signingkey "$work/key"
    git config tidegate.attest pre-commit
    echo BAD >src/a.c
    git add src/a.c
    run git commit -qm fixed
    expect_status 0
    expect_equal "$(git show HEAD:src/a.c) $(git ls-tree -r --name-only refs/tidegate/attestations | cut -d/ -f2)" "good $(git rev-parse 'HEAD^{tree}')"
}

# A filter named lfs is never run for a snapshot, whatever the configuration says: pointers stay pointers.
test_lfs_files_are_pointers_in_a_snapshot_and_no_filter_fetches_them() {
    new_app
    gates pre-commit "{name: see, run: 'cat big.bin >\"\$RECORD/seen\"; git status --porcelain --untracked-files=no >\"\$RECORD/status\"'}"
    commit_unseen first
    echo '*.bin filter=lfs -text' >.gitattributes
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n' 1 >big.bin
    git add -A
    run git commit -qm "no filter configured"
    expect_status 0
    expect_equal "$(cat "$RECORD/seen")" "$(cat big.bin)"
    git config filter.lfs.clean cat
    git config filter.lfs.smudge "touch '$RECORD/fetched'; echo content"
    git config filter.lfs.required true
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n' 2 >other.bin
    git add -A
    rm -f "$RECORD/seen" "$RECORD/fetched"
    run "$TIDEGATE_BIN/tidegate-hook" pre-commit
    expect_status 0
    expect_equal "$(cat "$RECORD/seen")" "$(git show :big.bin)"
    expect_no_file "$RECORD/fetched"
}

test_closed_standard_streams_of_a_commit_harm_nothing() {
    new_app
    gates pre-commit "{name: unit, run: 'cat >/dev/null; echo said; exit \${VERDICT:-0}', pass_env: [VERDICT]}"
    echo more >src/a.c
    git add src/a.c
    VERDICT=1 git commit -q -m refused <&- >&- 2>&- && fail "the gate failed, and the commit was made"
    git commit -q -m good <&- >&- 2>&-
    git fsck --strict
    expect_equal "$(git log -1 --format=%s)" good
    # Nothing that was printed has gone into a file that was opened meanwhile.
    expect_equal "$(cat .git/tidegate/logs/*/unit.log | sort -u)" said
    run grep -r "tidegate pre-commit" .git/tidegate "$HOME/.cache/tidegate"
    expect_status 1
}
