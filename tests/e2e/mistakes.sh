# What people get wrong on a host: every refusal names the mistake and says what mends it.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

# wrong CODE WORDS COMMAND…: it ends with that code and says so.
wrong() {
    local code=$1 words=$2
    shift 2
    run "$@"
    expect_status "$code"
    expect_contains "$err$out" "$words"
}

test_what_is_wrongly_asked_of_tidegatectl_is_refused_with_the_mend() {
    first_release_runs
    adopt_service
    wrong 2 "did you mean \`web\`?" tidegatectl why wbe
    wrong 2 "this host has no app \`x\\x1b[31m\`" tidegatectl retry $'x\e[31m'
    wrong 2 "web has no deployment 99" tidegatectl show web 99
    wrong 2 "not a duration: \`3\`" tidegatectl pause web --for 3
    wrong 2 "a pause of no time" tidegatectl pause web --for 0s
    local each
    for each in "history --limit 0" "history --limit -5" "history --limit x" "show web -1" "show web x" "status web x" \
        "statu" "" "why" "pause web --for"; do
        # shellcheck disable=SC2086
        wrong 2 "--help" tidegatectl $each
    done
    wrong 3 "no tidegated answers" tidegatectl status --socket "$work/none"
    wrong 3 "no tidegated answers" tidegatectl status --socket "$work/etc/tidegated.yaml"
    wrong 2 "path is too long" tidegatectl status --socket "$work/$(printf 'a%.0s' {1..200})"
    wrong 3 "the daemon hung up" tidegatectl why "$(printf 'a%.0s' {1..70000})"
    wrong 1 "app x: this host has no such app" tidegatectl doctor x --config "$work/etc/tidegated.yaml"
    wrong 0 "app web: converged" tidegatectl doctor web --config "$work/etc/tidegated.yaml"
    # Where the options stand does not matter.
    wrong 3 "no tidegated answers" tidegatectl --socket "$work/none" status
    wrong 0 '"app":"web"' tidegatectl --json status web
    kill -0 "$daemon_pid"
}

test_one_app_is_asked_for_by_name_and_answers_for_itself() {
    world
    release 1 1 1
    local app
    for app in web other; do
        cat >deploy/production/$app.yaml <<YAML
version: 1
app: $app
root: $work/srv/$app
release: {git: {url: "file://$work/web.git", commit: $commit}}
${user:+user: $user}
YAML
    done
    echo "build: [{run: 'false'}]" >>deploy/production/other.yaml
    git -C deploy add -A
    git -C deploy commit -q -S -m "two apps"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
    wrong 2 "this host has no app \`wbe\`" tidegated --config etc/tidegated.yaml --once --app wbe
    expect_no_file srv/web/current
    run tidegated --config etc/tidegated.yaml --once --app web
    expect_status 0
    expect_file srv/web/current
    expect_no_file srv/other
    daemon
    wrong 1 "held" tidegatectl sync
    wrong 0 "converged" tidegatectl sync web
    wrong 1 "held" tidegatectl sync other
}

test_a_host_that_cannot_reach_its_manifests_says_what_the_server_said() {
    world
    sed -i "s#deploy.git#nowhere.git#" etc/tidegated.yaml
    once
    expect_status 3
    expect_contains "$err" "nowhere.git' does not appear to be a git repository"
}
