# For each phase {error once, error for ever, kill, hang, disk full, read-only database, SIGTERM}, with the exact events of the
# journal: attacks 66 to 79 and 90. See table.py and table_rows.py.
# shellcheck disable=SC2154 # what lib.sh defines

test_each_phase_meets_each_fault_with_exactly_these_events() {
    python3 "$TIDEGATE_SOURCE/tests/faults/table.py" || exit $?
}
