#include "reconciler/host_config.hpp"

#include "shared/base/files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

using namespace tidegate;
using namespace tidegate::reconciler;

namespace {

const std::string kLeast = R"(version: 1
host: {name: web-1, environment: production}
manifests: {url: "https://git.example.com/deploy.git"}
roots: [/srv]
)";

}  // namespace

TEST_CASE("host config: the least there can be has safe defaults") {
    const auto config = parse_host_config("t.yaml", kLeast);
    REQUIRE(config.has_value());
    CHECK(config->signed_manifests);
    CHECK(config->attestations == AttestationRule::Required);
    CHECK(config->protocols == std::vector<std::string>{"https", "ssh"});
    CHECK(config->interval == shared::Duration(30'000));
    CHECK(config->manifests_branch->str() == "refs/heads/deploy");
}

TEST_CASE("host config: the sandbox is a word, or a map of what is loosened for all and for single apps") {
    CHECK(parse_host_config("t.yaml", kLeast)->sandbox == SandboxMode::Auto);
    CHECK(parse_host_config("t.yaml", kLeast + "sandbox: process\n")->sandbox == SandboxMode::Process);
    const auto config = parse_host_config(
        "t.yaml", kLeast +
                      "sandbox: {mode: systemd, writable: /var/spool/x, apps: {web: {allow: [home]}}}\n"
                      "limits: {memory: 2GiB, cpu: 150%, tasks: 300, open_files: 1024}\n");
    REQUIRE(config.has_value());
    CHECK(config->sandbox == SandboxMode::Systemd);
    CHECK(config->loosened.at("").writable == std::vector<std::string>{"/var/spool/x"});
    CHECK(config->loosened.at("web").allow.count("home") == 1);
    const manifests::Limits limits{2ULL << 30, 150, 300, 1024};
    CHECK(config->command_limits == limits);
}

TEST_CASE("host config: what is wrong, missing or not built is said at its place") {
    struct Case {
        const char* name;
        std::string text;
        ErrorKind kind;
        int line;
    };
    const Case cases[] = {
        {"a sandbox that is none", kLeast + "sandbox: off\n", ErrorKind::Invalid, 5},
        {"a fence that is none", kLeast + "sandbox: {allow: [everything]}\n", ErrorKind::Invalid, 5},
        {"a writable path with ..", kLeast + "sandbox:\n  writable: [/srv/../etc]\n", ErrorKind::Invalid, 6},
        {"an app's sandbox with a mode", kLeast + "sandbox:\n  apps:\n    web: {mode: process}\n",
         ErrorKind::Invalid, 7},
        {"memory without a unit", kLeast + "limits: {memory: 512}\n", ErrorKind::Invalid, 5},
        {"hardly any memory", kLeast + "limits: {memory: 1KiB}\n", ErrorKind::Invalid, 5},
        {"no processor", kLeast + "limits: {cpu: 0%}\n", ErrorKind::Invalid, 5},
        {"processors without %", kLeast + "limits: {cpu: 2}\n", ErrorKind::Invalid, 5},
        {"no task", kLeast + "limits: {tasks: 0}\n", ErrorKind::Invalid, 5},
        {"unknown key", kLeast + "rots: [/srv]\n", ErrorKind::Invalid, 5},
        {"status is not built", kLeast + "status: 127.0.0.1:9617\n", ErrorKind::Invalid, 5},
        {"webhook is not built", kLeast + "webhook: {listen: x}\n", ErrorKind::Invalid, 5},
        {"fleet is not built", kLeast + "fleet: {backend: etcd}\n", ErrorKind::Invalid, 5},
        {"notify is not built", kLeast + "notify: [{slack: x}]\n", ErrorKind::Invalid, 5},
        {"a state folder that is not absolute", kLeast + "state: var\n", ErrorKind::Invalid, 5},
        {"a root with ..",
         "version: 1\nhost: {name: a, environment: b}\nmanifests: {url: 'https://h/x'}\nroots: [/srv/..]\n",
         ErrorKind::Invalid, 4},
        {"another version",
         "version: 2\nhost: {name: a, environment: b}\nmanifests: {url: 'https://h/x'}\nroots: [/srv]\n",
         ErrorKind::Invalid, 1},
    };
    for (const auto& [name, text, kind, line] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        const auto config = parse_host_config("t.yaml", text);
        REQUIRE_FALSE(config.has_value());
        CHECK(config.error().kind == kind);
        REQUIRE(config.error().where.has_value());
        CHECK(config.error().where->line == line);
        const bool says_range = config.error().message.find(" is from ") != std::string::npos;
        CHECK((says_range || !config.error().hint.empty()));
    }
}

TEST_CASE("host config: harmless values of parts that are not built pass") {
    CHECK(parse_host_config("t.yaml", kLeast + "fleet: {backend: none}\nnotify: []\n").has_value());
}

TEST_CASE("host config: a protocol must be named before the branch may use it") {
    auto text = kLeast;
    text.replace(text.find("https://git.example.com"), 23, "file:///srv/git");
    const auto config = parse_host_config("t.yaml", text);
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().kind == ErrorKind::Denied);
    REQUIRE(config.error().where.has_value());
    CHECK(config.error().where->line == 3);
}

TEST_CASE("attack 46: a configuration or state folder that others may write is refused") {
    const auto folder = *shared::TempDir::make("tidegate-test");
    const auto file = folder.path() + "/tidegated.yaml";
    std::ofstream(file) << kLeast;
    chmod(file.c_str(), 0644);
    CHECK(load_host_config(file).has_value());
    chmod(file.c_str(), 0666);
    REQUIRE_FALSE(load_host_config(file).has_value());
    CHECK(load_host_config(file).error().kind == ErrorKind::Permission);

    auto config = *parse_host_config("t.yaml", kLeast);
    config.state = folder.path() + "/state";
    config.socket = folder.path() + "/run/control.sock";
    CHECK(prepare_folders(config).has_value());
    chmod(config.state.c_str(), 0777);
    CHECK(prepare_folders(config).error().kind == ErrorKind::Permission);
    chmod(config.state.c_str(), 0700);
    chmod((folder.path() + "/run").c_str(), 0775);
    CHECK(prepare_folders(config).error().kind == ErrorKind::Permission);
}

TEST_CASE("host config: a reload takes over every setting, but for those that it names") {
    const auto folder = shared::TempDir::make("tidegate-reload").value();
    const auto file = folder.path() + "/tidegated.yaml";
    const auto write = [&](const std::string& text) {
        std::ofstream(file) << text;
        REQUIRE(chmod(file.c_str(), 0644) == 0);
    };
    write(kLeast);
    const auto running = load_host_config(file);
    REQUIRE(running.has_value());
    CHECK(reload_config(*running)->needs_restart.empty());
    write(R"(version: 1
host: {name: web-2, environment: staging, labels: {role: db}}
manifests: {url: "https://git.example.com/other.git", branch: other, interval: 5s, stale_after: 1m, quiet_after: 3d,
            ssh_key: /k, known_hosts: /h}
trust: {allowed_signers: /a, manifests: unsigned, attestations: off, approvals: 2, protocols: [https, file],
        redirects: ["https://cdn.example.com/"], accept: abcdef7890123456789012345678901234567890}
credentials: [{match: "https://git.example.com/", token: {file: /t}}]
limits: {download: 1GiB, release: 2GiB, file: 3MiB, files: 7}
roots: [/srv, /opt/apps]
state: /var/lib/other
socket: /run/other/control.sock
log: {format: text, level: debug}
)");
    const auto fresh = reload_config(*running);
    REQUIRE(fresh.has_value());
    CHECK(fresh->needs_restart == std::vector<std::string>{"host.name", "host.environment", "state", "socket",
                                                           "log.format", "manifests.url, manifests.branch"});
    const auto& now = fresh->config;
    CHECK(now.name == "web-1");
    CHECK(now.environment == "production");
    CHECK(now.state == running->state);
    CHECK(now.socket == running->socket);
    CHECK(now.log_format == running->log_format);
    CHECK(now.manifests_url->str() == running->manifests_url->str());
    CHECK(now.manifests_branch->str() == running->manifests_branch->str());
    CHECK(now.labels.at("role") == "db");
    CHECK(now.interval == shared::Duration(5000));
    CHECK(now.stale_after == shared::Duration(60'000));
    CHECK(now.quiet_after == shared::Duration(3 * 86'400'000));
    CHECK(now.ssh_key == "/k");
    CHECK(now.known_hosts == "/h");
    CHECK(now.allowed_signers == "/a");
    CHECK_FALSE(now.signed_manifests);
    CHECK(now.attestations == AttestationRule::Off);
    CHECK(now.approvals == 2);
    CHECK(now.protocols.size() == 2);
    CHECK(now.redirects.size() == 1);
    CHECK(now.accept.has_value());
    CHECK(now.credentials.size() == 1);
    CHECK(now.limits.files == 7);
    CHECK(now.roots.size() == 2);
    CHECK(now.log_level == shared::LogLevel::Debug);
}
