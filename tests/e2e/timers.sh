# Stages by the clock.

# Not the systemd of whoever runs the tests.
unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS

app() {
    new_repo "$1"
    cat >"$1/.tidegate.yaml" <<'Y'
version: 1
stages:
  nightly: {gates: [{name: note, run: "echo ran >>\"$HOME/ran\""}]}
  weekly+: {gates: [{name: fine, run: "true"}]}
Y
    git -C "$1" add -A
    git -C "$1" commit -qm one
}
units() { (cd "$XDG_CONFIG_HOME/systemd/user" 2>/dev/null && ls) || true; }

test_a_timer_runs_a_stage_of_its_working_tree() {
    app "my 100% \$app"
    run tidegate -C "my 100% \$app" install --timer nightly@02:00
    expect_status 0
    expect_contains "$out" "nightly at 02:00 by tidegate-my_100___app-"
    expect_contains "$out" "systemctl --user enable --now tidegate-my_100___app-"
    expect_no_file "my 100% \$app/.git/hooks/pre-commit"
    cd "$XDG_CONFIG_HOME/systemd/user"
    expect_contains "$(cat ./*.timer)" "OnCalendar=02:00"
    if command -v systemd-analyze >/dev/null; then
        run env XDG_RUNTIME_DIR="$work" systemd-analyze verify --user --man=no ./*.timer ./*.service
        expect_equal "$err" ""
    fi
    # What systemd would start, with its quoting undone.
    line=$(sed -n 's/^ExecStart=//p' ./*.service | sed 's/%%/%/g; s/\$\$/$/g; s/\$/\\$/g')
    cd "$work"
    eval "$line"
    expect_equal "$(cat "$HOME/ran")" ran
}

test_timers_are_shown_and_removed() {
    app app
    app other
    run tidegate -C app install --timer "nightly@Mon..Fri 22:30" --timer weekly+@hourly --json
    expect_status 0
    expect_contains "$out" '"stage":"weekly+"'
    tidegate -C other install --timer nightly@02:00 >/dev/null
    expect_equal "$(units | wc -l)" 6
    run tidegate -C app doctor
    expect_contains "$out" "timer nightly"
    expect_contains "$out" "Mon..Fri 22:30 by tidegate-app-"
    expect_contains "$out" "timer weekly+"
    # Doing it again changes the time.
    tidegate -C app install --timer nightly@03:00 >/dev/null
    expect_equal "$(units | wc -l)" 6
    # Somebody else's unit of such a name is left alone.
    touch "$XDG_CONFIG_HOME/systemd/user/$(units | grep app- | head -1 | sed 's/nightly.*/own.timer/')"
    run tidegate -C app uninstall --timer
    expect_status 0
    expect_contains "$out" "timer of nightly: removed"
    expect_contains "$out" "timer of weekly+: removed"
    expect_equal "$(units | wc -l)" 3
    run tidegate -C app uninstall --timer
    expect_contains "$out" "no timer of tidegate's"
    run tidegate -C other uninstall
    expect_contains "$out" "timer of nightly: removed"
    expect_equal "$(units | wc -l)" 1
}

test_a_timer_that_cannot_be_is_refused() {
    app app
    run tidegate -C app install --timer nightli@02:00
    expect_status 2
    expect_contains "$err" 'did you mean `nightly`?'
    run tidegate -C app install --timer nightly@25:00
    expect_status 2
    expect_contains "$err" "not a time for a timer: \`25:00\`"
    run tidegate -C app install --timer "nightly@daily
ExecStart=/bin/sh"
    expect_status 2
    run tidegate -C app install --timer nightly
    expect_status 2
    expect_contains "$err" "--timer nightly@02:00"
    expect_equal "$(units)" ""
    # Without systemd-analyze the plain ones are known.
    mkdir bin
    ln -s "$(command -v git)" bin/git
    run env PATH="$work/bin" "$TIDEGATE_BIN/tidegate" -C app install --timer "nightly@Mon 02:00"
    expect_status 0
    run env PATH="$work/bin" "$TIDEGATE_BIN/tidegate" -C app install --timer "nightly@02:77"
    expect_status 2
}
