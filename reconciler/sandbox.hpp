// What the commands of a release run in. Where systemd runs and we are root, each is a transient service unit with a
// sandbox of its own; elsewhere a process with what setuid(2), setrlimit(2) and prctl(2) give. The host decides which,
// and what is loosened; a manifest can only ask for lower limits.
#pragma once

#include "reconciler/app_root.hpp"
#include "reconciler/host_config.hpp"
#include "shared/log/log.hpp"

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace tidegate::reconciler {

enum class SandboxKind { Process, Unit };

// For the commands of one release, in one deployment.
struct Sandbox {
    SandboxKind kind = SandboxKind::Process;
    std::string refused = {};  // why nothing may run: `sandbox: systemd` that cannot be had
    std::string refused_mend = {};
    std::string slice = {};  // of the units; says which daemon of the host they belong to
    std::string root = {};   // the app's
    std::string state = {};  // the daemon's: hidden
    std::vector<std::string> writable = {};
    std::set<std::string> allow = {};
    manifests::Limits limits = {};
    std::uint64_t file = 0;       // bytes of a file that a build may make
    std::int64_t deployment = 0;  // 0: none, the tick of an app that runs
};

// Which one is in force on this host, and why not the better one.
struct SandboxChoice {
    SandboxKind kind = SandboxKind::Process;
    bool refused = false;
    std::string why;  // empty where it is the better one
    std::string mend;
};
// `daemon`: whom tidegated runs as.
[[nodiscard]] SandboxChoice choose_sandbox(SandboxMode mode, uid_t daemon);

// "units of systemd", "processes: systemd does not run on this host"
[[nodiscard]] std::string words_of(const SandboxChoice& choice);

[[nodiscard]] Sandbox sandbox_for(const HostConfig& config, const std::string& app, const AppRoot& root,
                                  const SharedPaths& shared, const manifests::Limits& limits);

// "tidegate-web-12-build.service": what is not a letter, digit, "_" or "." in `app` or `what` is escaped as systemd does
// it, so that no two pairs give one name.
[[nodiscard]] std::string unit_name(const std::string& app, std::int64_t deployment, const std::string& what);

// The slice of the units of the daemon with this state folder.
[[nodiscard]] std::string command_slice(const std::string& state);

// Commands that a killed daemon left running in their units are ended, and it is waited for; those that failed are
// forgotten. What an activation left running is let live. Where systemd does not answer, that is told of.
void end_leftover_units(const HostConfig& config, const shared::Log& log);

}  // namespace tidegate::reconciler
