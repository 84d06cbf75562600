# What is proven is not run again, and nothing is attested that was not looked at.

ref=refs/tidegate/attestations

key() { # key NAME: a key pair, trusted as NAME@example.com by whoever takes the file `allowed`
    ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$work/$1.key"
    echo "$1@example.com namespaces=\"tidegate-attestation\" $(cut -d' ' -f1,2 "$work/$1.key.pub")" >>"$work/allowed"
    chmod 644 "$work/allowed"
}
# app: a repository with a gate that looks at text files one by one, one that looks at C files together, and one that
# looks at all. What they looked at is in $work/seen.
app() {
    git init -q --bare far.git
    new_repo app
    cd app || exit
    cat >.tidegate.yaml <<Y
version: 1
stages:
  pre-push:
    gates:
      - {name: words, run: "echo {files} >>$work/seen; ! grep -l BAD {files}", files: ["*.txt"]}
      - {name: code, run: "echo code >>$work/seen; ! grep -l BAD *.c", files: ["*.c"]}
      - {name: unit, run: "echo unit >>$work/seen"}
Y
    echo good >one.txt
    echo good >main.c
    git add -A
    git commit -qm one
    git remote add origin "$work/far.git"
    tidegate install >/dev/null
    key ana
    git config tidegate.signingKey "$work/ana.key"
}
seen() { cat "$work/seen" 2>/dev/null || true; }
forget() {
    rm -f "$work/seen"
    tidegate cache clear >/dev/null
}
change() { # change FILE TEXT
    echo "$2" >"$1"
    git add -A
    git commit -qm "$1"
}
# colleague: a clone "$work/ben" whose key the app trusts.
colleague() {
    key ben
    git clone -q "$work/far.git" "$work/ben"
    (
        cd "$work/ben"
        git config tidegate.signingKey "$work/ben.key"
        git config tidegate.allowedSigners "$work/allowed"
        tidegate install >/dev/null
    )
    git config tidegate.allowedSigners "$work/allowed"
}
base=""
short() { git rev-parse --short=7 "$1"; }

test_what_went_past_the_gates_is_not_attested_with_a_commit_on_top() {
    app
    git push -q origin main 2>/dev/null
    change two.txt BAD
    git push -q --no-verify origin main
    base=$(short HEAD)
    change three.txt good
    run git push origin main
    expect_status 1
    expect_contains "$err" "judging all 5 files: the base $base is not attested"
    expect_contains "$err" "two.txt"
    run git ls-tree --name-only -r $ref
    expect_lacks "$out" "$(git rev-parse 'HEAD^{tree}')"
}

test_without_a_key_a_push_is_judged_by_its_range_alone() {
    app
    git config --unset tidegate.signingKey
    change two.txt BAD
    git push -q --no-verify origin main
    change three.txt good
    run git push origin main
    expect_status 0
    expect_lacks "$err" "judging all"
    expect_contains "$(seen)" "three.txt"
    expect_lacks "$(seen)" "two.txt"
}

test_on_top_of_what_is_attested_the_change_is_enough() {
    app
    run git push origin main
    expect_status 0
    expect_lacks "$err" "judging all"
    change two.txt good
    forget
    run git push origin main
    expect_status 0
    expect_lacks "$err" "judging all"
    expect_contains "$err" "attested: tree"
    expect_equal "$(seen | sort | tr '\n' ' ')" "two.txt unit "
    # A new branch and a tag begin there, too.
    change three.txt good
    forget
    run git push origin HEAD:refs/heads/topic
    expect_status 0
    expect_equal "$(seen | sort | tr '\n' ' ')" "three.txt unit "
    change four.txt good
    git tag v1
    forget
    run git push origin v1
    expect_status 0
    expect_lacks "$err" "judging all"
}

test_a_forced_push_is_judged_from_where_it_leaves_what_is_attested() {
    app
    git push -q origin main 2>/dev/null
    change two.txt BAD
    git push -q --no-verify origin main
    git reset -q --hard HEAD~1
    change three.txt good
    forget
    run git push --force origin main
    expect_status 0
    expect_lacks "$err" "judging all"
    expect_equal "$(seen | sort | tr '\n' ' ')" "three.txt unit "
}

test_a_proof_with_other_gates_is_no_base() {
    app
    git push -q origin main 2>/dev/null
    base=$(short HEAD)
    sed -i 's/grep -l BAD {files}/grep -l -e BAD {files}/' .tidegate.yaml
    git commit -qam "other gates"
    run git push origin main
    expect_status 0
    expect_contains "$err" "judging all 3 files: the base $base is not attested"
    expect_contains "$(seen)" "one.txt"
}

test_settings_of_a_tool_put_every_file_in_question() {
    app
    git push -q origin main 2>/dev/null
    change .words.rc strict
    forget
    run git push origin main
    expect_status 0
    expect_contains "$err" "judging all 4 files: .words.rc changed"
    expect_contains "$(seen)" "one.txt"
}

test_files_that_passed_are_not_run_again_when_all_are_judged() {
    app
    change two.txt good
    run git push origin main
    expect_status 0
    sed -i 's/echo unit/echo units/' .tidegate.yaml
    git commit -qam "another gate changes"
    change three.txt good
    rm "$work/seen"
    run git push origin main
    expect_status 0
    expect_contains "$err" "judging all"
    expect_lacks "$(seen)" "two.txt"
    expect_contains "$(seen)" "three.txt"
}

test_joined_bases_must_all_be_attested() {
    app
    git push -q origin main 2>/dev/null
    git switch -qc left
    change left.c good
    git push -q origin left 2>/dev/null
    git switch -q main
    git switch -qc right
    change right.c BAD
    git push -q --no-verify origin right
    git switch -q left
    git merge -q --no-edit right
    run git push origin left
    expect_status 1
    expect_contains "$err" "the base $(short right) is not attested"
    expect_contains "$err" "right.c"
}

test_files_that_meet_in_a_merge_are_judged_together() {
    app
    git push -q origin main 2>/dev/null
    git switch -qc left
    change left.c good
    git push -q origin left 2>/dev/null
    git switch -q main
    git switch -qc right
    change right.c good
    git push -q origin right 2>/dev/null
    git switch -q left
    git merge -q --no-edit right
    forget
    run git push origin left
    expect_status 0
    expect_lacks "$err" "judging all"
    expect_equal "$(seen | sort | tr '\n' ' ')" "code unit "
}

test_a_gate_for_another_branch_is_not_proven_by_the_push_of_one() {
    app
    sed -i 's/- {name: unit, /- {name: unit, only: [{branch: main}], /' .tidegate.yaml
    git commit -qam "unit for main"
    git push -q origin HEAD:refs/heads/topic 2>/dev/null
    expect_lacks "$(seen)" unit
    forget
    run git push origin main
    expect_status 0
    expect_lacks "$err" proven
    expect_contains "$(seen)" unit
}

test_a_commit_is_attested_by_the_same_rule() {
    app
    sed -i 's/pre-push:/pre-commit:/' .tidegate.yaml
    git config tidegate.attest pre-commit
    tidegate install pre-commit >/dev/null
    echo BAD >two.txt
    git add -A
    git commit -q --no-verify -m bad
    base=$(short HEAD)
    echo good >three.txt
    git add -A
    run git commit -m harmless
    expect_status 1
    expect_contains "$err" "judging all 5 files: the base $base is not attested"
    echo good >two.txt
    git add -A
    run git commit -m mended
    expect_status 0
    forget
    echo good >four.txt
    git add -A
    run git commit -m next
    expect_status 0
    expect_lacks "$err" "judging all"
    expect_equal "$(seen | sort | tr '\n' ' ')" "four.txt unit "
}

test_a_run_of_ci_is_attested_by_the_same_rule() {
    app
    change two.txt BAD
    change three.txt good
    run tidegate run pre-push --attest
    expect_status 1
    expect_contains "$out" "judging all 5 files: the base $(short HEAD~1) is not attested"
    change two.txt good
    run tidegate run pre-push --attest
    expect_status 0
    expect_contains "$out" "attested"
    change four.txt good
    forget
    run tidegate run pre-push --attest
    expect_status 0
    expect_lacks "$out" "judging all"
    expect_equal "$(seen | sort | tr '\n' ' ')" "four.txt unit "
}

test_what_is_proven_is_not_run_again() {
    app
    run tidegate run pre-push --attest
    expect_status 0
    forget
    run git push origin main
    expect_status 0
    expect_contains "$err" "proven: tree $(short 'HEAD^{tree}') by you, "
    expect_equal "$(seen)" ""
    # The proof goes where the push goes.
    expect_equal "$(git -C "$work/far.git" rev-parse $ref)" "$(git rev-parse $ref)"
    # Asked to, it is run all the same.
    git -C "$work/far.git" update-ref -d refs/heads/main
    TIDEGATE_NO_REUSE=1 run git push origin main
    expect_status 0
    expect_contains "$(seen)" unit
}

test_a_colleagues_proof_is_fetched_and_counts() {
    app
    git push -q origin main 2>/dev/null
    colleague
    change two.txt good
    git push -q --no-verify origin HEAD:refs/heads/review
    git -C "$work/ben" pull -q origin review 2>/dev/null
    run git -C "$work/ben" push origin HEAD:refs/heads/seen-by-ben
    expect_status 0
    forget
    run git push origin main
    expect_status 0
    expect_contains "$err" "proven: tree $(short 'HEAD^{tree}') by ben@example.com, "
    expect_equal "$(seen)" ""
    # Nobody attests what somebody else has run.
    run git ls-tree --name-only -r $ref
    expect_equal "$(grep -c "$(git rev-parse 'HEAD^{tree}')" <<<"$out")" 1
}

test_a_proof_of_nobody_one_trusts_does_not_count() {
    app
    git push -q origin main 2>/dev/null
    colleague
    sed -i '/ben@/d' "$work/allowed"
    change two.txt good
    git push -q --no-verify origin HEAD:refs/heads/review
    git -C "$work/ben" pull -q origin review 2>/dev/null
    git -C "$work/ben" push -q origin HEAD:refs/heads/seen-by-ben 2>/dev/null
    forget
    run git push origin main
    expect_status 0
    expect_lacks "$err" proven
    expect_contains "$(seen)" unit
    # Nor one whose key has run out, or that is for something else.
    git -C "$work/far.git" update-ref -d refs/heads/main
    rm -f "$work/seen"
    git config --unset tidegate.signingKey
    key=$(cut -d' ' -f1,2 "$work/ben.key.pub")
    echo "ben@example.com namespaces=\"tidegate-attestation\",valid-before=\"20200101Z\" $key" >"$work/allowed"
    TIDEGATE_SKIP=words run git push origin main
    expect_lacks "$err" proven
    git -C "$work/far.git" update-ref -d refs/heads/main
    echo "ben@example.com namespaces=\"git\" $key" >"$work/allowed"
    TIDEGATE_SKIP=words run git push origin main
    expect_lacks "$err" proven
    git -C "$work/far.git" update-ref -d refs/heads/main
    echo "ben@example.com namespaces=\"tidegate-attestation\" $key" >"$work/allowed"
    TIDEGATE_SKIP=words run git push origin main
    expect_contains "$err" "by ben@example.com"
}

test_a_list_of_signers_that_others_may_write_trusts_nobody() {
    app
    git push -q origin main 2>/dev/null
    colleague
    chmod 666 "$work/allowed"
    change two.txt good
    run git push origin main
    expect_status 0
    expect_contains "$err" "nobody else's attestation counts: "
    expect_contains "$err" "attested: tree"
}

test_a_remote_that_does_not_tell_its_proofs_costs_a_run_and_no_more() {
    app
    git push -q origin main 2>/dev/null
    colleague
    change two.txt good
    git config tidegate.attestTimeout 1s
    git config remote.origin.uploadpack "sh -c 'exec sleep 60' #"
    run git push origin main
    expect_status 0
    expect_contains "$err" "cannot fetch attestations from origin: "
    expect_contains "$(seen)" two.txt
}

test_a_hostile_proof_is_passed_over() {
    app
    git push -q origin main 2>/dev/null
    colleague
    change two.txt good
    tree=$(git rev-parse 'HEAD^{tree}')
    fingerprint=$(git ls-tree --name-only -r $ref | sed 's/.*pre-push\.\(.*\)\.json/\1/')
    # Somebody writes rubbish, and somebody else's statement, under a trusted name.
    old=$(git rev-parse "$ref:$(git ls-tree --name-only -r $ref)")
    for blob in "$old" "$(echo '{"payload": 1}' | git hash-object -w --stdin)" "$(head -c 2000000 /dev/zero | git hash-object -w --stdin)"; do
        printf '100644 blob %s\tpre-push.%s.json\n' "$blob" "$fingerprint" | git mktree >"$work/.inner"
        printf '040000 tree %s\t%s\n' "$(cat "$work/.inner")" "$tree" | git mktree >"$work/.outer"
        top=$(printf '040000 tree %s\t%s\n' "$(cat "$work/.outer")" "${tree:0:2}" | git mktree)
        git update-ref $ref "$(git commit-tree -p $ref -m evil "$top")"
        forget
        TIDEGATE_SKIP=words run git push origin HEAD:refs/heads/evil
        expect_status 0
        expect_lacks "$err" proven
        expect_contains "$(seen)" unit
        git push -q --no-verify origin :refs/heads/evil
    done
}

test_ci_attests_with_a_key_of_its_own() {
    app
    git push -q --no-verify origin main
    git config --unset tidegate.signingKey
    key ci
    git config tidegate.allowedSigners "$work/allowed"
    run tidegate run pre-push --attest
    expect_status 3
    expect_contains "$err" "no signing key is set up"
    expect_equal "$(seen)" ""
    run tidegate run pre-push --attest --key "$work/ci.key"
    expect_status 0
    run tidegate attest verify
    expect_contains "$out" "good, by ci@example.com"
    git update-ref -d $ref
    mkdir "$work/tmp"
    TMPDIR=$work/tmp TIDEGATE_SIGNING_KEY=$(cat "$work/ci.key") run tidegate run pre-push --attest
    expect_status 0
    run tidegate attest verify
    expect_contains "$out" "good, by ci@example.com"
    git update-ref -d $ref
    mkdir "$work/credentials"
    cp "$work/ci.key" "$work/credentials/tidegate-signing-key"
    CREDENTIALS_DIRECTORY=$work/credentials run tidegate run pre-push --attest
    expect_status 0
    run tidegate attest push
    expect_status 0
    expect_equal "$(git -C "$work/far.git" rev-parse $ref)" "$(git rev-parse $ref)"
    expect_equal "$(ls "$work/tmp")" ""
}

test_a_tree_pushed_to_two_branches_is_judged_for_both() {
    app
    sed -i 's/- {name: unit, run: "/- {name: unit, only: [{branch: main}], run: "exit 1; /' .tidegate.yaml
    git commit -qam "unit for main"
    run git push origin HEAD:refs/heads/a-topic HEAD:refs/heads/main
    expect_status 1
    expect_contains "$err" "unit failed"
    run git push origin HEAD:refs/heads/a-topic HEAD:refs/heads/b-topic
    expect_status 0
    expect_equal "$(grep -c 'tidegate pre-push' <<<"$err")" 1
}

test_reuse_can_be_turned_off_for_every_clone_of_a_person() {
    app
    run tidegate run pre-push --attest
    expect_status 0
    forget
    git config --global tidegate.reuse false
    run git push origin main
    expect_status 0
    expect_lacks "$err" proven
    expect_contains "$(seen)" unit
}
