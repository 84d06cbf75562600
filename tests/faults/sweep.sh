# Sweeps over a whole deployment, a revert and a rollback: at each call that changes names or brings something to disk
# the daemon is killed, or the call fails. Quick: every seventh call. TIDEGATE_LONG=1: each one.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

step=${TIDEGATE_LONG:+1}
step=${step:-7}

# What a test may change, kept and put back.
keep_world() {
    rm -rf "$work/kept"
    mkdir "$work/kept"
    cp -a "$work/srv" "$work/state" "$work/appstate" "$work/kept/"
}
put_back() {
    [ ! -f "$work/appstate/service.pid" ] || kill -KILL "$(cat "$work/appstate/service.pid")" 2>/dev/null || true
    wait_for 5 bash -c "! curl -fsS http://127.0.0.1:$port/"
    rm -rf "$work/srv" "$work/state" "$work/appstate"
    cp -a "$work/kept/srv" "$work/kept/state" "$work/kept/appstate" "$work/"
}

# One complete release behind `current`, as it was pushed.
current_is_whole() {
    local version
    version=$(cat "$work/srv/web/current/VERSION")
    for file in SCHEMA SCHEMA_BEFORE bin/serve.py bin/restart bin/migrate; do
        git -C "$work/web" show "v$version:$file" | cmp -s - "$work/srv/web/current/$file" ||
            fail "$1: $file of version $version is not what was pushed"
    done
}

count_calls() {
    FAULT_COUNT=$work/count LD_PRELOAD=$TIDEGATE_BIN/libfault_at.so tidegated --config "$work/etc/tidegated.yaml" --once \
        >/dev/null 2>&1 || true
    total=$(cat "$work/count")
    [ "$total" -gt 10 ] || fail "only $total calls were seen: the shim does not work"
}

# sweep_calls WHAT VERSION SCHEMA CODE: from the kept state, for each call.
sweep_calls() {
    keep_world
    count_calls
    local at
    for ((at = 1; at <= total; at += step)); do
        put_back
        FAULT_AT=$at LD_PRELOAD=$TIDEGATE_BIN/libfault_at.so run tidegated --config "$work/etc/tidegated.yaml" --once
        [ "$status" = 137 ] || [ "$at" -gt $((total - 6)) ] || fail "$1, call $at of $total: not killed but exit $status
$err"
        current_is_whole "$1, killed at call $at"
        once
        [ "$status" = "$4" ] || fail "$1, killed at call $at of $total: exit $status after the restart, expected $4
$err"
        current_is_whole "$1, restarted after call $at"
        serves "$2" || fail "$1, killed at call $at: version $2 does not serve"
        expect_equal "$(cat "$work/appstate/schema")" "$3"
        expect_equal "$(find "$work/srv/web/releases" -mindepth 1 -maxdepth 1 -name '.*' | wc -l)" 0
        expect_equal "$(sqlite3_check)" ok
    done
    echo "$1: killed at each ${step}. of $total calls"
    put_back
    adopt_service
}
sqlite3_check() { python3 -c 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])' "$work/state/state.db"; }

first_release() {
    [ -f "$TIDEGATE_BIN/libfault_at.so" ] || skip "the fault shim was not built"
    world
    release 1 1 0
    declare_release 1
    once
    expect_status 0
}

test_killed_at_any_call_of_a_deployment_it_recovers() {
    first_release
    release 2 2 1
    declare_release 2
    sweep_calls deployment 2 2 0
}

test_killed_at_any_call_of_a_revert_it_recovers_and_the_revision_is_held() {
    first_release
    release 2 2 1 broken
    patience=300ms declare_release 2
    sweep_calls revert 1 1 1
}

test_killed_at_any_call_of_a_rollback_it_recovers() {
    first_release
    release 2 2 1
    declare_release 2
    once
    expect_status 0
    git -C deploy revert --no-edit -S HEAD >/dev/null
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
    sweep_calls rollback 1 1 0
}

# A call that fails once, and for ever: the host ends with the old release whole, or the new one.
test_a_failing_call_anywhere_leaves_a_whole_release_running() {
    first_release
    release 2 2 1
    declare_release 2
    keep_world
    count_calls
    local at code
    for ((at = 1; at <= total; at += 2 * step)); do
        for code in 5 28; do # EIO ENOSPC
            put_back
            FAULT_AT=$at FAULT_ERRNO=$code LD_PRELOAD=$TIDEGATE_BIN/libfault_at.so run \
                tidegated --config "$work/etc/tidegated.yaml" --once
            [ "$status" -lt 128 ] || fail "error $code at call $at: exit $status
$err"
            current_is_whole "error $code at call $at"
            once
            tidegate_retry
            current_is_whole "after error $code at call $at"
        done
    done
    put_back
    adopt_service
}
# A permanent error holds the revision; that is right, and no failure of the sweep.
tidegate_retry() { [ "$status" = 0 ] || [ "$status" = 1 ] || fail "exit $status after the fault was gone
$err"; }
