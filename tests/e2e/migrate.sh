# Coming from another hook manager: init writes what is equivalent, and says what is not.

# proposes: init writes a file that check accepts
proposes() {
    run tidegate init
    expect_status 0
    said=$out
    run tidegate check
    expect_status 0
    yaml=$(cat .tidegate.yaml)
}

test_init_takes_over_pre_commit() {
    new_repo app
    cd app || exit
    cat >.pre-commit-config.yaml <<'Y'
exclude: ^vendor/
repos:
- repo: https://github.com/pre-commit/pre-commit-hooks
  rev: v5.0.0
  hooks:
  - id: end-of-file-fixer
  - id: check-added-large-files
    args: [--maxkb=1024, --enforce-all]
  - id: trailing-whitespace
    args: [--markdown-linebreak-ext=md]
  - id: name-tests-test
- repo: https://github.com/astral-sh/ruff-pre-commit
  rev: v0.4.0
  hooks:
  - id: ruff
    args: [--fix, --line-length=100]
- repo: https://github.com/nobody/knows
  rev: v1
  hooks: [{id: strange}]
- repo: local
  hooks:
  - id: own
    name: own
    entry: tools/own --strict
    language: script
    files: (?x)^(src/|lib/)
  - id: venv
    name: venv
    entry: no-such-tool
    language: python
    additional_dependencies: [six]
Y
    git add -A
    proposes
    expect_contains "$yaml" "large-files: {max: 1024KiB, all: true}"
    expect_contains "$yaml" "trailing-whitespace: {markdown: [md]}"
    expect_contains "$yaml" "run: ruff check --force-exclude --line-length=100 {files}"
    expect_contains "$yaml" "fix: ruff check --force-exclude --fix --line-length=100 {files}"
    expect_contains "$yaml" "./tools/own"
    expect_contains "$yaml" "^vendor/"
    for text in "name-tests-test" "strange comes from https://github.com/nobody/knows" \
        "venv runs with what is on PATH; pre-commit made an environment for it (\`language: python\`) with six"; do
        expect_contains "$said" "$text"
        expect_contains "$yaml" "$text"
    done
    expect_contains "$said" "no-such-tool. Gates take their tools from PATH"
    run tidegate init
    expect_status 2
    expect_contains "$err" "is there already"
}

test_init_takes_over_lefthook() {
    new_repo app
    cd app || exit
    cat >lefthook.yml <<'Y'
pre-commit:
  parallel: true
  commands:
    prettier:
      glob: "*.{js,ts}"
      run: npx prettier --write {staged_files}
      stage_fixed: true
    lint:
      glob: "src/*.go"
      exclude: _gen\.go$
      run: golint {staged_files}
      skip: [merge, rebase]
    off:
      skip: true
      run: "false"
    web:
      root: web/
      run: npm test
pre-push:
  piped: true
  jobs:
    - name: build
      run: make
    - name: unit
      run: make check
      only: [{ref: main}]
      env: {MODE: "1"}
  scripts:
    "hello.sh": {runner: bash}
commit-msg:
  scripts:
    "template_checker": {runner: bash}
Y
    git add -A
    proposes
    expect_contains "$yaml" "run: npx prettier --check {files}"
    expect_contains "$yaml" "fix: npx prettier --write {files}"
    expect_contains "$yaml" "except: [merge, rebase]"
    expect_contains "$yaml" 'src/**/*.go'
    expect_contains "$yaml" "folder: web"
    expect_contains "$yaml" "only: [{branch: main}]"
    expect_contains "$yaml" "run: bash .lefthook/commit-msg/template_checker {1}"
    expect_contains "$said" "off is skipped"
    run tidegate check --json
    expect_contains "$out" '"pre-push":["hello.sh","build","unit"]'
}

test_init_keeps_what_jobs_of_lefthook_have_from_their_group_and_from_other_files() {
    new_repo app
    cd app || exit
    mkdir ci
    cat >lefthook.yml <<'Y'
extends: [ci/more.yml, ci/gone.yml]
commands: &install
  deps: {glob: "{package.json,yarn.lock}", run: "true"}
post-merge: {commands: *install}
post-checkout:
  commands:
    <<: *install
    10_last: {run: "true", priority: 9}
    9_first: {run: "true", priority: 1}
pre-commit:
  jobs:
    - name: go
      glob: "*.go"
      root: server/
      env: {MODE: fast}
      group:
        piped: true
        jobs:
          - {run: make lint, stage_fixed: true}
          - {run: "make unit {staged_files}", glob: "server/api/**/*.go", env: {MODE: slow}}
    - {name: all, run: ./tool, skip: [{ref: "dev/*"}]}
Y
    printf 'pre-push:\n  parallel: true\n  jobs: [{run: make check}, {run: make bench}]\n' >ci/more.yml
    git add -A
    proposes
    expect_contains "$yaml" 'parallel: 1'
    expect_equal "$(grep -c 'parallel: 1$' .tidegate.yaml)" 2 # pre-push runs them side by side
    expect_contains "$yaml" 'folder: server
        files: ["*.go"]
        env: {MODE: fast}'
    expect_contains "$yaml" 'needs: [make-lint]
        run: make unit {files}
        folder: server
        files: ["/api/**/*.go"]
        env: {MODE: slow}'
    expect_contains "$yaml" 'fix: true'
    expect_contains "$said" "names what is not here: ci/gone.yml"
    run tidegate check --json
    expect_contains "$out" '"post-checkout":["9_first","10_last","deps"]'
    expect_contains "$out" '"post-merge":["deps"]'
    expect_contains "$out" '"pre-push":["make-check","make-bench"]'
}

test_init_puts_hooks_of_pre_commit_where_pre_commit_would_run_them() {
    new_repo app
    cd app || exit
    cat >.pre-commit-config.yaml <<'Y'
minimum_pre_commit_version: 2.15.0
default_stages: [commit, merge-commit, commit-msg, post-commit, post-checkout]
ci: {autofix_prs: false}
repos:
- repo: https://github.com/pre-commit/pre-commit-hooks
  rev: v6.0.0
  hooks: [{id: check-toml}, {id: check-xml}, {id: check-ast}, {id: check-yaml, exclude: ^ci/}]
- repo: https://github.com/asottile/pyupgrade
  rev: v3
  hooks: [{id: pyupgrade, args: [--py39-plus]}]
- repo: https://github.com/adrienverge/yamllint.git
  rev: v1
  hooks: [{id: yamllint, entry: yamllint --strict, types: [file, yaml]}]
- repo: https://github.com/compilerla/conventional-pre-commit
  rev: v1
  hooks: [{id: conventional-pre-commit, args: [feat, fix]}]
- repo: https://github.com/PyCQA/flake8
  rev: v6
  hooks: [{id: flake8, additional_dependencies: &with [flake8-bugbear]}]
- repo: local
  hooks:
  - {id: types, name: t, entry: types -p, language: node, pass_filenames: false, stages: [manual], additional_dependencies: *with}
  - {id: hint, name: h, entry: ./hint, language: system, always_run: true, stages: [post-checkout]}
  - {id: every, name: e, entry: ./every, language: system, stages: [commit-msg]}
  - id: words
    name: w
    entry: |
      (?x)
      teh
      |recieve(?!r)
    language: pygrep
    types: [text]
    exclude: >
      (?x)^(
        docs/.*|
        .*\.svg
      )$
Y
    git add -A
    proposes
    expect_contains "$yaml" "name: hygiene
        builtin: [toml, xml]"
    expect_contains "$yaml" "run: yamllint --strict {files}"
    expect_contains "$yaml" "run: pyupgrade --py39-plus {files}
        fix: true"
    expect_contains "$yaml" "commit-message: {conventional: true, types: [feat, fix]}"
    expect_contains "$said" "flake8 was installed with flake8-bugbear"
    expect_contains "$said" "run: check-ast {files}"
    run tidegate check --json
    expect_contains "$out" '"commit-msg":["conventional-pre-commit","every","words"]'
    expect_contains "$out" '"manual":["types"]'
    expect_contains "$out" '"post-checkout":["hint"]'
    expect_lacks "$out" '"pre-merge-commit"' # it has pre-commit's
    expect_lacks "$out" '"post-commit"'
    mkdir docs
    echo "teh" | tee a.txt docs/b.txt >/dev/null
    git add -A
    run tidegate run pre-commit --gate words
    expect_status 1
    expect_contains "$out" "a.txt:1:teh"
    expect_lacks "$out" "docs/b.txt"
}

test_init_reads_lint_staged_that_is_a_program_in_name_only_and_in_packages() {
    new_repo app
    cd app || exit
    mkdir -p packages/ui scripts
    cat >package.json <<'Y'
{"scripts": {"precommit": "lint-staged && tsc -b"}, "devDependencies": {"typescript": "5"},
 "simple-git-hooks": {"pre-commit": "npm run precommit", "commit-msg": "node scripts/verify.js \"$1\"", "preserveUnused": true}}
Y
    cat >lint-staged.config.mjs <<'Y'
/** @type {import('lint-staged').Configuration} */
export default {
  '*.{js,ts}?(x)': ['eslint --fix', 'prettier --write'], // in turn
  "*.@(md|mdx)": "prettier --write",
  "*.(css|scss)": ["./scripts/css", "git add"],
  '!(*.test).js': "x",
  '*.d.ts': () => 'tsc --noEmit',
  "*.lock": (files) => `dedupe ${files}`, // by hand
};
Y
    echo 'export default { "*.ts": (files) => `vitest ${files}` }' >packages/ui/.lintstagedrc.mjs
    echo '{"lint-staged": {"*.ts": "./check"}}' >scripts/package.json
    printf '#!/bin/sh\nfor f; do tr A-Z a-z <"$f" >t && mv t "$f"; done\n' >scripts/css
    printf '#!/bin/sh\necho "checks $*"\n' >scripts/check
    chmod +x scripts/css scripts/check
    git add -A
    proposes
    expect_contains "$yaml" 'files: ["*.{js,ts}{,x}"]
        exclude: ["/packages/ui/**", "/scripts/**"]'
    expect_contains "$yaml" 'files: ["*.{css,scss}"]'
    expect_contains "$yaml" 'run: ./scripts/css {files}
        fix: true'
    expect_contains "$yaml" 'run: ./check {files}
        fix: true
        folder: scripts'
    expect_contains "$yaml" 'run: npx --no-install tsc -b'
    expect_contains "$yaml" 'run: node scripts/verify.js {1}'
    expect_contains "$said" '!(*.test).js has no counterpart'
    expect_contains "$yaml" 'run: npx --no-install tsc --noEmit
        fix: true
        files: ["*.d.ts"]'
    expect_contains "$said" 'lint-staged.config.mjs: *.lock is a function'
    expect_contains "$said" 'packages/ui/.lintstagedrc.mjs: *.ts is a function'
    # What it says runs: files as seen from their folder, what is written is committed.
    sed -i -e '/^ *- name: tsc-2/,/tsc -b/d' -e '/^  commit-msg:/,$d' .tidegate.yaml
    git commit -q --no-verify -m base
    tidegate install >/dev/null 2>&1
    echo 'x' >scripts/one.ts
    echo 'BODY {}' >a.css
    git add -A
    run git commit -m two
    expect_status 0
    expect_contains "$err" "fixed 1 file"
    expect_equal "$(git show HEAD:a.css)" "body {}"
    expect_contains "$(cat .git/tidegate/logs/*/check.log)" "checks one.ts"
}

test_init_takes_over_husky_and_lint_staged() {
    new_repo app
    cd app || exit
    mkdir .husky
    printf '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\nnpx lint-staged\nnpm test\n' >.husky/pre-commit
    echo 'npx --no -- commitlint --edit "$1"' >.husky/commit-msg
    printf 'if true; then\n  npm run build\nfi\n' >.husky/pre-push
    cat >package.json <<'Y'
{"lint-staged": {"*.js": ["eslint --fix", "prettier --write"], "*.md": "markdownlint", "!(x).css": "stylelint"}}
Y
    git add -A
    proposes
    expect_contains "$yaml" "run: npx --no-install eslint {files}"
    expect_contains "$yaml" "fix: npx --no-install eslint --fix {files}"
    expect_contains "$yaml" "needs: [eslint]"
    expect_contains "$yaml" "run: npm test"
    expect_contains "$yaml" "commitlint --edit {1}"
    expect_contains "$yaml" "run: sh .husky/pre-push"
    expect_contains "$yaml" "link: [node_modules]"
    expect_contains "$said" "!(x).css"
    expect_contains "$said" "core.hooksPath"
}

test_init_says_what_is_a_program_and_what_cannot_be_read() {
    new_repo app
    cd app || exit
    touch lint-staged.config.mjs lefthook.toml go.mod
    printf 'repos: [\n' >.pre-commit-config.yaml
    git add -A
    proposes
    expect_contains "$said" "lint-staged.config.mjs: is a program"
    expect_contains "$said" "TOML is not read"
    expect_contains "$said" ".pre-commit-config.yaml: cannot be read"
    expect_contains "$yaml" "go test ./..."
    cd ..
    new_repo plain
    cd plain || exit
    touch go.mod
    git add -A
    mkdir ../bin
    for program in git sh; do ln -s "$(command -v $program)" ../bin; done
    run env PATH="$work/bin" "$TIDEGATE_BIN/tidegate" init
    expect_status 0
    expect_contains "$out" "to know:
  not on PATH here: go."
}
