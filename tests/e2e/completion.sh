# Completion in shells, by the shells themselves.

app() {
    new_repo app
    cat >app/.tidegate.yaml <<'Y'
version: 1
stages:
  pre-commit: {gates: [{name: words, run: "true"}, {name: format, builtin: [yaml]}]}
  nightly: {gates: [{name: slow, run: "true"}]}
Y
    git -C app add -A
    git -C app commit -qm one
    git -C app branch 'feature/one'
    git -C app branch 'x;touch${IFS}owned'
    cd app
}

# by_bash PROGRAM WORD…: what bash offers for the last word.
by_bash() {
    declare -F "_$1" >/dev/null || source <("$1" completion bash)
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    "_$1"
    printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ' | sed 's/ $//'
}

test_bash_completes_commands_options_stages_and_gates() {
    app
    expect_equal "$(by_bash tidegate inst)" install
    expect_equal "$(by_bash tidegate attest '')" "fetch push show verify"
    expect_equal "$(by_bash tidegate run '')" "nightly pre-commit"
    expect_equal "$(by_bash tidegate run n)" nightly
    expect_equal "$(by_bash tidegate run pre-commit --gate '')" "format words"
    expect_equal "$(by_bash tidegate run --gate w)" words
    expect_equal "$(by_bash tidegate run nightly --gate '')" slow
    expect_equal "$(by_bash tidegate run nightly --gate = s)" slow
    expect_equal "$(by_bash tidegate run nightly --al)" --all
    expect_equal "$(by_bash tidegate install post-c)" post-checkout
    expect_equal "$(by_bash tidegate install --timer ni)" nightly@02:00
    expect_equal "$(by_bash tidegate completion '')" "bash fish zsh"
    expect_equal "$(by_bash tidegate run nightly --from fea)" feature/one
    # A branch's name is never run, nor what a stage is called.
    expect_equal "$(by_bash tidegate run nightly --from x)" ""
    cd ..
    expect_equal "$(by_bash tidegate run '')" ""
    expect_equal "$(by_bash tidegate -C app run ni)" nightly
    echo 'version: [' >app/.tidegate.yaml
    expect_equal "$(by_bash tidegate -C app run '')" ""
}

test_every_command_and_option_of_the_help_is_completed() {
    local command option
    for command in $(tidegate --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
        expect_equal "$(by_bash tidegate "$command" | tr ' ' '\n' | grep -x "$command")" "$command"
        for option in $(tidegate "$command" --help | grep -o '^  --[a-z-]*'); do
            expect_equal "$(by_bash tidegate "$command" "$option" | tr ' ' '\n' | grep -x -e "$option")" "$option"
        done
    done
    [ -x "$TIDEGATE_BIN/tidegatectl" ] || skip "tidegatectl is not built"
    for command in $(tidegatectl --help | sed -n '/^Subcommands/,$s/^  \([a-z]*\)  .*/\1/p'); do
        expect_equal "$(by_bash tidegatectl "$command")" "$command"
        for option in $(tidegatectl "$command" --help | grep -o '^  *\(-h,\)\?--[a-z-]*' | grep -o -e '--.*'); do
            expect_equal "$(by_bash tidegatectl "$command" "$option" | tr ' ' '\n' | grep -x -e "$option")" "$option"
        done
    done
}

test_zsh_and_fish_take_their_scripts() {
    run tidegate completion tcsh
    expect_status 2
    expect_contains "$err" "there is: bash, zsh, fish"
    app
    tidegate completion zsh >"$work/_tidegate"
    tidegate completion fish >"$work/tidegate.fish"
    expect_equal "$(head -1 "$work/_tidegate")" "#compdef tidegate"
    if command -v zsh >/dev/null; then zsh -n "$work/_tidegate"; fi
    if command -v fish >/dev/null; then
        run fish -c "source $work/tidegate.fish; complete -C 'tidegate run n'"
        expect_equal "$out" "nightly	1 gate"
    fi
    # What both ask.
    expect_equal "$(tidegate completion words -- run pre-commit --gate=f)" "--gate=format	yaml"
    expect_equal "$(tidegate completion words -- check '')" ":files"
}
