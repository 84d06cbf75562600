# The reconciler end to end: real bare repositories, real signatures, a real HTTP service, real processes.

# A key that may do everything, and the file that says so.
trust() {
    ssh-keygen -q -t ed25519 -N '' -C ana@example.com -f "$work/ana"
    printf 'ana@example.com namespaces="git,tidegate-attestation,tidegate-approval" %s\n' "$(cut -d' ' -f1,2 "$work/ana.pub")" \
        >"$work/allowed_signers"
    git config --global gpg.format ssh
    git config --global user.signingkey "$work/ana.pub"
}

# The app: a service on $port that tells its version and the schema it runs on.
app_repo() {
    port=$(free_port)
    git init -q --bare "$work/web.git"
    git -C "$work/web.git" config uploadpack.allowAnySHA1InWant true
    new_repo "$work/web"
    cd "$work/web"
    mkdir bin
    cat >bin/serve.py <<'PY'
import http.server, os, sys
version = open("VERSION").read().strip()
broken = os.path.exists("BROKEN")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = version.encode()
        self.send_response(503 if broken and self.path == "/healthz" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.allow_reuse_address = True
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if "STATE" in os.environ: open(os.environ["STATE"] + "/listens", "w").close()
server.serve_forever()
PY
    cat >bin/restart <<'SH'
#!/bin/sh
# Ends the former process and starts the one of this release; waits until it listens, or has ended.
pidfile=$STATE/service.pid
if [ -f "$pidfile" ]; then
    old=$(cat "$pidfile"); kill "$old" 2>/dev/null
    n=0; while kill -0 "$old" 2>/dev/null && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done
fi
rm -f "$STATE/listens"
setsid python3 bin/serve.py "$PORT" >/dev/null 2>&1 </dev/null &
echo $! >"$pidfile"
while [ ! -e "$STATE/listens" ] && kill -0 $! 2>/dev/null; do sleep 0.02; done
SH
    cat >bin/migrate <<'SH'
#!/bin/sh
# The schema is a number in a file; each release knows the one it needs.
echo "$1 $TIDEGATE_RELEASE" >>"$STATE/migrations"
case $1 in
up) cat SCHEMA >"$STATE/schema" ;;
down) cat SCHEMA_BEFORE >"$STATE/schema" ;;
esac
echo "schema is $(cat "$STATE/schema")"
SH
    chmod +x bin/*
    mkdir -p "$work/appstate"
    # Nothing of a release runs as root: as root the app gets a user, otherwise it runs as we do.
    user=
    if [ "$(id -u)" = 0 ]; then
        user=nobody
        chown nobody "$work/appstate"
    fi
    cd "$work"
}

# release VERSION SCHEMA SCHEMA_BEFORE [broken]: a commit of the app, pushed; its id in $commit.
release() {
    cd "$work/web"
    echo "$1" >VERSION
    echo "$2" >SCHEMA
    echo "$3" >SCHEMA_BEFORE
    rm -f BROKEN
    [ "${4:-}" != broken ] || touch BROKEN
    git add -A
    git commit -q -m "Version $1"
    git tag "v$1"
    git push -q "$work/web.git" HEAD:main "v$1"
    commit=$(git rev-parse HEAD)
    cd "$work"
}

manifests_repo() {
    git init -q --bare "$work/deploy.git"
    new_repo "$work/deploy"
    mkdir "$work/deploy/production"
}

# declare VERSION: the manifest change for $commit, signed and pushed.
declare_release() {
    local more=${2:-'migrate: {up: ./bin/migrate up, down: ./bin/migrate down}'}
    local steps=${activate:-"[{run: ./bin/restart}]"}
    cat >"$work/deploy/production/web.yaml" <<YAML
version: 1
app: web
release:
  git: {url: "file://$work/web.git", commit: $commit, tag: v$1}
root: $work/srv/web
${user:+user: $user}
env: {PORT: "$port", STATE: $work/appstate}
$more
activate: $steps
health:
  - http: {url: "http://${probed:-127.0.0.1:$port}/healthz", body: "$1"}
    for: ${patience:-30s}
    interval: 50ms
    successes: 2
YAML
    cd "$work/deploy"
    git add -A
    git commit -q -S -m "web $1"
    git push -q "$work/deploy.git" HEAD:deploy
    cd "$work"
}

host() {
    mkdir -p "$work/srv" "$work/run" "$work/etc"
    cat >"$work/etc/tidegated.yaml" <<YAML
version: 1
host: {name: web-1, environment: production, labels: {role: web}}
manifests: {url: "file://$work/deploy.git", branch: deploy, interval: ${interval:-1s}}
trust:
  allowed_signers: $work/allowed_signers
  attestations: off
  protocols: [file]
roots: [${roots:-$work/srv}]
state: $work/state
socket: $work/run/control.sock
sandbox: ${sandbox:-process}
log: {format: text, level: info}
YAML
    export TIDEGATE_SOCKET=$work/run/control.sock
}

world() {
    trust
    app_repo
    manifests_repo
    host
}

serves() { [ "$(curl -fsS "http://127.0.0.1:$port/")" = "$1" ]; }
current() { readlink "$work/srv/web/current"; }
state_is() { tidegatectl status --json | python3 -c 'import json,sys; a=json.load(sys.stdin)["apps"]; sys.exit(0 if a and a[0]["state"]==sys.argv[1] else 1)' "$1"; }
once() { run tidegated --config "$work/etc/tidegated.yaml" --once; }
daemon() {
    start tidegated --config "$work/etc/tidegated.yaml"
    daemon_pid=$started
    wait_for 20 daemon_answers
}
kill_daemon() { # it is gone when this returns
    kill -KILL "$daemon_pid"
    wait "$daemon_pid" 2>/dev/null || true
}
# The service was started by the daemon and is to stay behind it; the test ends it.
adopt_service() { [ ! -f "$work/appstate/service.pid" ] || cat "$work/appstate/service.pid" >>"$work/.started"; }

first_release_runs() {
    world
    release 1 1 0
    declare_release 1
    daemon
    wait_for 20 serves 1
}

test_the_first_release_comes_up_and_a_second_run_has_nothing_to_do() {
    world
    release 1 1 0
    declare_release 1
    once
    adopt_service
    expect_status 0
    serves 1
    expect_equal "$(cat appstate/schema)" 1
    once
    expect_status 0
    expect_equal "$(wc -l <appstate/migrations)" 1
}

test_a_release_with_a_migration_follows_and_history_tells() {
    first_release_runs
    adopt_service
    release 2 2 1
    declare_release 2
    run tidegatectl sync
    expect_status 0
    adopt_service
    serves 2
    expect_equal "$(cat appstate/schema)" 2
    state_is converged
    run tidegatectl history web
    expect_status 0
    expect_contains "$out" "deployed"
    expect_contains "$out" "v2"
    expect_contains "$out" "ana@example.com"
    expect_equal "$(echo "$out" | grep -c deployed)" 2
}

test_a_failing_health_check_is_reverted_and_the_revision_held() {
    first_release_runs
    release 2 2 1 broken
    patience=1s declare_release 2
    run tidegatectl sync
    adopt_service
    expect_status 1
    serves 1
    expect_equal "$(cat appstate/schema)" 1
    state_is held
    run tidegatectl why web
    expect_status 0
    expect_contains "$out" "web runs v1 ("
    expect_contains "$out" "the manifest asks for v2 ("
    expect_contains "$out" "healthz answered 503"
    expect_contains "$out" "reverted"
    expect_contains "$out" "the schema is back"
    expect_contains "$out" "tidegatectl retry web"
    # Held: looked at again and again, never tried again.
    run tidegatectl sync
    run tidegatectl sync
    expect_equal "$(grep -c '^up' appstate/migrations)" 2
    run tidegatectl history web
    expect_contains "$out" "reverted"
}

test_a_rollback_goes_to_the_release_that_is_there_and_takes_the_migration_back() {
    first_release_runs
    first=$(current)
    release 2 2 1
    declare_release 2
    tidegatectl sync >/dev/null
    serves 2
    mv web.git gone.git # nothing may be fetched for it
    git -C deploy revert --no-edit -S HEAD >/dev/null
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
    run tidegatectl sync
    expect_status 0
    adopt_service
    serves 1
    expect_equal "$(current)" "$first"
    expect_equal "$(cat appstate/schema)" 1
    expect_equal "$(grep -c '^up' appstate/migrations)" 2
    expect_equal "$(tail -n1 appstate/migrations | cut -d' ' -f1)" down
}

test_killed_in_the_middle_of_a_deployment_it_ends_converged() {
    first_release_runs
    release 2 2 1
    declare_release 2 "build: [{run: 'touch \$STATE/building; until test -e \$STATE/go; do sleep 0.1; done'}]"
    wait_for 20 test -e appstate/building
    kill_daemon
    serves 1
    touch appstate/go
    daemon
    wait_for 20 serves 2
    wait_for 10 state_is converged
    adopt_service
    expect_equal "$(find srv/web/releases -name '.*' -mindepth 1 | wc -l)" 0
}

test_a_migration_that_a_killed_daemon_left_is_ended_before_another_runs() {
    world
    cat >web/bin/slow <<'SH'
#!/bin/sh
# Tells whether the first migration still runs beside this one; the first one goes on for long, below its shell.
if [ -e "$STATE/pid" ]; then
    echo "$1" >>"$STATE/later"
    ! grep -q '^State:[[:space:]]*[RSD]' "/proc/$(cat "$STATE/pid")/status" 2>/dev/null || touch "$STATE/beside"
    exit 0
fi
sleep 600 &
echo $! >"$STATE/pid"
wait
SH
    chmod +x web/bin/slow
    release 1 1 0
    declare_release 1
    daemon
    wait_for 20 serves 1
    adopt_service
    release 2 2 1
    declare_release 2 'migrate: {up: ./bin/slow up, down: ./bin/slow down}'
    wait_for 20 test -s appstate/pid
    kill_daemon
    daemon
    wait_for 30 serves 2
    adopt_service
    expect_equal "$(paste -sd' ' appstate/later)" "down up"
    expect_no_file appstate/beside
}

test_the_sources_of_releases_that_are_gone_are_forgotten() {
    world
    local commits=() each
    for each in 1 2 3 4; do
        release $each 1 1
        commits+=("$commit")
        declare_release $each "keep: 2"
        once
        adopt_service
        expect_status 0
    done
    serves 4
    kept=$(git -C "$(ls -d state/sources/*/)" for-each-ref)
    expect_lacks "$kept" "${commits[0]}"
    expect_lacks "$kept" "${commits[1]}"
    expect_contains "$kept" "${commits[2]}"
    expect_contains "$kept" "${commits[3]}"
}

test_a_deployment_that_runs_when_a_freeze_begins_is_finished() {
    first_release_runs
    adopt_service
    release 2 2 1
    declare_release 2 "build: [{run: 'touch \$STATE/building; until test -e \$STATE/go; do sleep 0.1; done'}]"
    wait_for 20 test -e appstate/building
    # The freeze comes with a release that it keeps back: that one undoes nothing.
    year=$(date -u +%Y)
    printf 'version: 1\nenvironments:\n  production: {freezes: [{from: "%s-01-01", to: "%s-12-31"}]}\n' \
        "$year" $((year + 1)) >deploy/tidegate.yaml
    release 3 2 1
    declare_release 3
    tip=$(git -C deploy rev-parse HEAD)
    wait_for 20 is_accepted "$tip"
    touch appstate/go
    wait_for 20 serves 2
    wait_for 20 state_is waiting
    adopt_service
    expect_equal "$(tidegatectl history web | grep -c deployed)" 2
    serves 2
}
is_accepted() { tidegatectl status --json | grep "\"revision\": *\"$1\""; }

test_an_unsigned_revision_is_refused_and_the_release_runs_on() {
    world
    release 1 1 0
    declare_release 1
    once
    adopt_service
    expect_status 0
    release 2 2 1
    cp deploy/production/web.yaml kept.yaml
    sed -e "s/commit: [0-9a-f]*, tag: v1/commit: $commit, tag: v2/" kept.yaml >deploy/production/web.yaml
    git -C deploy commit -q --no-gpg-sign -am "web 2"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
    once
    expect_status 4
    expect_contains "$err" "refused"
    serves 1
}

test_a_rewound_branch_is_refused_also_when_the_journal_is_lost() {
    world
    release 1 1 0
    declare_release 1
    old=$(git -C deploy rev-parse HEAD)
    release 2 2 1
    declare_release 2
    once
    adopt_service
    expect_status 0
    serves 2
    git -C deploy push -q -f "$work/deploy.git" "$old:deploy"
    once
    expect_status 4
    serves 2
    rm -f state/state.db*
    once
    expect_status 4
    serves 2
}

test_a_second_daemon_on_one_state_folder_ends_with_a_sentence() {
    world
    release 1 1 0
    declare_release 1
    daemon
    run tidegated --config "$work/etc/tidegated.yaml" --once
    expect_status 3
    expect_contains "$err" "another tidegated works on"
    wait_for 20 serves 1
    adopt_service
}

test_a_revision_that_says_skip_deploy_comes_with_the_next_one() {
    world
    release 1 1 0
    declare_release 1
    once
    expect_status 0
    release 2 2 1
    declare_release 2
    git -C "$work/deploy" commit -q --amend -S -m "web 2, not yet

[skip-deploy]"
    git -C "$work/deploy" push -qf "$work/deploy.git" HEAD:deploy
    once
    expect_status 0
    expect_contains "$err" "revision left out"
    serves 1
    git -C "$work/deploy" commit -q --allow-empty -S -m 'Revert "web [skip-deploy]"'
    git -C "$work/deploy" push -q "$work/deploy.git" HEAD:deploy
    once
    expect_status 0
    serves 2
    adopt_service
}

test_a_paused_host_leaves_every_app_alone_says_why_and_goes_on_by_itself() {
    first_release_runs
    run tidegatectl pause --for 0s
    expect_status 2
    run tidegatectl pause --for 1h --reason "a new disk"
    expect_contains "$out" "this host is paused: no app is deployed"
    release 2 2 1
    declare_release 2
    run tidegatectl sync
    expect_status 1
    expect_contains "$out" "this host is paused: a new disk ($(id -un), until"
    serves 1
    run tidegatectl why web
    expect_contains "$out" "or now with: tidegatectl resume"
    run tidegatectl resume web
    expect_contains "$out" "not paused for itself, but this host is: tidegatectl resume"
    kill -TERM "$daemon_pid"
    wait "$daemon_pid" || true
    daemon
    run tidegatectl sync
    expect_contains "$out" "a new disk"
    serves 1
    tidegatectl pause --for 2s --reason "a moment"
    wait_for 20 serves 2
    adopt_service
}

test_without_a_daemon_tidegatectl_says_how_to_start_it() {
    world
    run tidegatectl status
    expect_status 3
    expect_contains "$err" "no tidegated answers"
    expect_contains "$err" "systemctl start tidegated"
}

test_sigterm_in_a_deployment_stops_and_it_goes_on_after_the_start() {
    first_release_runs
    release 2 2 1 broken
    patience=10m declare_release 2
    wait_for 20 serves 2
    kill -TERM "$daemon_pid"
    wait_for 10 bash -c "! kill -0 $daemon_pid"
    adopt_service
    # The fix comes meanwhile; nobody waits for the old probe's minutes.
    release 3 2 1
    declare_release 3
    daemon
    wait_for 30 serves 3
    wait_for 10 state_is converged
    adopt_service
}

test_a_newer_revision_in_mid_health_is_taken_at_once() {
    first_release_runs
    release 2 2 1 broken
    patience=10m declare_release 2
    wait_for 20 serves 2
    release 3 2 1
    declare_release 3
    wait_for 30 serves 3
    wait_for 10 state_is converged
    adopt_service
    run tidegatectl history web
    expect_contains "$out" superseded
}

test_pause_leaves_alone_and_resume_goes_on() {
    first_release_runs
    tidegatectl pause web --reason "moving the disk"
    release 2 2 1
    declare_release 2
    run tidegatectl sync
    expect_contains "$out" "moving the disk"
    serves 1
    tidegatectl resume web
    run tidegatectl sync
    expect_status 0
    serves 2
    adopt_service
}

test_two_apps_with_one_root_are_both_left_alone() {
    world
    release 1 1 0
    declare_release 1
    once
    adopt_service
    expect_status 0
    sed 's/^app: web/app: shop/' deploy/production/web.yaml >deploy/production/shop.yaml
    release 2 2 1
    declare_release 2
    once
    expect_status 1
    expect_contains "$err" "the root $work/srv/web is that of production/shop.yaml too"
    expect_contains "$err" "the root $work/srv/web is that of production/web.yaml too"
    serves 1
}
