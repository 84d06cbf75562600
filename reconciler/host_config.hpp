// /etc/tidegate/tidegated.yaml: the host's own configuration, and the root of trust: the manifests branch can
// ask for more than it, never for less. Read strictly: an unknown key, a wrong type or a part that this build
// lacks is an error at its place, never ignored.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/names.hpp"
#include "shared/log/log.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

enum class AttestationRule { Required, WhenAsked, Off };

// How one group of sources is reached; the longest `match` that begins the source's address wins.
struct SourceRule {
    std::string match;
    std::optional<std::string> token_credential;  // name of a systemd credential
    std::optional<std::string> token_file;
    std::optional<std::string> ssh_key;
    std::optional<std::string> known_hosts;
};

struct HostConfig {
    std::string file;
    std::string name;
    std::string environment;
    std::map<std::string, std::string> labels;

    std::optional<shared::Url> manifests_url;         // always there after parse
    std::optional<shared::RefName> manifests_branch;  // always there after parse
    shared::Duration interval{30'000};
    std::optional<std::string> ssh_key;
    std::optional<std::string> known_hosts;

    std::string allowed_signers = "/etc/tidegate/allowed_signers";
    bool signed_manifests = true;
    AttestationRule attestations = AttestationRule::Required;
    int approvals = 0;
    std::vector<std::string> protocols{"https", "ssh"};
    // The one commit to which a rewound or replaced manifests branch is let through.
    std::optional<shared::Oid> accept;

    std::vector<SourceRule> credentials;
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

// Permission where `path` belongs to somebody else than us or root, or others may write it.
[[nodiscard]] Result<void> check_private(const std::string& path, std::string_view what);
// Creates the state folder (0700) and the socket's folder where they are missing, then checks both: a state
// folder must be ours, and nobody else may write to either.
[[nodiscard]] Result<void> prepare_folders(const HostConfig& config);
// Whether `root` lies beneath one of the configured roots (or is one).
[[nodiscard]] bool root_allowed(const HostConfig& config, const std::string& root);

}  // namespace tidegate::reconciler
