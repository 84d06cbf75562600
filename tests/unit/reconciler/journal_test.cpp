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
    CHECK((*rig.journal->history("web", 10)).size() == 1);
    CHECK(rig.app().delay->failures == 3);
}

TEST_CASE("journal: retry forgets holds, delays and broken, and keeps what runs") {
    Rig rig;
    rig.world.faults["health r2"] = Fault::Error;
    (void)rig.run(rig.begin());
    REQUIRE(rig.app().hold.has_value());
    REQUIRE(rig.journal->retry("web", "d2").has_value());
    CHECK_FALSE(rig.app().hold.has_value());
    CHECK(rig.app().irreversible == "d2");
    CHECK(rig.app().running->release == "r1");
}
