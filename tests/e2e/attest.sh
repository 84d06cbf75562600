# Attestations: made by a push that passed, kept on the remote, provable with ssh-keygen alone.

ref=refs/tidegate/attestations

app() {
    git init -q --bare far.git
    new_repo "${1:-app}"
    (
        cd "${1:-app}"
        cat >.tidegate.yaml <<'Y'
version: 1
stages:
  pre-push:
    gates:
      - {name: unit, run: "test -f good"}
      - {name: lint, run: "true"}
Y
        touch good
        git add -A
        git commit -qm one
        git remote add origin "$work/far.git"
        tidegate install >/dev/null
    )
}
key() { # key NAME: a key pair, trusted as NAME@example.com
    ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$work/$1.key"
    echo "$1@example.com namespaces=\"tidegate-attestation\" $(cut -d' ' -f1,2 "$work/$1.key.pub")" >>"$work/allowed"
    chmod 644 "$work/allowed"
}
use_key() { # use_key REPOSITORY NAME
    git -C "$1" config gpg.format ssh
    git -C "$1" config user.signingkey "$work/$2.key"
}
envelopes() { git -C "$1" ls-tree -r --name-only $ref; }

test_a_push_that_passed_leaves_a_proof_on_the_remote() {
    app
    key ana
    use_key app ana
    run git -C app push origin main
    expect_status 0
    tree=$(git -C app rev-parse 'main^{tree}')
    expect_contains "$err" "attested: tree ${tree:0:7} → origin"
    fingerprint=$(python3 -c '
import base64, hashlib, sys
print(hashlib.sha256(base64.b64decode(open(sys.argv[1]).read().split()[1])).hexdigest())' ana.key.pub)
    expect_equal "$(envelopes far.git)" "${tree:0:2}/$tree/pre-push.$fingerprint.json"
}

test_the_proof_can_be_checked_with_ssh_keygen_alone() {
    app
    key ana
    use_key app ana
    git -C app push -q origin main 2>/dev/null
    git -C far.git cat-file blob "$ref:$(envelopes far.git)" >envelope.json
    python3 - <<'P'
import base64, json, textwrap
envelope = json.load(open("envelope.json"))
payload = base64.b64decode(envelope["payload"])
kind = envelope["payloadType"].encode()
open("pae", "wb").write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
lines = "\n".join(textwrap.wrap(envelope["signatures"][0]["sig"], 70))
open("sig", "w").write("-----BEGIN SSH SIGNATURE-----\n" + lines + "\n-----END SSH SIGNATURE-----\n")
open("statement.json", "wb").write(payload)
P
    run bash -c 'ssh-keygen -Y verify -f allowed -I ana@example.com -n tidegate-attestation -s sig <pae'
    expect_status 0
    expect_contains "$out" "Good"
    run python3 -c '
import json
s = json.load(open("statement.json"))
print(s["_type"], s["predicateType"], s["subject"][0]["digest"]["gitTree"], s["predicate"]["result"])'
    expect_equal "$out" "https://in-toto.io/Statement/v1 https://in-toto.io/attestation/test-result/v0.1 $(git -C app rev-parse 'main^{tree}') PASSED"
}

test_a_push_that_failed_leaves_none() {
    app
    key ana
    use_key app ana
    git -C app rm -q good
    git -C app commit -qm bad
    run git -C app push origin main
    expect_status 1
    run git -C far.git rev-parse --verify -q $ref
    expect_status 1
    run git -C app rev-parse --verify -q $ref
    expect_status 1
}

test_a_skipped_gate_is_not_attested() {
    app
    key ana
    use_key app ana
    TIDEGATE_SKIP=lint run git -C app push origin main
    expect_status 0
    expect_contains "$err" "nothing attested: lint was skipped"
    run git -C far.git rev-parse --verify -q $ref
    expect_status 1
}

test_without_a_key_the_gates_gate_and_one_line_says_so() {
    app
    run git -C app push origin main
    expect_status 0
    expect_equal "$(grep -c 'nothing attested: no signing key is set up' <<<"$err")" 1
    git -C far.git rev-parse -q --verify main >/dev/null
}

test_a_key_of_gpg_is_told_apart() {
    app
    git -C app config user.signingkey 0xDEADBEEF
    run git -C app push origin main
    expect_status 0
    expect_contains "$err" "nothing attested: user.signingkey is not an SSH key (gpg.format is openpgp)"
}

test_a_remote_that_refuses_is_told_of_and_does_not_stop_the_push() {
    app
    key ana
    use_key app ana
    printf '#!/bin/sh\nwhile read -r old new ref; do case $ref in refs/tidegate/*) echo "no proofs here" >&2; exit 1;; esac; done\n' >far.git/hooks/pre-receive
    chmod +x far.git/hooks/pre-receive
    run git -C app push origin main
    expect_status 0
    expect_contains "$err" "cannot push the attestation to origin: [remote rejected] (pre-receive hook declined)"
    expect_equal "$(git -C far.git rev-parse main)" "$(git -C app rev-parse main)"
    run git -C far.git rev-parse --verify -q $ref
    expect_status 1
    # It is kept here, and can be brought later.
    rm far.git/hooks/pre-receive
    run tidegate -C app attest push
    expect_status 0
    git -C far.git rev-parse -q --verify $ref >/dev/null
}

test_a_remote_that_cannot_be_reached_is_told_of() {
    app
    key ana
    use_key app ana
    run tidegate -C app run pre-push --attest
    expect_status 0
    run tidegate -C app attest push "$work/nowhere.git"
    expect_status 3
    expect_contains "$err" "cannot push the attestation to"
}

test_two_who_do_not_know_of_each_other_are_both_kept() {
    app
    key ana
    key ben
    use_key app ana
    git -C app push -q origin main 2>/dev/null
    git clone -q far.git other
    cd other
    tidegate install >/dev/null
    use_key . ben
    git checkout -qb side
    echo more >"more"
    git add more
    git commit -qm two
    run git push origin side
    expect_status 0
    expect_contains "$err" "attested:"
    cd ..
    expect_equal "$(envelopes far.git | wc -l)" 2
    # … and the first, who has not heard of it, goes on.
    echo third >app/third
    git -C app add third
    git -C app commit -qm three
    run git -C app push origin main
    expect_status 0
    expect_equal "$(envelopes far.git | wc -l)" 3
    expect_equal "$(envelopes app | wc -l)" 3
}

test_five_who_push_at_once_are_all_kept() {
    app
    key ana
    use_key app ana
    for n in 1 2 3 4 5; do
        git clone -q far.git "c$n" 2>/dev/null
        git -C "c$n" fetch -q "$work/app" main
        git -C "c$n" checkout -qb "b$n" FETCH_HEAD
        use_key "c$n" ana
        echo "$n" >"c$n/file"
        git -C "c$n" add file
        git -C "c$n" commit -qm "$n"
        tidegate -C "c$n" run pre-push --attest >/dev/null
    done
    pids=()
    for n in 1 2 3 4 5; do
        tidegate -C "c$n" attest push >"out$n" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || fail "$(cat out?)"; done
    expect_equal "$(envelopes far.git | wc -l)" 5
}

test_verify_counts_whom_the_file_names_and_nobody_else() {
    app
    key ana
    key eve
    grep ana allowed >only-ana
    grep eve allowed >only-eve
    use_key app ana
    git -C app push -q origin main 2>/dev/null
    cd app
    run tidegate attest verify --allowed-signers ../only-ana
    expect_status 0
    expect_contains "$out" "good, by ana@example.com"
    run tidegate attest verify --allowed-signers ../only-eve
    expect_status 4
    expect_contains "$out" "not counted"
    run tidegate attest verify --stage nightly --allowed-signers ../only-ana
    expect_status 4
    git commit -q --allow-empty -m "same tree"
    run tidegate attest verify --allowed-signers ../only-ana
    expect_status 0
    echo x >x
    git add x
    git commit -qm "another tree" --no-verify
    run tidegate attest verify --allowed-signers ../only-ana
    expect_status 4
    expect_contains "$err" "nobody here has attested tree"
}

test_an_envelope_moved_to_another_tree_is_not_counted() {
    app
    key ana
    use_key app ana
    git -C app push -q origin main 2>/dev/null
    cd app
    path=$(envelopes .)
    blob=$(git rev-parse "$ref:$path")
    echo x >x
    git add x
    git commit -qm other
    tree=$(git rev-parse 'HEAD^{tree}')
    GIT_INDEX_FILE=$work/index git update-index --add --cacheinfo "100644,$blob,${tree:0:2}/$tree/$(basename "$path")"
    forged=$(GIT_INDEX_FILE=$work/index git write-tree)
    git update-ref $ref "$(git commit-tree -m forged "$forged")"
    run tidegate attest verify --allowed-signers ../allowed
    expect_status 4
    expect_contains "$out" "not counted"
}

test_fetch_takes_over_what_others_attested() {
    app
    key ana
    use_key app ana
    git -C app push -q origin main 2>/dev/null
    git clone -q far.git other
    run tidegate -C other attest show
    expect_status 4
    run tidegate -C other attest fetch
    expect_status 0
    run tidegate -C other attest show
    expect_status 0
    expect_contains "$out" "pre-push"
    expect_contains "$out" "unit, lint"
}

test_what_was_vouched_for_is_not_signed_again() {
    app
    key ana
    use_key app ana
    git -C app push -q origin main 2>/dev/null
    before=$(git -C app rev-parse $ref)
    git -C app branch twin
    run git -C app push origin twin
    expect_status 0
    expect_equal "$(git -C app rev-parse $ref)" "$before"
}

test_pushing_the_proofs_does_not_run_the_hook_again() {
    app
    key ana
    use_key app ana
    printf '#!/bin/sh\necho hook >>%q\n' "$work/trace" >app/.git/hooks/pre-push.tidegate-chained
    chmod +x app/.git/hooks/pre-push.tidegate-chained
    git -C app push -q origin main 2>/dev/null
    expect_equal "$(cat trace)" hook
    run git -C app push origin $ref
    expect_status 0
    expect_lacks "$err" "unit"
}

test_tags_do_not_follow_the_proofs() {
    app
    key ana
    use_key app ana
    git -C app config push.followTags true
    tidegate -C app run pre-push --attest >/dev/null
    git -C app tag -a v1 -m v1
    git -C app update-ref refs/heads/x HEAD
    tidegate -C app attest push >/dev/null
    expect_equal "$(git -C far.git for-each-ref --format='%(refname)')" "$ref"
}

test_a_commit_is_attested_where_the_clone_asks_for_it() {
    app
    key ana
    use_key app ana
    sed -i 's/pre-push/pre-commit/' app/.tidegate.yaml
    git -C app add -A
    tidegate -C app install >/dev/null
    git -C app commit -qm "pre-commit now" 2>/dev/null
    run tidegate -C app attest show
    expect_status 4
    git -C app config tidegate.attest "pre-commit, pre-push"
    echo y >app/y
    git -C app add y
    git -C app commit -qm two 2>/dev/null
    run tidegate -C app attest show
    expect_status 0
    expect_contains "$out" "pre-commit"
}

test_a_password_in_an_address_is_never_shown() {
    app
    key ana
    use_key app ana
    tidegate -C app run pre-push --attest >/dev/null
    for scheme in http bogus; do
        run tidegate -C app attest push "$scheme://ana:canary@127.0.0.1:$(free_port)/x.git"
        expect_status 3
        expect_contains "$err" "cannot push the attestation to $scheme://127.0.0.1"
        expect_lacks "$out$err" canary
    done
}
