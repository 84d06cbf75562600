# The power is cut at instants of a deployment: attacks 66 to 78. Mounts images; skipped where that cannot be. See power_cut.py.
# shellcheck disable=SC2154 # what lib.sh defines

# In a mount namespace of its own: whatever happens, no mount outlives the test.
cut() {
    [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null || skip "no mounts here"
    unshare --mount python3 "$TIDEGATE_SOURCE/tests/faults/power_cut.py" "$@" || exit $?
}

test_after_a_power_cut_on_ext4_current_is_whole_and_it_converges() { cut ext4; }
test_after_a_power_cut_on_xfs_current_is_whole_and_it_converges() {
    [ -n "${TIDEGATE_LONG:-}" ] || skip "in the long form"
    cut xfs
}
test_after_a_power_cut_on_btrfs_current_is_whole_and_it_converges() {
    [ -n "${TIDEGATE_LONG:-}" ] || skip "in the long form"
    cut btrfs
}
test_the_rig_of_power_cuts_finds_what_is_lost_without_syncfs() { cut ext4 --without syncfs; }
