# What somebody or something changes on a host behind the daemon's back.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

# converged APP-LINES: version 2 runs, 1 lies beside it.
converged() {
    world
    release 1 1 1
    declare_release 1 "$1"
    daemon
    wait_for 20 serves 1
    release 2 1 1
    declare_release 2 "$1"
    wait_for 20 serves 2
    adopt_service
    wait_for 20 state_is converged
}
file() { echo "srv/web/current/$1"; }
# Files of a release without build steps are read-only and root's.
overwrite() { chmod u+w "$(file "$1")" && echo "$2" >"$(file "$1")"; }
has() { [ "$(cat "$(file "$1")")" = "$2" ]; }
# other_release: moves `current` to the release that does not run, by hand.
other_release() {
    local each
    for each in srv/web/releases/*; do
        [ "releases/${each##*/}" = "$(current)" ] || { ln -sfn "releases/${each##*/}" srv/web/current; return; }
    done
}
why_says() { tidegatectl why web | grep "$1"; }

test_attack_47_a_changed_and_a_missing_file_and_a_moved_current_are_mended() {
    converged "keep: 2"
    before=$(hash_of_tree "srv/web/$(current)")
    overwrite VERSION junk
    rm -f "$(file SCHEMA)"
    chmod 777 "$(file bin/restart)"
    whole() { [ "$(hash_of_tree "srv/web/$(current)")" = "$before" ]; }
    wait_for 20 whole
    first=$(current)
    other_release
    back() { [ "$(current)" = "$first" ]; }
    wait_for 20 back
    wait_for 20 serves 2
    adopt_service
    wait_for 20 state_is converged
    grep -q "was moved; it is put back" .background.log || fail "not said"
    # A service that died is activated again.
    kill -KILL "$(cat appstate/service.pid)"
    wait_for 20 serves 2
    adopt_service
}

test_a_file_that_keeps_changing_is_mended_less_and_less_often_and_reported() {
    converged "keep: 2"
    # shellcheck disable=SC2016
    start bash -c 'while sleep 0.02; do chmod u+w "$1"; echo "$RANDOM" >"$1"; done' changer "$work/$(file SCHEMA)"
    state_and_why() { state_is drifted && why_says "that was the 3. time"; }
    wait_for 60 state_and_why
    mends=$(grep -c "drift mended" .background.log || true)
    [ "$mends" -le 6 ] || fail "mended $mends times"
    # Other apps, requests and newer manifests are served all the while.
    release 3 1 1
    declare_release 3 "keep: 2"
    wait_for 20 serves 3
    adopt_service
}

test_with_self_heal_false_drift_is_only_reported() {
    converged "keep: 2
self_heal: false"
    overwrite VERSION junk
    wait_for 20 state_is drifted
    wait_for 10 why_says "1 file changed: VERSION (self_heal is false: only reported)"
    tidegatectl sync >/dev/null || true
    has VERSION junk
    # It is over when the file is as it was.
    echo 2 >"$(file VERSION)"
    chmod u-w "$(file VERSION)"
    wait_for 20 state_is converged
    first=$(current)
    other_release
    wait_for 20 why_says "was moved by somebody"
    [ "$(current)" != "$first" ]
    ln -sfn "$first" srv/web/current
    wait_for 20 state_is converged
    kill -KILL "$(cat appstate/service.pid)"
    wait_for 20 state_is drifted
    wait_for 10 why_says "gave no answer"
}

test_what_a_build_made_is_reported_when_it_changes() {
    converged "build: [{run: 'echo made >made'}]
keep: 2"
    overwrite made junk
    wait_for 20 state_is drifted
    wait_for 10 why_says "the build made it"
    has made junk
    # What is in the source is mended beside it.
    overwrite VERSION junk
    mended() { has VERSION 2; }
    wait_for 20 mended
    wait_for 20 state_is drifted
}
