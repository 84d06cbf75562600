# What the commands of a release run in: transient units on a host with systemd (booted as in systemd.sh), processes
# with limits elsewhere.
source "$TIDEGATE_SOURCE/tests/e2e/systemd.sh"

# A host with systemd, an app below /srv/apps with a user of its own, and nothing declared yet.
sandbox_world() {
    roots=/srv/apps
    sandbox=auto
    world
    boot
    inside useradd --system --create-home web
    inside useradd --system neighbour
    user=web
    inside mkdir -p /srv/apps/other/shared
    inside chown web /srv/apps/other/shared
    mkdir -p "$work/web/bin"
}
# script NAME, its text on stdin: a program of the app.
script() {
    cat >"$work/web/bin/$1"
    chmod +x "$work/web/bin/$1"
}
# deploy VERSION LINES: commits the app and declares it with these lines.
declare_lines() {
    release "$1" 1 0
    cat >"$work/deploy/production/web.yaml" <<YAML
version: 1
app: web
release:
  git: {url: "file://$work/web.git", commit: $commit, tag: v$1}
root: ${roots:-$work/srv}/web
${user:+user: $user}
$2
YAML
    git -C deploy add -A
    git -C deploy commit -q -S -m "web $1"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
}
last_log() { cat "$(ls -t "$work"/state/logs/web/*.log | head -n1)"; }
said() { expect_contains "$(last_log)" "$1"; }
no_units_of_commands() { [ -z "$(units_of_commands)" ]; }
units_of_commands() { inside systemctl list-units --all --plain --no-legend 'tidegate-web-*'; }

test_a_unit_sees_and_writes_only_what_is_its_own_and_a_secret_is_nowhere_else_attack_63() {
    unified=1 sandbox_world # where an empty group is told of at once
    inside sh -c 'mkdir -p /etc/app; echo c4n4ry-of-the-app >/etc/app/secret; chmod 600 /etc/app/secret; echo private >/root/private; chmod 755 /root; chmod 644 /root/private'
    inside sh -c 'echo theirs >/home/web/notes; mkdir -p /var/lib/web; chown web /var/lib/web /home/web/notes'
    script look <<'SH'
#!/bin/sh
may() { if "$@" 2>/dev/null; then echo "may: $*"; else echo "may not: $*"; fi; }
may touch /etc/here
may touch /srv/apps/other/shared/here
may touch /srv/apps/web/releases/here
may touch /var/tmp/tidegate-here
may cat /root/private
may cat /home/web/notes
may cat /etc/app/secret
may touch made
may touch storage/here
may touch /var/lib/web/here
may unshare --user true
may sh -c 'kill -0 1'
echo "privileges: $(grep -E '^(NoNewPrivs|CapEff|CapBnd|Seccomp):' /proc/self/status | tr -d '\t' | tr '\n' ' ')"
echo "processes of others: $(cat /proc/[0-9]*/comm 2>/dev/null | grep -c systemd-journal)"
echo "I am $(id -un) in $(pwd), cores $(ulimit -c), files $(ulimit -n), variables $(env | grep -c '^\(INVOCATION_ID\|JOURNAL_STREAM\|LISTEN_FDS\|CREDENTIALS\)')"
[ -z "$1" ] || { echo "the secret is $SECRET"; touch looked; until [ -e go ]; do sleep 0.1; done; }
SH
    # It forks away, into a session of its own.
    script forks <<'SH'
#!/bin/sh
setsid sh -c 'trap "" TERM; sleep 987654' >/dev/null 2>&1 </dev/null &
SH
    sed -i "s|^sandbox: .*|sandbox: {apps: {web: {writable: [/var/lib/web]}}}|" etc/tidegated.yaml
    echo "limits: {open_files: 333, memory: 1GiB}" >>etc/tidegated.yaml
    declare_lines 1 'shared: {dirs: [storage]}
secrets: {SECRET: {file: /etc/app/secret}}
limits: {open_files: 222, tasks: 100, memory: 4GiB, cpu: 150%}
build: [{run: ./bin/look wait}, {run: ./bin/forks}]
migrate: {up: ./bin/look, compatible: true, backup: "touch $TIDEGATE_BACKUP/made"}'
    inside env PATH="$PATH" HOME="$HOME" tidegated --config "$work/etc/tidegated.yaml" --once >once.log 2>&1 &
    local deploying=$!
    wait_for 60 inside sh -c 'ls /srv/apps/web/releases/*/looked'
    local unit="tidegate-web-1-build.1.service" canary=c4n4ry
    expect_contains "$(units_of_commands)" "$unit"
    inside systemctl show "$unit" >shown
    expect_lacks "$(cat shown)" "$canary"
    expect_contains "$(cat shown)" "Slice=system-tidegate-"
    expect_contains "$(cat shown)" "ProtectSystem=strict"
    local limit
    for limit in TasksMax=100 MemoryMax=1073741824 CPUQuotaPerSecUSec=1.500000s; do expect_contains "$(cat shown)" "$limit"; done
    expect_lacks "$(inside busctl introspect org.freedesktop.systemd1 "$(inside busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager GetUnit s "$unit" | cut -d'"' -f2)")" "$canary"
    expect_lacks "$(inside systemctl cat "$unit")" "$canary"
    expect_lacks "$(inside sh -c 'cat /proc/[0-9]*/cmdline' | tr '\0' ' ')" "$canary"
    expect_equal "$(inside setpriv --reuid neighbour --clear-groups sh -c "cat /proc/[0-9]*/environ 2>/dev/null" | grep -ac "$canary" || true)" 0
    # systemd executes itself anew, as after its update, and nobody is left waiting for an answer.
    inside systemctl daemon-reexec
    inside sh -c 'for release in /srv/apps/web/releases/*; do touch $release/go; done'
    wait "$deploying" || { cat once.log; fail "not deployed"; }
    expect_lacks "$(journal -o export | tr -d '\0')" "$canary"
    expect_lacks "$(cat state/logs/web/*.log once.log)" "$canary"
    expect_lacks "$(inside find /run /var/tmp /var/log "$work/state" -type f -newer "$work/shown" -exec grep -l "$canary" {} + 2>/dev/null || true)" /
    last_log >log
    local build migration
    build=$(sed -n '/build:.*look wait/,/build: exit/p' log)
    migration=$(sed -n '/migrate.up:/,$p' log)
    local what
    for what in "$build" "$migration"; do
        expect_contains "$what" "may not: touch /etc/here"
        expect_contains "$what" "may not: touch /srv/apps/other/shared/here"
        expect_contains "$what" "may not: touch /srv/apps/web/releases/here"
        expect_contains "$what" "may not: cat /root/private"
        expect_contains "$what" "may not: cat /home/web/notes"
        expect_contains "$what" "may not: cat /etc/app/secret"
        expect_contains "$what" "may not: unshare --user true"
        expect_contains "$what" "may: touch storage/here"
        expect_contains "$what" "may: touch /var/lib/web/here"
        expect_contains "$what" "may: touch /var/tmp/tidegate-here"
        expect_contains "$what" "CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2"
        expect_contains "$what" "processes of others: 0"
        expect_contains "$what" "cores 0, files 222, variables 0"
    done
    expect_contains "$build" "may: touch made"
    expect_contains "$build" "the secret is [secret]"
    expect_contains "$migration" "may not: touch made"
    said "build: in $unit"
    inside sh -c 'test -e /srv/apps/web/backups/*/made'
    inside sh -c '! ls /var/tmp/tidegate-here 2>/dev/null'
    expect_equal "$(inside pgrep -cf 987654 || true)" 0
    wait_for 20 no_units_of_commands # systemd forgets a unit a moment after its end
}

test_what_a_killed_daemon_left_in_a_unit_is_ended_and_no_name_is_in_the_way() {
    sandbox_world
    declare_lines 1 'build: [{run: "echo built >built"}]'
    inside_once
    expect_status 0
    # A migration that the daemon does not outlive, and that would not end by itself.
    script slow <<'SH'
#!/bin/sh
trap "" TERM
[ "$1" = up ] || { echo down; exit 0; }
touch storage/began
setsid sleep 987655 &
sleep 987655
SH
    declare_lines 2 'shared: {dirs: [storage]}
migrate: {up: ./bin/slow up, down: ./bin/slow down}'
    inside env PATH="$PATH" HOME="$HOME" tidegated --config "$work/etc/tidegated.yaml" --once >once.log 2>&1 &
    local killed=$!
    wait_for 60 inside test -e /srv/apps/web/shared/storage/began
    inside pkill -KILL -x tidegated
    wait "$killed" || true
    inside pgrep -f 987655 >/dev/null || fail "the unit did not outlive the daemon"
    expect_contains "$(units_of_commands)" "tidegate-web-2-migrate.up.service"
    inside systemctl reset-failed
    # A unit of the name that the next command wants has failed.
    inside systemd-run -q --slice="$(inside systemctl show -P Slice tidegate-web-2-migrate.up.service)" --unit=tidegate-web-2-migrate.down --service-type=oneshot false || true
    script slow <<'SH'
#!/bin/sh
exec ./bin/memory
SH
    script memory <<'SH'
#!/bin/sh
# Where this machine gives the container no controller of memory, what that would do.
grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || kill -KILL $$
exec /usr/bin/python3 -c 'x = b"x" * (300 << 20)'
SH
    declare_lines 3 'limits: {memory: 64MiB}
migrate: {up: ./bin/slow, compatible: true}'
    inside_once
    expect_status 1
    expect_contains "$err" "ended what the last run left running"
    expect_contains "$err" "unit=tidegate-web-2-migrate.up.service"
    expect_equal "$(inside pgrep -cf 987655 || true)" 0
    expect_contains "$(cat state/logs/web/2.log)" "migrate.down: exit 0"
    # And that of the third was killed for its memory.
    expect_contains "$err" "its limit of 64MiB"
    wait_for 20 no_units_of_commands # systemd forgets a unit a moment after its end
    expect_contains "$(inside readlink /srv/apps/web/current)" "releases/"
}

test_what_an_activation_starts_lives_in_its_unit_and_probes_are_silent() {
    unified=1 sandbox_world
    script restart <<'SH'
#!/bin/sh
[ ! -f storage/pid ] || kill "$(cat storage/pid)"
python3 bin/serve.py "$PORT" >/dev/null 2>&1 </dev/null &
echo $! >storage/pid
SH
    local lines="shared: {dirs: [storage]}
env: {PORT: '$port'}
activate: [{run: ./bin/restart}]
health: [{http: {url: 'http://127.0.0.1:$port/healthz', body: '{version}'}, for: 20s, interval: 100ms}, {run: 'test -w storage && ! touch here', interval: 100ms, successes: 3}]"
    sed -i "s/body = version/body = b'v' + version/; s/version.encode()/version.encode()/" web/bin/serve.py
    sed -i "s/body = .*/body = ('v' + version).encode()/" web/bin/serve.py
    declare_lines 1 "$lines"
    inside_once
    expect_status 0
    declare_lines 2 "$lines"
    inside_once
    expect_status 0
    inside_serves v2
    local pid
    pid=$(inside cat /srv/apps/web/shared/storage/pid)
    expect_contains "$(inside cat "/proc/$pid/cgroup")" "tidegate-web-2-activate.service"
    # The first one's unit went with its last process.
    first_is_gone() { case "$(units_of_commands)" in *tidegate-web-1-*) return 1 ;; esac; }
    wait_for 20 first_is_gone
    journal -o cat >journal
    expect_contains "$(cat journal)" "Tidegate: activate of web"
    expect_lacks "$(cat journal)" "Tidegate: probe of web"
    # One that fails is ended with all that it started.
    script restart <<'SH'
#!/bin/sh
setsid sleep 987656 >/dev/null 2>&1 </dev/null &
echo no >/etc/app.conf
SH
    declare_lines 3 "$lines"
    inside_once
    expect_status 1
    expect_contains "$err" "activate failed"
    expect_contains "$err" "the sandbox lets it write only /srv/apps/web/shared/storage"
    expect_equal "$(inside pgrep -cf 987656 || true)" 0
    inside_serves v2
    # One that does not end, and one that is not there.
    declare_lines 4 "$lines
build: [{run: \"trap '' TERM; echo begun; sleep 987659\", timeout: 1s}]"
    inside_once
    expect_status 1
    expect_contains "$err" "build timed out after"
    expect_equal "$(inside pgrep -cf 987659 || true)" 0
    declare_lines 5 "$lines
build: [{run: [no-such-program]}]"
    inside_once
    expect_status 1
    expect_contains "$err" "program not found: no-such-program"
    only_activations() { [ -z "$(units_of_commands | grep -v activate)" ]; }
    wait_for 20 only_activations
}

test_without_systemd_limits_hold_and_what_forks_away_is_ended() {
    [ ! -d /run/systemd/system ] || sandbox=process
    sandbox=${sandbox:-auto} world
    cat >>etc/tidegated.yaml <<YAML
limits: {memory: 2GiB, tasks: 3000, open_files: 333}
YAML
    script look <<'SH'
#!/bin/sh
echo "cores $(ulimit -c), files $(ulimit -n), tasks $(ulimit -p), data $(ulimit -d), $(grep NoNewPrivs /proc/self/status | tr -d '\t')"
echo "terminal: $(ls /dev/tty >/dev/null && (: >/dev/tty) 2>/dev/null && echo yes || echo no)"
setsid sh -c 'trap "" TERM HUP; sleep 987657' >/dev/null 2>&1 </dev/null &
SH
    declare_lines 1 'limits: {memory: 1GiB, tasks: 5000}
build: [{run: ./bin/look}]'
    once
    expect_status 0
    said "cores 0, files 333, tasks 3000, data 1048576, NoNewPrivs:1"
    said "terminal: no"
    expect_equal "$(pgrep -cf "sleep 98765[7]" || true)" 0
    # A daemon that is killed takes with it what its commands started.
    script slow <<'SH'
#!/bin/sh
setsid sleep 987658 >/dev/null 2>&1 </dev/null &
touch "$STATE/began"
sleep 987658
SH
    declare_lines 2 "env: {STATE: $work/appstate}
build: [{run: ./bin/slow}]"
    start tidegated --config "$work/etc/tidegated.yaml" --once
    wait_for 60 test -e appstate/began
    kill -KILL "$started"
    nobody_is_left() { ! pgrep -f "sleep 98765[8]"; }
    wait_for 20 nobody_is_left
}

test_a_host_that_asks_for_units_runs_nothing_without() {
    sandbox=systemd
    world
    [ ! -d /run/systemd/system ] || [ "$(id -u)" != 0 ] || skip "systemd runs here"
    declare_lines 1 'build: [{run: touch "$STATE/ran"}]'
    once
    expect_contains "$err" '`sandbox: systemd` cannot be had'
    expect_no_file appstate/ran
    run tidegatectl doctor --config "$work/etc/tidegated.yaml"
    expect_contains "$out" "sandbox: "
}
