# The daemon towards its host: the service manager, its configuration, its watchdog, its log.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

# manager [VARIABLE=VALUE…]: the daemon under one that listens as systemd does; what it hears goes to $work/heard.
manager() {
    cat >"$work/manager.py" <<'PY'
import os, socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("notify")
process = subprocess.Popen(["tidegated", "--config", "etc/tidegated.yaml"],
                           env=dict(os.environ, NOTIFY_SOCKET=os.path.abspath("notify"), **dict(a.split("=", 1) for a in sys.argv[1:])))
open("pid", "w").write(str(process.pid))
with open("heard", "w", buffering=1) as heard:
    while True:
        heard.write(listener.recv(4096).decode().replace("\n", " ") + "\n")
PY
    start python3 "$work/manager.py" "$@"
    wait_for 20 grep -q READY=1 heard
    daemon_pid=$(cat pid)
    echo "$daemon_pid" >>"$work/.started"
}

test_it_tells_its_manager_what_it_does_and_gives_signs_of_life() {
    world
    release 1 1 1
    declare_release 1 "keep: 2"
    manager WATCHDOG_USEC=400000
    wait_for 20 serves 1
    adopt_service
    wait_for 20 grep -q "STATUS=1 converged" heard
    before=$(grep -c WATCHDOG=1 heard || true)
    more_signs() { [ "$(grep -c WATCHDOG=1 heard)" -gt $((before + 2)) ]; }
    wait_for 20 more_signs
    # A loop that does not run gives none: the manager ends it.
    kill -STOP "$daemon_pid"
    wait_for 5 grep -q '^State:.*T' "/proc/$daemon_pid/status"
    kill -CONT "$daemon_pid"
    kill -HUP "$daemon_pid"
    wait_for 20 grep -q "RELOADING=1 MONOTONIC_USEC=[0-9]" heard
    kill -TERM "$daemon_pid"
    wait_for 20 grep -q STOPPING=1 heard
}

test_a_wrong_configuration_is_told_of_and_not_taken_over() {
    world
    release 1 1 1
    declare_release 1 "keep: 2"
    interval=1h
    host
    daemon
    wait_for 20 serves 1
    adopt_service
    echo "intervall: 5s" >>etc/tidegated.yaml
    kill -HUP "$daemon_pid"
    wait_for 20 grep -q "the configuration is not taken over" .background.log
    grep -q "tidegated.yaml:13:1" .background.log || fail "no place: $(tail -n3 .background.log)"
    wait_for 20 state_is converged
    # A right one is taken over: with the next look so soon, the next release comes by itself.
    interval=1s
    host
    sed -i "s|^state: .*|state: $work/elsewhere|" etc/tidegated.yaml
    kill -HUP "$daemon_pid"
    wait_for 20 grep -q 'some of it needs a restart.*keys=state' .background.log
    release 2 1 1
    declare_release 2 "keep: 2"
    wait_for 20 serves 2
    adopt_service
    expect_no_file elsewhere
}

test_a_socket_that_the_manager_holds_is_used_and_left() {
    world
    release 1 1 1
    declare_release 1 "keep: 2"
    cat >hold.py <<'PY'
import os, socket
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind("run/control.sock")
listener.listen(16)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp("tidegated", ["tidegated", "--config", "etc/tidegated.yaml"])
PY
    start python3 hold.py
    daemon_pid=$started
    wait_for 20 state_is converged
    adopt_service
    kill -TERM "$daemon_pid"
    wait_for 20 bash -c "! kill -0 $daemon_pid"
    expect_file run/control.sock
}

test_attack_18_a_branch_that_is_silent_keeps_all_running_and_is_reported_as_stale() {
    world
    sed -i 's/interval: 1s/interval: 1s, stale_after: 3s/' etc/tidegated.yaml
    release 1 1 1
    declare_release 1 "keep: 2"
    daemon
    wait_for 20 state_is converged
    adopt_service
    : >.background.log
    mv deploy.git gone.git
    stale() { tidegatectl status --json | python3 -c 'import json,sys; s=json.load(sys.stdin); sys.exit(not ("not reached" in s["stale"] and "stale: " in s["apps"][0]["reason"]))'; }
    wait_for 30 stale
    expect_equal "$(grep -c ' stale: what is declared may have changed' .background.log)" 1
    state_is converged
    serves 1
    run tidegatectl status
    expect_contains "$out" "stale: the manifests branch was not reached for "
    run tidegatectl why web
    expect_contains "$out" "What is declared may be stale"
    run tidegatectl doctor --config etc/tidegated.yaml
    expect_status 1
    expect_contains "$out" "stale: the manifests branch was not reached"
    # A new daemon has not forgotten since when.
    kill -TERM "$daemon_pid"
    wait_for 20 bash -c "! kill -0 $daemon_pid"
    sed -i 's/stale_after: 3s/stale_after: 5s/' etc/tidegated.yaml
    : >.background.log
    daemon
    wait_for 30 grep -q ' stale: what is declared may have changed.*not reached' .background.log
    expect_lacks "$(cat .background.log)" "never reached"
    mv gone.git deploy.git
    wait_for 30 grep -q "no longer stale" .background.log
    fresh() { [ "$(tidegatectl status --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["stale"])')" = "" ]; }
    wait_for 20 fresh
    serves 1
}

test_it_sleeps_between_its_looks() {
    world
    command -v strace >/dev/null || skip "needs strace"
    release 1 1 1
    declare_release 1 "keep: 2"
    interval=1h
    host
    daemon
    wait_for 20 state_is converged
    adopt_service
    strace -o /dev/null true 2>/dev/null || skip "nothing may be traced here"
    # What follows a deployment may still be going on when it is told as converged.
    sleeps() {
        rm -f trace
        timeout 2 strace -f -o trace -p "$daemon_pid" || true
        [ -s trace ] && ! grep -v 'restart_syscall\|poll(.*unfinished\|strace:\|resumed\|futex(.*unfinished\|<detached' trace
    }
    wait_for 20 sleeps
}

test_doctor_finds_what_is_wrong_and_says_what_mends_it() {
    world
    run tidegatectl doctor --config "$work/etc/tidegated.yaml"
    expect_status 1
    expect_contains "$out" "no tidegated answers"
    release 1 1 1
    declare_release 1 "keep: 2"
    daemon
    wait_for 20 state_is converged
    adopt_service
    run tidegatectl doctor --config "$work/etc/tidegated.yaml"
    expect_status 0
    expect_contains "$out" "this host can do its work"
    expect_contains "$out" "app web: converged"
    run tidegatectl doctor --config "$work/etc/tidegated.yaml" --json
    expect_status 0
    echo "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin); assert d["good"] and any(f["what"]=="journal" for f in d["findings"])'
    # A key that ends soon, a remote that is gone, a folder that others may write.
    soon=$(date -u -d '+5 days' +%Y%m%d)
    sed -i "s/ namespaces=/ valid-before=\"$soon\",namespaces=/" allowed_signers
    mv deploy.git gone.git
    chmod o+w state
    run tidegatectl doctor --config "$work/etc/tidegated.yaml"
    expect_status 1
    expect_contains "$out" "is valid until"
    expect_contains "$out" "manifests file://"
    expect_contains "$out" "chmod go-w $work/state"
    expect_contains "$out" "2 faults to mend"
    chmod o-w state
    echo "stat: x" >>etc/tidegated.yaml
    run tidegatectl doctor --config "$work/etc/tidegated.yaml"
    expect_status 1
    expect_contains "$out" "unknown key \`stat\`"
    expect_contains "$out" "tidegated.yaml:13:1"
}
