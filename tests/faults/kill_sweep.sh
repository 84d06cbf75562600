# tidegated killed at every call that changes a file, a link or the disk, over a deployment, a revert and a rollback.
# Attacks 66 to 79: it ends in old and healthy or new and healthy, and the next start finishes the work by itself.
# shellcheck disable=SC2154 # what lib.sh and world.sh define
source "$TIDEGATE_SOURCE/tests/faults/world.sh"

# The calls named by the promise; with TIDEGATE_LONG every call that changes anything.
calls=rename,renameat,renameat2,fsync,fdatasync,syncfs,symlinkat
[ -z "${TIDEGATE_LONG:-}" ] || calls=all

counted() {
    rm -f "$work/calls"
    TIDEGATE_FAULT_LOG=$work/calls TIDEGATE_FAULT=$calls:0:kill LD_PRELOAD=$TIDEGATE_BIN/tidegate_interpose.so converge
    [ -s "$work/calls" ] || fail "nothing was counted: is the interposer loaded?"
    count=$(wc -l <"$work/calls")
}

# sweep_world NAME EXIT VERSION SCHEMA: from the kept world NAME, killed before and after each call; then once more without
# a fault, which must end with EXIT, VERSION running and SCHEMA in place.
sweep_world() {
    local n how
    restore "$1"
    counted
    expect_status "$2"
    expect_settled "$1 without a fault" "$3" "$4"
    echo "$1: $count calls"
    for how in kill after; do
        for ((n = 1; n <= count; n++)); do
            restore "$1"
            TIDEGATE_FAULT=$calls:$n:$how LD_PRELOAD=$TIDEGATE_BIN/tidegate_interpose.so converge
            [ "$status" = 137 ] || [ "$n" -gt $((count - 3)) ] || fail "$1: not killed $how call $n of $count (exit $status)"
            expect_whole_release "$1, killed $how call $n ($(sed -n "${n}s/^[0-9]* //p" "$work/calls"))"
            converge
            [ "$status" = "$2" ] || fail "$1, killed $how call $n: the next start ended with $status, expected $2
$err"
            expect_settled "$1, killed $how call $n, started again" "$3" "$4"
        done
    done
}

test_killed_at_every_change_of_a_deployment_it_ends_converged() {
    make_world
    declare_version 1 1 0
    converge
    expect_status 0
    declare_version 2 2 1
    keep deployment
    sweep_world deployment 0 2 2
}

test_killed_at_every_change_of_a_revert_the_old_release_runs_and_the_revision_is_held() {
    make_world
    declare_version 1 1 0
    converge
    expect_status 0
    declare_version 2 2 1 broken
    keep revert
    sweep_world revert 1 1 1
}

test_killed_at_every_change_of_a_rollback_it_ends_at_the_older_release() {
    make_world
    declare_version 1 1 0
    converge
    declare_version 2 2 1
    converge
    expect_status 0
    git -C deploy revert --no-edit -S HEAD >/dev/null
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
    keep rollback
    sweep_world rollback 0 1 1
}

# A call that fails, once or from there on: the old release stays whole, or the new one is; nothing dies. Without the fault
# the host ends converged, or holds the revision (an I/O error is no promise of better luck) until someone says retry.
test_a_failing_call_anywhere_leaves_a_whole_release_running() {
    make_world
    declare_version 1 1 0
    converge
    expect_status 0
    declare_version 2 2 1
    keep failing
    counted
    local n code step=5
    [ -z "${TIDEGATE_LONG:-}" ] || step=1
    for ((n = 1; n <= count; n += step)); do
        for code in 5 28 13 24 12 28+; do # EIO ENOSPC EACCES EMFILE ENOMEM, and a disk that stays full
            restore failing
            TIDEGATE_FAULT=$calls:$n:$code LD_PRELOAD=$TIDEGATE_BIN/tidegate_interpose.so converge
            [ "$status" -lt 128 ] || fail "error $code at call $n: exit $status
$err"
            expect_whole_release "error $code at call $n"
            converge
            [ "$status" = 0 ] || [ "$status" = 1 ] || fail "error $code at call $n: exit $status once it was gone
$err"
            expect_whole_release "after error $code at call $n"
        done
    done
}
