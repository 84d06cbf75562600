#include "reconciler/sandbox.hpp"

#include "parts_rig.hpp"
#include "reconciler/units.hpp"

using namespace tidegate::reconciler;
using namespace tidegate::shared;

TEST_CASE("sandbox: no two commands share a unit's name, and each name is one") {
    CHECK(unit_name("web", 12, "build") == "tidegate-web-12-build.service");
    CHECK(unit_name("web", 0, "probe.1a") == "tidegate-web-watch-probe.1a.service");
    CHECK(unit_name("web-1", 2, "build") != unit_name("web", 1, "2-build"));
    CHECK(unit_name("my-app", 1, "a b") == "tidegate-my\\x2dapp-1-a\\x20b.service");
    for (const auto& app : {std::string(64, '-'), std::string("x"), std::string(64, 'x')})
        CHECK(check_unit_name(unit_name(app, 1'000'000'000'000, "migrate.down")).has_value());
    CHECK(command_slice("/var/lib/tidegate") == "system-tidegate.slice");
    CHECK(command_slice("/srv/state") != command_slice("/srv/state2"));
}

TEST_CASE("sandbox: the host loosens for all or for one app, and of two limits the lower counts") {
    const PartsRig rig;
    HostConfig config;
    config.sandbox = SandboxMode::Process;
    config.loosened[""].writable = {"/var/spool/mail-out"};
    config.loosened["web"] = {{"/var/lib/web"}, {"namespaces"}};
    config.command_limits = {1 << 30, 0, 100, 0};
    SharedPaths shared_paths;
    shared_paths.dirs.push_back(RelPath::parse("storage").value());
    const auto root = rig.root();
    const auto web = sandbox_for(config, "web", root, shared_paths, {2ULL << 30, 50, 10, 0});
    CHECK(web.writable ==
          std::vector<std::string>{root.path() + "/shared/storage", "/var/spool/mail-out", "/var/lib/web"});
    CHECK(web.allow == std::set<std::string>{"namespaces"});
    const tidegate::manifests::Limits lower{1 << 30, 50, 10, 0};
    CHECK(web.limits == lower);
    const auto api = sandbox_for(config, "api", root, {}, {});
    CHECK(api.writable == std::vector<std::string>{"/var/spool/mail-out"});
    CHECK(api.allow.empty());
    CHECK(api.limits == config.command_limits);
}

TEST_CASE("sandbox: where it cannot be a unit it says why, and is refused only where a unit is asked for") {
    CHECK(choose_sandbox(SandboxMode::Process, 0).why.find("configuration") != std::string::npos);
    CHECK_FALSE(choose_sandbox(SandboxMode::Process, 0).refused);
    const auto user = choose_sandbox(SandboxMode::Auto, 1000);
    CHECK(user.kind == SandboxKind::Process);
    CHECK_FALSE(user.refused);
    CHECK_FALSE(user.why.empty());
    CHECK_FALSE(user.mend.empty());
    CHECK(choose_sandbox(SandboxMode::Systemd, 1000).refused);
}
