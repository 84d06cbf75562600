#include "parts_rig.hpp"
#include "reconciler/commands.hpp"

#include <pwd.h>
#include <signal.h>

using namespace tidegate::reconciler;
using namespace tidegate::shared;

namespace {

// As root everything runs as nobody: nothing of a release ever runs as root.
std::optional<RunAs> test_user() {
    if (geteuid() != 0) return std::nullopt;
    const passwd* entry = getpwnam("nobody");
    REQUIRE(entry != nullptr);
    return RunAs{entry->pw_uid, entry->pw_gid, "nobody"};
}

CommandSite site_of(const PartsRig& rig) {
    return {"web",
            id_of("2"),
            id_of("1"),
            Oid::parse(std::string(40, 'c')).value(),
            rig.path() + "/srv",
            {{"APP_ENV", "production"}, {"TIDEGATE_APP", "forged"}},
            {{"DATABASE_URL", "pg://u:hunter22@db"}},
            test_user()};
}

Script sh(const std::string& text) {
    return Script{text, {}};
}

}  // namespace

TEST_CASE(
    "commands: a release's command sees its release, its environment and secrets, and nothing else (attack "
    "49)") {
    const PartsRig rig;
    setenv("LD_CANARY", "x", 1);
    setenv("BASH_ENV", "/evil", 1);
    auto log = DeploymentLog::none();
    const auto exit = run_script(sh("env; pwd"), site_of(rig), {}, log);
    REQUIRE(exit.has_value());
    for (const char* line :
         {"APP_ENV=production\n", "TIDEGATE_APP=web\n", "TIDEGATE_RELEASE=2\n", "TIDEGATE_PREVIOUS=1\n",
          "TIDEGATE_COMMIT=cccccccc", "DATABASE_URL=pg://u:hunter22@db\n", "PATH=/usr/local/sbin:"})
        CHECK(exit->out.find(line) != std::string::npos);
    CHECK(exit->out.find("LD_CANARY") == std::string::npos);
    CHECK(exit->out.find("BASH_ENV") == std::string::npos);
    CHECK(exit->out.find(rig.path() + "/srv\n") != std::string::npos);
    unsetenv("BASH_ENV");
}

TEST_CASE("commands: a failure says what, how, the last words, and where the rest is") {
    const PartsRig rig;
    auto log = DeploymentLog::open(rig.path() + "/log", {"hunter22"}).value();
    RunOptions options;
    options.what = "migrate.up";
    const auto exit =
        run_script(sh("echo begin; echo no such table: hunter22 >&2; exit 3"), site_of(rig), options, log);
    REQUIRE_FALSE(exit.has_value());
    CHECK(exit.error().kind == ErrorKind::Failed);
    CHECK(exit.error().message == "migrate.up failed: exit 3: no such table: [secret]");
    CHECK(exit.error().hint.find(rig.path() + "/log") != std::string::npos);
    const auto text = rig.read("log");
    CHECK(text.find("── migrate.up: ") != std::string::npos);
    CHECK(text.find("begin\nno such table: [secret]\n") != std::string::npos);
    CHECK(text.find("hunter22") == std::string::npos);
    CHECK((rig.info("log").st_mode & 0777) == 0600);
}

TEST_CASE("commands: a list is executed as it is, without a shell") {
    const PartsRig rig;
    auto log = DeploymentLog::none();
    const auto exit = run_script(Script{"", {"/bin/echo", "$HOME; id", "*"}}, site_of(rig), {}, log);
    REQUIRE(exit.has_value());
    CHECK(exit->out == "$HOME; id *\n");
}

TEST_CASE("commands: what cannot be started says why, by its own name") {
    const PartsRig rig;
    auto log = DeploymentLog::none();
    auto site = site_of(rig);
    const auto none = run_script(Script{"", {"no-such-program"}}, site, {}, log);
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().kind == ErrorKind::NotFound);
    CHECK(none.error().message == "program not found: no-such-program");
    rig.sh("touch srv/text && chmod 644 srv/text");
    const auto text = run_script(Script{"", {"./text"}}, site, {}, log);
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().kind == ErrorKind::Permission);
    CHECK(text.error().message.find("cannot execute ./text") == 0);
    site.directory += "/gone";
    const auto gone = run_script(sh("true"), site, {}, log);
    REQUIRE_FALSE(gone.has_value());
    CHECK(gone.error().message.find("cannot enter the working directory") == 0);
}

TEST_CASE("commands: limits hold, and what a command left is ended, wherever it went (attack 52)") {
    const PartsRig rig;
    auto log = DeploymentLog::none();
    auto site = site_of(rig);
    site.sandbox.limits = {512 << 20, 0, 0, 99};
    site.sandbox.file = 1 << 20;
    RunOptions options;
    options.builds = true;
    const auto said =
        run_script(Script{"",
                          {"/bin/bash", "-c",
                           "ulimit -n; ulimit -d; ulimit -f; ulimit -c; grep NoNewPrivs /proc/self/status"}},
                   site, options, log);
    REQUIRE(said.has_value());
    CHECK(said->out == "99\n524288\n1024\n0\nNoNewPrivs:\t1\n");
    const auto left = run_script(
        sh("f=$(mktemp); setsid sh -c 'trap \"\" TERM; echo $$ >'$f'; exec sleep 60' >/dev/null 2>&1 & "
           "until [ -s $f ]; do sleep 0.02; done; cat $f; rm $f"),
        site, {}, log);
    REQUIRE(left.has_value());
    CHECK_FALSE(exists("/proc/" + std::string(trim(left->out))));
}

TEST_CASE("commands: nothing runs where the sandbox that the host asks for cannot be had") {
    const PartsRig rig;
    rig.sh("chmod 777 srv");
    auto log = DeploymentLog::none();
    auto site = site_of(rig);
    site.sandbox.refused = "`sandbox: systemd` cannot be had: no";
    const auto exit = run_script(sh("touch ran"), site, {}, log);
    REQUIRE_FALSE(exit.has_value());
    CHECK(exit.error().kind == ErrorKind::Denied);
    CHECK_FALSE(exists(rig.srv() + "/ran"));
}

TEST_CASE("commands: one that takes too long is ended and says so") {
    const PartsRig rig;
    auto log = DeploymentLog::none();
    RunOptions options;
    options.timeout = Duration(100);
    const auto exit = run_script(sh("sleep 30"), site_of(rig), options, log);
    REQUIRE_FALSE(exit.has_value());
    CHECK(exit.error().kind == ErrorKind::Timeout);
}

TEST_CASE("commands: an activation may leave a service running, others may not") {
    const PartsRig rig;
    rig.sh("chmod 777 srv");
    auto log = DeploymentLog::none();
    RunOptions options;
    for (const bool stays : {true, false}) {
        options.stays_behind = stays;
        const auto exit = run_script(sh("sleep 30 >/dev/null 2>&1 & echo $!"), site_of(rig), options, log);
        REQUIRE(exit.has_value());
        const pid_t pid = std::stoi(exit->out);
        CHECK((kill(pid, 0) == 0 &&
               rig.sh("cat /proc/" + std::to_string(pid) + "/stat | cut -d' ' -f3") != "Z") == stays);
        if (stays) kill(pid, SIGKILL);
    }
}

TEST_CASE("commands: root is never the user of a release") {
    if (geteuid() != 0) return;
    const PartsRig rig;
    auto site = site_of(rig);
    auto log = DeploymentLog::none();
    for (const auto& user : {std::optional<RunAs>(), std::optional(RunAs{0, 0, "root"})}) {
        site.user = user;
        const auto exit = run_script(sh("touch pwned"), site, {}, log);
        REQUIRE_FALSE(exit.has_value());
        CHECK(exit.error().kind == ErrorKind::Denied);
    }
    CHECK_FALSE(exists(rig.path() + "/srv/pwned"));
    CHECK(resolve_user("").error().kind == ErrorKind::Invalid);
    CHECK(resolve_user("root").error().kind == ErrorKind::Invalid);
    CHECK(resolve_user("no-such-user-here").error().kind == ErrorKind::NotFound);
    CHECK(resolve_user("nobody").value()->user == "nobody");
    CHECK(run_script(sh("id -un"), site_of(rig), {}, log)->out == "nobody\n");
}

TEST_CASE("commands: the log is bounded and shows no control characters (attack 62, 64)") {
    const PartsRig rig;
    auto log = DeploymentLog::open(rig.path() + "/log", {}, 5000).value();
    REQUIRE(run_script(sh("printf '\\033[2Jx\\n'; yes | head -c 200000"), site_of(rig), {}, log).has_value());
    const auto text = rig.read("log");
    CHECK(text.find("\\x1b[2Jx") != std::string::npos);
    CHECK(text.size() < 6000);
    CHECK(text.ends_with("the log is full\n"));
}

TEST_CASE("secrets: masked wherever a piece ends, encoded too, and line by line (attack 63)") {
    const std::string secret = "s3cr=t/value";
    const std::string text = "a s3cr=t/value b s3cr%3Dt%2Fvalue c czNjcj10L3ZhbHVl d";
    for (size_t piece = 1; piece < text.size(); ++piece) {
        Masker masker({secret});
        std::string shown;
        for (size_t at = 0; at < text.size(); at += piece) shown += masker.feed(text.substr(at, piece));
        shown += masker.finish();
        CHECK(shown == "a [secret] b [secret] c [secret] d");
    }
    CHECK(Masker({"line one is long\nline two is long"}).mask("x line two is long") == "x [secret]");
    CHECK(Masker({"abc"}).mask("abc") == "abc");
    Masker overlapping({"aaab", "aaaab"});
    auto shown = overlapping.feed("xaaa");
    shown += overlapping.feed("ab");
    shown += overlapping.finish();
    CHECK(shown == "x[secret]");
}

TEST_CASE("secrets: read from credentials and files that others cannot read") {
    const PartsRig rig;
    rig.sh(
        "mkdir creds; echo hunter22 > creds/web-db; : > creds/empty; chmod 600 creds/*; echo x > open; chmod "
        "644 open");
    unsetenv("CREDENTIALS_DIRECTORY");
    CHECK(load_secret({"web-db", ""}).error().hint.find("LoadCredential=web-db") != std::string::npos);
    setenv("CREDENTIALS_DIRECTORY", (rig.path() + "/creds").c_str(), 1);
    CHECK(load_secret({"web-db", ""}).value() == "hunter22");
    CHECK(load_secret({"missing", ""}).error().kind == ErrorKind::NotFound);
    CHECK(load_secret({"empty", ""}).error().kind == ErrorKind::Invalid);
    CHECK(load_secret({"../open", ""}).error().kind == ErrorKind::Invalid);
    CHECK(load_secret({"", rig.path() + "/open"}).error().kind == ErrorKind::Permission);
    CHECK(load_secret({"", rig.path() + "/creds/web-db"}).value() == "hunter22");
    unsetenv("CREDENTIALS_DIRECTORY");
}
