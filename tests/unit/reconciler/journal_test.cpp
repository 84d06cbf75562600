#include "shared/base/files.hpp"
#include "twin.hpp"

#include <filesystem>
#include <fstream>

using namespace tidegate;
using namespace tidegate::reconciler;
namespace fs = std::filesystem;

namespace {

const shared::WallTime kNow{shared::Duration(1'790'000'000'000)};
const auto kFirst = *shared::Oid::parse(std::string(40, 'a'));
const auto kSecond = *shared::Oid::parse(std::string(40, 'b'));

void execute(const std::string& folder, const char* sql) {
    auto database = Database::open(folder + "/state.db");
    REQUIRE(database.has_value());
    REQUIRE(database->script(sql).has_value());
}

}  // namespace

TEST_CASE("attack 21: with the database wiped the accepted revision is still known") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    {
        auto journal = *Journal::open(folder.path(), kNow);
        REQUIRE(journal->accept(kFirst, "ana", kNow).has_value());
        REQUIRE(journal->accept(kSecond, "ben", kNow).has_value());
    }
    for (const char* part : {"/state.db", "/state.db-wal", "/state.db-shm"}) fs::remove(folder.path() + part);
    auto journal = *Journal::open(folder.path(), kNow);
    const auto accepted = *journal->accepted();
    REQUIRE(accepted.has_value());
    CHECK(accepted->revision == kSecond);
    CHECK(accepted->count == 2);
    CHECK(accepted->signer == "ben");
}

TEST_CASE("attack 21: the later of the two copies counts, and a torn file does not") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    auto journal = *Journal::open(folder.path(), kNow);
    REQUIRE(journal->accept(kFirst, "ana", kNow).has_value());
    const auto first = *shared::read_file(folder.path() + "/accepted", 4096);
    REQUIRE(journal->accept(kSecond, "ana", kNow).has_value());
    const auto second = *shared::read_file(folder.path() + "/accepted", 4096);
    for (const auto& content : {first, second.substr(0, 20), std::string()}) {
        std::ofstream(folder.path() + "/accepted", std::ios::trunc) << content;
        CHECK((*journal->accepted())->revision == kSecond);
    }
}

TEST_CASE("attack 21: a copy of the accepted revision that is lost or behind is made again") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    const auto file = folder.path() + "/accepted";
    auto journal = *Journal::open(folder.path(), kNow);
    REQUIRE(journal->accept(kFirst, "ana", kNow).has_value());
    const auto first = *shared::read_file(file, 4096);
    REQUIRE(journal->accept(kSecond, "ana", kNow).has_value());
    const auto second = *shared::read_file(file, 4096);
    std::ofstream(file, std::ios::trunc) << first;  // behind
    CHECK((*journal->accepted())->revision == kSecond);
    CHECK(*shared::read_file(file, 4096) == second);
    fs::remove(file);
    CHECK((*journal->accepted())->revision == kSecond);
    CHECK(*shared::read_file(file, 4096) == second);
    execute(folder.path(), "DELETE FROM facts WHERE key='accepted'");
    CHECK((*journal->accepted())->revision == kSecond);
    fs::remove(file);
    CHECK((*journal->accepted())->revision == kSecond);
}

TEST_CASE("attack 88: a database of a newer version is refused and not touched") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    { auto journal = *Journal::open(folder.path(), kNow); }
    execute(folder.path(), "PRAGMA user_version = 99");
    const auto journal = Journal::open(folder.path(), kNow);
    REQUIRE_FALSE(journal.has_value());
    CHECK(journal.error().kind == ErrorKind::Unsupported);
    CHECK(fs::exists(folder.path() + "/state.db"));
}

TEST_CASE("attack 89: a database that cannot be read is set aside and begun anew") {
    for (const std::string& content :
         {std::string("this is no database, but it is long enough to be looked at"),
          std::string(8192, '\xff')}) {
        const auto folder = *shared::TempDir::make("tidegate-test");
        std::ofstream(folder.path() + "/state.db") << content;
        const auto journal = Journal::open(folder.path(), kNow);
        REQUIRE(journal.has_value());
        CHECK((*journal)->rebuilt());
        size_t aside = 0;
        for (const auto& entry : fs::directory_iterator(folder.path()))
            aside += entry.path().filename().string().starts_with("state.db.broken-") ? 1 : 0;
        CHECK(aside == 1);
    }
}

TEST_CASE("journal: cut at any page of its log, it opens and holds what was written before") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    auto journal = *Journal::open(folder.path(), kNow);
    for (int index = 0; index < 20; ++index)
        REQUIRE(journal->accept(index % 2 == 0 ? kFirst : kSecond, "ana", kNow).has_value());
    const auto wal = *shared::read_file(folder.path() + "/state.db-wal", 64 << 20);
    for (size_t length = 0; length < wal.size(); length += 4096 + 24 - 7) {
        const auto copy = *shared::TempDir::make("tidegate-test");
        fs::copy_file(folder.path() + "/state.db", copy.path() + "/state.db");
        std::ofstream(copy.path() + "/state.db-wal", std::ios::binary) << wal.substr(0, length);
        const auto torn = Journal::open(copy.path(), kNow);
        CAPTURE(length);
        CHECK(torn.has_value());
    }
}

TEST_CASE("journal: one row for one manifest that waits, however often it is tried") {
    Rig rig;
    for (int tries = 0; tries < 3; ++tries) {
        rig.world.faults["fetch"] = Fault::Transient;
        (void)rig.run(rig.begin());
    }
    const auto rows = *rig.journal->history("web", 10);
    REQUIRE(rows.size() == 1);
    CHECK(rows.front().attempt == 3);
    CHECK(rig.app().delay->failures == 3);
}

TEST_CASE("journal: retry forgets holds, delays and broken, and keeps what runs") {
    Rig rig;
    rig.world.faults["health r2"] = Fault::Error;
    (void)rig.run(rig.begin());
    REQUIRE(rig.app().hold.has_value());
    REQUIRE(rig.journal->retry("web", kNow, "d2").has_value());
    CHECK_FALSE(rig.app().hold.has_value());
    CHECK(rig.app().irreversible == "d2");
    CHECK(rig.app().running->release == "r1");
}

namespace {

// state.db as the first tidegated wrote it, with one app that runs, is held and paused.
constexpr const char* kOldest = R"sql(
CREATE TABLE deployments(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL, root TEXT NOT NULL,
  from_release TEXT NOT NULL, from_commit TEXT NOT NULL, from_label TEXT NOT NULL, from_manifest TEXT NOT NULL,
  to_release TEXT NOT NULL, to_commit TEXT NOT NULL, to_label TEXT NOT NULL, to_manifest TEXT NOT NULL,
  digest TEXT NOT NULL, revision TEXT NOT NULL, signer TEXT NOT NULL,
  back INTEGER NOT NULL, from_good INTEGER NOT NULL,
  started INTEGER NOT NULL, ended INTEGER, outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  verdict TEXT NOT NULL DEFAULT 'none', restarts INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX deployments_by_app ON deployments(app, id);
CREATE TABLE phases(
  deployment INTEGER NOT NULL REFERENCES deployments(id) ON DELETE CASCADE,
  state TEXT NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX phases_by_deployment ON phases(deployment);
CREATE TABLE apps(app TEXT PRIMARY KEY, paused TEXT, broken TEXT, irreversible TEXT) STRICT;
CREATE TABLE running(
  app TEXT PRIMARY KEY, root TEXT NOT NULL, release TEXT NOT NULL, commit_id TEXT NOT NULL, label TEXT NOT NULL,
  manifest TEXT NOT NULL, digest TEXT NOT NULL, revision TEXT NOT NULL, since INTEGER NOT NULL) STRICT;
CREATE TABLE good(
  app TEXT NOT NULL, release TEXT NOT NULL, commit_id TEXT NOT NULL, label TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(app, release)) STRICT;
CREATE TABLE holds(
  app TEXT PRIMARY KEY, digest TEXT NOT NULL, refused INTEGER NOT NULL, deployment INTEGER NOT NULL,
  reason TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE delays(
  app TEXT PRIMARY KEY, digest TEXT NOT NULL, failures INTEGER NOT NULL, interruptions INTEGER NOT NULL,
  until INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE children(deployment INTEGER PRIMARY KEY, pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL) STRICT;
CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO deployments VALUES(7,'web','/srv/web','','','','','r1','c1','v1','m1','d1','rev1','ana',0,0,
  1000,2000,'deployed','','none',2);
INSERT INTO deployments VALUES(8,'web','/srv/web','r1','c1','v1','m1','r2','c2','v2','m2','d2','rev2','ana',0,1,
  3000,NULL,'','','none',0);
INSERT INTO phases VALUES(8,'migrate','begin',3001,'');
INSERT INTO running VALUES('web','/srv/web','r1','c1','v1','m1','d1','rev1',2000);
INSERT INTO good VALUES('web','r1','c1','v1',7,7);
INSERT INTO apps VALUES('web','moving the disk',NULL,'d0');
INSERT INTO holds VALUES('web','d2',0,8,'health failed',2500);
INSERT INTO children VALUES(8,4711,99);
PRAGMA user_version = 1;
)sql";

// The first version was written with these columns, too, under the same number.
constexpr const char* kLaterColumns =
    "ALTER TABLE apps ADD COLUMN let_go TEXT; UPDATE apps SET let_go='d2';"
    "ALTER TABLE holds ADD COLUMN revision TEXT NOT NULL DEFAULT 'rev2';"
    "ALTER TABLE children ADD COLUMN boot TEXT NOT NULL DEFAULT 'boot';";

std::vector<std::string> schema_of(const std::string& folder) {
    auto database = Database::open(folder + "/state.db");
    REQUIRE(database.has_value());
    return *database->all(
        "SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_schema m, pragma_table_info(m.name) c "
        "WHERE m.type='table' ORDER BY 1",
        [](const Row& row) { return row.text(0); });
}

}  // namespace

TEST_CASE(
    "journal: a database of the first version, in each of its forms, is brought up and keeps what it holds") {
    for (const bool later : {false, true}) {
        CAPTURE(later);
        const auto folder = *shared::TempDir::make("tidegate-test");
        execute(folder.path(), kOldest);
        if (later) execute(folder.path(), kLaterColumns);
        auto journal = *Journal::open(folder.path(), kNow);
        CHECK_FALSE(journal->rebuilt());
        const auto app = *journal->app("web");
        REQUIRE(app.running.has_value());
        CHECK(app.running->release == "r1");
        REQUIRE(app.paused.has_value());
        CHECK(app.paused->reason == "moving the disk");
        CHECK_FALSE(app.paused->until.has_value());
        REQUIRE(app.hold.has_value());
        CHECK(app.hold->revision == (later ? "rev2" : ""));
        CHECK(app.irreversible == "d0");
        CHECK(app.let_go.has_value() == later);
        const auto left = *journal->unfinished("web");
        REQUIRE(left.has_value());
        CHECK(left->id == 8);
        CHECK(left->attempt == 1);
        CHECK((*journal->children()).size() == 1);
        CHECK((*journal->history("web", 10)).back().restarts == 2);
        REQUIRE(journal->resume("web", kNow).has_value());
        CHECK_FALSE((*journal->app("web")).paused.has_value());
        journal.reset();

        const auto fresh = *shared::TempDir::make("tidegate-test");
        { const auto made = *Journal::open(fresh.path(), kNow); }
        CHECK(schema_of(folder.path()) == schema_of(fresh.path()));
        CHECK(Journal::open(folder.path(), kNow).has_value());  // a second time there is nothing to bring up
    }
}

TEST_CASE("journal: what cannot be brought up is left as it was") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    execute(folder.path(), kOldest);
    execute(folder.path(), "CREATE TABLE pauses(x TEXT) STRICT");  // in the way of the third version
    CHECK_FALSE(Journal::open(folder.path(), kNow).has_value());
    auto database = Database::open(folder.path() + "/state.db");
    REQUIRE(database.has_value());
    CHECK(*database->first("PRAGMA user_version", [](const Row& row) { return row.integer(0); }) == 1);
    CHECK(*database->first("SELECT paused FROM apps", [](const Row& row) { return row.text(0); }) ==
          "moving the disk");
}

TEST_CASE("journal: pauses of an app and of the host outlive a restart, and the longest counts") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    const auto hour = shared::Duration(3'600'000);
    {
        auto journal = *Journal::open(folder.path(), kNow);
        REQUIRE(journal->pause("", PauseRow{"new disk", "ana", kNow, kNow + hour, true}).has_value());
        REQUIRE(
            journal->pause("web", PauseRow{"look into it", "ben", kNow, kNow + 2 * hour, false}).has_value());
    }
    auto journal = *Journal::open(folder.path(), kNow);
    auto web = (*journal->app("web")).paused;
    REQUIRE(web.has_value());
    CHECK(web->reason == "look into it");
    CHECK(web->who == "ben");
    CHECK(web->until == kNow + 2 * hour);
    CHECK_FALSE(web->whole_host);
    CHECK((*journal->app("api")).paused->whole_host);
    CHECK((*journal->host_pause())->reason == "new disk");
    REQUIRE(journal->resume("web", kNow).has_value());
    web = (*journal->app("web")).paused;
    REQUIRE(web.has_value());
    CHECK(web->whole_host);
    REQUIRE(journal->resume("", kNow).has_value());
    CHECK_FALSE((*journal->app("web")).paused.has_value());
    CHECK_FALSE((*journal->host_pause()).has_value());
}
