# Every hook of git that a developer's clone calls, by real git operations.

# app FOLDER: a repository with one commit of its own .tidegate.yaml (standard input) and the hooks installed.
app() {
    new_repo "$1"
    cat >"$1/.tidegate.yaml"
    echo one >"$1/a.txt"
    git -C "$1" add -A
    git -C "$1" commit -qm "chore: begin" --no-verify
    tidegate -C "$1" install >/dev/null
}
change() { # FOLDER FILE TEXT
    echo "$3" >"$1/$2"
    git -C "$1" add "$2"
}

test_a_commit_message_is_judged_by_its_gate() {
    app app <<'Y'
version: 1
stages:
  commit-msg:
    gates:
      - {name: ticket, run: "grep -q '^T-[0-9]' {message_file}"}
      - {name: tree, run: "test \"$(cat a.txt)\" = staged && test -n \"$TIDEGATE_MESSAGE_FILE\""}
Y
    change app a.txt staged
    echo unstaged >app/a.txt
    run git -C app commit -m "no ticket"
    expect_status 1
    expect_contains "$err" "stopped: ticket failed on what is being committed."
    expect_contains "$err" "git commit -eF $work/app/.git/COMMIT_EDITMSG (your message is kept there)"
    # The same tree with another message is another question.
    run git -C app commit -m "T-1 with ticket"
    expect_status 0
    expect_equal "$(cat app/a.txt)" unstaged
    run git -C app commit --allow-empty -m "none again"
    expect_status 1
}

test_a_message_can_be_prepared() {
    app app <<'Y'
version: 1
stages:
  prepare-commit-msg:
    gates:
      - name: branch
        run: 'echo "from $TIDEGATE_MESSAGE_SOURCE" >>{message_file}; echo "of:"{message_commit} >>{message_file}'
Y
    change app a.txt two
    run git -C app commit -m "subject"
    expect_status 0
    expect_equal "$(git -C app log -1 --format=%B)" "subject
from message
of:"
}

test_a_checkout_runs_its_stage_in_the_working_tree_and_cannot_fail() {
    app app <<'Y'
version: 1
stages:
  post-checkout:
    gates:
      - {name: install, run: "echo $TIDEGATE_PREVIOUS {current} {branch_checkout} {files} >>installed; exit 1"}
Y
    echo installed >>app/.git/info/exclude
    git -C app branch first
    change app a.txt two
    git -C app commit -qm two
    before=$(git -C app rev-parse HEAD) after=$(git -C app rev-parse first)
    run git -C app checkout -q first
    expect_status 0
    expect_equal "$(cat app/installed)" "$before $after 1 a.txt"
    expect_contains "$err" "failed: install failed on commit"
    expect_lacks "$err" "stopped"
}

test_a_clone_runs_nothing_of_what_it_brought() {
    app app <<'Y'
version: 1
stages:
  post-checkout:
    gates:
      - {name: evil, run: "touch \"$HOME/owned\""}
Y
    git config --global core.hooksPath "$work/app/.git/hooks"
    run git clone -q app copy
    expect_status 0
    expect_equal "$err" ""
    expect_no_file "$HOME/owned"
    run git -C copy worktree add -q "$work/linked" -b other
    expect_file "$HOME/owned"
}

test_hooks_after_the_fact_cost_no_child_where_their_stage_is_not() {
    app app <<'Y'
version: 1
stages:
  pre-commit:
    gates:
      - {name: fine, run: "true"}
Y
    tidegate -C app install post-checkout post-merge post-rewrite >/dev/null
    command -v strace >/dev/null || skip "no strace"
    cd app
    traced -f -o "$work/trace" -e trace=execve .git/hooks/post-checkout "$(git rev-parse HEAD)" "$(git rev-parse HEAD)" 1
    expect_equal "$(grep -c execve "$work/trace")" 1
}

test_a_merge_is_followed() {
    app app <<'Y'
version: 1
stages:
  post-merge:
    gates:
      - {name: tell, run: "echo {squash} {files} >>\"$HOME/told\""}
Y
    git -C app checkout -qb side
    change app b.txt b
    git -C app commit -qm side
    git -C app checkout -q main
    change app a.txt two
    git -C app commit -qm main
    run git -C app merge -q --no-edit side
    expect_status 0
    expect_equal "$(cat "$HOME/told")" "0 b.txt"
    # A fast-forward brings everything between.
    git -C app checkout -q -b late HEAD~1
    git -C app merge -q --ff-only main
    expect_equal "$(tail -1 "$HOME/told")" "0 b.txt"
}

test_a_rewrite_gives_its_list_to_the_gate() {
    app app <<'Y'
version: 1
stages:
  post-rewrite:
    gates:
      - {name: list, run: "cat >\"$HOME/list.{rewritten_by}\""}
Y
    change app a.txt two
    git -C app commit -qm two
    old=$(git -C app rev-parse HEAD)
    git -C app commit -q --amend -m "two, better"
    expect_equal "$(cat "$HOME/list.amend")" "$old $(git -C app rev-parse HEAD)"
    git -C app checkout -qb side HEAD~1
    change app b.txt b
    git -C app commit -qm b
    old=$(git -C app rev-parse HEAD)
    run git -C app rebase -q main
    expect_status 0
    expect_equal "$(cat "$HOME/list.rebase")" "$old $(git -C app rev-parse HEAD)"
}

test_a_rebase_can_be_refused() {
    app app <<'Y'
version: 1
stages:
  pre-rebase:
    gates:
      - {name: keep, run: "test ! -f published || test {upstream} != main", files: ["*"]}
Y
    git -C app checkout -qb side
    change app published yes
    git -C app commit -qm published
    git -C app checkout -q main
    change app a.txt two
    git -C app commit -qm two
    git -C app checkout -q side
    before=$(git -C app rev-parse HEAD)
    run git -C app rebase main
    [ "$status" -ne 0 ] || fail "the rebase went through"
    expect_contains "$err" "stopped: keep failed on the commit being rebased"
    expect_equal "$(git -C app rev-parse HEAD)" "$before"
    run git -C app rebase --onto main main~1
    expect_status 0
    run git -C app rebase --root
    expect_status 0
}

test_what_git_gives_a_push_reaches_a_gate_that_asks() {
    app app <<'Y'
version: 1
stages:
  pre-push:
    gates:
      - {name: where, run: ["/bin/sh", "-c", "echo \"$0\"; cat", "{remote}"]}
      - {name: blind, run: "! env | grep TIDEGATE_R && test -z \"$(cat)\""}
Y
    git init -q --bare far.git
    git -C app remote add far "$work/far.git"
    head=$(git -C app rev-parse HEAD)
    run git -C app push far main
    expect_status 0
    # Never remembered: the next push may go elsewhere.
    run git -C app push far main:other
    expect_status 0
    log=$(ls -dt app/.git/tidegate/logs/*-pre-push* | head -1)
    expect_equal "$(cat "$log/where.log")" "far
refs/heads/main $head refs/heads/other 0000000000000000000000000000000000000000"
    run tidegate -C app run pre-push
    expect_status 0
    expect_contains "$out" "only git's hook knows what it asks for"
}

test_own_hooks_of_every_kind_are_chained_and_restored() {
    new_repo app
    cat >app/.tidegate.yaml <<'Y'
version: 1
stages:
  pre-commit: {gates: [{name: fine, run: "true"}]}
Y
    git -C app add -A
    git -C app commit -qm one --no-verify
    all="pre-commit pre-merge-commit prepare-commit-msg commit-msg post-checkout post-merge post-rewrite pre-rebase pre-push"
    local hook
    for hook in $all; do
        printf '#!/bin/sh\necho "%s $#" >>%q\n' "$hook" "$work/trace" >"app/.git/hooks/$hook"
        chmod +x "app/.git/hooks/$hook"
    done
    before=$(cd app/.git/hooks && sha256sum $all)
    # shellcheck disable=SC2086
    tidegate -C app install $all >/dev/null
    change app a.txt two
    git -C app commit -qm two
    git -C app commit -q --amend --no-edit
    git -C app checkout -qb side HEAD~1
    change app b.txt b
    git -C app commit -qm b
    git -C app rebase -q main
    git -C app checkout -q main
    git -C app merge -q side
    expect_equal "$(sort trace | uniq -c | sed 's/^ *//')" "3 commit-msg 1
3 post-checkout 3
1 post-merge 1
2 post-rewrite 1
3 pre-commit 0
1 pre-rebase 1
3 prepare-commit-msg 2
1 prepare-commit-msg 3"
    tidegate -C app uninstall >/dev/null
    expect_equal "$(cd app/.git/hooks && sha256sum $all)" "$before"
}

message_app() { # FOLDER OPTIONS
    app "$1" <<Y
version: 1
stages:
  commit-msg: {gates: [{name: message, builtin: [{commit-message: {$2}}]}]}
Y
}

test_rules_for_a_message_are_built_in() {
    message_app app "conventional: true, subject_max: 30"
    run git -C app commit --allow-empty -m "fea: something new"
    expect_status 1
    expect_contains "$err" "message:1:1: no commit type is called fea; did you mean feat?"
    run git -C app commit --allow-empty -m "feat: something that is rather too long for it"
    expect_contains "$err" "message:1:31: the subject has 46 characters; at most 30"
    run git -C app commit --allow-empty -m "feat: something"
    expect_status 0
    # Not remembered: the tree is the same.
    run git -C app commit --allow-empty -m "nothing of that form"
    expect_status 1
}

test_a_message_is_judged_as_git_will_keep_it() {
    message_app app 'pattern: "T-* *", body_max: 30'
    # Edited: comments, and what -v adds below the scissors, are not part of it.
    printf '#!/bin/sh\n{ echo "T-1 subject"; echo; echo "# a comment that is much longer than the thirty characters"; cat "$1"; } >"$1.new"\nmv "$1.new" "$1"\n' >editor
    chmod +x editor
    change app a.txt "a line of the file that is much longer than thirty characters"
    GIT_EDITOR=$work/editor run git -C app commit -v
    expect_status 0
    expect_equal "$(git -C app log -1 --format=%B)" "T-1 subject"
    # Not edited: git keeps what begins with #.
    run git -C app commit --allow-empty -m "#1 subject"
    expect_status 1
    expect_contains "$err" "message:1:1: the subject matches none of: T-* *"
    git -C app config core.commentChar ";"
    printf '#!/bin/sh\necho "#2 subject" >"$1"\n' >editor
    GIT_EDITOR=$work/editor run git -C app commit --allow-empty
    expect_status 1
    expect_contains "$err" "message:1:1: the subject matches none of: T-* *"
    printf '#!/bin/sh\n{ echo "T-2 subject"; cat "$1"; } >"$1.new"\nmv "$1.new" "$1"\n' >editor
    git -C app config core.commentChar auto
    GIT_EDITOR=$work/editor run git -C app commit --allow-empty
    expect_status 0
}

test_messages_of_a_branch_are_judged_by_hand_and_by_a_push() {
    app app <<'Y'
version: 1
stages:
  commit-msg: {gates: [{name: message, builtin: [{commit-message: {forbid: "WIP*"}}]}]}
  pre-push: {gates: [{name: message, builtin: [{commit-message: {forbid: ["WIP*", "fixup! *"]}}]}]}
Y
    git init -q --bare far.git
    git -C app remote add origin "$work/far.git"
    git -C app push -q origin main
    git -C app checkout -qb side
    git -C app commit -q --allow-empty --no-verify -m "WIP first"
    wip=$(git -C app rev-parse --short HEAD)
    git -C app commit -q --allow-empty --no-verify -m "fixup! first"
    run tidegate -C app run commit-msg --from main
    expect_status 1
    expect_contains "$out" "commit $wip:1:1: such a subject is not wanted"
    run tidegate -C app run commit-msg
    expect_status 0
    run git -C app push origin side
    expect_status 1
    expect_contains "$err" "2 problems"
    # What the remote has already is not asked about again.
    git -C app push -q --no-verify origin side
    git -C app commit -q --allow-empty -m "Finish"
    run git -C app push origin side
    expect_status 0
}

test_options_of_built_in_checks_count_in_a_commit() {
    app app <<'Y'
version: 1
stages:
  pre-commit:
    gates:
      - name: hygiene
        builtin: [{trailing-whitespace: {markdown: md}}, {large-files: {max: 1KB}}, {no-commit-to-branch: {branches: "release/*"}}]
Y
    printf 'break  \nline\n' >app/a.md
    head -c 2000 /dev/zero >app/big
    git -C app add -A
    run git -C app commit -m "chore: two"
    expect_status 1
    expect_contains "$err" "big: 2000 bytes; at most 1000 bytes"
    expect_lacks "$err" "a.md"
    git -C app commit -qm "chore: two" --no-verify
    # It is there now: only what is added is judged.
    echo >>app/big
    git -C app add -A
    run git -C app commit -m "chore: three"
    expect_status 0
    git -C app checkout -qb release/1
    run git -C app commit --allow-empty -m "chore: four"
    expect_status 1
    expect_contains "$err" "nothing is committed to release/1 directly"
}

test_a_thousand_files_are_judged_in_their_order() {
    app app <<'Y'
version: 1
stages:
  pre-commit: {gates: [{name: hygiene, builtin: [trailing-whitespace, end-of-file, json, secrets]}]}
Y
    local i
    for i in $(seq 1000 1999); do printf '{"n": %d\n' "$i" >"app/f$i.json"; done
    git -C app add -A
    run git -C app commit -m many
    expect_status 1
    expect_contains "$err" "1000 problems"
    log=$(ls -d app/.git/tidegate/logs/* | tail -1)/hygiene.log
    sort -c "$log"
    expect_equal "$(wc -l <"$log")" 1000
    expect_contains "$(head -1 "$log")" "f1000.json:"
}
