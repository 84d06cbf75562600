#include "parts_rig.hpp"
#include "reconciler/former_tool.hpp"
#include "reconciler/journal.hpp"
#include "reconciler/release_compare.hpp"

using namespace tidegate;
using namespace tidegate::reconciler;
using shared::Duration;
using shared::WallTime;

TEST_CASE("adoption: Capistrano's revisions.log tells the commit of a release, the last line counts") {
    const std::string log =
        "Branch main (at 1111111) deployed as release 20240131120000 by ana\n"
        "Branch v1 (x) (at 2222222) deployed as release 20240207093015 by ben\n"
        "ben rolled back to release 20240131120000\n"
        "Branch main (at 3333333) deployed as release 20240131120000 by \n"
        "Branch main (at 444";
    CHECK(in_revisions_log(log, "20240207093015")->commit == "2222222");
    CHECK(in_revisions_log(log, "20240207093015")->by == "ben");
    CHECK(in_revisions_log(log, "20240131120000")->commit == "3333333");
    CHECK_FALSE(in_revisions_log(log, "2024013112000").has_value());
    CHECK_FALSE(in_revisions_log("", "1").has_value());
}

TEST_CASE("adoption: Deployer's releases_log is read line by line, and what is none is passed over") {
    const std::string log =
        R"({"created_at":"2024-02-01T09:30:15+0000","release_name":"1","user":"ana","target":"main"})"
        "\nnot json\n[1]\n{\"release_name\":2}\n"
        R"({"created_at":"x","release_name":"2","user":"ben","target":"1111111111111111111111111111111111111111"})"
        "\n";
    CHECK(in_releases_log(log, "1")->commit == "main");
    CHECK(in_releases_log(log, "2")->by == "ben");
    CHECK_FALSE(in_releases_log(log, "3").has_value());
}

TEST_CASE("adoption: a link of a release leads to shared/ or it does not, by its text") {
    struct Case {
        const char* path;
        const char* text;
        const char* to;
    };
    const Case cases[] = {
        {"log", "/srv/web/shared/log", "log"},
        {"log", "../../shared/log", "log"},
        {"config/.env", "../../../shared/config/.env", "config/.env"},
        {"config/.env", "../../shared/config/.env", ""},
        {"log", "../../../shared/log", ""},
        {"log", "/srv/other/shared/log", ""},
        {"log", "shared/log", ""},
        {"log", "", ""},
    };
    for (const auto& [path, text, to] : cases) CHECK(shared_target("/srv/web", path, text) == to);
}

TEST_CASE("adoption: what another tool left is read bounded, and no link of it is followed") {
    const PartsRig rig;
    const auto root = rig.root();
    rig.sh(
        "mkdir -p srv/web/releases/1 && cd srv/web && echo ABCDEF0123 >secret && touch revisions.log && "
        "ln -s ../../secret releases/1/REVISION");
    const auto release = id_of("1");
    CHECK_FALSE(read_former_tool(root, release)->commit.has_value());
    rig.sh("cd srv/web/releases/1 && rm REVISION && mkfifo REVISION");
    CHECK_FALSE(read_former_tool(root, release)->commit.has_value());
    rig.sh("cd srv/web/releases/1 && rm REVISION && echo ABCDEF0123 >REVISION && echo more >>REVISION");
    CHECK(read_former_tool(root, release)->commit == "abcdef0123");
    rig.sh("cd srv/web && echo 'Branch main (at 9999999) deployed as release 1 by ana' >revisions.log");
    const auto tool = read_former_tool(root, release);
    CHECK(tool->name == "Capistrano");
    REQUIRE(tool->doubts.size() == 1);
    CHECK(tool->doubts.front() == "REVISION says abcdef0123, revisions.log says 9999999");
}

TEST_CASE(
    "adoption: a release is compared file by file with the commit, and only what is the same is recorded") {
    const PartsRig rig;
    const auto commit = rig.commit(
        "mkdir bin log && echo a >same && echo b >other && echo c >gone && echo d >bin/run && "
        "chmod +x bin/run && ln -s same link && echo e >mode && touch log/.keep && "
        "echo f >dir");
    const auto root = rig.root();
    rig.sh(
        "mkdir -p srv/web/releases/1 && git -C app archive HEAD | tar -x -C srv/web/releases/1 && cd "
        "srv/web/releases/1 && "
        "echo x >other && rm gone dir && mkdir dir && chmod +x mode && rm -r log && ln -s ../../shared/log "
        "log && "
        "mkdir node && echo 1 >node/built");
    const auto compared = compare_release(root, id_of("1"), rig.repo(), commit, commit, -1);
    REQUIRE(compared.has_value());
    CHECK(compared->changed == std::vector<std::string>{"mode", "other"});
    CHECK(compared->missing == std::vector<std::string>{"dir", "gone"});
    CHECK(compared->same == 3);
    CHECK(compared->linked_away == 1);
    CHECK(compared->extra == 1);
    CHECK(compared->shared_links == std::map<std::string, std::string>{{"log", "log"}});
    REQUIRE(compared->record.entries.size() == 3);
    CHECK(compared->record.entries[0].path == "bin/run");
    CHECK(compared->record.writable);  // never hard linked into another release
}

TEST_CASE("adoption: the journal takes over what nobody knew, once") {
    const PartsRig rig;
    const WallTime now{Duration(1'790'000'000'000)};
    const auto journal = Journal::open(rig.state(), now).value();
    DeploymentRow row;
    row.app = "web";
    row.to_release = "1";
    row.outcome = "adopted";
    row.started = now;
    const RunningRow running{"/srv/web", "1", "c1", "v1", "m", "d1", "rev1", now};
    REQUIRE(journal->set_delay("web", {"d0", 1, 0, now, "x"}).has_value());
    REQUIRE(journal->take_over(row, running, {{"1", "c1-b1", false}, {"0", "", true}}).has_value());
    const auto known = journal->app("web").value();
    CHECK(known.running->release == "1");
    CHECK_FALSE(known.delay.has_value());
    CHECK(journal->good_releases("web")->size() == 1);
    CHECK(journal->first_deployed("web", "c1").value().has_value());
    CHECK(journal->last("web").value()->outcome == "adopted");
    CHECK_FALSE(journal->unfinished("web").value().has_value());
    CHECK(journal->take_over(row, running, {}).error().kind == ErrorKind::Locked);
    REQUIRE(journal->adopted("web")->size() == 2);
    REQUIRE(journal->forget_release("web", "0").has_value());
    CHECK(journal->adopted("web")->size() == 1);
}
