# A host for fault sweeps, made so that one deployment takes a fraction of a second: the app is files, its migration a
# number in a file, its activation and health check short commands.
# shellcheck disable=SC2034,SC2154 # shared with the sweeps and lib.sh

# What the app's user may write to, and who that is: nothing of a release runs as root.
app_state() {
    mkdir -p "$work/appstate"
    user=
    if [ "$(id -u)" = 0 ]; then
        user=nobody
        chown nobody "$work/appstate"
    fi
}

make_world() {
    [ -f "$TIDEGATE_BIN/tidegate_interpose.so" ] || skip "no interposer in a sanitizer's build"
    ssh-keygen -q -t ed25519 -N '' -C ana@example.com -f "$work/ana"
    printf 'ana@example.com %s\n' "$(cut -d' ' -f1,2 "$work/ana.pub")" >"$work/allowed_signers"
    git config --global gpg.format ssh
    git config --global user.signingkey "$work/ana.pub"
    git init -q --bare "$work/web.git"
    git -C "$work/web.git" config uploadpack.allowAnySHA1InWant true
    git init -q --bare "$work/deploy.git"
    new_repo "$work/web"
    new_repo "$work/deploy"
    mkdir -p "$work/deploy/production" "$work/web/bin" "$work/web/deep/er" "$work/srv" "$work/run"
    app_state
    cat >"$work/web/bin/migrate" <<'SH'
#!/bin/sh
case $1 in up) cat SCHEMA >"$STATE/schema" ;; down) cat SCHEMA_BEFORE >"$STATE/schema" ;; esac
echo "$1 $TIDEGATE_RELEASE" >>"$STATE/migrations"
SH
    cat >"$work/web/bin/activate" <<'SH'
#!/bin/sh
cat VERSION >"$STATE/active"
SH
    cat >"$work/web/bin/healthy" <<'SH'
#!/bin/sh
[ ! -e BROKEN ] && [ "$(cat VERSION)" = "$(cat "$STATE/active")" ] && [ "$(cat SCHEMA)" = "$(cat "$STATE/schema")" ]
SH
    chmod +x "$work"/web/bin/*
    for n in 1 2 3 4 5 6; do echo "unchanged $n" >"$work/web/deep/er/file$n"; done
    ln -s er/file1 "$work/web/deep/link"
    cat >"$work/tidegated.yaml" <<YAML
version: 1
host: {name: web-1, environment: production}
manifests: {url: "file://$work/deploy.git", branch: deploy, interval: 1s}
trust: {allowed_signers: $work/allowed_signers, attestations: off, protocols: [file]}
roots: [$work/srv]
state: $work/state
socket: $work/run/control.sock
log: {format: text, level: info}
YAML
}

# declare VERSION SCHEMA SCHEMA_BEFORE [broken]: a release, and the manifest that asks for it.
declare_version() {
    cd "$work/web"
    rm -f BROKEN
    echo "$1" >VERSION
    echo "$2" >SCHEMA
    echo "$3" >SCHEMA_BEFORE
    [ "${4:-}" != broken ] || touch BROKEN
    git add -A
    git commit -q -m "Version $1"
    git push -q "$work/web.git" HEAD:main
    cat >"$work/deploy/production/web.yaml" <<YAML
version: 1
app: web
release:
  git: {url: "file://$work/web.git", commit: $(git rev-parse HEAD)}
root: $work/srv/web
${user:+user: $user}
shared: {dirs: [storage]}
env: {STATE: $work/appstate}
build: [{run: echo built \$TIDEGATE_APP >built}]
migrate: {up: ./bin/migrate up, down: ./bin/migrate down}
activate: [{run: ./bin/activate}]
health: [{run: ./bin/healthy, for: 300ms, interval: 20ms, successes: 1}]
YAML
    cd "$work/deploy"
    git add -A
    git commit -q -S -m "web $1"
    git push -q "$work/deploy.git" HEAD:deploy
    cd "$work"
}

converge() { run tidegated --config "$work/tidegated.yaml" --once; }

# keep NAME / restore NAME: the host's side of the world, and the branch it watches.
keep() {
    mkdir -p "$work/kept/$1"
    cp -a "$work/srv" "$work/state" "$work/appstate" "$work/kept/$1/"
}
restore() {
    chmod -R u+rwX "$work/srv"
    rm -rf "$work/srv" "$work/state" "$work/appstate" "$work/run"
    mkdir "$work/run"
    cp -a "$work/kept/$1/." "$work/"
}

# What must hold at every instant, whatever was killed or failed: behind `current` is one whole release.
expect_whole_release() {
    local target version n
    target=$(readlink "$work/srv/web/current") || fail "$1: no current"
    version=$(cat "$work/srv/web/$target/VERSION") || fail "$1: no release behind current"
    for n in 1 2 3 4 5 6; do
        [ "$(cat "$work/srv/web/current/deep/er/file$n")" = "unchanged $n" ] || fail "$1: version $version is not whole"
    done
    [ "$(cat "$work/srv/web/current/built")" = "built web" ] || fail "$1: version $version was not built"
    [ "$(readlink "$work/srv/web/current/deep/link")" = er/file1 ] || fail "$1: a link of version $version is missing"
    [ -d "$work/srv/web/current/storage" ] || fail "$1: version $version has not its shared folder"
}

# After it went on: nothing half done is left over, and schema, activation and release belong together.
expect_settled() {
    local left
    expect_whole_release "$1"
    left=$(find "$work/srv/web" -maxdepth 2 \( -name '*.partial' -o -name '*.removing' -o -name '*.tmp' \))
    [ -z "$left" ] || fail "$1: left over: $left"
    expect_equal "$1 $(cat "$work/srv/web/current/VERSION") active $(cat "$work/appstate/active") schema $(cat "$work/appstate/schema")" \
        "$1 $2 active $2 schema $3"
}
