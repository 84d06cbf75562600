# The hooks of a server: attested or refused, and gates on what a push brings.

# A bare repository with the hook, a clone's worth of app with one commit, and Ana's key.
world() { # SERVER-SETTING VALUE…
    git init -q --bare far.git
    tidegate -C far.git install >/dev/null
    while [ $# -gt 0 ]; do
        git -C far.git config --add "tidegate.$1" "$2"
        shift 2
    done
    new_repo app
    cat >app/.tidegate.yaml <<'Y'
version: 1
stages:
  pre-push:
    gates:
      - {name: unit, run: "test \"$(cat state)\" = good"}
Y
    echo good >app/state
    git -C app add -A
    git -C app commit -qm one
    git -C app remote add origin "$work/far.git"
    : >signers
    chmod 600 signers
    person ana
    git config --global gpg.format ssh
    git config --global user.signingkey "$work/ana.pub"
}
person() {
    ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$1"
    echo "$1@example.com namespaces=\"tidegate-attestation\" $(cat "$1.pub")" >>signers
}
commit() { # STATE
    echo "$1" >app/state
    git -C app commit -qam "$1 $2" --allow-empty
}
tip() { git -C far.git rev-parse -q --verify "$1" || echo none; }

test_a_push_is_attested_or_refused() {
    world require pre-push allowedSigners "$work/signers"
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "remote: tidegate: refused: main ($(git -C app rev-parse --short=7 HEAD)) is not attested for pre-push: nobody did so whose word counts here"
    expect_contains "$err" "remote:   gates that pass are attested by the push itself"
    expect_lacks "$err" $'\033'
    expect_equal "$(tip main)" none
    # With the hook in the clone the push brings its proof first.
    tidegate -C app install >/dev/null
    run git -C app push origin main
    expect_status 0
    expect_equal "$(tip main)" "$(git -C app rev-parse main)"
    # The same tree on a new branch, a tag of it, a deletion: proven, or nothing to prove.
    git -C app tag -am one v1
    run git -C app push origin main:refs/heads/side v1
    expect_status 0
    run git -C app push origin :side
    expect_status 0
    # Nothing is attested by a push that skips the hook (attack 55).
    commit bad two
    run git -C app push --no-verify origin main
    expect_status 1
    expect_contains "$err" "is not attested for pre-push"
    # Every ref has its reason.
    run git -C app push --no-verify origin main main:other main:refs/wip/ana
    expect_contains "$err" "refused: main "
    expect_contains "$err" "refused: other "
    expect_lacks "$err" "refused: refs/wip/ana"
    # A ref that the policy is not about is let in.
    run git -C app push --no-verify origin main:refs/wip/ana
    expect_status 0
}

test_gates_that_were_weakened_for_a_run_prove_nothing() {
    world require pre-push allowedSigners "$work/signers"
    commit bad two
    # Attested with other gates than the tree's own (attack 15).
    sed -i 's/good/bad/' app/.tidegate.yaml
    git -C app add -A
    run tidegate -C app run pre-push --tree "$(git -C app write-tree)" --attest
    expect_status 0
    git -C app push -q origin refs/tidegate/attestations
    git -C app checkout -q HEAD -- .tidegate.yaml
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "is not attested"
}

test_a_proof_may_come_in_the_same_push() {
    world require pre-push allowedSigners "$work/signers"
    tidegate -C app run pre-push --attest >/dev/null
    run git -C app push origin main refs/tidegate/attestations
    expect_status 0
    expect_equal "$(tip main)" "$(git -C app rev-parse main)"
}

test_as_many_people_as_asked_for_have_to_vouch() {
    world require pre-push allowedSigners "$work/signers" threshold 2
    person ben
    tidegate -C app run pre-push --attest >/dev/null
    git -C app push -q origin refs/tidegate/attestations
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "1 of 2 people did so (ana@example.com)"
    git -C app config user.signingkey "$work/ben.pub"
    tidegate -C app run pre-push --attest >/dev/null
    git -C app push -q origin refs/tidegate/attestations
    run git -C app push origin main
    expect_status 0
}

test_attestations_only_grow() {
    world require pre-push allowedSigners "$work/signers"
    tidegate -C app run pre-push --attest >/dev/null
    git -C app push -q origin refs/tidegate/attestations
    before=$(tip refs/tidegate/attestations)
    run git -C app push origin :refs/tidegate/attestations
    expect_status 1
    expect_contains "$err" "it cannot be deleted"
    # A commit that follows, but has less.
    empty=$(git -C app commit-tree -p "$before" -m less "$(git -C app mktree </dev/null)")
    run git -C app push origin "$empty:refs/tidegate/attestations"
    expect_status 1
    expect_contains "$err" "takes "
    # One that does not follow.
    other=$(git -C app commit-tree -m other "$before^{tree}")
    run git -C app push -f origin "$other:refs/tidegate/attestations"
    expect_status 1
    expect_contains "$err" "does not follow what is there"
    # One that puts something else under somebody's name.
    path=$(git -C app ls-tree -r --name-only "$before")
    git -C app show "$before:$path" | sed 's/"sig":"U/"sig":"V/' >forged
    blob=$(git -C app hash-object -w "$work/forged")
    tree=$(printf '100644 blob %s\t%s\n' "$blob" "${path##*/}" | git -C app mktree)
    folder=${path#*/} folder=${folder%%/*}
    tree=$(printf '040000 tree %s\t%s\n' "$tree" "$folder" | git -C app mktree)
    tree=$(printf '040000 tree %s\t%s\n' "$tree" "${path%%/*}" | git -C app mktree)
    forged=$(git -C app commit-tree -p "$before" -m forged "$tree")
    run git -C app push origin "$forged:refs/tidegate/attestations"
    expect_status 1
    expect_contains "$err" "is not an attestation of that name"
    expect_equal "$(tip refs/tidegate/attestations)" "$before"
}

test_the_servers_gates_run_on_what_lies_in_quarantine() {
    world serverGates "HEAD:.tidegate.yaml"
    run git -C app push origin main
    expect_status 0
    expect_contains "$err" "the first push into an empty repository brings its gates"
    commit bad two
    # Whoever pushes cannot change what is asked for.
    sed -i 's/test .*/true"}/' app/.tidegate.yaml
    git -C app commit -qam weaker
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "remote: unit ─ test"
    expect_contains "$err" "remote: stopped: unit failed on the commit being pushed"
    expect_equal "$(tip main)" "$(git -C app rev-parse main~2)"
    # What was refused has left nothing that the next push could stumble over.
    git -C app reset -q --hard HEAD~2
    commit good three
    run git -C app push origin main
    expect_status 0
    commit good four
    run git -C app push origin main:new main
    expect_status 0
}

test_the_update_hook_refuses_one_ref_and_lets_the_other_in() {
    world serverGates "$work/gates.yaml"
    cat >gates.yaml <<'Y'
version: 1
stages:
  update:
    gates:
      - {name: state, run: "test $(cat state) = good"}
      - {name: subjects, builtin: {commit-message: {forbid: "WIP*"}}}
Y
    tidegate -C far.git uninstall >/dev/null
    tidegate -C far.git install update >/dev/null
    git -C app branch fine
    commit bad two
    run git -C app push origin main fine
    expect_status 1
    expect_equal "$(tip fine)" "$(git -C app rev-parse fine)"
    expect_equal "$(tip main)" none
    git -C app checkout -q fine
    git -C app commit -q --allow-empty -m "WIP nothing"
    run git -C app push origin fine
    expect_status 1
    expect_contains "$err" "such a subject is not wanted"
}

test_the_pushed_gates_run_only_where_the_server_says_so() {
    world serverGates pushed
    run git -C app push origin main
    expect_status 0
    expect_contains "$err" "remote: tidegate pre-push  main"
    commit bad two
    run git -C app push origin main
    expect_status 1
}

test_a_servers_hook_that_asks_for_nothing_lets_nothing_in() {
    git init -q --bare far.git
    run tidegate -C far.git install
    expect_status 0
    expect_contains "$out" "every push is refused until one of these is set"
    new_repo app
    git -C app commit -q --allow-empty -m one
    run git -C app push "$work/far.git" main
    expect_status 1
    expect_contains "$err" "this server's hook asks for nothing"
    git -C far.git config tidegate.require pre-push
    run git -C app push "$work/far.git" main
    expect_status 1
    expect_contains "$err" "no allowed signers are named"
    run tidegate -C far.git doctor
    expect_contains "$out" "nobody's attestation counts"
    git -C far.git config tidegate.threshold none
    run git -C app push "$work/far.git" main
    expect_status 1
    expect_contains "$err" "tidegate.threshold is no number of people"
    run tidegate -C far.git uninstall
    run git -C app push "$work/far.git" main
    expect_status 0
}

test_a_servers_gates_may_stand_on_files_of_their_revision_and_folders() {
    world serverGates HEAD:.tidegate.yaml
    mkdir -p app/ci app/services/api
    cat >app/.tidegate.yaml <<'Y'
version: 1
extends: [ci/gates.yaml]
folders: ["services/*"]
Y
    cat >app/ci/gates.yaml <<'Y'
version: 1
stages: {pre-receive: {gates: [{name: unit, run: 'test "$(cat state)" = good'}]}}
Y
    cat >app/services/api/.tidegate.yaml <<'Y'
version: 1
stages: {pre-receive: {gates: [{name: api, run: 'test ! -e broken'}]}}
Y
    git -C app add -A
    commit good gates
    run git -C app push origin main
    expect_status 0 # the first one
    # A push that weakens what they stand on is judged by the gates of before.
    sed -i 's/run: .*/run: "true"}]}}/' app/ci/gates.yaml
    git -C app add -A
    commit bad weaker
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "✗ unit"
    commit good again
    touch app/services/api/broken
    git -C app add -A
    git -C app commit -qm broken
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "✗ services/api:api"
    git -C app rm -rq services
    git -C app commit -qm gone
    run git -C app push origin main
    expect_status 0
    # A file of the server's: what it extends lies beside it.
    mkdir conf
    cp app/ci/gates.yaml conf/more.yaml
    printf 'version: 1\nextends: [more.yaml]\n' >conf/gates.yaml
    git -C far.git config tidegate.serverGates "$work/conf/gates.yaml"
    sed -i 's/run: .*/run: "false"}]}}/' conf/more.yaml
    commit good more
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "✗ unit"
    printf 'version: 1\nfolders: ["*"]\n' >conf/gates.yaml
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" 'names `folders`, and lies in none'
}

test_every_commit_of_a_push_is_judged_where_the_server_says_so() {
    world serverGates HEAD:.tidegate.yaml
    git -C app push -q origin main
    commit bad two
    commit good three
    run git -C app push origin main:tips
    expect_status 0 # only the tip counts
    git -C app push -q origin :tips
    git -C app push -q origin main:refs/wip/ana # which the policy is not about
    git -C far.git config tidegate.everyCommit true
    run git -C app push origin main
    expect_status 1
    expect_contains "$err" "stopped: unit failed on the commit being pushed ($(git -C app rev-parse --short=7 HEAD~1))"
    git -C app reset -q --hard HEAD~2
    commit good four
    commit good five
    git -C app tag -am five v5
    run git -C app push origin main v5
    expect_status 0
    git -C far.git config tidegate.require pre-push
    git -C far.git config tidegate.allowedSigners "$work/signers"
    echo more >app/file
    git -C app add -A
    commit good six
    echo more >>app/file
    commit good seven
    tidegate -C app run pre-push --attest >/dev/null
    run git -C app push --no-verify origin main refs/tidegate/attestations
    expect_status 1
    expect_contains "$err" "refused: main ($(git -C app rev-parse --short=7 HEAD~1)) is not attested"
    expect_lacks "$err" "refused: main ($(git -C app rev-parse --short=7 HEAD)) is not attested"
}

test_only_the_first_push_goes_without_gates() {
    world serverGates HEAD:.tidegate.yaml
    commit bad two
    run git -C app push origin main:side
    expect_status 0
    expect_contains "$err" "nothing is gated: the first push into an empty repository brings its gates"
    run git -C app push origin main:other
    expect_status 1
    expect_contains "$err" "takes its gates from the default branch, and there is none: refs/heads/main"
    run git -C app push origin main
    expect_status 0
    commit worse three
    run git -C app push origin main:other
    expect_status 1
    expect_contains "$err" "✗ unit"
    run git -C app push origin :side
    expect_status 0
    commit good four
    run git -C app push -f origin main
    expect_status 0
    git -C app reset -q --hard HEAD~2
    run git -C app push -f origin main # going back is git's own to refuse, its gates are not
    expect_status 1
}
