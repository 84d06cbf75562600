# The documents say what is so.
check_docs() { /usr/bin/python3 "$TIDEGATE_SOURCE/tests/docs/check_docs.py" "$@"; }

test_every_link_in_the_documents_leads_somewhere() {
    check_docs links "$TIDEGATE_SOURCE"
}

test_every_behaviour_names_a_test_that_exists() {
    check_docs behaviours "$TIDEGATE_SOURCE" "$(dirname "$TIDEGATE_BIN")"
}

test_every_documented_command_is_in_its_programs_help() {
    [ -x "$TIDEGATE_BIN/tidegated" ] && [ -x "$TIDEGATE_BIN/tidegatectl" ] || skip "not all programs are built"
    check_docs commands "$TIDEGATE_SOURCE" "$TIDEGATE_BIN"
}
