# Roots that Capistrano and Deployer left, taken over as they are. What the fixtures hold is what `cap deploy` 3.17 and
# `dep deploy` 7 leave.
source "$TIDEGATE_SOURCE/tests/e2e/reconciler.sh"

export_to() { # COMMIT FOLDER: as git archive gives it
    mkdir -p "$2"
    git -C "$work/web.git" archive "$1" | tar -x -C "$2"
}

# starts_outside: the service as the former tool's own restart task would have left it.
starts_outside() {
    (cd srv/web/current && PORT=$port STATE=$work/appstate ${user:+setpriv --reuid=$user --clear-groups} bin/restart)
    adopt_service
    wait_for 10 serves "$1"
    service_pid=$(cat appstate/service.pid)
}
runs_on() { expect_equal "$(cat appstate/service.pid)" "$service_pid"; kill -0 "$service_pid"; }

# capistrano: versions 1 and 2 deployed, 2 runs.
capistrano() {
    local name
    mkdir -p srv/web/releases srv/web/shared/log srv/web/shared/config srv/web/repo
    echo SECRET=1 >srv/web/shared/config/.env
    for name in 20240131120000 20240207093015; do
        release $((${#commits[@]} + 1)) 1 0
        commits+=("$commit")
        export_to "$commit" srv/web/releases/$name
        echo "$commit" >srv/web/releases/$name/REVISION
        mkdir srv/web/releases/$name/config
        ln -s "$work/srv/web/shared/config/.env" srv/web/releases/$name/config/.env
        ln -s "$work/srv/web/shared/log" srv/web/releases/$name/log
        echo "Branch main (at $commit) deployed as release $name by ana" >>srv/web/revisions.log
    done
    ln -s "$work/srv/web/releases/$name" srv/web/current
    given_to_user
}
# deployer: the same by `dep deploy`.
deployer() {
    local name
    mkdir -p srv/web/releases srv/web/shared/log srv/web/.dep/repo
    for name in 1 2; do
        release $name 1 0
        commits+=("$commit")
        export_to "$commit" srv/web/releases/$name
        echo "$commit" >srv/web/releases/$name/REVISION
        ln -s ../../shared/log srv/web/releases/$name/log
        echo "{\"created_at\":\"2024-02-0${name}T09:30:15+0000\",\"release_name\":\"$name\",\"user\":\"ana\",\"target\":\"main\"}" \
            >>srv/web/.dep/releases_log
        echo "$name" >srv/web/.dep/latest_release
    done
    ln -s releases/2 srv/web/current
    given_to_user
}
given_to_user() { [ -z "$user" ] || chown -R -h "$user" srv/web; }

declare_shared() { declare_release "$1" "shared: {dirs: [log], files: ${2:-[config/.env]}}"; }
held() { state_is held; }

test_a_capistrano_root_is_left_alone_until_it_is_adopted_and_then_is_the_way_back() {
    world
    commits=()
    capistrano
    starts_outside 2
    before=$(hash_of_tree srv)
    declare_shared 2
    daemon
    wait_for 20 held
    run tidegatectl status web --json
    expect_contains "$out" "tidegatectl adopt web"
    run tidegatectl why web
    expect_contains "$out" "was not deployed by Tidegate"
    expect_contains "$out" "tidegatectl adopt web --dry-run"

    run tidegatectl adopt web --dry-run
    expect_status 0
    expect_contains "$out" "of Capistrano"
    expect_contains "$out" "releases/20240207093015, deployed by ana"
    expect_contains "$out" "says REVISION"
    expect_contains "$out" "6 files as in the commit, 1 more that it does not hold"
    expect_contains "$out" "config/.env, log"
    expect_contains "$out" "1 release, never removed by Tidegate"
    expect_contains "$out" "It is what the manifest asks for"
    state_is held
    run tidegatectl adopt web
    expect_status 0
    expect_contains "$out" "adopted"
    wait_for 20 state_is converged
    run tidegatectl sync
    expect_status 0
    expect_equal "$(hash_of_tree srv)" "$before"
    runs_on
    run tidegatectl history web
    expect_contains "$out" "adopted"
    run tidegatectl adopt web
    expect_status 2
    expect_contains "$err" "Tidegate knows it already"

    # A release that fails goes back to it.
    release 3 1 1 broken
    patience=500ms declare_shared 3
    wait_for 20 held
    expect_equal "$(current)" releases/20240207093015
    wait_for 10 serves 2
    adopt_service
    # One that works runs, and nothing of Capistrano's is removed.
    release 4 1 1
    declare_release 4 "shared: {dirs: [log], files: [config/.env]}
keep: 1"
    wait_for 20 serves 4
    adopt_service
    wait_for 20 state_is converged
    expect_equal "$(readlink srv/web/current/log)" ../../shared/log
    release 5 1 1
    declare_release 5 "shared: {dirs: [log], files: [config/.env]}
keep: 1"
    wait_for 20 serves 5
    adopt_service
    wait_for 20 state_is converged
    expect_file srv/web/releases/20240131120000/REVISION
    expect_file srv/web/releases/20240207093015/REVISION
    expect_file srv/web/revisions.log
    # And back to the adopted commit: the folder that is there.
    commit=${commits[1]} declare_shared 2
    wait_for 20 serves 2
    adopt_service
    wait_for 20 state_is converged
    expect_equal "$(current)" releases/20240207093015
    # What of it was as in the commit is mended.
    echo junk >srv/web/releases/20240207093015/VERSION
    mended() { [ "$(cat srv/web/releases/20240207093015/VERSION)" = 2 ]; }
    wait_for 20 mended
}

test_a_deployer_root_is_adopted_while_another_commit_is_declared() {
    world
    commits=()
    deployer
    starts_outside 2
    release 3 1 1
    declare_release 3 "shared: {dirs: [log]}
keep: 1"
    interval=1h
    host
    daemon
    wait_for 20 held
    run tidegatectl adopt web --with-old --json
    expect_status 0
    expect_contains "$out" '"tool":"Deployer"'
    expect_contains "$out" '"as_declared":false'
    expect_contains "$out" '"adopted":true'
    wait_for 20 serves 3
    adopt_service
    wait_for 20 state_is converged
    run tidegatectl history web
    expect_contains "$out" "${commits[1]:0:7}"
    # The old ones were given away: `keep` removes what is too much, the one before stays.
    wait_for 10 test ! -e srv/web/releases/1
    expect_file srv/web/releases/2
    release 4 1 1
    declare_release 4 "shared: {dirs: [log]}
keep: 1"
    tidegatectl sync >/dev/null
    adopt_service
    serves 4
    expect_no_file srv/web/releases/2
}

test_what_an_adoption_would_lose_is_said_before_and_wants_a_yes() {
    world
    commits=()
    capistrano
    cd srv/web/releases/20240207093015
    echo hotfix >SCHEMA
    rm SCHEMA_BEFORE
    mkdir storage
    echo upload >storage/a
    cd "$work"
    starts_outside 2
    mkdir srv/web/.dep
    touch srv/web/.dep/deploy.lock
    declare_release 2 "shared: {dirs: [storage], files: [config/.env]}"
    daemon
    wait_for 20 held
    run tidegatectl adopt web
    expect_status 1
    for words in "1 file differs from the commit: SCHEMA" "1 file of the commit is not here: SCHEMA_BEFORE" \
        "storage is the release's own here" "log is a link to shared/log here, and \`shared\` of the manifest does not name it" \
        "deploy.lock" "tidegatectl adopt web --yes"; do
        expect_contains "$out" "$words"
    done
    state_is held
    run tidegatectl adopt web --yes
    expect_status 0
    wait_for 20 state_is converged
    # What a person had changed is nobody's drift.
    run tidegatectl sync
    expect_status 0
    expect_equal "$(cat srv/web/current/SCHEMA)" hotfix
    expect_file srv/web/current/storage/a
}

test_what_cannot_be_adopted_is_refused_and_nothing_is_touched() {
    world
    commits=()
    capistrano
    declare_shared 2
    interval=1h
    host
    daemon
    wait_for 20 held
    refused() { # EXIT WORDS…: adopt is refused with them
        local code=$1 words
        shift
        before=$(hash_of_tree srv)
        run tidegatectl adopt web ${options:-}
        expect_status "$code"
        for words in "$@"; do expect_contains "$err" "$words"; done
        expect_equal "$(hash_of_tree srv)" "$before"
    }
    # attack 43: current is a folder, dangles, leads outside
    mv srv/web/current kept
    mkdir srv/web/current
    refused 3 "is not a link"
    rmdir srv/web/current
    ln -s releases/gone srv/web/current
    refused 3 "not there"
    ln -sfn /etc srv/web/current
    refused 3 "outside of releases/"
    tidegatectl sync >/dev/null || true
    state_is broken
    rm srv/web/current
    refused 3 "nothing runs there"
    mv kept srv/web/current
    # nothing tells the commit, or only half of it
    mv srv/web/current/REVISION revision
    mv srv/web/revisions.log log
    refused 3 "--commit FULL_ID"
    echo abcdef1 >srv/web/current/REVISION
    refused 2 "abbreviated id"
    options="--commit abc" refused 2 "not a full commit id"
    mv revision srv/web/current/REVISION
    # other people's folders
    chmod o+w srv/web/releases/20240207093015
    refused 3 "everybody may write the release"
    chmod o-w srv/web/releases/20240207093015
    if [ -n "$user" ]; then
        chown 4321 srv/web/releases/20240207093015
        refused 3 "belongs to another user"
        chown "$user" srv/web/releases/20240207093015
    fi
    run tidegatectl adopt other
    expect_status 2
    expect_contains "$err" "no app \`other\`"
    # a commit that the source does not have is said, and wants a yes
    options="--commit 1234567890123456789012345678901234567890"
    run tidegatectl adopt web $options
    expect_status 1
    expect_contains "$out" "could not be compared"
    expect_contains "$out" "REVISION says"
    state_is held || state_is broken
    # no manifest
    git -C deploy rm -q production/web.yaml
    git -C deploy commit -q -S -m "without web"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
    tidegatectl pause web >/dev/null
    tidegatectl sync >/dev/null || true
    run tidegatectl adopt web
    expect_status 3
    expect_contains "$err" "no manifest of the accepted revision declares web"
}
