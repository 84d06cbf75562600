# The story of the pair, from a blocked push to a reverted release, as steps that show what they do and fail where an
# outcome is not as told. Played by tests/demo and by tests/e2e/story.sh.
# shellcheck shell=bash

source "$TIDEGATE_SOURCE/tests/story/frame.sh"

app=notes
story=$TIDEGATE_SOURCE/tests/story

# ---- the stage -------------------------------------------------------------------------------------------------------

listens() { /usr/bin/python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1"; }

# person NAME ADDRESS: a signing key and a line in the host's list of signers.
person() {
    ssh-keygen -q -t ed25519 -N '' -C "$2" -f "$work/keys/$1"
    printf '%s namespaces="%s" %s\n' "$2" "$3" "$(cut -d' ' -f1,2 "$work/keys/$1.pub")" >>"$work/host/allowed_signers"
}

# identity NAME ADDRESS KEY: of the repository here.
identity() {
    git config user.name "$1"
    git config user.email "$2"
    git config gpg.format ssh
    git config user.signingkey "$work/keys/$3"
}

set_the_stage() {
    mkdir -p "$work"/{keys,server,ana,ben} "$work"/host/{srv,state,run}
    chmod 700 "$work/host/state" "$work/host/run"
    git_port=$(free_port) app_port=$(free_port) static_port=$(free_port)
    server=git://127.0.0.1:$git_port
    person ana ana@example.com tidegate-attestation
    person ben ben@example.com git
    # A release never runs as root: as root, the story lends its app a user that every system has.
    app_user=
    [ "$(id -u)" -ne 0 ] || app_user=nobody

    git init -q --bare "$work/server/notes.git"
    git init -q --bare "$work/server/deploy.git"
    start git daemon --reuseaddr --listen=127.0.0.1 --port="$git_port" --export-all --enable=receive-pack \
        --informative-errors --verbose --base-path="$work/server" "$work/server"
    wait_for 10 listens "$git_port"
}

write_manifest() {
    mkdir -p production
    cat >production/$app.yaml <<YAML
version: 1
app: $app
release:
  git: {url: $server/notes.git, commit: $1}
require: {stages: [pre-push]}
root: $work/host/srv/$app${app_user:+
user: $app_user}
shared: {dirs: [storage]}
env: {PORT: "$app_port", DATA: storage}
build: [{run: ./bin/build}]
migrate: {up: ./bin/migrate up, down: ./bin/migrate down}
activate: [{run: ./bin/restart}]
health:
  - http: {url: "http://127.0.0.1:$app_port/healthz", status: 200, body: '"ok"', within: 2s}
    for: 5s
keep: 3
YAML
}

write_host_config() {
    cat >"$work/host/tidegated.yaml" <<YAML
version: 1
host: {name: web-1, environment: production}
manifests: {url: $server/deploy.git, branch: main, interval: 1s}
trust:
  allowed_signers: $work/host/allowed_signers
  manifests: signed
  attestations: required
  approvals: 0
  protocols: [git]
roots: [$work/host/srv]
state: $work/host/state
socket: $work/host/run/control.sock
sandbox: process
log: {format: text, level: info}
YAML
    chmod 600 "$work/host/tidegated.yaml"
}

start_tidegated() {
    printf '  host$ tidegated --config tidegated.yaml &\n'
    start tidegated --config "$work/host/tidegated.yaml"
    tidegated_pid=$started
    disown "$started"
    wait_for 10 answers
}
# The daemon answers: 0 where all is converged, 1 where it is not.
answers() { local code=0; tidegatectl status || code=$?; [ $code -le 1 ]; }

# facts NAME…: fields of the app in `tidegatectl status --json`, of one answer.
facts() {
    { tidegatectl status --json || true; } |
        /usr/bin/python3 -c 'import json, sys
apps = {a["app"]: a for a in json.load(sys.stdin)["apps"]}
print(*(apps.get(sys.argv[1], {}).get(name, "") for name in sys.argv[2:]))' "$app" "$@"
}
is_at() { [ "$(facts state commit declared)" = "$1 $2 $2" ]; }
is_asked_for() { [ "$(facts state declared)" = "$1 $2" ]; }
# reaches STATE COMMIT: the host gets there, with that commit running.
reaches() { wait_for 25 is_at "$1" "$2"; }
# refuses STATE COMMIT: the host ends in that state while that commit is asked for.
refuses() { wait_for 25 is_asked_for "$1" "$2"; }

# ctl COMMAND: its answer counts, not whether all is converged.
ctl() {
    show "tidegatectl $1"
    [ "$status" -le 1 ] || fail "exit code $status"
}
# The schema of the service's database, asked of the database itself.
schema() {
    /usr/bin/python3 -c 'import sqlite3, sys
print(sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute("PRAGMA user_version").fetchone()[0])' \
        "$work/host/srv/$app/shared/storage/notes.db"
}
serves() {
    show_good "curl -s http://127.0.0.1:$app_port/version"
    expect_contains "$out" "\"version\": \"$1\""
}
release_behind_current() { basename "$(readlink "$work/host/srv/$app/current")"; }

# new_version N: the service and its public page say so.
new_version() {
    sed -i "s/^VERSION = .*/VERSION = \"$1\"/" service.py
    echo "$1" >public/version.txt
}
# new_schema N UP DOWN
new_schema() {
    sed -i "s/^SCHEMA = .*/SCHEMA = $1/" service.py
    printf '%s\n' "$2" >"migrations/00$1_step.up.sql"
    printf '%s\n' "$3" >"migrations/00$1_step.down.sql"
}
head_of() { git -C "$1" rev-parse HEAD; }

# release_head: what the release manager does to ship what the developer has pushed.
release_head() {
    commit=$(head_of "$work/ana/notes")
    enter "$work/ben/deploy"
    show_good "tidegate release $app --env production --commit $commit"
    git log -1 --format=%B | grep -q . || fail "the release's commit says nothing"
    git -c gpg.ssh.allowedSignersFile="$work/host/allowed_signers" verify-commit HEAD 2>/dev/null ||
        fail "the release's commit is not signed by a known key"
    show_good "git push -q origin main"
}

# ---- the steps -------------------------------------------------------------------------------------------------------

step_1_two_repositories() {
    step "1. Two repositories: an app, and the manifests that say what runs where. Both on a git server."
    enter "$work/ana"
    cp -r "$TIDEGATE_SOURCE/tests/demo-app" notes
    find notes -name __pycache__ -prune -exec rm -rf {} +
    enter notes
    git init -q
    identity "Ana Lima" ana@example.com ana
    git add -A
    git commit -qm "Notes over HTTP"
    git remote add origin "$server/notes.git"
    show_good "git push -q origin main"
    show_good "ls"
    show_file .tidegate.yaml

    enter "$work/ben"
    git init -q deploy
    enter deploy
    identity "Ben Okoye" ben@example.com ben
    git config commit.gpgsign true
    git remote add origin "$server/deploy.git"
    write_manifest "$(head_of "$work/ana/notes")"
    git add -A
    git commit -qm "Declare notes in production"
    show_good "tidegate lint"
    show_good "git push -q origin main"
    show_file production/$app.yaml
}

step_2_gates() {
    step "2. Gates: what is committed and pushed is what is tested, and nothing else."
    enter "$work/ana/notes"
    show_good "tidegate install"

    say "A formatting fault is stopped before it is committed."
    printf 'from service import greeting\n\n\ndef shout(name):\n\treturn greeting(name).upper()\n' >shout.py
    git add shout.py
    show_bad 1 "git commit -qm 'Greet loudly'"
    expect_contains "$out" "shout.py:5: a tab"
    expect_equal "$(git log --oneline | wc -l)" 1
    sed -i 's/\t/    /' shout.py
    show_good "git commit -qam 'Greet loudly'"
    expect_equal "$(git log --oneline | wc -l)" 2

    say "A push with a failing test is stopped, although the mend lies in the working tree, not committed."
    edit service.py 'f"Hello, {name}!"' 'f"Helo, {name}!"'
    show_good "git commit -qam 'Greet briefly'"
    edit service.py 'f"Helo, {name}!"' 'f"Hello, {name}!"'
    show_good "git status --short"
    show_bad 1 "git push -q origin main"
    expect_contains "$out" "unit"
    expect_contains "$out" "'Helo, tide!' != 'Hello, tide!'"
    expect_equal "$(git ls-remote origin main | cut -f1)" "$(git rev-parse HEAD~2)"
    expect_equal "$(git status --short)" " M service.py"

    say "Committed, it passes; and the proof that it passed is pushed beside it."
    show_good "git commit -qam 'Mend the greeting'"
    show_good "git push -q origin main"
    expect_equal "$(git ls-remote origin main | cut -f1)" "$(git rev-parse HEAD)"
    show_good "git ls-remote origin"
    expect_contains "$out" refs/tidegate/attestations
    show_good "tidegate attest show"
    expect_contains "$out" pre-push
}

step_3_releases() {
    step "3. Releases: a signed commit asks for one, the host's daemon brings it up."
    release_head
    first_commit=$commit
    write_host_config
    enter "$work/host"
    show_file tidegated.yaml
    printf '  host$ export TIDEGATE_SOCKET=$PWD/run/control.sock\n'
    export TIDEGATE_SOCKET=$work/host/run/control.sock
    start_tidegated
    reaches converged "$first_commit"
    first_release=$(release_behind_current)
    ctl status
    serves 1
    expect_equal "$(schema)" 1

    say "The second release brings a migration."
    enter "$work/ana/notes"
    new_version 2
    new_schema 2 "ALTER TABLE notes ADD COLUMN author TEXT;" "ALTER TABLE notes DROP COLUMN author;"
    git add -A
    show_good "git commit -qm 'Version 2: notes have an author'"
    show_good "git push -q origin main"
    release_head
    second_commit=$commit
    enter "$work/host"
    reaches converged "$second_commit"
    second_release=$(release_behind_current)
    ctl status
    serves 2
    expect_equal "$(schema)" 2
}

step_4_revert() {
    step "4. A release that passes its gates and fails on the host is reverted by itself. Requests run meanwhile."
    start /usr/bin/python3 "$story/static_server.py" "$static_port" "$work/host/srv/$app/current/public"
    wait_for 10 listens "$static_port"
    setsid /usr/bin/python3 "$story/load.py" "http://127.0.0.1:$static_port/version.txt" "$work/stop-load" \
        >"$work/load" 2>&1 </dev/null &
    load=$!
    echo "$load" >>"$work/.started"

    enter "$work/ana/notes"
    new_version 3
    new_schema 3 "CREATE TABLE mails (note INTEGER, sent TEXT);" "DROP TABLE mails;"
    edit service.py 'for name in () if' 'for name in ("MAIL_RELAY",) if'
    git add -A
    show_good "git commit -qm 'Version 3: mail the notes'"
    show_good "git push -q origin main"
    release_head
    third_commit=$commit
    enter "$work/host"
    refuses held "$third_commit"
    ctl status
    ctl "why $app"
    expect_contains "$out" "503"
    expect_contains "$out" "held"
    expect_contains "$out" "retry"
    expect_equal "$(facts commit)" "$second_commit"
    expect_equal "$(release_behind_current)" "$second_release"
    serves 2
    expect_equal "$(schema)" 2

    say "The load on the static page, from before the release until after the revert."
    touch "$work/stop-load"
    wait "$load" || fail "requests were lost: $(cat "$work/load")"
    show_good "cat '$work/load'"
    expect_contains "$out" "first 2, last 2; 0 lost"
    expect_contains "$out" "saw version 3"
}

step_5_unattested() {
    step "5. A release whose gates were skipped is refused: nobody vouched for its tree."
    enter "$work/ana/notes"
    new_version 4
    edit service.py 'for name in ("MAIL_RELAY",) if' 'for name in () if'
    git add -A
    git commit -q --no-verify -m "Version 4: in a hurry"
    show_good "git push -q --no-verify origin main"
    release_head
    fourth_commit=$commit
    enter "$work/host"
    refuses waiting "$fourth_commit"
    ctl "why $app"
    expect_contains "$out" "pre-push"
    expect_equal "$(facts commit)" "$second_commit"
    serves 2
}

step_6_rollback() {
    step "6. Reverting the manifest's commits rolls back to version 1: the release is still there."
    local built fetches
    built=$(cat "$work/host/srv/$app/releases/$first_release/built-at")
    fetches=$(fetches_of_the_app)
    enter "$work/ben/deploy"
    show_good "git revert --no-edit HEAD~3..HEAD"
    show_good "git push -q origin main"
    enter "$work/host"
    reaches converged "$first_commit"
    ctl status
    serves 1
    expect_equal "$(schema)" 1
    expect_equal "$(release_behind_current)" "$first_release"
    say "Nothing was built or fetched again."
    show_good "cat srv/$app/current/built-at"
    expect_equal "$out" "$built"
    expect_equal "$(fetches_of_the_app)" "$fetches"
}
# How often the app's repository was read at the server.
fetches_of_the_app() { grep -c "upload-pack for.*notes" "$work/.background.log" || true; }

step_7_kill() {
    step "7. The daemon is killed in the middle of a deployment. Started again, it ends converged."
    enter "$work/ana/notes"
    new_version 5
    new_schema 4 "-- waits while $work/host/hold is there
CREATE TABLE tags (note INTEGER, tag TEXT);" "DROP TABLE tags;"
    git add -A
    show_good "git commit -qm 'Version 5: notes have tags'"
    show_good "git push -q origin main"
    touch "$work/host/hold"
    release_head
    fifth_commit=$commit
    enter "$work/host"
    wait_for 20 in_the_middle
    show_good "kill -KILL $tidegated_pid"
    show_good "readlink srv/$app/current"
    expect_equal "$(basename "$out")" "$first_release"
    rm hold
    wait_for 10 is_gone "$tidegated_pid"
    start_tidegated
    reaches converged "$fifth_commit"
    ctl status
    serves 5
    expect_equal "$(schema)" 4
    expect_equal "$(find "srv/$app/releases" -maxdepth 1 -name '*.partial')" ""
}
is_gone() { ! kill -0 "$1"; }
# Version 5 is being migrated: its first step is done, its slow one is not.
in_the_middle() { [ "$(schema)" -ge 2 ]; }

step_8_history() {
    step "8. The history tells it all."
    enter "$work/host"
    ctl "history $app"
    expect_contains "$out" reverted
    expect_contains "$out" deployed
    expect_contains "$out" ben@example.com
}

play_the_story() {
    local began=$SECONDS
    set_the_stage
    step_1_two_repositories
    step_2_gates
    step_3_releases
    step_4_revert
    step_5_unattested
    step_6_rollback
    step_7_kill
    step_8_history
    step "That was the story: $((SECONDS - began)) seconds."
}
