# The reconciler on a host with systemd: this machine's own files, booted once more in a container (systemd-nspawn over
# an overlay that forgets everything), with a network of its own. Needs root, and says so where it can't run.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

# boot [UNIT_FILE…]: the host is up; `inside COMMAND…` runs in it. $work is the same folder inside and outside.
boot() {
    [ "$(id -u)" = 0 ] || skip "needs root to boot a container"
    local need
    for need in systemd-nspawn nsenter unshare dbus-daemon; do
        command -v $need >/dev/null || skip "needs $need (packages systemd-container, dbus)"
    done
    [ -x /lib/systemd/systemd ] || skip "needs systemd's own program"
    mkdir -p "$work/units" "$work/layer"
    cat >"$work/boot" <<SH
#!/bin/bash
set -e
mount -t tmpfs -o mode=755 tmpfs "$work/layer"
mkdir "$work/layer/lower" "$work/layer/up" "$work/layer/work" "$work/layer/root"
mount --bind / "$work/layer/lower"
mount -t overlay overlay -o lowerdir="$work/layer/lower",upperdir="$work/layer/up",workdir="$work/layer/work" "$work/layer/root"
root=$work/layer/root
: >"\$root/etc/machine-id"
rm -f "\$root"/etc/systemd/system/*.wants/*
cp "$work/units"/* "\$root/etc/systemd/system/" 2>/dev/null || true
exec systemd-nspawn -q -D "\$root" --register=no --keep-unit --private-network --machine=host --console=read-only \
    --bind="$work" --bind-ro="$TIDEGATE_BIN" -b systemd.unit=multi-user.target
SH
    chmod +x "$work/boot"
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=${unified:-$([ -e /sys/fs/cgroup/cgroup.controllers ] && echo 1 || echo 0)} \
        setsid unshare -m "$work/boot" >"$work/boot.log" 2>&1 </dev/null &
    echo $! >>"$work/.started"
    nspawn=$!
    local until=$((SECONDS + 300)) state=
    host_pid=
    # Degraded, too: not everything that this machine has need come up in a container.
    until case $state in running | degraded) true ;; *) false ;; esac; do
        kill -0 "$nspawn" 2>/dev/null || skip "no container can be booted here: $(tail -n1 "$work/boot.log" | tr -d '\033\r')"
        [ $SECONDS -lt $until ] || fail "the host did not come up: $(tail -n5 "$work/boot.log")"
        sleep 0.1
        host_pid=$(pgrep -P "$nspawn" -x systemd || true)
        [ -z "$host_pid" ] || state=$(inside systemctl is-system-running 2>/dev/null || true)
    done
    echo "$host_pid" >>"$work/.started" # it outlives its container's keeper
}
inside() { nsenter -t "$host_pid" -a env -C "$work" "$@"; }
# journal OPTION…: of the host, with what its services have written so far.
journal() {
    inside journalctl --sync
    inside journalctl "$@"
}
inside_once() { run inside env PATH="$PATH" HOME="$HOME" tidegated --config "$work/etc/tidegated.yaml" --once; }
# A unit of the app: unit NAME, its file on stdin.
unit() { cat >"$work/units/$1"; }

# What `world` gives, with a service of systemd's in the place of a script.
host_world() {
    mkdir -p "$work/units"
    sandbox="{writable: [$work/appstate]}" world
    unit web.service <<UNIT
[Unit]
StartLimitIntervalSec=0
[Service]
User=nobody
WorkingDirectory=$work/srv/web/current
ExecStart=/usr/bin/python3 bin/serve.py $port
Restart=on-failure
RestartSec=100ms
UNIT
    boot
    activate="[{restart: web.service}]"
}
inside_serves() { [ "$(inside curl -fsS "http://127.0.0.1:$port/")" = "$1" ]; }

test_a_unit_is_restarted_over_dbus_and_one_that_dies_or_flaps_is_reverted_with_its_last_words() {
    host_world
    release 1 1 0
    declare_release 1
    inside_once
    expect_status 0
    inside_serves 1
    # The next one dies a moment after systemd called it started, again and again.
    echo 'import time; time.sleep(0.3); raise SystemExit("no such table: users")' >"$work/web/bin/serve.py"
    release 2 1 1
    activate="[{restart: web.service, settle: 60s}]" declare_release 2
    inside_once
    expect_status 1
    expect_contains "$err" "restart of web.service did not last: systemd keeps starting it again"
    expect_contains "$err" "it said: no such table: users"
    inside_serves 1
    expect_equal "$(inside systemctl is-active web.service)" active
}

test_every_kind_of_activation_step_reaches_its_unit() {
    mkdir -p "$work/units"
    # Rings when it is told to, by its unit or by its pid file.
    unit bell.service <<UNIT
[Service]
User=nobody
ExecStart=/bin/sh -c 'trap "echo usr1 >>$work/appstate/rung" USR1; trap "echo hup >>$work/appstate/rung" HUP; echo \$\$\$\$ >$work/appstate/bell.pid; while :; do sleep 0.1; done'
[Install]
WantedBy=multi-user.target
UNIT
    unit job.service <<UNIT
[Service]
Type=oneshot
User=nobody
ExecStart=/bin/sh -c 'echo ran >>$work/appstate/job'
UNIT
    host_world
    activate="[{enable: bell.service}, {start: bell.service, settle: 200ms}, {signal: {unit: bell.service, signal: USR1}}, {start: job.service, settle: 0}, {reload-or-restart: web.service, settle: 0}, {run: 'until test -s \$STATE/bell.pid; do sleep 0.1; done'}, {signal: {pidfile: $work/appstate/bell.pid, signal: HUP}}]"
    release 1 1 0
    declare_release 1
    inside_once
    expect_status 0
    inside_serves 1
    expect_equal "$(inside systemctl is-enabled bell.service)" enabled
    expect_equal "$(cat appstate/job)" ran
    wait_for 10 grep -q usr1 appstate/rung
    wait_for 10 grep -q hup appstate/rung
    release 2 1 1
    activate="[{restart: web.service}, {restart: nowhere.service}]" declare_release 2
    inside_once
    expect_status 1
    expect_contains "$err" "this host has no unit nowhere.service"
    expect_contains "$err" "held"
    inside_serves 1
}

live_instance() { sed -n 's/^# The live instance is \([a-z]*\)\..*/\1/p' "$work/srv/web/$upstream"; }
# Asks the proxy without end; each answer that is none goes to $work/lost.
ask_without_end() {
    cat >"$work/ask" <<SH
#!/bin/bash
while :; do curl -fsS -o /dev/null http://127.0.0.1:$1/ 2>>"$work/lost" && echo >>"$work/asked"; sleep 0.02; done
SH
    chmod +x "$work/ask"
    : >"$work/lost"
    inside "$work/ask" >/dev/null 2>&1 </dev/null &
    asking=$!
}

# behind_nginx, behind_haproxy: a proxy's unit and configuration that read what tidegated writes.
behind_nginx() {
    [ -x /usr/sbin/nginx ] || skip "needs nginx"
    upstream=upstream.conf
    cat >nginx.conf <<CONF
error_log stderr; pid $work/nginx.pid;
events {}
http {
  include $work/srv/web/upstream.conf;
  access_log off;
  server { listen 127.0.0.1:$port; location / { proxy_pass http://web; } }
}
CONF
    cat >proxy.service <<UNIT
[Service]
ExecStart=/usr/sbin/nginx -c $work/nginx.conf -g 'daemon off;'
ExecReload=/bin/kill -HUP \$MAINPID
UNIT
}
behind_haproxy() {
    [ -x /usr/sbin/haproxy ] || skip "needs haproxy"
    upstream=upstream.cfg
    cat >haproxy.cfg <<CONF
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend web
    bind 127.0.0.1:$port
    default_backend web
CONF
    cat >proxy.service <<UNIT
[Service]
Type=notify
ExecStart=/usr/sbin/haproxy -Ws -f $work/haproxy.cfg -f $work/srv/web/upstream.cfg
ExecReload=/bin/kill -USR2 \$MAINPID
KillMode=mixed
UNIT
}

# take_turns PROXY
take_turns() {
    host_world
    local blue=$((port + 1)) green=$((port + 2)) drain=2s
    # HAProxy's reload returns before the new process has taken over, which a busy machine takes long for.
    [ "$1" != haproxy ] || drain=6s
    "behind_$1"
    cat >"$work/instance.service" <<UNIT
[Service]
User=nobody
WorkingDirectory=$work/srv/web/%i
EnvironmentFile=$work/%i.env
ExecStart=/usr/bin/python3 bin/serve.py \${PORT}
UNIT
    echo "PORT=$blue" >blue.env
    echo "PORT=$green" >green.env
    inside cp instance.service /etc/systemd/system/web@.service
    inside cp proxy.service /etc/systemd/system/proxy.service
    inside systemctl daemon-reload
    local turns="strategy: blue-green
instances: {unit: web@.service, blue: 127.0.0.1:$blue, green: 127.0.0.1:$green, drain: $drain}
upstream: {proxy: $1, name: web, reload: proxy.service}"
    activate="[]"
    release 1 1 1
    probed="{instance}" declare_release 1 "$turns"
    inside_once
    expect_status 0
    expect_equal "$(live_instance)" blue
    wait_for 20 inside_serves 1 # a proxy reloads in the background
    ask_without_end "$port"
    release 2 1 1
    probed="{instance}" declare_release 2 "$turns"
    inside_once
    expect_status 0
    expect_equal "$(live_instance)" green
    wait_for 20 inside_serves 2
    expect_equal "$(inside systemctl is-active web@blue.service || true)" inactive
    # One that fails before the switch is never seen by anybody.
    release 3 1 1 broken
    patience=6s probed="{instance}" declare_release 3 "$turns"
    inside_once
    expect_status 1
    expect_contains "$err" "before the switch: blue: http://127.0.0.1:$blue/healthz answered 503"
    expect_equal "$(live_instance)" green
    # One that fails after it: the way back is one reload, for the former instance still runs.
    release 4 1 1
    declare_release 4 "$turns"
    printf '  - {run: "false", for: 500ms}\n' >>deploy/production/web.yaml
    git -C deploy commit -q -S -am "a probe that fails"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
    inside_once
    expect_status 1
    expect_contains "$err" "reverted"
    expect_equal "$(live_instance)" green
    wait_for 20 inside_serves 2
    expect_equal "$(inside systemctl is-active web@blue.service || true)" inactive
    expect_equal "$(inside systemctl show -P NRestarts web@green.service)" 0
    kill "$asking"
    expect_equal "$(cat lost)" ""
    [ "$(wc -l <asked)" -gt 20 ] || fail "asked only $(wc -l <asked) times"
}

test_two_instances_take_turns_behind_nginx_without_a_lost_request() { take_turns nginx; }
test_two_instances_take_turns_behind_haproxy_without_a_lost_request() { take_turns haproxy; }

test_the_installed_unit_starts_deploys_reloads_and_leaves_its_apps_running() {
    local program
    host_world
    program=$(dirname "$TIDEGATE_BIN")/systemd/tidegated.service
    [ -e "$program" ] || skip "no unit was configured"
    release 1 1 1
    declare_release 1 "keep: 2
build: [{run: id -un >who}]"
    inside mkdir -p /etc/tidegate
    inside cp etc/tidegated.yaml /etc/tidegate/tidegated.yaml
    inside sed -i "s|^state: .*|state: /var/lib/tidegate|; s|^socket: .*|socket: /run/tidegate/control.sock|" /etc/tidegate/tidegated.yaml
    sed "s|^ExecStart=[^ ]*|ExecStart=$TIDEGATE_BIN/tidegated|" "$program" >tidegated.service
    inside cp tidegated.service /etc/systemd/system/tidegated.service
    inside systemctl daemon-reload
    # Returns when the daemon says that it is ready, and not before.
    inside systemctl start tidegated.service
    expect_contains "$(inside systemctl show -P StatusText tidegated.service)" "apps"
    wait_for 30 inside_serves 1
    converged() { inside systemctl show -P StatusText tidegated.service | grep "1 converged"; }
    wait_for 20 converged
    inside systemctl reload tidegated.service
    wait_for 20 bash -c "nsenter -t $host_pid -a journalctl -u tidegated -o cat | grep 'configuration was read again'"
    inside env -u TIDEGATE_SOCKET "$TIDEGATE_BIN/tidegatectl" doctor >doctor || { cat doctor; inside journalctl -u tidegated -o cat | tail -n5; fail "doctor"; }
    expect_contains "$(cat doctor)" "tidegated.service is active (running)"
    expect_contains "$(cat doctor)" "sandbox: each command of a release is a unit of systemd below system-tidegate.slice"
    # Its own fences let it ask for those of the commands.
    expect_contains "$(journal -o cat)" "Tidegate: build of web"
    expect_equal "$(cat srv/web/current/who)" nobody
    inside systemctl stop tidegated.service
    expect_equal "$(inside systemctl show -P Result tidegated.service)" success
    inside_serves 1
}
