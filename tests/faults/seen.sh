# What an operator may meet once in years, with real programs. See seen.py.
# shellcheck disable=SC2154 # what lib.sh defines

seen() { python3 "$TIDEGATE_SOURCE/tests/faults/seen.py" "$1" || exit $?; }

test_attack_80_killed_at_every_start_the_revision_is_held_and_the_old_release_runs() { seen restarted_a_hundred_times; }
test_attack_87_a_clock_that_jumps_holds_nothing_up_and_does_nothing_again() { seen clock_jumps; }
test_attack_88_an_older_daemon_leaves_a_newer_database_alone() { seen older_daemon; }
test_attack_89_a_lost_database_costs_no_deployment_and_opens_no_way_back() { seen lost_database; }
test_attack_90_a_disk_that_hangs_does_not_keep_the_daemon_from_ending() {
    [ -n "${TIDEGATE_LONG:-}" ] || skip "40 s of patience: in the long form"
    seen hanging_disk
}
