# What the tests of gates share: a repository "app" with a bare "origin", and short ways to give it gates.
# shellcheck shell=bash disable=SC2034,SC2154

# new_app: the repository, entered, with some files, its hooks installed by hand, and nothing committed yet. What gates
# are to write down goes to $RECORD.
new_app() {
    export RECORD=$work/record
    mkdir -p "$RECORD"
    git init -q --bare origin.git
    new_repo app
    cd app
    git remote add origin ../origin.git
    mkdir src
    echo one >src/a.c
    echo two >src/b.c
    echo text >notes.txt
    echo '*.o' >.gitignore
    install_hooks .git
}
install_hooks() {
    local hook
    mkdir -p "$1/hooks"
    for hook in pre-commit pre-merge-commit pre-push; do ln -sf "$TIDEGATE_BIN/tidegate-hook" "$1/hooks/$hook"; done
}

# gates STAGE GATE…: .tidegate.yaml with one stage and these gates, "{name: …}" each; without a gate the list is standard
# input. The file is staged.
gates() {
    local stage=$1
    shift
    printf 'version: 1\ndefaults: {pass_env: [RECORD]}\nstages:\n  %s:\n    gates:\n' "$stage" >.tidegate.yaml
    if [ $# -gt 0 ]; then printf '      - %s\n' "$@"; else cat; fi >>.tidegate.yaml
    git add .tidegate.yaml
}

# Commits everything without gates.
commit_unseen() {
    git add -A
    git -c core.hooksPath=/dev/null commit -qm "${1:-unseen}"
}

# What a person has: every file of the working tree but its times, every ref, HEAD and every entry of the index with
# its flags.
state_of_all() {
    hash_of_tree .
    git for-each-ref
    git rev-parse -q --verify HEAD || true
    git ls-files -s -v
    git ls-files -u
}
