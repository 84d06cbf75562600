# Several apps on one host: who waits for whom, and who keeps nobody waiting.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

# app NAME LINES…: its manifest, which runs nothing but what the lines say.
app() {
    local name=$1
    shift
    {
        printf 'version: 1\napp: %s\nroot: %s\nrelease: {git: {url: "file://%s", commit: %s}}\n' \
            "$name" "$work/srv/$name" "$work/web.git" "$commit"
        [ -z "$user" ] || echo "user: $user"
        printf '%s\n' "$@"
    } >"deploy/production/$name.yaml"
}
declare_all() {
    git -C deploy add -A
    git -C deploy commit -q -S -m "$1"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
}
app_is() { tidegatectl status "$1" --json | python3 -c 'import json,sys; a=json.load(sys.stdin)["apps"]; sys.exit(0 if a and a[0]["state"]==sys.argv[1] else 1)' "$2"; }

test_an_app_waits_for_those_it_depends_on_and_goes_on_at_once() {
    world
    interval=1h
    host
    release 1 1 1
    app db "build: [{run: 'until test -e $work/appstate/go; do sleep 0.1; done'}]"
    app api "depends_on: [db]"
    app web "depends_on: [api, elsewhere]"
    app other
    declare_all all
    daemon
    wait_for 20 app_is other converged
    wait_for 20 app_is api waiting
    run tidegatectl why api
    expect_contains "$out" "waits for db, which is not deployed yet"
    run tidegatectl status web
    expect_contains "$out" "waits for api"
    touch appstate/go
    wait_for 20 app_is web converged
    app_is api converged
    run tidegatectl history
    # In the order of who needs whom.
    expect_equal "$(tidegatectl history --json | python3 -c 'import json,sys; print(" ".join(d["app"] for d in reversed(json.load(sys.stdin)["deployments"]) if d["app"]!="other"))')" "db api web"
}

test_apps_that_wait_for_each_other_are_refused_by_lint_and_host() {
    world
    release 1 1 1
    app api "depends_on: [web]"
    app web "depends_on: [api]"
    app other "depends_on: [nobody]"
    run tidegate lint deploy
    expect_status 2
    expect_contains "$err" "\`depends_on\` goes in a circle: api → web → api"
    expect_contains "$err" "\`depends_on\` names \`nobody\`, which production does not have"
    declare_all circle
    once
    expect_status 1
    expect_contains "$err" "goes in a circle"
    expect_file srv/other/current
    expect_no_file srv/web/current
}

# A server that takes connections and never says a word.
silent_server() {
    python3 -c 'import socket
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(64)
print(server.getsockname()[1], flush=True)
taken = []
while True:
    taken.append(server.accept())' >"$work/silent" 2>&1 &
    echo $! >>"$work/.started"
    wait_for 10 test -s "$work/silent"
    silent=$(cat "$work/silent")
}
asked_by() { [ "$(tidegatectl status --json | grep -o 'deployment [0-9]*: fetch' | wc -l)" = "$1" ]; }

test_a_server_that_is_silent_keeps_waiting_only_those_who_ask_it() {
    world
    sed -i 's/protocols: .file./protocols: [file, git]/' etc/tidegated.yaml
    silent_server
    release 1 1 1
    local each
    for each in 1 2 3 4 5 6; do
        app silent$each
        sed -i "s#file://$work/web.git#git://127.0.0.1:$silent/web.git#" deploy/production/silent$each.yaml
    done
    declare_all silent
    daemon
    wait_for 30 asked_by 6
    app good
    declare_all good
    wait_for 30 app_is good converged
    # And SIGTERM waits for none of them.
    kill -TERM "$daemon_pid"
    wait_for 20 bash -c "! kill -0 $daemon_pid"
}

test_apps_that_fail_again_and_again_or_build_for_long_starve_nobody() {
    world
    release 1 1 1
    local each
    for each in 1 2 3; do app "slow$each" "build: [{run: 'sleep 600'}]"; done
    app looping "health: [{run: 'false', for: 100ms, interval: 50ms}]" "soak: 1s"
    app soaking "soak: 1h" "health: [{run: 'true'}]"
    declare_all trouble
    daemon
    wait_for 30 test -d srv/slow1/releases
    app good
    declare_all good
    wait_for 30 app_is good converged
    expect_file srv/good/current
    # SIGTERM ends the long builds at once; they go on after the next start.
    kill -TERM "$daemon_pid"
    wait_for 20 bash -c "! kill -0 $daemon_pid"
}
