# The story that tests/demo tells, played as a test.
source "$TIDEGATE_SOURCE/tests/story/steps.sh"

test_from_a_blocked_push_to_a_reverted_release() {
    play_the_story
}
