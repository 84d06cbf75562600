# The release manager's commands, in a real checkout with a real key.

# An app repository with two tagged versions (annotated and light) in $work/app, a manifests checkout on branch
# deploy in $work/deploy, and a key that git signs with.
setup() {
    ssh-keygen -q -t ed25519 -N "" -C ana@example.com -f "$HOME/key"
    git config --global gpg.format ssh
    git config --global user.signingkey "$HOME/key.pub"
    echo "ana@example.com $(cat "$HOME/key.pub")" >"$HOME/signers"
    git config --global gpg.ssh.allowedSignersFile "$HOME/signers"
    new_repo app
    for n in 1 2 3; do
        echo "$n" >app/file
        git -C app add file
        git -C app commit -qm "Version $n"
    done
    first=$(git -C app rev-parse HEAD~2)
    second=$(git -C app rev-parse HEAD~1)
    third=$(git -C app rev-parse HEAD)
    git -C app tag v1 "$first"
    git -C app tag -am "Version 2" v2 "$second"
    new_repo deploy
    git -C deploy checkout -qb deploy
    mkdir -p deploy/production deploy/staging
    cat >deploy/production/web.yaml <<END
# The web, in production.
version: 1
app: web   # its name
release:
  git: {url: "file://$work/app", commit: $first, tag: v1}   # what runs
root: /srv/web
migrate: {up: ./up, down: ./down}
activate: [{restart: web.service}, {run: ./bin/restart}]
keep:   5
END
    sed 's/production/staging/' deploy/production/web.yaml >deploy/staging/web.yaml
    git -C deploy add .
    git -C deploy commit -qm "Begin"
    cd deploy
}

test_a_release_changes_only_its_lines_and_is_a_signed_commit() {
    setup
    echo unrelated >notes
    git add notes
    cp production/web.yaml "$work/before"
    run tidegate release web --env production --version v2
    expect_status 0
    expect_contains "$out" "web: v1 → v2 in production"
    expect_contains "$out" "not pushed"
    sed "s/commit: $first, tag: v1/commit: $second, tag: v2/" "$work/before" | cmp - production/web.yaml
    git verify-commit HEAD
    expect_equal "$(git log -1 --format=%s)" "web: v1 → v2 in production"
    expect_equal "$(git diff-tree --no-commit-id --name-only -r HEAD)" "production/web.yaml"
    expect_equal "$(git diff --cached --name-only)" "notes"
    run tidegate release web --env production --version v2
    expect_status 0
    expect_contains "$out" "already"
}

test_a_release_by_commit_takes_the_old_tag_out_and_says_what_it_could_not_check() {
    setup
    run tidegate release web --env production --commit "$third"
    expect_status 0
    expect_contains "$err" "nobody has attested anything"
    expect_contains "$(cat production/web.yaml)" "commit: $third}"
    run tidegate release web --env production --commit "${second:0:10}" --source ../app
    expect_status 0
    expect_contains "$(cat production/web.yaml)" "commit: $second}"
    run tidegate release web --env production --commit "${third:0:10}"
    expect_status 0
    run tidegate release web --env production --commit "${first%???}"
    expect_status 0
    run tidegate release web --env staging --commit 0123456789
    expect_status 3
    expect_contains "$err" "--source"
}

test_a_release_that_cannot_be_made_leaves_the_checkout_as_it_was() {
    setup
    before=$(hash_of_tree .)
    head=$(git rev-parse HEAD)
    unchanged() {
        expect_equal "$(hash_of_tree .)" "$before"
        expect_equal "$(git rev-parse HEAD)" "$head"
        expect_equal "$(git status --porcelain)" ""
    }
    run tidegate release wep --env production --version v2
    expect_status 3
    expect_contains "$err" "did you mean \`web\`?"
    run tidegate release web --env prod --version v2
    expect_status 3
    expect_contains "$err" "no environment \`prod\`"
    run tidegate release ../web --env production --version v2
    expect_status 2
    run tidegate release web --env production --version v9
    expect_status 3
    expect_contains "$err" "no tag \`v9\`"
    run tidegate release web --env production --version '--upload-pack=x'
    expect_status 3
    run tidegate release web --env production --commit '$(id)'
    expect_status 2
    run tidegate release web --env production
    expect_status 2
    expect_contains "$err" "--commit"
    run tidegate release web --env production --commit "$second" --version v2
    expect_status 2
    run tidegate release web --version v2
    expect_status 2
    unchanged
    git config --global --unset user.signingkey
    run tidegate release web --env production --version v2
    expect_status 2
    expect_contains "$err" "user.signingkey"
    git config --global user.signingkey "$HOME/nowhere.pub"
    run tidegate release web --env production --version v2
    [ "$status" != 0 ] || fail "released without a key"
    unchanged
    git config --global user.signingkey "$HOME/key.pub"
    printf '#!/bin/sh\nexit 1\n' >.git/hooks/pre-commit
    chmod +x .git/hooks/pre-commit
    run tidegate release web --env production --version v2
    [ "$status" != 0 ] || fail "released past a failing hook"
    unchanged
    rm .git/hooks/pre-commit
    mv ../app ../gone
    run tidegate release web --env production --version v2
    [ "$status" != 0 ] || fail "released from a repository that is gone"
    unchanged
    git checkout -q --detach
    run tidegate release web --env production --version v2
    expect_status 2
    expect_contains "$err" "detached"
    cd "$work"
    run tidegate release web --env production --version v2
    expect_status 3
    expect_contains "$err" "not in a checkout"
}

test_a_manifest_with_uncommitted_changes_is_left_alone() {
    setup
    echo "# mine" >>production/web.yaml
    run tidegate release web --env production --version v2
    expect_status 3
    expect_contains "$err" "not committed"
    expect_contains "$(tail -1 production/web.yaml)" "# mine"
    run tidegate rollback web --env production
    expect_status 3
    run tidegate approve web --env production
    expect_status 3
}

test_a_rollback_is_a_signed_commit_that_brings_the_manifest_before_back() {
    setup
    cp production/web.yaml "$work/before"
    begin=$(git rev-parse HEAD)
    run tidegate rollback web --env production
    expect_status 3
    expect_contains "$err" "nothing to go back to"
    tidegate release web --env production --version v2
    tidegate release web --env production --commit "$third"
    tidegate release web --env staging --version v2
    run tidegate rollback web --env production
    expect_status 0
    expect_contains "$out" "${third:0:7} → v2"
    git verify-commit HEAD
    expect_contains "$(git log -1 --format=%b)" "This reverts commit"
    run tidegate rollback web --env production --to "$begin"
    expect_status 0
    cmp "$work/before" production/web.yaml
    run tidegate rollback web --env production --to nowhere
    expect_status 3
    expect_contains "$err" "no such revision"
    git checkout -q -b other "$begin"
    git commit -q --allow-empty -m "Elsewhere"
    elsewhere=$(git rev-parse HEAD)
    git checkout -q deploy
    run tidegate rollback web --env production --to "$elsewhere"
    expect_status 2
    expect_contains "$err" "not in the history"
}

test_a_promotion_takes_the_release_and_nothing_else() {
    setup
    tidegate release web --env staging --version v2
    sed -i 's/keep:   5/keep: 9/' staging/web.yaml
    git commit -qam "Keep more"
    cp production/web.yaml "$work/before"
    run tidegate promote web staging production
    expect_status 0
    sed "s/commit: $first, tag: v1/commit: $second, tag: v2/" "$work/before" | cmp - production/web.yaml
    expect_contains "$(git log -1 --format=%b)" "Promote from staging"
    run tidegate promote web staging staging
    expect_status 2
}

test_an_approval_is_a_signature_over_exactly_the_committed_manifest() {
    setup
    run tidegate approve web --env production
    expect_status 0
    expect_contains "$err" "do not count the author"
    git verify-commit HEAD
    digest=$(git show HEAD:production/web.yaml | sha256sum | cut -d' ' -f1)
    file=$(echo approvals/production/web/"$digest".*.sig)
    expect_file "$file"
    printf 'tidegate-approval v1\nproduction/web\n%s\n' "$digest" |
        ssh-keygen -q -Y verify -f "$HOME/signers" -I ana@example.com -n tidegate-approval -s "$file"
    run tidegate approve web --env production
    expect_status 0
    expect_contains "$out" "already"
    run tidegate lint
    expect_status 0
}

test_lint_shows_every_problem_with_its_place() {
    setup
    run tidegate lint
    expect_status 0
    expect_contains "$out" "2 manifests in 2 environments are good"
    sed -i 's/activate:/activat:/' production/web.yaml
    sed -i 's/, down: .\/down//' staging/web.yaml
    sed 's/app: web/app: wab/' staging/web.yaml >staging/wob.yaml
    cp staging/web.yaml staging/jobs.yml
    ln -s web.yaml staging/link.yaml
    mkdir prodution
    sed 's/activat:/activate:/' production/web.yaml >prodution/web.yaml
    printf 'version: 1\nenvironments:\n  production:\n    windows: [{from: "09:00", to: "09:00"}]\n' >tidegate.yaml
    run tidegate lint
    expect_status 2
    expect_contains "$err" "unknown key \`activat\`: production/web.yaml:8:1"
    expect_contains "$err" "did you mean \`activate\`?"
    expect_contains "$err" "\`migrate\` has no way back: staging/web.yaml:7:"
    expect_contains "$err" "is in a file named wob.yaml: staging/wob.yaml:3:"
    expect_contains "$err" "is that of staging/web.yaml too"
    expect_contains "$err" "a manifest's name ends in .yaml: staging/jobs.yml"
    expect_contains "$err" "symbolic link"
    expect_contains "$err" "never opens: it ends when it begins: tidegate.yaml:4:"
    printf 'version: 1\nenvironments:\n  production:\n    windows: [{from: "02:30", to: "04:00", timezone: Europe/Lisbon}, {from: "01:30", to: "04:00", timezone: Europe/Lisbon}]\n  staging:\n' >tidegate.yaml
    run tidegate lint
    expect_status 2
    expect_contains "$err" "unknown environment \`prodution\`"
    expect_contains "$err" "did you mean \`production\`?"
    expect_contains "$err" "opens at 01:30, a time that does not exist"
    expect_lacks "$err" "opens at 02:30"
    run tidegate lint --json
    expect_status 2
    printf '%s' "$out" | python3 -c 'import json,sys; assert len(json.load(sys.stdin)["problems"]) > 5'
    run tidegate lint nowhere
    expect_status 3
    # All mistakes of each file.
    cat >production/web.yaml <<'Y'
version: 1
app: web
relase: {git: {url: "https://x.example/web.git", commit: 9fceb02d0ae598e95dc970b74767f19372d61af8}}
root: srv/web
user: root
env: {1BAD: x, TIDEGATE_X: y}
strategy: blue-green
health:
  - {http: {url: "http://{instance}/"}, succeses: 3}
  - {tcp: nowhere}
keep: 0
Y
    printf 'version: 1\nenvironments:\n  production: {strategi: auto, approvals: 99}\n  staging: {freezes: [{from: "2026-13-01", to: "2026-01-01"}]}\n' >tidegate.yaml
    run tidegate lint
    expect_status 2
    for place in 3:1 4:7 5:7 6:13 6:28 9:41 10:11 11:7; do
        expect_contains "$err" ": production/web.yaml:$place"
    done
    expect_lacks "$err" "production/web.yaml:9:1"
    for place in 3:16 3:43 4:30; do expect_contains "$err" ": tidegate.yaml:$place"; done
    mkdir empty
    run tidegate lint empty
    expect_status 2
    expect_contains "$err" "no manifest here"
}

test_diff_tells_what_a_change_would_do() {
    setup
    printf 'version: 1\nenvironments:\n  production: {approvals: 2}\n  staging:\n' >tidegate.yaml
    git add tidegate.yaml
    git commit -qm "Rules"
    tidegate release web --env production --version v2
    sed -i 's/keep:   5/keep: 9/' staging/web.yaml
    git commit -qam "Keep more"
    run tidegate diff HEAD~2..HEAD --source ../app
    expect_status 0
    expect_contains "$out" "production/web   v1 → v2   1 commit, 1 file"
    expect_contains "$out" "migrate   ./up; down: ./down"
    expect_contains "$out" "activate  restart web.service, run ./bin/restart"
    expect_contains "$out" "needs     2 approvals"
    expect_contains "$out" "Version 2"
    expect_contains "$out" "also      keep"
    run tidegate diff HEAD~2..HEAD --env staging
    expect_lacks "$out" "production"
    run tidegate diff HEAD..HEAD
    expect_contains "$out" "no manifest changes"
    run tidegate diff HEAD~2 --json
    printf '%s' "$out" | python3 -c 'import json,sys; d=json.load(sys.stdin); assert d[0]["to"]["label"] == "v2", d'
    run tidegate diff nowhere..HEAD
    expect_status 3
    run tidegate diff -- --output=x..HEAD
    expect_status 3
    expect_no_file x..HEAD
    git rm -q staging/web.yaml
    git commit -qm "Remove"
    run tidegate diff HEAD~1..HEAD
    expect_contains "$out" "removed"
}

test_a_release_can_be_pushed_at_once() {
    setup
    git init -q --bare "$work/bare"
    git remote add origin "$work/bare"
    git push -q -u origin deploy
    run tidegate release web --env production --version v2 --push
    expect_status 0
    expect_contains "$out" "pushed"
    expect_equal "$(git -C "$work/bare" rev-parse deploy)" "$(git rev-parse HEAD)"
    mv "$work/bare" "$work/gone"
    run tidegate release web --env production --commit "$third" --push
    [ "$status" != 0 ] || fail "pushed to nowhere"
    expect_contains "$err" "the commit is made"
}
