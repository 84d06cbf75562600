# The command line of tidegate: usage, exit codes, JSON.

app() {
    new_repo app
    cat >app/.tidegate.yaml <<'Y'
version: 1
stages:
  pre-commit:
    gates:
      - {name: words, run: "! grep BAD {files}", files: ["*.txt"]}
      - {name: needy, run: "true", needs: [words]}
  pre-push:
    gates:
      - {name: unit, run: "test -f good || { echo '<no & good>'; exit 3; }"}
Y
    echo fine >app/a.txt
    git -C app add -A
    git -C app commit -qm one
}
json() { python3 -c 'import json,sys; d=json.load(sys.stdin); print(eval(sys.argv[1], {"d": d}))' "$1"; }

test_every_command_has_help_and_only_what_is_built_is_listed() {
    run tidegate --help
    expect_status 0
    for command in install uninstall run plan check attest cache doctor init lint release promote approve rollback diff; do
        expect_contains "$out" "  $command "
        run_before=$out
        run tidegate $command --help
        expect_status 0
        expect_contains "$out" "usage: tidegate $command"
        out=$run_before
    done
    expect_lacks "$out" "--fix"
    run tidegate attest verify --help
    expect_contains "$out" "usage: tidegate attest verify"
}

test_the_version_is_told() {
    run tidegate --version
    expect_status 0
    expect_contains "$out" "tidegate 0."
    run tidegate-hook --version
    expect_contains "$out" "tidegate-hook 0."
}

test_wrong_usage_names_the_nearest_word_and_ends_with_2() {
    run tidegate chekc
    expect_status 2
    expect_contains "$err" 'unknown command `chekc`; did you mean `check`?'
    run tidegate attest shw
    expect_status 2
    expect_contains "$err" 'did you mean `show`?'
    run tidegate run pre-commit --gats unit
    expect_status 2
    expect_contains "$err" 'did you mean `--gate`?'
    run tidegate run
    expect_status 2
    expect_contains "$err" "STAGE"
    run tidegate
    expect_status 2
    expect_contains "$err" "usage: tidegate"
    run tidegate attest
    expect_status 2
    # The host's programs say it in the same way.
    run tidegatectl statsu
    expect_status 2
    expect_contains "$err" 'tidegatectl: unknown command `statsu`; did you mean `status`?'
    run tidegatectl history --limt 3
    expect_status 2
    expect_contains "$err" 'unknown option `--limt`; did you mean `--limit`?'
    run tidegated --onec
    expect_status 2
    expect_contains "$err" 'tidegated: unknown option `--onec`; did you mean `--once`?'
}

test_the_folder_is_changed_before_or_after_the_command() {
    app
    run tidegate -C app check
    expect_status 0
    run tidegate check -C app
    expect_status 0
    run tidegate -C nowhere check
    expect_status 3
    expect_contains "$err" "cannot enter nowhere"
    mkdir host
    echo 'version: 7' >host/tidegated.yaml
    run tidegated --config tidegated.yaml -C host --once
    expect_status 2
    expect_contains "$err" "tidegated.yaml:1:"
    run tidegatectl status -C nowhere
    expect_status 3
    expect_contains "$err" "cannot enter nowhere"
    run tidegatectl -C host doctor --config tidegated.yaml
    expect_contains "$out" "tidegated.yaml:1:"
}

test_run_ends_with_0_1_and_2() {
    app
    cd app
    run tidegate run pre-commit
    expect_status 0
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "Again: tidegate run pre-push --gate unit"
    run tidegate run pre-pusch
    expect_status 2
    expect_contains "$err" 'did you mean `pre-push`?'
    run tidegate run pre-push --gate unti
    expect_status 2
    expect_contains "$err" 'unit'
    run tidegate run pre-push --tree HEAD --from HEAD~1
    expect_status 2
}

test_run_without_a_word_takes_the_index_for_pre_commit_and_head_otherwise() {
    app
    cd app
    echo BAD >b.txt
    git add b.txt
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out" "words failed on what is staged"
    touch good
    git add good
    run tidegate run pre-push
    expect_status 1
    git commit -qm two
    run tidegate run pre-push
    expect_status 0
    run tidegate run pre-push --tree HEAD~1
    expect_status 1
    run tidegate run pre-commit --all --tree HEAD
    expect_status 1
}

test_facts_are_printed_as_json() {
    app
    cd app
    run tidegate run pre-push --json
    expect_status 1
    expect_equal "$(json 'd["passed"], d["gates"][0]["outcome"]' <<<"$out")" "(False, 'failed')"
    expect_equal "$(json 'd["tree"]' <<<"$out")" "$(git rev-parse 'HEAD^{tree}')"
    run tidegate plan pre-commit --all --json
    expect_status 0
    expect_equal "$(json '[g["name"] for g in d["gates"]]' <<<"$out")" "['words', 'needy']"
    run tidegate check --json
    expect_equal "$(json 'd["stages"]["pre-push"]' <<<"$out")" "['unit']"
    run tidegate doctor --json
    expect_equal "$(json 'd["good"]' <<<"$out")" "False"
    run tidegate cache show --json
    expect_status 0
    json 'd["bytes"]' <<<"$out" >/dev/null
    run tidegate attest show --json
    expect_status 1
    expect_equal "$(json 'd["attestations"]' <<<"$out")" "[]"
    run tidegate install --json
    expect_equal "$(json 'd["hooks"][0]["state"]' <<<"$out")" "installed"
}

test_plan_says_what_would_run_and_why() {
    app
    cd app
    echo more >>a.txt
    git add a.txt
    run tidegate plan pre-commit
    expect_status 0
    expect_contains "$out" "tidegate pre-commit  2 gates on 1 file"
    expect_contains "$out" "after words"
    tidegate run pre-commit >/dev/null
    run tidegate plan pre-commit
    expect_contains "$out" "cached"
    tidegate cache clear >/dev/null
    run tidegate plan pre-commit
    expect_lacks "$out" "cached"
}

test_check_shows_the_place_of_a_mistake() {
    app
    printf 'version: 1\nstages:\n  pre-push:\n    gates:\n      - name: unit\n        comand: ctest\n' >app/.tidegate.yaml
    run tidegate -C app check
    expect_status 2
    expect_contains "$err" '.tidegate.yaml:6:9'
    expect_contains "$err" '6 |         comand: ctest'
    expect_contains "$err" '^'
    expect_contains "$err" 'gates take:'
    run tidegate -C app run pre-commit --tree HEAD
    expect_status 0
}

test_check_reads_another_file() {
    echo 'version: 1' >other.yaml
    run tidegate check other.yaml
    expect_status 2
    expect_contains "$err" "other.yaml"
}

test_a_junit_report_can_be_read() {
    app
    run tidegate -C app run pre-push --junit "$work/report.xml"
    expect_status 1
    run python3 -c '
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()[0]
case = suite[0]
print(suite.get("name"), suite.get("failures"), case.get("name"), case[0].tag, case[0].get("message"), "<no & good>" in case[0].text)
' report.xml
    expect_equal "$out" "pre-push 1 unit failure exit 3 True"
}

test_init_proposes_what_check_accepts() {
    new_repo app
    cd app
    printf '{"scripts": {"lint": "eslint .", "test": "echo \\"Error: no test specified\\" && exit 1"}}' >package.json
    touch package-lock.json Cargo.toml go.mod pyproject.toml
    printf 'enable_testing()\n' >CMakeLists.txt
    printf '[tool.ruff]\n[tool.pytest.ini_options]\n' >pyproject.toml
    run tidegate init
    expect_status 0
    expect_contains "$out" "CMake, Cargo, Go, package.json, Python"
    run tidegate check
    expect_status 0
    expect_contains "$(cat .tidegate.yaml)" "npm run lint"
    expect_lacks "$(cat .tidegate.yaml)" "npm run test"
    expect_contains "$(cat .tidegate.yaml)" "run: npm ci"
    expect_contains "$(cat .tidegate.yaml)" "needs: [build]"
    echo mine >.tidegate.yaml
    run tidegate init
    expect_status 2
    expect_contains "$err" "is there already"
    expect_equal "$(cat .tidegate.yaml)" mine
}

test_init_in_an_empty_repository_gives_a_start() {
    new_repo app
    run tidegate -C app init
    expect_status 0
    expect_contains "$out" "nothing was recognised"
    run tidegate -C app check
    expect_status 0
}

test_doctor_names_the_mend_of_each_lack() {
    app
    cd app
    run tidegate doctor
    expect_status 1
    expect_contains "$out" "not installed: its gates do not run"
    expect_contains "$out" "tidegate install"
    expect_contains "$out" "no signing key is set up"
    tidegate install >/dev/null
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    git config tidegate.signingKey "$work/key"
    run tidegate doctor
    expect_status 0
    expect_contains "$out" "signed with SHA256:"
    tidegate run pre-commit --all >/dev/null
    run tidegate doctor
    expect_contains "$out" "pre-commit "
    expect_contains "$out" ", used "
    # A working tree that is gone leaves its snapshots behind.
    git worktree add -q ../side
    (cd ../side && tidegate run pre-commit --all --no-cache >/dev/null)
    run tidegate doctor
    expect_contains "$out" " of 1 other working tree"
    rm -rf ../side
    run tidegate doctor
    expect_status 0
    expect_contains "$out" " of $work/side, which is gone"
    expect_contains "$out" "tidegate doctor --clear-snapshots"
    run tidegate doctor --clear-snapshots
    expect_status 0
    expect_contains "$out" "2 snapshots removed"
    run tidegate doctor
    expect_lacks "$out" "which is gone"
    rm -f "$work/key"
    run tidegate doctor
    expect_contains "$out" "attest"
    expect_lacks "$out" "signed with"
}

test_help_is_also_a_command_as_git_has_it() {
    run tidegate help
    expect_status 0
    expect_contains "$out" "usage: tidegate COMMAND"
    run tidegate help attest show
    expect_status 0
    expect_contains "$out" "usage: tidegate attest show"
    run tidegate help nothing
    expect_status 2
}
