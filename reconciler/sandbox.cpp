#include "reconciler/sandbox.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <unistd.h>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestPart = 120;

// As unit_name_escape() of systemd: a "-" in a name does not look like the one between two.
std::string escaped(const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '_' || (c == '.' && at > 0);
        out += plain ? std::string(1, c) : "\\x" + hex(std::string_view(&c, 1));
    }
    return out.size() <= kLongestPart ? out : sha256_hex(text).substr(0, 32);
}

}  // namespace

SandboxChoice choose_sandbox(SandboxMode mode, uid_t daemon) {
    SandboxChoice choice;
    if (mode == SandboxMode::Process) {
        choice.why = "the configuration says `sandbox: process`";
        choice.mend = "take `sandbox` out of the configuration";
        return choice;
    }
    if (!exists("/run/systemd/system")) {
        choice.why = "systemd does not run on this host";
        choice.mend = "a host with systemd would give each command a sandbox of its own";
    } else if (daemon != 0) {
        choice.why = "tidegated is not root, and only root may start units for other users";
        choice.mend = "run tidegated as root: each app then has a user of its own";
    } else if (!exists("/run/systemd/private") && !exists("/run/dbus/system_bus_socket")) {
        choice.why =
            "systemd cannot be reached from here: neither /run/systemd/private nor a system bus is there";
        choice.mend = "run tidegated outside of the container, or give it the bus's socket";
    } else {
        choice.kind = SandboxKind::Unit;
        return choice;
    }
    choice.refused = mode == SandboxMode::Systemd;
    return choice;
}

std::string words_of(const SandboxChoice& choice) {
    if (choice.kind == SandboxKind::Unit) return "units of systemd";
    return (choice.refused ? "none, nothing of a release is run: " : "processes: ") + choice.why;
}

Sandbox sandbox_for(const HostConfig& config, const std::string& app, const AppRoot& root,
                    const SharedPaths& shared, const manifests::Limits& limits) {
    const auto choice = choose_sandbox(config.sandbox, geteuid());
    Sandbox box;
    box.kind = choice.kind;
    if (choice.refused) {
        box.refused = "`sandbox: systemd` cannot be had: " + choice.why;
        box.refused_mend = choice.mend + "; or say `sandbox: auto` in " + config.file;
    }
    box.slice = command_slice(config.state);
    box.root = root.path();
    box.state = config.state;
    for (const auto* paths : {&shared.dirs, &shared.files})
        for (const auto& path : *paths) box.writable.push_back(root.path() + "/shared/" + path.str());
    for (const auto& of : {std::string(), app}) {
        const auto loosened = config.loosened.find(of);
        if (loosened == config.loosened.end()) continue;
        const auto& more = loosened->second;
        box.writable.insert(box.writable.end(), more.writable.begin(), more.writable.end());
        box.allow.insert(more.allow.begin(), more.allow.end());
    }
    box.limits = manifests::lower(config.command_limits, limits);
    box.file = config.limits.file;
    return box;
}

std::string unit_name(const std::string& app, std::int64_t deployment, const std::string& what) {
    return "tidegate-" + escaped(app) + "-" + (deployment == 0 ? "watch" : std::to_string(deployment)) + "-" +
           escaped(what) + ".service";
}

std::string command_slice(const std::string& state) {
    if (state == HostConfig{}.state) return "system-tidegate.slice";
    return "system-tidegate-" + sha256_hex(state).substr(0, 8) + ".slice";
}

}  // namespace tidegate::reconciler
