# Migrations by files of SQL, and backups around them: against sqlite3 always, against PostgreSQL and MariaDB where they
# are installed. The app is its migrations; it is healthy unless its release has a file BROKEN.

world() {
    mkdir -p srv run etc
    git init -q --bare deploy.git
    git init -q --bare web.git
    git -C web.git config uploadpack.allowAnySHA1InWant true
    new_repo deploy
    new_repo web
    mkdir -p deploy/production web/db/migrations web/storage
    touch web/storage/.keep
    user=
    [ "$(id -u)" != 0 ] || user=nobody
    cat >etc/tidegated.yaml <<YAML
version: 1
host: {name: web-1, environment: production}
manifests: {url: "file://$work/deploy.git", branch: deploy, interval: 1s}
trust: {manifests: unsigned, attestations: off, protocols: [file]}
roots: [$work/srv]
sandbox: process
state: $work/state
socket: $work/run/control.sock
log: {format: text, level: info}
YAML
    export TIDEGATE_SOCKET=$work/run/control.sock
    more=
    from_sqlite
}
from_sqlite() {
    command -v sqlite3 >/dev/null || skip "no sqlite3 here"
    client=sqlite3
    where="database: storage/app.sqlite3"
    env_of=
    db() { sqlite3 "$work/srv/web/shared/storage/app.sqlite3" "$1"; }
}

# migration NAME UP [DOWN]: its files.
migration() {
    echo "$2" >"web/db/migrations/$1.up.sql"
    [ $# -lt 3 ] || echo "$3" >"web/db/migrations/$1.down.sql"
}
table() { migration "$1" "CREATE TABLE t${1%%_*} (id int);" "DROP TABLE t${1%%_*};"; }

# declare [broken]: the release that web/ is now, with `migrate` as $migrate says.
declare_release() {
    rm -f web/BROKEN
    patience=30s
    if [ "${1:-}" = broken ]; then
        touch web/BROKEN
        patience=200ms
    fi
    turn=$((${turn:-0} + 1))
    echo $turn >web/TURN
    git -C web add -A
    git -C web commit -q -m "release $turn"
    git -C web push -q "$work/web.git" HEAD:main
    manifest
}
manifest() {
    cat >deploy/production/web.yaml <<YAML
version: 1
app: web
release: {git: {url: "file://$work/web.git", commit: $(git -C web rev-parse HEAD)}}
root: $work/srv/web
${user:+user: $user}
shared: {dirs: [storage]}
$env_of
migrate:
  sql: {client: $client, folder: db/migrations, $where, wait: ${wait:-30s}}
$more
health: [{run: "test ! -e BROKEN", for: $patience, interval: 20ms}]
YAML
    git -C deploy add -A
    git -C deploy commit -q --allow-empty -m "release"
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
}
# roll_back [COUNT]: so many changes of the manifest.
roll_back() {
    git -C deploy revert --no-edit "HEAD~${1:-1}..HEAD" >/dev/null
    git -C deploy push -q "$work/deploy.git" HEAD:deploy
}

once() { run tidegated --config "$work/etc/tidegated.yaml" --once; }
daemon() {
    start tidegated --config "$work/etc/tidegated.yaml"
    daemon_pid=$started
    wait_for 20 daemon_answers
}
state_is() { tidegatectl status --json | python3 -c 'import json,sys; a=json.load(sys.stdin)["apps"]; sys.exit(0 if a and a[0]["state"]==sys.argv[1] else 1)' "$1"; }
# retry [OPTION]: what a person says, to a daemon of its own.
retry() {
    daemon
    tidegatectl retry web "$@" >/dev/null
    run tidegatectl sync
    said=$(tidegatectl show web)
    kill -TERM "$daemon_pid"
    wait "$daemon_pid" || true
    rm -f "$TIDEGATE_SOCKET"
}
ledger() { db "SELECT name, state FROM tidegate_migrations ORDER BY version" | tr '|\t' '  ' | paste -sd, | sed 's/ done//g; s/  */ /g'; }
tables() { [ "$(db "SELECT count(*) FROM $1" 2>/dev/null)" = 0 ]; }
# has NAME… / lacks NAME…: of tables.
has() { for each in "$@"; do tables "$each" || fail "no table $each"; done; }
lacks() { for each in "$@"; do ! tables "$each" || fail "there is a table $each"; done; }

# The whole way, the same for every client: applied once and in order; a release that fails is taken back, and only it; one
# that fails half way leaves nothing; a rollback takes back what the older release does not hold, newest first.
whole_way() {
    table 001_first
    table 010_third
    table 2_second
    declare_release
    once
    expect_status 0
    expect_equal "$(ledger)" "001_first,2_second,010_third"
    has t001 t2 t010
    once
    expect_status 0
    expect_contains "$(tail -n 30 state/logs/web/*.log)" "migrate.up: 001_first, 2_second, 010_third"
    table 011_more
    declare_release broken
    once
    expect_status 1
    expect_contains "$err" "took back 011_more"
    expect_equal "$(ledger)" "001_first,2_second,010_third"
    lacks t011
    has t010
    rm web/db/migrations/011_more.*
    table 011_good
    table 012_next
    declare_release
    once
    expect_status 0
    expect_contains "$err" "applied 011_good, 012_next"
    roll_back 2
    once
    expect_status 0
    expect_contains "$err" "took back 012_next, 011_good"
    expect_equal "$(ledger)" "001_first,2_second,010_third"
    lacks t011 t012
}

test_migrations_go_up_once_and_back_by_revert_and_rollback_with_sqlite3() {
    world
    whole_way
}

# A migration that fails half way: told with file and line; those before it are taken back.
fails_half_way() {
    table 020_before
    migration 021_bad "CREATE TABLE t021 (id int);

INSERT INTO t021 VALUES (1);
INSERT INTO nowhere VALUES (1);" "DROP TABLE t021;"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "db/migrations/021_bad.up.sql:4: "
    expect_contains "$err" nowhere
}

test_a_migration_that_fails_half_way_leaves_nothing_and_the_next_release_goes_on() {
    world
    table 001_first
    declare_release
    once
    expect_status 0
    fails_half_way
    expect_contains "$err" "took back 020_before"
    expect_equal "$(ledger)" "001_first"
    lacks t020 t021
    daemon
    run tidegatectl why web
    kill -TERM "$daemon_pid"
    wait "$daemon_pid" || true
    expect_contains "$out" "then migrate failed: migrate.up failed: db/migrations/021_bad.up.sql:4: "
    migration 021_bad "CREATE TABLE t021 (id int)" "DROP TABLE t021"
    declare_release
    once
    expect_status 0
    expect_equal "$(ledger)" "001_first,020_before,021_bad"
    has t020 t021
}

# Attack 85.
test_a_migration_that_was_edited_afterwards_is_refused_with_both_checksums() {
    world
    table 001_first
    declare_release
    once
    expect_status 0
    applied=$(sha256sum <web/db/migrations/001_first.up.sql | cut -d' ' -f1)
    table 002_second
    migration 001_first "CREATE TABLE t001 (id int, more int);"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "001_first.up.sql was edited after it was applied"
    expect_contains "$err" "$applied"
    expect_contains "$err" "$(sha256sum <web/db/migrations/001_first.up.sql | cut -d' ' -f1)"
    expect_equal "$(ledger)" "001_first"
    lacks t002
}

kill_daemon() {
    kill -KILL "$daemon_pid"
    wait "$daemon_pid" 2>/dev/null || true
}

# Attack 85: the daemon and the client with it are killed while a migration runs.
test_killed_in_the_middle_of_a_migration_the_next_start_goes_on() {
    world
    table 001_first
    declare_release
    once
    expect_status 0
    table 002_second
    migration 003_long "CREATE TABLE t003 (id int);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${steps:=2000000000}) SELECT count(*) FROM n;" "DROP TABLE t003;"
    declare_release
    daemon
    wait_for 60 tables t002
    kill_daemon
    # What is declared now is quick.
    migration 003_long "CREATE TABLE t003 (id int);"
    declare_release
    once
    expect_status 0
    expect_equal "$(ledger)" "001_first,002_second,003_long"
    expect_contains "$(tidegated_log)" "took back 002_second"
    # What was declared before the crash is not begun once more: the branch is asked first.
    expect_equal "$(grep -c "deployment begins" .err)" 1
    has t003
}
tidegated_log() { cat "$work/.err"; }

test_without_a_way_down_a_release_waits_for_a_person_unless_it_is_compatible() {
    world
    table 001_first
    declare_release
    once
    expect_status 0
    migration 002_only_up "CREATE TABLE t002 (id int);"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "no way down: there is no 002_only_up.down.sql"
    expect_contains "$err" "state=waiting"
    expect_equal "$(ledger)" "001_first"
    lacks t002
    # It waits for a person, and is not staged and built again and again meanwhile.
    once
    expect_status 1
    expect_contains "$err" "state=waiting reason=\"no way down: there is no 002_only_up.down.sql; it goes on with: tidegatectl retry web --irreversible\""
    expect_lacks "$err" "deployment begins"
    retry --irreversible
    expect_equal "$(ledger)" "001_first,002_only_up"
    # The way back: taken by a person only, and then nothing is taken back.
    roll_back
    once
    expect_status 1
    expect_contains "$err" "no way down: there is no 002_only_up.down.sql"
    expect_contains "$err" "state=waiting"
    retry --irreversible
    expect_contains "$said" "has no way down"
    expect_equal "$(ledger)" "001_first,002_only_up"
    migration 003_only_up "CREATE TABLE t003 (id int);"
    more="  compatible: true" declare_release broken
    once
    expect_status 1
    expect_equal "$(ledger)" "001_first,002_only_up,003_only_up"
}

# wrong NAME CONTENT WORDS: a release with such a file is held with these words, and nothing of it is applied.
wrong() {
    rm -rf web/db/migrations
    mkdir -p web/db/migrations
    table 001_first
    printf '%b' "$2" >"web/db/migrations/$1"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "$3"
    expect_no_file srv/web/current
    [ -z "$(ledger 2>/dev/null)" ] || fail "applied: $(ledger)"
}

test_files_that_are_no_right_migrations_are_refused_before_anything_is_applied() {
    world
    wrong 002-x.up.sql 'SELECT 1;' "db/migrations/002-x.up.sql"
    wrong 002_x.up.sql 'SELECT 1;\n.shell touch pwned\n' "is a command of the client program, not SQL"
    rm web/db/migrations/002_x.up.sql
    ln -s 001_first.up.sql web/db/migrations/002_x.up.sql
    declare_release
    once
    expect_contains "$err" "links are not followed: db/migrations/002_x.up.sql"
    rm -r web/db
    declare_release
    once
    expect_contains "$err" "has no folder of migrations db/migrations"
    expect_no_file srv/web/current
}

test_a_lower_number_than_an_applied_one_is_refused_unless_the_order_does_not_matter() {
    world
    table 001_first
    table 005_fifth
    declare_release
    once
    expect_status 0
    table 003_late
    declare_release
    once
    expect_status 1
    expect_contains "$err" "003_late.up.sql is not applied, but 5 is"
    lacks t003
    where="$where, out_of_order: true"
    manifest
    once
    expect_status 0
    expect_equal "$(ledger)" "001_first,003_late,005_fifth"
}

# Attack 85: half run.
test_what_began_outside_of_a_transaction_and_did_not_end_is_refused_with_a_word_on_what_to_do() {
    world
    table 001_first
    declare_release
    once
    expect_status 0
    migration 002_two "-- Two steps that are not one.
-- tidegate: no-transaction
CREATE TABLE t002 (id int);
INSERT INTO nowhere VALUES (1);" "DROP TABLE t002;"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "002_two was begun by release"
    expect_equal "$(ledger)" "001_first,002_two started"
    has t002
    state=$(tidegated_state)
    expect_contains "$state" broken
    # By hand: nothing of it is there any more.
    db "DROP TABLE t002; DELETE FROM tidegate_migrations WHERE version = 2"
    retry
    expect_equal "$(ledger)" "001_first"
    migration 002_two "-- tidegate: no-transaction
CREATE TABLE t002 (id int);"
    declare_release
    once
    expect_status 0
    expect_equal "$(ledger)" "001_first,002_two"
}
tidegated_state() { sqlite3 "$work/state/state.db" "SELECT outcome FROM deployments ORDER BY id DESC LIMIT 1"; }

# A backup and its way back, for commands and for files alike.
with_backup() {
    more="  backup: 'cp storage/app.sqlite3 \$TIDEGATE_BACKUP/ && umask'
  restore: 'cp \$TIDEGATE_BACKUP/app.sqlite3 storage/app.sqlite3'"
}

test_a_backup_is_made_before_a_migration_and_brought_back_where_there_is_no_way_down() {
    world
    table 001_first
    declare_release
    once
    expect_status 0
    with_backup
    declare_release
    once
    expect_status 0
    expect_no_file srv/web/backups # nothing migrated
    migration 002_only_up "DROP TABLE t001; CREATE TABLE t002 (id int);"
    declare_release broken
    once
    expect_status 1
    expect_contains "$err" "brought the backup"
    expect_equal "$(ledger)" "001_first"
    has t001
    lacks t002
    expect_equal "$(stat -c %a srv/web/backups/*)" 700
    # The way down is gone first; only where it fails the backup comes back.
    migration 002_only_up "DROP TABLE t001; CREATE TABLE t002 (id int);" "DROP TABLE nowhere;"
    declare_release broken
    once
    expect_status 1
    expect_contains "$err" "brought the backup"
    expect_contains "$err" "002_only_up.down.sql:1: "
    expect_equal "$(ledger)" "001_first"
    # As many stay as releases do.
    for each in 3 4; do
        migration 002_only_up "CREATE TABLE t002 (id int); -- $each"
        declare_release broken
        once
        expect_status 1
    done
    expect_equal "$(ls srv/web/backups | wc -l)" 3
    # A backup that cannot be brought back: hands off.
    more="  backup: 'true'
  restore: 'echo no such dump; exit 7'"
    declare_release broken
    once
    expect_status 1
    expect_contains "$err" "no such dump"
    expect_equal "$(tidegated_state)" broken
}

test_a_backup_that_fails_ends_the_deployment_before_anything_is_touched() {
    world
    table 001_first
    declare_release
    once
    expect_status 0
    table 002_second
    more="  backup: 'touch \$TIDEGATE_BACKUP/half; echo the disk is full; exit 1'"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "migrate.backup failed: exit 1: the disk is full"
    expect_equal "$(ledger)" "001_first"
    expect_equal "$(tidegated_state)" failed
    expect_equal "$(ls srv/web/backups)" ""
}

# A PostgreSQL of the test's own on a free port; its server is an ordinary user's.
from_postgres() {
    local bin as=()
    bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    [ -x "$bin/postgres" ] && command -v psql >/dev/null || skip "no PostgreSQL here"
    mkdir pg
    if [ "$(id -u)" = 0 ]; then
        chown nobody pg
        as=(setpriv --reuid nobody --regid nogroup --clear-groups)
    fi
    pg_port=$(free_port)
    echo s3cret-pass >pg.password
    chmod 644 pg.password
    "${as[@]}" "$bin/initdb" -D pg/data -U web --auth=scram-sha-256 --pwfile=pg.password --no-sync --no-locale \
        -E UTF8 >/dev/null
    start "${as[@]}" "$bin/postgres" -D pg/data -p "$pg_port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories="$work/pg" -c fsync=off -c log_min_messages=fatal
    export PGPASSWORD=s3cret-pass
    wait_for 60 psql -X -q -h 127.0.0.1 -p "$pg_port" -U web -d postgres -c 'CREATE DATABASE app'
    client=psql
    where="url: {env: DATABASE_URL}"
    echo "postgresql://web:s3cret%2Dpass@127.0.0.1:$pg_port/app?sslmode=disable" >url
    chmod 600 url
    env_of="secrets: {DATABASE_URL: {file: $work/url}}"
    db() { psql -X -q -A -t -F ' ' -h 127.0.0.1 -p "$pg_port" -U web -d app -c "$1"; }
}

test_migrations_go_up_once_and_back_by_revert_and_rollback_with_postgresql() {
    world
    from_postgres
    whole_way
    fails_half_way
    expect_equal "$(ledger)" "001_first,2_second,010_third"
    lacks t020 t021
    # Neither the address nor its password is in any log, nor on a command line.
    ! grep -rqF 's3cret' state srv run .background.log || fail "the password is in a log"
}

sleeps_in_the_database() {
    [ "$(db "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tidegate' AND query LIKE '%pg_sleep(600)%'")" = 1 ]
}
test_with_postgresql_hosts_take_turns_and_a_killed_daemon_leaves_no_migration_running() {
    world
    from_postgres
    wait=1s
    table 001_first
    migration 002_index "-- tidegate: no-transaction
CREATE INDEX CONCURRENTLY t001_id ON t001 (id);
SET search_path = nowhere;" "DROP INDEX t001_id;"
    migration 003_function "CREATE FUNCTION three() RETURNS int LANGUAGE plpgsql AS \$\$ BEGIN RETURN 3; END \$\$;
SELECT pg_catalog.set_config('search_path', '', false);
COPY public.t001 FROM STDIN;
7
\\.
" "DELETE FROM t001; DROP FUNCTION three();"
    # Another host migrates just now.
    start psql -X -q -h 127.0.0.1 -p "$pg_port" -U web -d app -c 'SELECT pg_advisory_lock(8388346167643173989), pg_sleep(600)'
    locked() { [ "$(db "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")" = 1 ]; }
    wait_for 20 locked
    declare_release
    once
    expect_status 1
    expect_contains "$err" "the database is locked by another migration"
    expect_contains "$err" "postponed"
    db "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'" >/dev/null
    wait=30s
    manifest
    once
    expect_status 0
    expect_equal "$(ledger)" "001_first,002_index,003_function"
    expect_equal "$(db 'SELECT three(), id FROM t001')" "3 7"
    # What the transaction forbids is told with its mend.
    migration 004_index "CREATE INDEX CONCURRENTLY other ON t001 (id);" "DROP INDEX other;"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "db/migrations/004_index.up.sql:1: ERROR:  CREATE INDEX CONCURRENTLY cannot run inside"
    expect_contains "$err" "tidegate: no-transaction"
    expect_equal "$(ledger)" "001_first,002_index,003_function"
    # Killed in the middle: the server ends the session by itself, and the lock goes with it.
    rm web/db/migrations/004_*
    table 005_before
    migration 006_long "CREATE TABLE t006 (id int); SELECT pg_sleep(600);" "DROP TABLE t006;"
    declare_release
    daemon
    wait_for 60 tables t005
    wait_for 60 sleeps_in_the_database
    kill_daemon
    table 006_long
    declare_release
    once
    expect_status 0
    expect_equal "$(ledger)" "001_first,002_index,003_function,005_before,006_long"
    has t006
}

# A MariaDB of the test's own.
from_mariadb() {
    local as=()
    command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null && command -v mariadb >/dev/null ||
        skip "no MariaDB here"
    mkdir my
    if [ "$(id -u)" = 0 ]; then
        chown nobody my
        as=(setpriv --reuid nobody --regid nogroup --clear-groups)
    fi
    my_port=$(free_port)
    "${as[@]}" mariadb-install-db --no-defaults --datadir="$work/my/data" --auth-root-authentication-method=normal \
        --skip-test-db >/dev/null 2>&1
    start "${as[@]}" mariadbd --no-defaults --datadir="$work/my/data" --port="$my_port" --bind-address=127.0.0.1 \
        --socket="$work/my/socket" --innodb-flush-log-at-trx-commit=0
    wait_for 60 mariadb --no-defaults -u root --socket="$work/my/socket" -e "CREATE DATABASE IF NOT EXISTS app;
        CREATE USER IF NOT EXISTS web@'%' IDENTIFIED BY 's3cret-pass'; GRANT ALL ON app.* TO web@'%'"
    client=mysql
    where="url: {env: DATABASE_URL}"
    echo "mysql://web:s3cret%2Dpass@127.0.0.1:$my_port/app" >url
    chmod 600 url
    env_of="secrets: {DATABASE_URL: {file: $work/url}}"
    db() { mariadb --no-defaults -u root --socket="$work/my/socket" --batch --skip-column-names app -e "$1"; }
}

test_migrations_go_up_once_and_back_and_a_half_one_is_refused_with_mariadb() {
    world
    from_mariadb
    whole_way
    ! grep -rqF 's3cret' state srv run .background.log || fail "the password is in a log"
    migration 020_routine "DELIMITER //
CREATE PROCEDURE three() BEGIN SELECT 3; END //
DELIMITER ;" "DROP PROCEDURE three;"
    declare_release
    once
    expect_status 0
    expect_equal "$(db 'CALL three()')" 3
    # Statements that change the schema commit there by themselves: half of it stays, and a person must look.
    migration 021_bad "CREATE TABLE t021 (id int);
INSERT INTO nowhere VALUES (1);" "DROP TABLE t021;"
    declare_release
    once
    expect_status 1
    expect_contains "$err" "db/migrations/021_bad.up.sql:2: "
    expect_contains "$err" "021_bad was begun by release"
    expect_contains "$(ledger)" "021_bad started"
    expect_equal "$(tidegated_state)" broken
    db "DROP TABLE t021; DELETE FROM tidegate_migrations WHERE version = 21"
    retry
    expect_equal "$(ledger)" "001_first,2_second,010_third,011_good,012_next,020_routine"
}
