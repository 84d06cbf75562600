# What a run found, in the formats others read; benchmarks against what was attested; hostile reports.

# found_app REPORT RUN: a repository "app" whose pre-push stage has one gate, scan, with that `report` and `run`.
found_app() {
    new_repo app
    cd app || exit
    cat >.tidegate.yaml <<EOF
version: 1
stages:
  pre-push:
    gates:
      - {name: tidy, builtin: [trailing-whitespace]}
      - name: scan
        run: $2
        report: $1
EOF
    printf 'good\n' >'a b.c'
    cat >s.json <<'EOF'
{"runs": [{"results": [
  {"ruleId": "R1", "level": "error", "message": {"text": "bad, 100% :call\nhere"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a%20b.c"}, "region": {"startLine": 1, "startColumn": 2}}}]},
  {"ruleId": "R2", "level": "note", "message": {"text": "a \u001b[31m note"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "s.json"}, "region": {"startLine": 3}}}]}]}]}
EOF
    git add -A
    git commit -qm first
}
measure() { # measure VALUE UNIT: what the gate will have measured
    printf 'parse %s %s\nload 5 ms\n' "$1" "$2" >bench.txt
    git add -A
    git commit -qm "bench $1"
}
key() {
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    git config tidegate.signingKey "$work/key"
}

test_findings_of_all_kinds_are_one_sarif_report() {
    found_app '{sarif: {file: s.json}}' 'true'
    printf 'blank \n' >worse.txt
    git add -A
    git commit -qm worse
    run tidegate run pre-push --all --sarif "$work/all.sarif"
    expect_status 1
    run python3 -c '
import json, sys
log = json.load(open(sys.argv[1]))
assert log["version"] == "2.1.0" and len(log["runs"]) == 1
run = log["runs"][0]
assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {r["ruleId"] for r in run["results"]}
for r in run["results"]:
    place = r["locations"][0]["physicalLocation"]
    print(r["ruleId"], r["level"], place["artifactLocation"]["uri"], place["region"]["startLine"])
' "$work/all.sarif"
    expect_equal "$out" "tidy/trailing-whitespace error worse.txt 1
tidy error .tidegate.yaml 5
scan/R1 error a%20b.c 1
scan/R2 note s.json 3
scan error .tidegate.yaml 6"
}

test_gitlab_gets_a_code_quality_report() {
    found_app '{sarif: {file: s.json}}' 'true'
    run tidegate run pre-push --code-quality "$work/quality.json"
    expect_status 1
    run python3 -c '
import json, sys
issues = json.load(open(sys.argv[1]))
assert len({issue["fingerprint"] for issue in issues}) == len(issues)
for issue in issues:
    print(issue["check_name"], issue["severity"], issue["location"]["path"], issue["location"]["lines"]["begin"])
' "$work/quality.json"
    expect_equal "$out" "scan/R1 major a b.c 1
scan/R2 info s.json 3
scan major .tidegate.yaml 6"
}

test_github_gets_annotations_and_a_table() {
    found_app '{sarif: {file: s.json}}' 'true'
    GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=$work/summary.md run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "
::error file=a b.c,line=1,col=2,title=scan/R1::bad, 100%25 :call%0Ahere
"
    expect_contains "$out" "::error file=.tidegate.yaml,line=6,title=scan::gate scan failed: 1 finding of level error"
    expect_contains "$out" '::notice file=s.json,line=3,title=scan/R2::a \x1b[31m note'
    expect_contains "$(cat "$work/summary.md")" "### tidegate pre-push: failed in"
    expect_contains "$(cat "$work/summary.md")" "| scan | failed | 1 finding of level error |"
    # With --json standard output stays what it is.
    GITHUB_ACTIONS=true run tidegate run pre-push --json
    expect_contains "$err" "::error file="
    python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/.out"
    run tidegate run pre-push
    expect_lacks "$out" "::error"
}

test_a_test_that_passed_on_a_retry_is_marked_flaky() {
    found_app '{junit: "{reports}/junit.xml"}' 'if [ -e "$HOME/again" ]; then cp good.xml {reports}/junit.xml; else touch "$HOME/again"; cp bad.xml {reports}/junit.xml; fi'
    sed -i 's/^        run:/        retries: 1\n        run:/' .tidegate.yaml
    echo '<testsuite name="s"><testcase classname="c" name="shy"/><testcase classname="c" name="sure"/></testsuite>' >good.xml
    echo '<testsuite name="s"><testcase classname="c" name="shy"><failure message="3 is not 4"/></testcase><testcase classname="c" name="sure"/></testsuite>' >bad.xml
    git add -A
    git commit -qm flaky
    run tidegate run pre-push --junit "$work/all.xml" --json
    expect_status 0
    expect_contains "$out" '"flaky":1'
    run python3 -c '
import sys, xml.etree.ElementTree as tree
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    if case.find("flakyFailure") is not None: print(case.get("name"), case.find("flakyFailure").get("message"))
' "$work/all.xml"
    expect_contains "$out" "shy 3 is not 4"
    expect_lacks "$out" "sure"
}

test_a_benchmark_may_not_fall_behind_what_was_attested() {
    found_app '{benchmark: {file: bench.txt, max_regression: 5%}}' 'true'
    key
    measure 100 ns
    run tidegate run pre-push --attest
    expect_status 0
    expect_contains "$out" "attested"
    run tidegate attest show --envelope
    expect_contains "$(python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(open(sys.argv[1]))["payload"]).decode())' "$work/.out")" '"measures":[{"name":"parse","value":100.0,"unit":"ns"},'
    base=$(git rev-parse --short=7 HEAD)
    measure 104 ns
    run tidegate run pre-push
    expect_status 0
    measure 106 ns
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "1 of 2 benchmarks more than 5.0 % worse than attested"
    expect_contains "$out" "attested for $base by you, "
    expect_contains "$out" "parse: 106 ns, was 100 ns (6.0 % worse)"
    # What failed is not attested: the value to hold stays.
    measure 105 ns
    run tidegate run pre-push --attest
    expect_status 0
    # A rate is better when it is higher, another unit is not compared.
    measure 100 ops/s
    run tidegate run pre-push --attest
    expect_status 0
    measure 94 ops/s
    run tidegate run pre-push
    expect_status 1
    measure 200 ops/s
    run tidegate run pre-push
    expect_status 0
}

test_a_benchmark_that_nobody_attested_is_recorded_only() {
    found_app '{benchmark: {file: "{reports}/bench.json", metric: cpu_time, max_regression: 5}}' 'cp bench.json {reports}/bench.json'
    echo '{"context": {}, "benchmarks": [{"name": "BM_a/8", "run_type": "iteration", "real_time": 3, "cpu_time": 2.5, "time_unit": "us"}]}' >bench.json
    git add -A
    git commit -qm bench
    run tidegate run pre-push --json
    expect_status 0
    expect_contains "$out" "1 benchmark recorded, none attested before"
    expect_contains "$out" '"measures":[{"name":"BM_a/8","value":2500.0,"unit":"ns"}]'
    # It is run each time: what it measures is not known by its input.
    run tidegate run pre-push
    expect_lacks "$out" "scan           cached"
}

test_hostile_reports_cost_nothing() {
    found_app '{junit: "{reports}/junit.xml"}' 'mkfifo {reports}/junit.xml'
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "not a file: "
    sed -i 's#run: .*#run: "head -c 70000000 /dev/zero >{reports}/junit.xml"#' .tidegate.yaml
    git commit -qam huge
    run tidegate run pre-push
    expect_status 1
    expect_contains "$out" "{reports}/junit.xml"
    sed -i 's#run: .*#run: cp bomb.xml {reports}/junit.xml#' .tidegate.yaml
    python3 -c '
print("<!DOCTYPE x [<!ENTITY a0 \"lol\">")
for i in range(1, 30): print("<!ENTITY a%d \"%s\">" % (i, "&a%d;" % (i - 1) * 10))
print("]><testsuite name=\"s\"><testcase name=\"&a29;\"/></testsuite>")' >bomb.xml
    git add -A
    git commit -qm bomb
    run tidegate run pre-push --junit "$work/all.xml"
    [ "$(stat -c %s "$work/all.xml")" -lt 100000 ] || fail "the bomb went off"
    sed -i 's#run: .*#run: ln -s /etc/passwd {reports}/junit.xml#' .tidegate.yaml
    git commit -qam link
    run tidegate run pre-push
    expect_status 1
    expect_lacks "$out" "root:"
}
