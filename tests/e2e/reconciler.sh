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
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
    cat >bin/restart <<'SH'
#!/bin/sh
# Ends the former process and starts the one of this release.
pidfile=$STATE/service.pid
if [ -f "$pidfile" ]; then
    old=$(cat "$pidfile"); kill "$old" 2>/dev/null
    n=0; while kill -0 "$old" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done
fi
setsid python3 bin/serve.py "$PORT" >/dev/null 2>&1 </dev/null &
echo $! >"$pidfile"
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
    cat >"$work/deploy/production/web.yaml" <<YAML
version: 1
app: web
release:
  git: {url: "file://$work/web.git", commit: $commit, tag: v$1}
root: $work/srv/web
${user:+user: $user}
env: {PORT: "$port", STATE: $work/appstate}
${2:-migrate: {up: ./bin/migrate up, down: ./bin/migrate down}}
activate: [{run: ./bin/restart}]
health:
  - http: {url: "http://127.0.0.1:$port/healthz", body: "$1"}
    for: ${patience:-5s}
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
roots: [$work/srv]
state: $work/state
socket: $work/run/control.sock
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
    wait_for 10 test -S "$TIDEGATE_SOCKET"
}
# The service was started by the daemon and is to stay behind it; the test ends it.
adopt_service() { [ ! -f "$work/appstate/service.pid" ] || cat "$work/appstate/service.pid" >>"$work/.started"; }

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
