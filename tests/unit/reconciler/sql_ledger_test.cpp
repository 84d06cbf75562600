#include "reconciler/sql_ledger.hpp"

#include "parts_rig.hpp"
#include "reconciler/sql_client.hpp"
#include "reconciler/sql_folder.hpp"
#include "shared/hash/sha256.hpp"

#include <fcntl.h>

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

SqlMigration file(std::int64_t version, bool down = true) {
    return {version, std::to_string(version) + "_x", "sum" + std::to_string(version), down};
}
LedgerRow row(std::int64_t version, SqlState state = SqlState::Done) {
    return {version, std::to_string(version) + "_x", "sum" + std::to_string(version), state, "r1", "d1"};
}
Ledger ledger(std::vector<LedgerRow> rows) {
    return {true, "public", std::move(rows)};
}
bool says(const Error& error, const std::string& words) {
    return (error.line() + error.hint).find(words) != std::string::npos;
}
const auto kAll = [](const LedgerRow&) { return true; };

// A release's folder with these files.
Result<std::vector<SqlMigration>> read_folder(const PartsRig& rig) {
    const auto release = open_dir(rig.path());
    REQUIRE(release.has_value());
    return read_sql_folder(release->get(), "db");
}

}  // namespace

TEST_CASE("ledger: what is missing is applied in the order of numbers, and nothing twice") {
    const auto plan = plan_up({file(1), file(2), file(10)}, ledger({row(1)}), false);
    REQUIRE(plan.has_value());
    CHECK(names_of(plan->steps) == "2_x, 10_x");
    CHECK(plan_up({file(1)}, ledger({row(1)}), false)->steps.empty());
    CHECK(plan_up({file(1, false)}, ledger({}), false)->without_down ==
          std::vector<std::string>{"1_x.down.sql"});
}

TEST_CASE("ledger: an edited migration is refused with both checksums (attack 85)") {
    auto applied = row(1);
    applied.checksum = "another";
    for (const auto& plan : {plan_up({file(1), file(2)}, ledger({applied}), true),
                             plan_down({file(1)}, ledger({applied}), kAll)}) {
        REQUIRE_FALSE(plan.has_value());
        CHECK(says(plan.error(), "1_x.up.sql was edited"));
        CHECK(says(plan.error(), "sum1"));
        CHECK(says(plan.error(), "another"));
    }
}

TEST_CASE("ledger: a half run migration is refused with a word on what to do (attack 85)") {
    const auto up = plan_up({file(1), file(2)}, ledger({row(1), row(2, SqlState::Started)}), false);
    REQUIRE_FALSE(up.has_value());
    CHECK(says(up.error(), "2_x was begun by release r1 and has not ended"));
    CHECK(says(up.error(), "DELETE FROM tidegate_migrations WHERE version=2"));
    const auto down = plan_down({file(1)}, ledger({row(1, SqlState::Undoing)}), kAll);
    REQUIRE_FALSE(down.has_value());
    CHECK(says(down.error(), "begun to be taken back"));
}

TEST_CASE("ledger: a lower number than an applied one is refused unless the order does not matter") {
    const auto plan = plan_up({file(1), file(2), file(3)}, ledger({row(1), row(3)}), false);
    REQUIRE_FALSE(plan.has_value());
    CHECK(says(plan.error(), "2_x.up.sql is not applied, but 3 is"));
    CHECK(names_of(plan_up({file(1), file(2), file(3)}, ledger({row(1), row(3)}), true)->steps) == "2_x");
}

TEST_CASE("ledger: what is applied and is no file of the release is told and left") {
    const auto up = plan_up({file(1), file(8)}, ledger({row(1), row(7)}), false);
    REQUIRE(up.has_value());
    CHECK(names_of(up->steps) == "8_x");
    REQUIRE(up->notes.size() == 1);
    CHECK(up->notes[0].find("7_x is applied by release r1, and is no file") != std::string::npos);
    const auto down = plan_down({file(1)}, ledger({row(1), row(7)}), kAll);
    REQUIRE(down.has_value());
    CHECK(names_of(down->steps) == "1_x");
    CHECK(down->notes.size() == 1);
}

TEST_CASE("ledger: down goes newest first, and only where it is asked to") {
    const auto all = {file(1), file(2), file(3, false)};
    const auto plan = plan_down(all, ledger({row(1), row(2), row(3)}),
                                [](const LedgerRow& each) { return each.version != 3; });
    REQUIRE(plan.has_value());
    CHECK(names_of(plan->steps) == "2_x, 1_x");
    CHECK(plan->without_down.empty());
    CHECK(plan_down(all, ledger({row(3)}), kAll)->without_down == std::vector<std::string>{"3_x.down.sql"});
}

TEST_CASE("ledger: what a client prints is read strictly") {
    const auto good = parse_ledger(
        "WARNING: noise\ntidegate-ledger\tt\tpublic\n"
        "tidegate-row\t2\t2_b\tff\tstarted\tr2\tweb-1/7/1\ntidegate-row\t1\t1_a\tee\tdone\tr1\tweb-1/6/1\n");
    REQUIRE(good.has_value());
    CHECK(good->there);
    CHECK(good->schema == "public");
    REQUIRE(good->rows.size() == 2);
    CHECK(good->rows[0].name == "1_a");
    CHECK(good->rows[1].state == SqlState::Started);
    CHECK(good->rows[1].deployment == "web-1/7/1");
    for (const char* bad : {"", "tidegate-ledger\tt\tpublic\ntidegate-row\t1\t1_a\tee\tdone\tr1\n",
                            "tidegate-ledger\tt\tpublic\ntidegate-row\tx\t1_a\tee\tdone\tr1\td\n",
                            "tidegate-ledger\tt\tpublic\ntidegate-row\t1\t1_a\tee\tmaybe\tr1\td\n"})
        CHECK_FALSE(parse_ledger(bad).has_value());
}

TEST_CASE("ledger: files are named by a number and a word, once each, and are plain files") {
    for (const char* good : {"001_first.up.sql", "20240102030405_add-user.v2.down.sql", "1_a.up.sql"})
        CHECK(parse_sql_file_name(good).has_value());
    for (const char* bad :
         {"001-first.up.sql", "001_.up.sql", "001.up.sql", "first.up.sql", "001_first.sql", "_x.up.sql",
          "001_a b.up.sql", "001_\xC3\xA9.up.sql", "1234567890123456789_x.up.sql", ".up.sql"})
        CHECK_FALSE(parse_sql_file_name(bad).has_value());

    const std::pair<std::string, std::string> wrong[] = {
        {"touch 001_a.up.sql 1_b.up.sql", "the number 1 is also that of"},
        {"touch 001_a.up.sql 001_b.down.sql", "the number 1 is also that of"},
        {"touch 001_a.down.sql", "without its way up: db/001_a.down.sql"},
        {"touch 001_a.up.sql 002_B.UP.SQL", "neither the way up"},
        {"mkdir 001_a.up.sql", "not a plain file"},
        {"touch x; ln -s ../x 001_a.up.sql", "links are not followed"},
        {"mkfifo 001_a.up.sql", "not a plain file"},
        {"truncate -s 17M 001_a.up.sql", "over 16 MiB: db/001_a.up.sql"},
        {"touch README.md", "no migration lies in db"},
        {"cd ..; mv db there; ln -s there db", "links are not followed"},
        {"cd ..; rmdir db", "no folder of migrations db"},
    };
    for (const auto& one : wrong) {
        const auto& make = one.first;
        const auto& words = one.second;
        CAPTURE(make);
        const PartsRig rig;
        rig.sh("mkdir db && cd db && " + make);
        const auto found = read_folder(rig);
        REQUIRE_FALSE(found.has_value());
        CHECK_MESSAGE(says(found.error(), words), found.error().line());
    }
    const PartsRig rig;
    rig.sh(
        "mkdir db && cd db && printf x >010_b.up.sql && touch 2_a.up.sql 2_a.down.sql README.md 3_c.up.sql~");
    const auto found = read_folder(rig);
    REQUIRE_MESSAGE(found.has_value(), found.error().line());
    CHECK(names_of(*found) == "2_a, 010_b");
    CHECK(found->at(0).down);
    CHECK_FALSE(found->at(1).down);
    CHECK(found->at(1).checksum == sha256_hex("x"));
}

TEST_CASE(
    "ledger: no password is on a client's command line, and an address that is not understood is refused "
    "unseen") {
    using Client = tidegate::manifests::DatabaseClient;
    tidegate::manifests::SqlMigrations sql;
    sql.url = "DATABASE_URL";
    sql.client = Client::Psql;
    const auto psql = sql_call(
        sql, "postgresql://web:s3%40cret@[::1]:5433/app?sslmode=require&connect_timeout=3", "", "/usr/bin");
    REQUIRE_MESSAGE(psql.has_value(), psql.error().line());
    CHECK(psql->env.at("PGPASSWORD") == "s3@cret");
    CHECK(psql->env.at("PGHOST") == "::1");
    CHECK(psql->env.at("PGPORT") == "5433");
    CHECK(psql->env.at("PGDATABASE") == "app");
    CHECK(psql->env.at("PGSSLMODE") == "require");
    for (const auto& word : psql->argv) CHECK(word.find("cret") == std::string::npos);
    CHECK(password_of("postgresql://web:s3%40cret@h/app") == "s3@cret");
    CHECK(password_of("postgresql:///app?password=s3cret") == "s3cret");
    sql.client = Client::Mysql;
    const auto mysql = sql_call(sql, "mysql://web:s3cret@db.example.com/app", "", "/usr/bin");
    REQUIRE(mysql.has_value());
    CHECK(mysql->argv[1] == "--no-defaults");
    CHECK(mysql->env.at("MYSQL_PWD") == "s3cret");
    for (const auto& word : mysql->argv) CHECK(word.find("s3cret") == std::string::npos);
    for (const auto& [client, url] :
         {std::pair(Client::Psql, "mysql://u:s3cret@h/d"),
          std::pair(Client::Psql, "postgres://u:s3cret@h/d?pool=5"), std::pair(Client::Psql, "s3cret"),
          std::pair(Client::Psql, "postgres://u:s3cret@h:x/d"),
          std::pair(Client::Mysql, "mysql://u:s3cret@h/")}) {
        sql.client = client;
        const auto call = sql_call(sql, url, "", "/usr/bin");
        REQUIRE_FALSE(call.has_value());
        CHECK_FALSE(says(call.error(), "s3cret"));
        CHECK(says(call.error(), "DATABASE_URL"));
    }
}

TEST_CASE("ledger: a client's failure is told with the migration's own file and line") {
    const auto client = make_sql_client(tidegate::manifests::DatabaseClient::Sqlite3);
    SqlStep first{file(1), true, "db/1_x.up.sql", "SELECT 1;\nSELECT 2;"};
    SqlStep second{file(2), true, "db/2_x.up.sql", "SELECT 1;\n\nSELECT nowhere"};
    second.open = true;
    const auto script = compose_steps(*client, Duration(0), ledger({}), {first, second}, {"r", "d"});
    REQUIRE(script.pieces.size() == 2);
    const auto line = std::to_string(script.pieces[1].first + 2);
    CHECK(failed_words("Parse error near line " + line + ": no such column: nowhere\n", script) ==
          "db/2_x.up.sql:3: Parse error: no such column: nowhere");
    CHECK(failed_words("ERROR 1146 (42S02) at line " + line + ": Table 'a.b' doesn't exist at line 1\n",
                       script) == "db/2_x.up.sql:3: ERROR 1146 (42S02): Table 'a.b' doesn't exist at line 1");
    CHECK(failed_words("psql:<stdin>:" + line + ": ERROR:  no\nLINE 1: x\n        ^\n", script) ==
          "db/2_x.up.sql:3: ERROR:  no");
    CHECK(failed_words("all is well\n", script).empty());
}
