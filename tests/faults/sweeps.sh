# tidegated killed, or failed, at every call that changes a file, a link or the database. Attacks 44 and 66 to 79: it ends
# in old and healthy or new and healthy, and the next start finishes the work by itself. See sweep.py.
# shellcheck disable=SC2154 # what lib.sh defines

swept() { python3 "$TIDEGATE_SOURCE/tests/faults/sweep.py" "$@" || exit $?; }

test_killed_at_every_change_of_a_deployment_it_ends_converged() { swept kill deployment; }
test_killed_at_every_change_of_a_revert_the_old_release_runs_and_the_revision_is_held() { swept kill revert; }
test_killed_at_every_change_of_a_rollback_it_ends_at_the_older_release() { swept kill rollback; }
test_a_failing_call_anywhere_in_a_deployment_leaves_a_whole_release_and_passes() { swept error deployment; }
test_a_failing_call_anywhere_in_a_revert_leaves_a_whole_release_and_passes() { swept error revert; }
test_a_failing_call_anywhere_in_a_rollback_leaves_a_whole_release_and_passes() { swept error rollback; }
test_a_second_fault_in_the_recovery_of_a_deployment_changes_nothing() { swept compound deployment; }
test_a_second_fault_in_a_revert_changes_nothing() { swept compound revert; }
test_a_second_fault_in_the_recovery_of_a_rollback_changes_nothing() { swept compound rollback; }

# Attack 85: where migrations are files of SQL, whichever call of ours it is killed at.
migrated() { python3 "$TIDEGATE_SOURCE/tests/faults/sql_sweep.py" "$1" || exit $?; }
test_killed_at_any_call_while_files_of_sql_migrate_the_ledger_and_the_database_agree() {
    migrated deployment
}
test_killed_at_any_call_while_files_of_sql_are_taken_back_the_ledger_and_the_database_agree() {
    local each
    for each in revert rollback restore; do
        mkdir $each
        (cd $each && migrated $each)
        [ -n "${TIDEGATE_LONG:-}" ] || [ $each != rollback ] || break
    done
}
