# The story that tests/demo tells, played as a test.
source "$TIDEGATE_SOURCE/tests/story/steps.sh"

test_from_a_blocked_push_to_a_reverted_release() {
    [ -x "$TIDEGATE_BIN/tidegated" ] && [ -x "$TIDEGATE_BIN/tidegate-hook" ] || skip "not all programs are built"
    play_the_story
}
