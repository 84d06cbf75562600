# The documents say what is so.
check_docs() { /usr/bin/python3 "$TIDEGATE_SOURCE/tests/docs/check_docs.py" "$@"; }

test_every_link_in_the_documents_leads_somewhere() {
    check_docs links "$TIDEGATE_SOURCE"
}

test_every_behaviour_names_a_test_that_exists() {
    check_docs behaviours "$TIDEGATE_SOURCE" "$(dirname "$TIDEGATE_BIN")"
}

# Names of commands, options and keys, in both directions.
test_the_man_pages_say_what_the_programs_and_schemas_say() {
    [ -x "$TIDEGATE_BIN/tidegated" ] && [ -x "$TIDEGATE_BIN/tidegatectl" ] || skip "not all programs are built"
    cp -r "$TIDEGATE_SOURCE/docs/man" rotten
    sed -i -e '/^\.It Fl -no-cache/d' -e 's/^\.Ss plan$/.Ss plot/' rotten/tidegate.1
    sed -i 's/^\.It Cm retries$/.It Cm retry/' rotten/tidegate.yaml.5
    run /usr/bin/python3 "$TIDEGATE_SOURCE/tests/docs/make_man.py" check "$TIDEGATE_SOURCE" "$TIDEGATE_BIN" \
        "$TIDEGATE_SOURCE/docs/man" rotten
    expect_equal "$(grep '/docs/man/' <<<"$out" || true)" ""
    expect_contains "$out" "rotten/tidegate.1 does not name: run: Fl -no-cache"
    expect_contains "$out" "rotten/tidegate.1 names what is not there: plot"
    expect_contains "$out" "rotten/tidegate.yaml.5 does not name: stages.NAME.gates: Cm retries"
}

test_the_man_pages_are_set_without_a_warning() {
    command -v man >/dev/null && command -v groff >/dev/null || skip "no man and groff here"
    for page in "$TIDEGATE_SOURCE"/docs/man/*; do
        run man --warnings -E UTF-8 -l -Tutf8 "$page"
        expect_status 0
        expect_equal "$err" ""
    done
}

test_every_documented_command_is_in_its_programs_help() {
    [ -x "$TIDEGATE_BIN/tidegated" ] && [ -x "$TIDEGATE_BIN/tidegatectl" ] || skip "not all programs are built"
    check_docs commands "$TIDEGATE_SOURCE" "$TIDEGATE_BIN"
}
