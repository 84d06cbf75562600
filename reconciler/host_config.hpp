// /etc/tidegate/tidegated.yaml: the host's own configuration, and the root of trust: the manifests branch can
// ask for more than it, never for less. Read strictly: an unknown key, a wrong type or a part that this build
// lacks is an error at its place, never ignored.
#pragma once

#include "manifests/limits.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"
#include "shared/log/log.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidegate::reconciler {

enum class AttestationRule { Required, WhenAsked, Off };

// How one group of sources is reached; the longest `match` that begins the source's address wins.
struct SourceRule {
    std::string match;
    std::optional<std::string> token_credential;  // name of a systemd credential
    std::optional<std::string> token_file;
    std::optional<std::string> user;  // the token's, where it goes as a password
    bool bearer = false;              // the token goes as `Authorization: Bearer`
    std::optional<std::string> ssh_key;
    std::optional<std::string> ssh_agent;  // its socket
    std::optional<std::string> known_hosts;
    std::optional<std::string> ca;  // certificates that are trusted instead of the system's
};

// What one release may cost this host.
struct SourceLimits {
    std::uint64_t download = 8ULL << 30;  // bytes of a pack, an archive or an artifact's layer
    std::uint64_t release = 64ULL << 30;  // bytes of all its files
    std::uint64_t file = 4ULL << 30;      // bytes of one of them
    std::uint64_t files = 1'000'000;
};

// What the commands of releases run in: transient units of systemd, or processes with what setuid and setrlimit give.
enum class SandboxMode { Auto, Systemd, Process };

// Fences of the sandbox that a host may leave out for its apps' commands.
inline constexpr std::string_view kFences[] = {"devices", "home", "namespaces", "new-privileges",
                                               "system-calls"};
struct Loosened {
    std::vector<std::string> writable;  // absolute paths, beside the app's shared ones
    std::set<std::string> allow;        // of kFences
};

struct HostConfig {
    std::string file;
    std::string name;
    std::string environment;
    std::map<std::string, std::string> labels;

    std::optional<shared::Url> manifests_url;         // always there after parse
    std::optional<shared::RefName> manifests_branch;  // always there after parse
    shared::Duration interval{30'000};
    // Not reached for so long, the branch is reported as stale; at least two intervals.
    shared::Duration stale_after{3'600'000};
    // And so, where it is set, is one whose newest revision is older than this.
    std::optional<shared::Duration> quiet_after;
    std::optional<std::string> ssh_key;
    std::optional<std::string> known_hosts;

    std::string allowed_signers = "/etc/tidegate/allowed_signers";
    bool signed_manifests = true;
    AttestationRule attestations = AttestationRule::Required;
    int approvals = 0;
    std::vector<std::string> protocols{"https", "ssh"};
    // How the addresses begin to which a server may send us on for an archive or a layer.
    std::vector<std::string> redirects;
    // The one commit to which a rewound or replaced manifests branch is let through.
    std::optional<shared::Oid> accept;

    std::vector<SourceRule> credentials;
    SourceLimits limits;
    manifests::Limits command_limits;
    SandboxMode sandbox = SandboxMode::Auto;
    std::map<std::string, Loosened> loosened;  // by app; "": for every app
    std::vector<std::string> roots;
    std::string state = "/var/lib/tidegate";
    std::string socket = "/run/tidegate/control.sock";
    shared::LogFormat log_format = shared::LogFormat::Json;
    shared::LogLevel log_level = shared::LogLevel::Info;
};

inline constexpr std::string_view kDefaultConfig = "/etc/tidegate/tidegated.yaml";

// Invalid with file, line and column; also for what the format names and this build lacks.
[[nodiscard]] Result<HostConfig> parse_host_config(std::string file, std::string text);
// parse_host_config() of a file that belongs to us or root and that nobody else may write (Permission).
[[nodiscard]] Result<HostConfig> load_host_config(const std::string& file);

// The file of `running`, read again. What cannot change while the daemon runs keeps its value, and is named.
struct ReloadedConfig {
    HostConfig config;
    std::vector<std::string> needs_restart;
};
[[nodiscard]] Result<ReloadedConfig> reload_config(const HostConfig& running);

// Permission where `path` belongs to somebody else than us or root, or others may write it.
[[nodiscard]] Result<void> check_private(const std::string& path, std::string_view what);
// Creates the state folder (0700) and the socket's folder where they are missing, then checks both: a state
// folder must be ours, and nobody else may write to either.
[[nodiscard]] Result<void> prepare_folders(const HostConfig& config);
// Whether `root` lies beneath one of the configured roots (or is one).
[[nodiscard]] bool root_allowed(const HostConfig& config, const std::string& root);

}  // namespace tidegate::reconciler
