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
    entry: thing
    language: python
Y
    git add -A
    proposes
    expect_contains "$yaml" "large-files: {max: 1024KiB, all: true}"
    expect_contains "$yaml" "trailing-whitespace: {markdown: [md]}"
    expect_contains "$yaml" "run: ruff check --line-length=100 {files}"
    expect_contains "$yaml" "fix: ruff check --fix --line-length=100 {files}"
    expect_contains "$yaml" "./tools/own"
    expect_contains "$yaml" "^vendor/"
    for text in "name-tests-test" "strange comes from https://github.com/nobody/knows" "venv"; do
        expect_contains "$said" "$text"
        expect_contains "$yaml" "$text"
    done
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
    expect_contains "$yaml" "run: cd web/ && npm test"
    expect_contains "$yaml" "only: [{branch: main}]"
    expect_contains "$yaml" "run: bash .lefthook/commit-msg/template_checker {1}"
    expect_contains "$said" "off is skipped"
    run tidegate check --json
    expect_contains "$out" '"pre-push":["hello.sh","build","unit"]'
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
}
