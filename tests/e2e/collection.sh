# Built-in checks as the pre-commit-hooks collection has them, through the program.

# checked CHECKS: everything of the repository here is staged, and judged by these checks.
checked() {
    [ -d .git ] || new_repo .
    printf 'version: 1\nstages: {pre-commit: {gates: [{name: g, files: "f*", builtin: [%s]}]}}\n' "$1" >.tidegate.yaml
    git add -A
    run timeout 100 tidegate run pre-commit --all
}
bytes_of() { od -An -c "$1" | tr -d ' \n'; }

test_yaml_that_has_no_end_ends_the_check() {
    mkdir app && cd app
    printf 'a: 1\n...\n,\n' >f1.yaml
    printf 'a: "open\n' >f2.yaml
    printf -- '- a\n]\n' >f3.yaml
    printf 'a: \004\nb: [\n' >f4.yaml
    printf -- '---\na: !!str 1\n...\n' >f5.yaml
    checked yaml
    expect_status 1
    expect_contains "$out" "f1.yaml:3:1:"
    expect_contains "$out" "f2.yaml:1:4: a quote that is never closed"
    expect_contains "$out" "f3.yaml:2:1:"
    expect_contains "$out" "f4.yaml:1:4: a control character"
    expect_lacks "$out" f5
}

test_tags_of_one_program_pass_only_where_the_grammar_is_asked_for() {
    mkdir app && cd app
    printf 'key: !vault |\n  deadbeef\n' >f.yaml
    checked yaml
    expect_status 1
    expect_contains "$out" "f.yaml:1:6: not a tag of YAML's own: !vault (\`unsafe: true\` takes any)"
    checked "{check-yaml: {unsafe: true}}"
    expect_status 0
}

test_line_endings_and_blanks_are_mended_as_the_collection_does() {
    mkdir app && cd app
    printf 'a\r\nb\nc\r\nlast' >f.txt
    checked mixed-line-ending
    expect_status 1
    run tidegate run pre-commit --fix
    expect_equal "$(bytes_of f.txt)" 'a\r\nb\r\nc\r\nlast\r\n'
    checked "{trailing-whitespace: {markdown: a.b}}"
    expect_status 2
    expect_contains "$err" "no ending of a name: \`a.b\`"
}

test_arguments_of_the_collection_are_carried_over() {
    new_repo app && cd app
    cat >.pre-commit-config.yaml <<'Y'
repos:
  - repo: https://github.com/pre-commit/pre-commit-hooks
    rev: v6.0.0
    hooks:
      - {id: trailing-whitespace, args: [--no-markdown-linebreak-ext]}
      - {id: mixed-line-ending, args: [--fix=crlf]}
      - {id: check-yaml, args: [-m]}
Y
    git add -A
    run tidegate init --print
    expect_status 0
    expect_lacks "$out" "Not carried over"
    expect_contains "$out" "fix: crlf"
    # What the other tool had is written, and nothing that it had not.
    expect_lacks "$out" "pre-push"
}

test_a_commit_works_where_home_is_not_set() {
    new_repo app && cd app
    printf 'version: 1\nstages: {pre-commit: {gates: [{name: g, run: "test -f a"}]}}\n' >.tidegate.yaml
    touch a
    git add -A
    tidegate install >/dev/null
    # As cron and programs with windows start git.
    run env -u HOME -u XDG_CONFIG_HOME XDG_CACHE_HOME="$work/cache" \
        git -c user.name=a -c user.email=a@b.c commit -qm one
    expect_status 0
    expect_contains "$(ls "$work/cache/tidegate/snapshots")" app-
    # Where nothing names a folder, the user database does; nothing is written there by looking.
    run env -u HOME -u XDG_CACHE_HOME -u XDG_CONFIG_HOME tidegate doctor
    expect_lacks "$out$err" "no home folder"
}

test_a_memory_that_cannot_be_written_is_told_of_once() {
    new_repo app && cd app
    printf 'version: 1\nstages: {pre-commit: {gates: [{name: a, run: "true"}, {name: b, run: "true"}]}}\n' >.tidegate.yaml
    git add -A
    mkdir -p .git/tidegate
    touch .git/tidegate/cache # in the place of the folder: what root cannot write either
    run tidegate run pre-commit
    expect_status 0
    expect_equal "$(printf '%s\n%s\n' "$out" "$err" | grep -c tidegate/cache)" 1
}

test_a_stage_named_almost_like_a_hook_is_remarked_on() {
    new_repo app && cd app
    printf 'version: 1\nstages: {precommit: {gates: [{name: a, run: "true"}]}, nightly: {gates: [{name: a, run: "true"}]}}\n' \
        >.tidegate.yaml
    run tidegate check
    expect_status 0
    expect_contains "$out" "no hook of git is called precommit"
    expect_contains "$out" "Did you mean pre-commit?"
    expect_lacks "$out" "called nightly"
}
