# A gate's own reports decide with its exit code: failed tests are named, coverage has a limit, findings too. And the
# built-in checks that judge links, submodules and branches, on real repositories.

# reports_app REPORT RUN: a repository "app" whose pre-push stage has one gate, unit, with that `report` and `run`.
reports_app() {
    new_repo app
    cd app || exit
    cat >.tidegate.yaml <<EOF
version: 1
stages:
  pre-push:
    gates:
      - name: unit
        run: $2
        report: $1
EOF
    cat >junit.xml <<'EOF'
<testsuites><testsuite name="math">
  <testcase classname="math.Add" name="small" time="0.1"/>
  <testcase classname="math.Add" name="large" time="0.2" file="add_test.py" line="7"><failure message="3 is not 4">trace</failure></testcase>
</testsuite></testsuites>
EOF
    sed '/large/d' junit.xml >good.xml
    printf 'SF:a.c\nDA:1,1\nDA:2,1\nDA:3,0\nDA:4,1\nend_of_record\n' >lcov.info
    printf '1\n2\n3\n4\n' >a.c
    git add -A
    git commit -qm first
}

test_failed_tests_are_named_even_where_the_command_succeeds() {
    reports_app '{junit: "{reports}/junit.xml"}' 'cp junit.xml {reports}/junit.xml'
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "1 of 2 tests failed"
    expect_contains "$out" "math.Add.large (add_test.py:7): 3 is not 4"
    expect_lacks "$out" "math.Add.small"
}

test_tests_that_pass_are_counted() {
    reports_app '{junit: "{reports}/junit.xml"}' 'cp good.xml {reports}/junit.xml'
    run tidegate run pre-push --json
    expect_status 0
    expect_contains "$out" '"detail":"1 test"'
    expect_contains "$out" '"failed":[]'
}

test_a_suite_that_could_not_be_loaded_fails_the_gate() {
    reports_app '{junit: "{reports}/junit.xml"}' 'cp broken.xml {reports}/junit.xml'
    echo '<testsuite name="math" tests="0" errors="1"/>' >broken.xml
    git add -A
    git commit -qm broken
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "math: its report counts 1 failure, and no test of it failed"
}

test_a_finding_of_a_pack_of_queries_has_its_rules_level() {
    reports_app '{sarif: {file: "{reports}/s.sarif"}}' 'cp found.sarif {reports}/s.sarif'
    printf '\357\273\277' >found.sarif
    cat >>found.sarif <<'EOF'
{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL"}, "extensions": [{"name": "queries", "rules": [
  {"id": "js/xss", "defaultConfiguration": {"level": "error"}}]}]}, "results": [{"ruleId": "js/xss",
  "rule": {"id": "js/xss", "index": 0, "toolComponent": {"index": 0}}, "message": {"text": "reflected"}}]}]}
EOF
    git add -A
    git commit -qm found
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "reflected [js/xss]"
}

test_a_promised_report_that_is_missing_fails_the_gate() {
    reports_app '{junit: "{reports}/junit.xml"}' 'true'
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "it wrote no report {reports}/junit.xml"
}

test_a_gate_that_fails_without_a_report_says_its_exit_code() {
    reports_app '{junit: "{reports}/junit.xml"}' 'exit 7'
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "exit 7"
    expect_lacks "$out" "no report"
}

test_a_report_that_cannot_be_read_is_placed() {
    reports_app '{junit: "{reports}/junit.xml"}' 'printf "<testsuites>\\n<cut" >{reports}/junit.xml'
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "{reports}/junit.xml:2"
}

test_a_report_of_the_attempt_before_does_not_count() {
    reports_app '{junit: "{reports}/junit.xml"}' 'if [ -e "$HOME/again" ]; then exit 0; fi; touch "$HOME/again"; cp good.xml {reports}/junit.xml; exit 1'
    sed -i 's/^        run:/        retries: 1\n        run:/' .tidegate.yaml
    git commit -qam retries
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "it wrote no report"
}

test_coverage_below_its_limit_fails_with_file_and_figures() {
    reports_app '{coverage: {file: lcov.info, min: 80}}' 'true'
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "coverage 75.0 % is below 80.0 %"
    expect_contains "$out" "coverage in lcov.info: 3 of 4 lines (75.0 %), asked for are 80.0 %"
    sed -i 's/min: 80/min: 75/' .tidegate.yaml
    git commit -qam lower
    run tidegate run pre-push
    expect_status 0
}

test_coverage_of_a_change_counts_only_its_lines() {
    reports_app '{coverage: {file: lcov.info, min_change: 100}}' 'true'
    sed -i 's/^4$/four/' a.c
    git commit -qam covered
    run tidegate run pre-push
    expect_status 0
    sed -i 's/^3$/three/' a.c
    git commit -qam uncovered
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "coverage of the change in lcov.info: 0 of 1 line"
}

test_findings_of_a_scanner_fail_from_their_level_on() {
    reports_app '{sarif: {file: "{reports}/s.json"}}' 'cp s.json {reports}/s.json'
    finding='{"runs": [{"results": [{"ruleId": "R1", "level": "LEVEL", "message": {"text": "bad call"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.c"}, "region": {"startLine": 3}}}]}]}]}'
    printf '%s\n' "${finding/LEVEL/warning}" >s.json
    git add s.json
    git commit -qm warning
    run tidegate run pre-push
    expect_status 0
    printf '%s\n' "${finding/LEVEL/error}" >s.json
    git commit -qam error
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "a.c:3: bad call [R1]"
}

test_a_junit_report_holds_the_gates_and_their_tests() {
    reports_app '{junit: "{reports}/junit.xml"}' 'cp junit.xml {reports}/junit.xml'
    run tidegate run pre-push --junit "$work/all.xml"
    expect_status 1
    run python3 -c '
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
print(root.get("tests"), root.get("failures"), *[suite.get("name") for suite in root], root[1][1].get("name"))
' "$work/all.xml"
    expect_equal "$out" "3 2 pre-push unit/math large"
}

# checks_app CHECK…: a repository "app" with those built-in checks before a commit.
checks_app() {
    new_repo app
    cd app || exit
    printf 'version: 1\nstages:\n  pre-commit:\n    gates:\n      - {name: checks, builtin: [%s]}\n' "$(
        IFS=,
        echo "$*"
    )" >.tidegate.yaml
    echo text >file
    ln -s file link
    git add -A
    git commit -qm first
    git switch -qc topic
}

test_a_broken_link_is_refused_and_a_good_one_passes() {
    checks_app symlinks
    ln -s link good
    git add good
    run tidegate run pre-commit
    expect_status 0
    ln -s nowhere bad
    git add bad
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out" "bad: broken link: the tree has no nowhere"
}

test_a_link_that_became_a_file_is_refused() {
    checks_app destroyed-symlinks
    rm link
    printf '%s' file >./link
    git add link
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out" "link: was a link to file"
}

test_a_new_submodule_is_refused() {
    checks_app forbid-new-submodules
    new_repo sub
    git -C sub commit -q --allow-empty -m sub
    git add sub 2>/dev/null
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out" "sub: new submodule"
}

test_nothing_is_committed_to_main_not_even_a_deletion() {
    checks_app no-commit-to-branch
    git rm -q file
    run tidegate run pre-commit
    expect_status 0
    git switch -q main
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out" "nothing is committed to main directly"
}

test_a_secret_is_found_and_not_shown() {
    checks_app secrets
    secret=ghp_$(printf x7Kq2LmZ9vRt4Wb8NcY1sD6fHgJ3pQ5aTuE0)
    echo "token = $secret" >config
    git add config
    run tidegate run pre-commit
    expect_status 1
    expect_contains "$out" "config:1:9: looks like a GitHub token (ghp_..., 40 characters)"
    expect_lacks "$out" "x7Kq2LmZ"
}
