# Whom a host believes, end to end: real keys, real bare repositories, real hooks and the real daemon, run once. Every
# refusal ends with exit code 4, names its object, and leaves the host as it was.

key() { # key NAME NAMESPACES [MORE OPTIONS]: a key pair, trusted as NAME@example.com
    [ -f "$work/$1.key" ] || ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$work/$1.key"
    echo "$1@example.com namespaces=\"$2\"${3:-} $(cut -d' ' -f1,2 "$work/$1.key.pub")" >>"$work/allowed_signers"
    chmod 644 "$work/allowed_signers"
}
as() { # as NAME COMMAND…: with that person's name and key
    local name=$1
    shift
    GIT_AUTHOR_NAME=$name GIT_AUTHOR_EMAIL=$name@example.com GIT_COMMITTER_NAME=$name \
        GIT_COMMITTER_EMAIL=$name@example.com GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=gpg.format GIT_CONFIG_VALUE_0=ssh \
        GIT_CONFIG_KEY_1=user.signingkey GIT_CONFIG_VALUE_1="$work/$name.key" "$@"
}

# A host, an app whose pre-push gate looks at a file, and a manifests branch; release 1 is up.
world() {
    key ana git,tidegate-attestation,tidegate-approval
    key ben git,tidegate-attestation,tidegate-approval
    user=
    mkdir -p "$work/srv" "$work/run" "$work/etc" "$work/seen"
    if [ "$(id -u)" = 0 ]; then
        user=nobody
        chown nobody "$work/seen"
    fi
    configure
    git init -q --bare "$work/web.git"
    git -C "$work/web.git" config uploadpack.allowAnySHA1InWant true
    new_repo "$work/web"
    cat >"$work/web/.tidegate.yaml" <<'Y'
version: 1
stages:
  pre-push:
    gates:
      - {name: unit, run: "test -f good"}
Y
    touch "$work/web/good"
    git -C "$work/web" remote add origin "$work/web.git"
    (cd "$work/web" && tidegate install >/dev/null)
    git init -q --bare "$work/deploy.git"
    new_repo "$work/deploy"
    mkdir "$work/deploy/production"
    release 1
    declare_release ana
    once
    expect_status 0
    remember
}
configure() { # configure [MORE LINES OF trust:]
    cat >"$work/etc/tidegated.yaml" <<Y
version: 1
host: {name: web-1, environment: production}
manifests: {url: "file://$work/deploy.git", branch: deploy}
trust:
  allowed_signers: $work/allowed_signers
  protocols: [file]
  ${1:-}
roots: [$work/srv]
state: $work/state
socket: $work/run/control.sock
sandbox: process
log: {format: text, level: info}
Y
    chmod 644 "$work/etc/tidegated.yaml"
}
release() { # release VERSION [git push's options]: a commit of the app, pushed by ana; its id in $commit
    echo "$1" >"$work/web/VERSION"
    git -C "$work/web" add -A
    as ana git -C "$work/web" commit -q -m "Version $1"
    as ana git -C "$work/web" push -q ${2:-} origin HEAD:main 2>/dev/null
    commit=$(git -C "$work/web" rev-parse HEAD)
}
write_manifest() {
    cat >"$work/deploy/production/web.yaml" <<Y
version: 1
app: web
release:
  git: {url: "file://$work/web.git", commit: $commit}
root: $work/srv/web
${user:+user: $user}
env: {SEEN: $work/seen}
activate: [{run: 'echo "\$TIDEGATE_COMMIT" >>"\$SEEN/activated"'}]
Y
    git -C "$work/deploy" add -A
}
declare_release() { # declare_release NAME [git commit's options]: the manifest for $commit, signed by NAME and pushed
    write_manifest
    as "$1" git -C "$work/deploy" commit -q "${2:--S}" -m "web: release"
    push_manifests
}
push_manifests() {
    git -C "$work/deploy" push -q --force "$work/deploy.git" HEAD:deploy
    tip=$(git -C "$work/deploy" rev-parse HEAD)
}
once() { run tidegated --config "$work/etc/tidegated.yaml" --once; }

activated() { [ "$(tail -n 1 "$work/seen/activated")" = "$commit" ]; }
remember() {
    before=$(hash_of_tree "$work/srv")
    seen=$(cat "$work/seen/activated")
}
# The host refused, said this, and is as it was.
expect_refused() {
    once
    expect_status 4
    local part
    for part in "$@"; do expect_contains "$out$err" "$part"; done
    expect_equal "$(hash_of_tree "$work/srv")" "$before"
    expect_equal "$(cat "$work/seen/activated")" "$seen"
}
expect_deployed() {
    once
    expect_status 0
    expect_equal "$(tail -n 1 "$work/seen/activated")" "$commit"
}

test_a_signed_revision_of_an_attested_tree_is_deployed() {
    world
    release 2
    declare_release ben
    expect_deployed
}

test_attack_1_an_unsigned_tip_is_refused_until_somebody_signs_on_top() {
    world
    release 2
    declare_release ana --no-gpg-sign
    expect_refused "${tip:0:7}" "commit is not signed"
    as ben git -C deploy commit -q --allow-empty -S -m "Looked at"
    push_manifests
    expect_deployed
}

test_attack_5_a_tip_signed_by_a_key_for_another_namespace_is_refused() {
    world
    key ci tidegate-attestation
    release 2
    declare_release ci
    expect_refused "${tip:0:7}" "may not sign in namespace \`git\`" ci@example.com
}

test_attack_6_a_tip_by_an_unlisted_key_is_refused_and_so_is_a_back_dated_one() {
    world
    release 2
    ssh-keygen -q -t ed25519 -N '' -f eve.key
    declare_release eve
    expect_refused "${tip:0:7}" "is not listed in $work/allowed_signers"
    git -C deploy reset -q --hard HEAD^
    key old git ',valid-before="20200101Z"'
    export GIT_AUTHOR_DATE=2019-06-01T00:00:00Z GIT_COMMITTER_DATE=2019-06-01T00:00:00Z
    declare_release old
    unset GIT_AUTHOR_DATE GIT_COMMITTER_DATE
    expect_refused "${tip:0:7}" "was valid until 2020-01-01"
}

test_attack_16_a_rewound_branch_is_refused_and_a_revert_is_the_way_back() {
    world
    first=$commit
    release 2
    declare_release ana
    expect_deployed
    remember
    accepted=$tip
    git -C deploy reset -q --hard HEAD^
    push_manifests
    expect_refused "${tip:0:7}" "is older than ${accepted:0:7}" rewound "git revert"
    git -C deploy reset -q --hard "$accepted"
    as ana git -C deploy -c commit.gpgsign=true revert --no-edit HEAD >/dev/null
    push_manifests
    commit=$first
    expect_deployed
}

test_attack_17_a_replaced_branch_is_refused_until_the_host_names_it() {
    world
    base=$tip
    release 2
    declare_release ana
    expect_deployed
    remember
    accepted=$tip
    git -C deploy reset -q --hard "$base"
    release 3
    declare_release ana
    expect_refused "${tip:0:7}" "does not descend from ${accepted:0:7}" "accept: $tip"
    configure "accept: $tip"
    expect_deployed
}

test_attack_21_a_lost_database_does_not_open_the_way_back() {
    world
    release 2
    declare_release ana
    expect_deployed
    remember
    git -C deploy reset -q --hard HEAD^
    push_manifests
    rm -f state/state.db*
    expect_refused "${tip:0:7}" rewound
}

test_attack_15_a_tree_that_nobody_attested_is_refused() {
    world
    release 2 --no-verify
    tree=$(git -C web rev-parse 'HEAD^{tree}')
    declare_release ana
    expect_refused "tree ${tree:0:7}" "commit ${commit:0:7}" "not attested for pre-push"
}

test_attack_15_gates_weakened_for_one_run_prove_nothing() {
    world
    rm web/good
    release 2 --no-verify
    tree=$(git -C web rev-parse 'HEAD^{tree}')
    # The same tree's gates, run from a clone whose attestation is for another definition.
    python3 - "$work" "$tree" "$commit" <<'P'
import base64, hashlib, json, subprocess, sys, textwrap
work, tree, commit = sys.argv[1:]
statement = json.dumps({
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"digest": {"gitTree": tree}}, {"digest": {"gitCommit": commit}}],
    "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
    "predicate": {
        "result": "PASSED",
        "configuration": [{"name": ".tidegate.yaml", "digest": {"sha256": hashlib.sha256(b"weaker").hexdigest()}}],
        "passedTests": ["unit"], "failedTests": [],
        "tidegate": {"stage": "pre-push", "gates": [{"name": "unit", "outcome": "passed", "ms": 1}],
                     "finished": "2026-01-01T00:00:00Z", "version": "0.1.0"}}}).encode()
kind = b"application/vnd.in-toto+json"
signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(statement), statement)
armor = subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "tidegate-attestation", "-f", work + "/ana.key"],
                       input=signed, capture_output=True, check=True).stdout.decode()
envelope = json.dumps({"payload": base64.b64encode(statement).decode(), "payloadType": kind.decode(),
                       "signatures": [{"keyid": "", "sig": "".join(armor.split("\n")[1:-2])}]})
key = base64.b64decode(open(work + "/ana.key.pub").read().split()[1])
name = f"{tree[:2]}/{tree}/pre-push.{hashlib.sha256(key).hexdigest()}.json"
git = ["git", "-C", work + "/web.git", "-c", "user.name=x", "-c", "user.email=x@x"]
blob = subprocess.run(git + ["hash-object", "-w", "--stdin"], input=envelope.encode(), capture_output=True,
                      check=True).stdout.decode().strip()
env = {"GIT_INDEX_FILE": work + "/forged.index", "PATH": "/usr/bin:/bin", "HOME": work}
subprocess.run(git + ["update-index", "--add", "--cacheinfo", f"100644,{blob},{name}"], check=True, env=env)
made = subprocess.run(git + ["write-tree"], check=True, env=env, capture_output=True).stdout.decode().strip()
one = subprocess.run(git + ["commit-tree", "-m", "x", made], check=True, env=env, capture_output=True).stdout.decode().strip()
subprocess.run(git + ["update-ref", "refs/tidegate/attestations", one], check=True)
P
    declare_release ana
    expect_refused "tree ${tree:0:7}" "other gates than the tree defines"
}

test_attack_14_the_authors_approval_does_not_count() {
    world
    configure "approvals: 1"
    release 2
    declare_release ana
    (cd deploy && as ana tidegate approve web --env production >/dev/null)
    push_manifests
    expect_refused production/web.yaml "0 of 1 approval" "ana@example.com is the author of the change"
}

test_attack_14_anothers_approval_counts() {
    world
    configure "approvals: 1"
    release 2
    declare_release ana
    (cd deploy && as ben tidegate approve web --env production >/dev/null)
    push_manifests
    expect_deployed
}

branch_rules() { printf 'version: 1\nenvironments:\n  staging:\n  production: {%s}\n%s' "$1" "${2:-}" >deploy/tidegate.yaml; }
a_daemon() {
    start tidegated --config "$work/etc/tidegated.yaml"
    host_pid=$started
    export TIDEGATE_SOCKET=$work/run/control.sock
    wait_for 20 daemon_answers
}

test_approvals_that_tidegate_yaml_asks_for_are_counted() {
    world
    key cleo git,tidegate-approval
    branch_rules "approvals: 2"
    release 2
    declare_release ana
    (cd deploy && as ben tidegate approve web --env production >/dev/null)
    push_manifests
    expect_refused production/web.yaml "1 of 2 approvals (ben@example.com)"
    (cd deploy && as cleo tidegate approve web --env production >/dev/null)
    push_manifests
    expect_deployed
}

test_the_branch_cannot_ask_for_fewer_approvals_than_the_host() {
    world
    configure "approvals: 1"
    branch_rules "approvals: 0"
    release 2
    declare_release ana
    expect_refused production/web.yaml "0 of 1 approval"
}

test_a_freeze_keeps_a_release_back_but_not_a_rollback() {
    world
    first=$commit
    release 2
    declare_release ana
    expect_deployed
    remember
    year=$(date -u +%Y)
    branch_rules "freezes: [{from: \"$year-01-01\", to: \"$((year + 1))-12-31\", reason: the audit}]"
    release 3
    declare_release ana
    expect_refused "a freeze keeps deployments back (the audit); it opens at $((year + 2))-01-01T00:00:00Z"
    a_daemon
    run tidegatectl sync
    expect_status 4
    expect_contains "$out" waiting
    run tidegatectl why web
    expect_contains "$out" "the audit"
    expect_contains "$out" "It begins by itself in"
    run tidegatectl plan web
    expect_contains "$out" wait
    # Back to release 1, which ran here before.
    commit=$first
    declare_release ana
    run tidegatectl sync
    expect_status 0
    expect_equal "$(tail -n 1 "$work/seen/activated")" "$first"
}

test_strategy_manual_waits_for_retry() {
    world
    branch_rules "strategy: manual"
    release 2
    declare_release ana
    expect_refused "strategy manual: tidegatectl retry web deploys it"
    a_daemon
    run tidegatectl sync
    expect_status 4
    expect_contains "$out" "strategy manual: tidegatectl retry web deploys it"
    expect_equal "$(cat "$work/seen/activated")" "$seen"
    run tidegatectl retry web
    wait_for 30 activated
    # The next one waits again.
    release 3
    declare_release ana
    run tidegatectl sync
    expect_status 4
    expect_equal "$(tail -n 1 "$work/seen/activated")" "$(git -C web rev-parse HEAD^)"
}

test_a_tidegate_yaml_that_cannot_be_read_refuses_the_revision() {
    world
    branch_rules "aprovals: 2"
    release 2
    declare_release ana
    once
    expect_status 2
    expect_contains "$err" "tidegate.yaml:4:"
    expect_contains "$err" "approvals"
    expect_equal "$(hash_of_tree "$work/srv")" "$before"
    branch_rules "approvals: 0"
    declare_release ana
    expect_deployed
}

test_what_a_host_does_not_honour_is_said() {
    world
    branch_rules "requires: {environment: staging}" "notifications: [{slack: {credential: chat}}]
"
    declare_release ana
    once
    expect_status 0
    expect_contains "$err" "asks for what this host does not honour"
    expect_contains "$err" "promotion"
    a_daemon
    wait_for 10 tidegatectl why web
    for command in why verify; do
        run tidegatectl $command web
        expect_contains "$out" "tidegate.yaml also asks for promotion (\`requires\` staging), \`notifications\`, which this host does not honour"
    done
}

test_a_refused_app_waits_and_the_revision_that_brings_the_approval_is_taken_at_once() {
    world
    configure "approvals: 1"
    release 2
    declare_release ana
    expect_refused production/web.yaml "0 of 1 approval"
    a_daemon
    run tidegatectl sync
    expect_status 4
    expect_contains "$out" waiting
    expect_contains "$out" "0 of 1 approval"
    run tidegatectl why web
    expect_contains "$out" "verify refused it: production/web.yaml"
    expect_contains "$out" "tidegate approve web --env production"
    expect_contains "$out" "tidegatectl sync web"
    (cd deploy && as ben tidegate approve web --env production >/dev/null)
    push_manifests
    # By the next look, long before the minute after which a refusal is asked again unchanged.
    kill -HUP "$host_pid"
    wait_for 30 activated
}

test_attack_32_allowed_signers_that_others_may_write_are_not_believed() {
    world
    release 2
    declare_release ana
    chmod 666 allowed_signers
    once
    [ "$status" -ne 0 ] || fail "a file that anybody may write was believed"
    expect_contains "$out$err" "others may write the allowed signers"
    expect_equal "$(hash_of_tree srv)" "$before"
    chmod 644 allowed_signers
    expect_deployed
}
