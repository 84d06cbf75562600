#include "parts_rig.hpp"

using namespace tidegate::reconciler;
using namespace tidegate::shared;

TEST_CASE("release id: the same commit and build give the same name, other builds another") {
    const auto commit = Oid::parse("9fceb02d0ae598e95dc970b74767f19372d61af8").value();
    CHECK(ReleaseId::of(commit, "") == ReleaseId::of(commit, ""));
    CHECK(ReleaseId::of(commit, "") != ReleaseId::of(commit, "npm ci"));
    CHECK(ReleaseId::of(commit, "").str().starts_with("9fceb02d0ae5-"));
    CHECK(ReleaseId::of(commit, "").ours());
}

TEST_CASE("release id: names of other tools are releases, paths and options are not") {
    for (const char* name : {"20240131120000", "42", "v1.4.2", "9fceb02d0ae5-1c2d3e4f"})
        CHECK(ReleaseId::parse(name));
    for (const char* name : {"", ".", "..", ".hidden", "-rf", "a/b", "a b", "a\n", "\x1b[2J"})
        CHECK_FALSE(ReleaseId::parse(name).has_value());
    CHECK_FALSE(id_of("20240131120000").ours());
}

TEST_CASE("app root: made where it is missing, and only then") {
    const PartsRig rig;
    const auto missing = AppRoot::open(rig.srv() + "/web", {rig.srv()}, std::nullopt, IfMissing::Fail);
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().kind == ErrorKind::NotFound);
    const auto root = rig.root();
    CHECK(exists(rig.srv() + "/web/releases"));
    CHECK(exists(rig.srv() + "/web/shared"));
    CHECK(root.releases().value().empty());
    CHECK(root.current().value() == std::nullopt);
}

TEST_CASE("app root: a root that is not beneath an allowed one is denied") {
    const PartsRig rig;
    for (const auto& path : {std::string("/etc/web"), rig.srv() + "2/web", rig.srv() + "/../x",
                             rig.srv() + "//x", std::string("web"), std::string("/")}) {
        CAPTURE(path);
        CHECK_FALSE(AppRoot::open(path, {rig.srv()}, std::nullopt, IfMissing::Create).has_value());
    }
    CHECK_FALSE(exists(rig.path() + "/x"));
}

TEST_CASE("app root: a link in its path is refused (attack 41)") {
    const PartsRig rig;
    rig.sh(
        "mkdir -p elsewhere/releases srv/web && ln -s ../elsewhere srv/evil && ln -s ../../elsewhere "
        "srv/web/releases");
    for (const auto* name : {"evil", "evil/x", "web"}) {
        CAPTURE(name);
        const auto opened =
            AppRoot::open(rig.srv() + "/" + name, {rig.srv()}, std::nullopt, IfMissing::Create);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().kind == ErrorKind::Denied);
    }
}

TEST_CASE("app root: a folder that everybody may write is refused (attack 32)") {
    const PartsRig rig;
    rig.sh("mkdir -p srv/web && chmod 777 srv/web");
    const auto opened = AppRoot::open(rig.srv() + "/web", {rig.srv()}, std::nullopt, IfMissing::Create);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().kind == ErrorKind::Permission);
}

TEST_CASE("app root: current is switched, and read back, Capistrano's absolute link too") {
    const PartsRig rig;
    const auto root = rig.root();
    rig.sh(
        "mkdir srv/web/releases/1 srv/web/releases/2 srv/web/releases/.3.partial && touch "
        "srv/web/releases/file");
    CHECK(root.releases().value() == std::vector{id_of("1"), id_of("2")});
    REQUIRE(root.switch_to(id_of("1")).has_value());
    CHECK(root.current().value() == id_of("1"));
    CHECK(rig.sh("readlink srv/web/current") == "releases/1");
    rig.sh("ln -sfn $PWD/srv/web/releases/2 srv/web/current");
    CHECK(root.current().value() == id_of("2"));
    CHECK_FALSE(root.switch_to(id_of("3")).has_value());
    CHECK(root.current().value() == id_of("2"));
}

TEST_CASE(
    "app root: current that is a folder, dangles or points outside is broken, and nothing is removed (attack "
    "43)") {
    for (const char* make :
         {"mkdir srv/web/current", "ln -s releases/gone srv/web/current", "ln -s /etc srv/web/current",
          "ln -s ../../elsewhere/1 srv/web/current", "ln -s releases/1/sub srv/web/current",
          "ln -s releases srv/web/current", "ln -s releases/file srv/web/current"}) {
        CAPTURE(make);
        const PartsRig rig;
        const auto root = rig.root();
        rig.sh(
            "mkdir -p srv/web/releases/1/sub srv/web/releases/2 elsewhere/1; touch srv/web/releases/file; " +
            std::string(make));
        const auto current = root.current();
        REQUIRE_FALSE(current.has_value());
        CHECK(current.error().kind == ErrorKind::Broken);
        CHECK_FALSE(root.remove(id_of("1"), {}).has_value());
        CHECK(root.has(id_of("1")));
    }
}

TEST_CASE("app root: what runs and what is to be kept is never removed (attack 45)") {
    const PartsRig rig;
    const auto root = rig.root();
    rig.sh(
        "mkdir -p srv/web/releases/1 srv/web/releases/2 srv/web/releases/3/ro && touch "
        "srv/web/releases/3/ro/f && "
        "chmod 555 srv/web/releases/3/ro");
    REQUIRE(root.switch_to(id_of("1")).has_value());
    CHECK(root.remove(id_of("1"), {}).error().kind == ErrorKind::Denied);
    CHECK(root.remove(id_of("2"), {id_of("2")}).error().kind == ErrorKind::Denied);
    CHECK(root.remove(id_of("3"), {id_of("2")}).has_value());
    CHECK(root.remove(id_of("3"), {}).has_value());
    CHECK(root.releases().value() == std::vector{id_of("1"), id_of("2")});
    CHECK(list_dir(root.releases_fd()).value().size() == 2);
}

TEST_CASE("app root: what a crash left is cleaned, releases are not") {
    const PartsRig rig;
    const auto root = rig.root();
    rig.sh(
        "cd srv/web; mkdir -p releases/1 releases/.2.partial/x releases/.3.removing/y; "
        "ln -s releases/2 .current.1.2.0.tmp");
    CHECK(root.clean_leftovers().value().size() == 3);
    CHECK(rig.sh("ls -A srv/web/releases") == "1");
    CHECK(rig.sh("ls -A srv/web") == "releases\nshared");
}

TEST_CASE("app root: shared folders are made and linked in, missing shared files are told of") {
    const PartsRig rig;
    const auto root = rig.root();
    rig.sh(
        "cd srv/web; mkdir -p releases/1/storage/sub; echo old > releases/1/storage/sub/f; echo x > "
        "shared/have");
    const SharedPaths paths{{RelPath::parse("storage").value(), RelPath::parse("var/log/app").value()},
                            {RelPath::parse("have").value(), RelPath::parse("config/.env").value()}};
    const Fd release = std::move(root.open_release(id_of("1")).value());
    CHECK(root.link_shared(release.get(), paths).value() == std::vector<std::string>{"config/.env"});
    CHECK(rig.sh("readlink srv/web/releases/1/storage") == "../../shared/storage");
    CHECK(rig.sh("cd -P srv/web/releases/1/var/log/app && pwd") ==
          rig.sh("cd -P srv/web/shared/var/log/app && pwd"));
    CHECK(rig.read("srv/web/releases/1/have") == "x\n");
    rig.sh("echo later > srv/web/shared/config/.env");
    CHECK(rig.read("srv/web/releases/1/config/.env") == "later\n");
}
