# Configuration that stands on other files: of the tree, of another repository, of folders, of one person.

app() { # a repository whose .tidegate.yaml comes from standard input
    new_repo app
    cd app || exit
    cat >.tidegate.yaml
}

test_an_extended_file_is_read_from_the_tree_that_is_committed() {
    app <<'Y'
version: 1
extends: ci/gates.yaml
stages: {pre-commit: {gates: [{name: own, run: "true"}]}}
Y
    mkdir ci
    cat >ci/gates.yaml <<'Y'
version: 1
stages: {pre-commit: {gates: [{name: shared, run: "exit 7"}]}}
Y
    git add -A
    tidegate install >/dev/null
    # mended beside the index only
    sed -i 's/exit 7/true/' ci/gates.yaml
    run git commit -qm one
    expect_status 1
    expect_contains "$err" "shared failed"
    git add -A
    run git commit -qm one
    expect_status 0
    # not there in the tree, though it lies in the working tree
    git rm -q --cached ci/gates.yaml
    run git commit -qm two
    expect_status 1
    expect_contains "$err" "the tree has no ci/gates.yaml"
    expect_contains "$err" ".tidegate.yaml:2:"
}

# gates.git, with a file of gates in a folder; its commit in $commit
pinned() {
    new_repo gates
    mkdir gates/c
    cat >gates/common.yaml <<'Y'
version: 1
stages: {pre-commit: {gates: [{name: common, run: "true"}]}}
Y
    cat >gates/c/gates.yaml <<'Y'
version: 1
extends: ../common.yaml
stages: {pre-commit: {gates: [{name: pinned, run: "echo pinned; exit 1"}]}}
Y
    git -C gates add -A
    git -C gates commit -qm one
    commit=$(git -C gates rev-parse HEAD)
    git clone -q --bare gates gates.git
}

test_a_file_of_a_pinned_commit_is_fetched_once_and_works_without_its_repository() {
    pinned
    app <<Y
version: 1
extends: {git: "file://$work/gates.git", commit: $commit, file: c/gates.yaml}
Y
    git add -A
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out$err" "pinned failed"
    # the repository moves on: the commit does not
    sed -i 's/exit 1/exit 0/' ../gates/c/gates.yaml
    git -C ../gates commit -qam two
    git -C ../gates push -q "$work/gates.git" main
    run tidegate run pre-commit
    expect_status 1
    mv "$work/gates.git" "$work/gone"
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out$err" "pinned failed"
    # what is kept and was tampered with is not believed: a fetch is tried, and fails
    local kept
    for kept in "$XDG_CACHE_HOME"/tidegate/extends/*; do sed -i 's/exit 1/exit 0/' "$kept"; done
    run tidegate run pre-commit
    expect_status 3
    expect_contains "$err" "fetching what \`extends\` names"
    mv "$work/gone" "$work/gates.git"
    run tidegate run pre-commit
    expect_status 1
}

test_a_pinned_commit_or_file_that_is_not_there_stops_the_commit() {
    pinned
    app <<Y
version: 1
extends: {git: "file://$work/gates.git", commit: 1111111111111111111111111111111111111111, file: c/gates.yaml}
Y
    git add -A
    tidegate install pre-commit >/dev/null
    run git commit -qm one
    [ "$status" -ne 0 ] || fail "committed without its gates"
    sed -i "s/1111111111111111111111111111111111111111/$commit/; s,c/gates,d/gates," .tidegate.yaml
    git add -A
    run git commit -qm one
    [ "$status" -ne 0 ] || fail "committed without its gates"
    expect_contains "$err" "has no file d/gates.yaml"
}

test_gates_of_a_folder_run_there_and_only_for_its_changes() {
    app <<'Y'
version: 1
folders: ["services/*"]
stages: {pre-commit: {gates: [{name: top, run: "true"}]}}
Y
    mkdir -p services/api services/web shared
    for name in api web; do
        cat >services/$name/.tidegate.yaml <<'Y'
version: 1
affected_by: ["../../shared/**"]
stages:
  pre-commit:
    gates:
      - {name: where, run: 'basename "$PWD"; exit 1'}
      - {name: files, run: "echo {files}; exit 1", files: ["*.go"]}
Y
    done
    echo a >services/api/a.go
    echo s >shared/s
    git add -A
    git commit -qm one
    echo more >>services/api/a.go
    git add -A
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out$err" "services/api:where, services/api:files failed"
    expect_lacks "$out$err" "✗ services/web"
    expect_contains "$(cat .git/tidegate/logs/*/services%api:where.log)" "api"
    expect_equal "$(cat .git/tidegate/logs/*/services%api:files.log)" "a.go"
    run tidegate plan pre-commit
    expect_contains "$out" "nothing changed in services/web"
    git commit -qm two
    echo more >>shared/s
    git add -A
    run tidegate plan pre-commit
    expect_lacks "$out" "nothing changed in"
    TIDEGATE_SKIP="services/api:where services/web:where" run tidegate run pre-commit
    expect_status 0
}

test_a_gate_with_a_folder_runs_there_on_its_files_only() {
    app <<'Y'
version: 1
stages:
  pre-commit:
    gates:
      - {name: web, run: 'echo {files}; test -f "$PWD/a.ts" && ! grep -l BAD {files}', fix: 'sed -i s/BAD/good/ {files}', folder: packages/web/, files: ["*.ts"], exclude: [/gen/**]}
      - {name: whole, run: 'basename "$PWD"', folder: ./packages/web}
Y
    mkdir -p packages/web/gen
    echo BAD | tee a.ts packages/web/a.ts packages/web/gen/b.ts >/dev/null
    git add -A
    tidegate install >/dev/null
    run git commit -qm one
    expect_status 0
    expect_equal "$(cat a.ts packages/web/a.ts packages/web/gen/b.ts | tr '\n' ' ')" "BAD good BAD "
    expect_equal "$(cat .git/tidegate/logs/*/whole.log)" web
    echo more >>a.ts
    git add -A
    run tidegate plan pre-commit
    expect_contains "$out" "nothing changed in packages/web"
    git rm -rq packages
    run git commit -qm gone
    expect_status 0
    run tidegate plan pre-commit --from HEAD~1
    expect_contains "$out" "the tree has no packages/web"
}

test_ones_own_file_adds_gates_and_what_it_weakens_is_not_attested() {
    app <<'Y'
version: 1
stages:
  pre-push:
    gates:
      - {name: unit, run: 'test "$MODE" = easy'}
      - {name: must, run: "true", required: true}
Y
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    git config gpg.format ssh
    git config user.signingkey "$work/key.pub"
    echo .tidegate.local.yaml >.gitignore
    git add -A
    git commit -qm one
    run tidegate run pre-push
    expect_status 1
    cat >.tidegate.local.yaml <<'Y'
stages:
  pre-push:
    gates:
      - {name: unit, env: {MODE: easy}}
      - {name: mine, run: "true"}
Y
    run tidegate run pre-push --attest
    expect_status 4
    expect_contains "$err" "changes \`env\` of unit"
    CI=true run tidegate run pre-push
    expect_status 1
    sed -i 's/env: {MODE: easy}/skip: true/' .tidegate.local.yaml
    run tidegate run pre-push --attest
    expect_status 4
    expect_contains "$err" "unit was skipped"
    echo '      - {name: must, skip: true}' >>.tidegate.local.yaml
    run tidegate run pre-push
    expect_status 4
    expect_contains "$err" "cannot skip a required gate"
    sed -i 's/MODE" = easy/MODE" != easy/' .tidegate.yaml
    git commit -qam two
    cat >.tidegate.local.yaml <<'Y'
stages: {pre-push: {gates: [{name: mine, run: "echo mine >>../ran"}, {name: unit, timeout: 1h}]}}
Y
    git config tidegate.attest pre-push
    run tidegate run pre-push --attest
    expect_status 0
    expect_contains "$(cat "$work"/home/.cache/tidegate/snapshots/*/pre-push/tree/ran)" mine
    run tidegate attest show --json
    expect_lacks "$out" mine
}

test_a_gate_that_a_condition_leaves_out_says_why_and_is_not_attested() {
    app <<'Y'
version: 1
stages:
  pre-push:
    gates:
      - {name: unit, run: "true"}
      - {name: release, run: "true", only: [{branch: main}, {ref: "refs/tags/v*"}]}
      - {name: local, run: "true", except: [{env: "FAST=y*"}]}
Y
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    git config gpg.format ssh
    git config user.signingkey "$work/key.pub"
    git add -A
    git commit -qm one
    git init -q --bare ../far.git
    git remote add origin "$work/far.git"
    tidegate install >/dev/null
    run git push -q origin main:topic
    expect_status 0
    expect_contains "$err" "skipped: only branch main, ref refs/tags/v*"
    expect_contains "$err" "nothing attested: release"
    FAST=yes run git push -q origin main
    expect_status 0
    expect_contains "$err" "skipped: except env FAST=y*"
    git tag v1
    run git push origin v1
    expect_status 0
    expect_contains "$err" "attested: tree"
}

test_check_tells_every_mistake_at_its_place() {
    app <<'Y'
version: 1
extends: more.yaml
stages:
  pre-commit:
    gates:
      - {name: a, rum: x}
      - {name: b, run: x, timeout: soon, retries: 99}
Y
    printf 'version: 1\nstages: {s: {gates: [{name: c}]}}\n' >more.yaml
    run tidegate check
    expect_status 2
    expect_contains "$err" ".tidegate.yaml:6:"
    expect_contains "$err" ".tidegate.yaml:7:36"
    expect_contains "$err" ".tidegate.yaml:7:51"
    expect_contains "$err" "more.yaml:2:"
    run tidegate check --json
    expect_status 2
    expect_equal "$(echo "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["valid"], len(d["errors"]))')" "False 4"
    {
        printf 'version: 1\nstages:\n  s:\n    gates:\n'
        for i in $(seq 30); do printf '      - {name: g%s, rum: x}\n' "$i"; done
    } >.tidegate.yaml
    run tidegate check
    expect_contains "$err" "… and 10 more mistakes"
}

test_hooks_of_pre_commit_run_as_they_are() {
    app <<'Y'
version: 1
extends: pre-commit
Y
    cat >.pre-commit-config.yaml <<'Y'
exclude: ^vendor/
repos:
- repo: local
  hooks:
  - id: shells
    name: shells
    entry: sh -c 'echo "$@" >>"$HOME/seen"' sh
    language: system
    types: [shell]
  - id: script
    name: script
    entry: tools/check.sh --flag
    language: script
    files: \.txt$
    pass_filenames: false
  - id: no-todo
    name: no todo
    entry: TODO|FIXME
    args: [-i]
    language: pygrep
    types: [text]
    exclude: ^\.|\.sh$
  - id: no-rej
    name: no rej
    entry: rejects are not committed
    language: fail
    files: \.rej$
  - id: pushed
    name: pushed
    entry: "false"
    language: system
    stages: [push]
Y
    mkdir tools vendor
    printf '#!/bin/sh\necho "$@" >>"$HOME/flags"\n' >tools/check.sh
    printf '#!/bin/sh\n' >run
    chmod +x tools/check.sh run
    echo text >a.txt
    echo todo >vendor/b.txt
    git add -A
    tidegate install pre-commit >/dev/null
    run git commit -qm one
    expect_status 0
    expect_equal "$(cat "$HOME/seen")" "run tools/check.sh"
    expect_equal "$(cat "$HOME/flags")" "--flag"
    echo "fixme later" >c.txt
    echo x >d.rej
    git add -A
    run git commit -qm two
    expect_status 1
    expect_contains "$err" "c.txt:1:fixme later"
    expect_contains "$err" "rejects are not committed"
    expect_contains "$err" "d.rej"
    run tidegate plan pre-push
    expect_contains "$out" "pushed"
    cat >>.pre-commit-config.yaml <<'Y'
- repo: https://github.com/psf/black
  rev: 24.1.0
  hooks: [{id: black}]
Y
    run tidegate check
    expect_status 2
    expect_contains "$err" ".pre-commit-config.yaml:35:"
    expect_contains "$err" "without: [black]"
}
