#include "reconciler/command_properties.hpp"

#include <signal.h>
#include <sys/mount.h>

#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::uint64_t kBackstop = 30'000'000;  // microseconds after our own patience
constexpr std::uint64_t kStop = 5'000'000;
constexpr int kProbesTell = 2;  // LOG_CRIT: dozens of tries would fill the journal

bool beneath(const std::string& path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

// Appends name and value as one (sv). The first failure stays.
class Properties {
  public:
    explicit Properties(sd_bus_message* message) : message_(message) {}

    template <typename... Values>
    void add(const char* name, const char* type, Values... values) {
        take(sd_bus_message_append(message_, "(sv)", name, type, values...));
    }
    void text(const char* name, const std::string& value) { add(name, "s", value.c_str()); }
    void yes(const char* name) { add(name, "b", 1); }
    void number(const char* name, std::uint64_t value) { add(name, "t", value); }

    void texts(const char* name, const std::vector<std::string>& values) {
        if (values.empty()) return;
        open(name, "as");
        take(sd_bus_message_open_container(message_, 'a', "s"));
        for (const auto& value : values) take(sd_bus_message_append(message_, "s", value.c_str()));
        take(sd_bus_message_close_container(message_));
        close();
    }
    void bind(const char* name, const std::vector<std::string>& paths) {
        if (paths.empty()) return;
        open(name, "a(ssbt)");
        take(sd_bus_message_open_container(message_, 'a', "(ssbt)"));
        for (const auto& path : paths)
            take(sd_bus_message_append(message_, "(ssbt)", path.c_str(), path.c_str(), 1,
                                       static_cast<std::uint64_t>(MS_REC)));
        take(sd_bus_message_close_container(message_));
        close();
    }
    void command(const std::string& program) {
        open("ExecStart", "a(sasb)");
        take(sd_bus_message_append(message_, "a(sasb)", 1, program.c_str(), 1, program.c_str(), 0));
        close();
    }

    [[nodiscard]] int code() const { return code_; }

  private:
    void take(int code) {
        if (code < 0 && code_ >= 0) code_ = code;
    }
    void open(const char* name, const char* type) {
        take(sd_bus_message_open_container(message_, 'r', "sv"));
        take(sd_bus_message_append(message_, "s", name));
        take(sd_bus_message_open_container(message_, 'v', type));
    }
    void close() {
        take(sd_bus_message_close_container(message_));
        take(sd_bus_message_close_container(message_));
    }

    sd_bus_message* message_;
    int code_ = 0;
};

void add_life(Properties& unit, const UnitEnds& ends, const CommandJob& job) {
    const auto& box = *job.sandbox;
    unit.text("Description", "Tidegate: " + job.what + " of " + job.app);
    unit.text("Type", "oneshot");
    unit.text("Slice", box.slice);
    unit.text("CollectMode", "inactive");  // one that failed stays until we have asked it
    unit.command(ends.program);
    unit.add("StandardInputFileDescriptor", "h", ends.input);
    unit.add("StandardOutputFileDescriptor", "h", ends.output);
    unit.add("StandardErrorFileDescriptor", "h", ends.output);
    // What an activation leaves running is the app: it lives on in this group, and the unit's name with it.
    unit.text("KillMode", job.stays_behind ? "process" : "control-group");
    unit.add("KillSignal", "i", SIGKILL);  // TERM comes from us, and time after it
    unit.number("TimeoutStopUSec", kStop);
    if (job.timeout.count() > 0)
        unit.number("TimeoutStartUSec",
                    static_cast<std::uint64_t>((job.timeout + job.grace).count()) * 1000 + kBackstop);
    if (job.probes) unit.add("LogLevelMax", "i", kProbesTell);
    if (job.user) unit.text("User", job.user->user);
    unit.text("WorkingDirectory", job.directory);
    unit.add("UMask", "u", static_cast<std::uint32_t>(0022));
}

void add_limits(Properties& unit, const manifests::Limits& limits) {
    if (limits.memory != 0) {
        unit.number("MemoryMax", limits.memory);
        unit.number("MemorySwapMax", 0);
    }
    if (limits.cpu != 0) unit.number("CPUQuotaPerSecUSec", limits.cpu * 10'000);
    if (limits.tasks != 0) unit.number("TasksMax", limits.tasks);
}

void add_fences(Properties& unit, const CommandJob& job) {
    const auto kept = [&](const char* fence) { return job.sandbox->allow.count(fence) == 0; };
    unit.number("CapabilityBoundingSet", 0);
    unit.number("AmbientCapabilities", 0);
    for (const char* name :
         {"ProtectClock", "ProtectHostname", "LockPersonality", "RestrictRealtime", "RestrictSUIDSGID"})
        unit.yes(name);
    // A probe comes again and again. Without a capability and a way to one, what these keep from it is root's alone
    // already; and they take most of the time that a unit needs to start.
    if (!job.probes)
        for (const char* name :
             {"ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups"})
            unit.yes(name);
    unit.text("ProtectProc", "invisible");
    if (kept("new-privileges")) unit.yes("NoNewPrivileges");
    if (kept("devices") && !job.probes) unit.yes("PrivateDevices");
    if (kept("namespaces")) unit.number("RestrictNamespaces", 0);  // none is allowed
    // A service that an activation leaves is unknown to us; it lives without a filter.
    if (kept("system-calls") && !job.stays_behind) {
        unit.texts("SystemCallArchitectures", {"native"});
        unit.add("SystemCallFilter", "(bas)", 1, 1, "@system-service");
        unit.add("SystemCallErrorNumber", "i", EPERM);
        unit.add("RestrictAddressFamilies", "(bas)", 1, 4, "AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK");
    }
}

// Everything is read-only but the app's shared paths, what the host adds, and for a build the release. /tmp and people's
// homes are the command's own or empty; what lies there and is needed is put back at its place.
void add_view(Properties& unit, const UnitEnds& ends, const CommandJob& job) {
    const auto& box = *job.sandbox;
    std::vector<std::string> hidden;
    if (!job.stays_behind) hidden.insert(hidden.end(), {"/tmp", "/var/tmp"});
    if (box.allow.count("home") == 0) hidden.insert(hidden.end(), {"/home", "/root", "/run/user"});
    const auto is_hidden = [&](const std::string& path) {
        for (const auto& folder : hidden)
            if (beneath(path, folder)) return true;
        return false;
    };
    std::vector<std::string> writable;
    std::vector<std::string> bound;
    const auto open_up = [&](const std::string& path) {
        if (is_hidden(path))
            bound.push_back(path);
        else
            writable.push_back("-" + path);
    };
    for (const auto& path : box.writable) open_up(path);
    if (job.builds) open_up(job.directory);
    // The host's own /tmp: what an activation leaves running outlives one of its own.
    if (job.stays_behind) writable.insert(writable.end(), {"-/tmp", "-/var/tmp"});
    std::vector<std::string> seen;
    for (const auto& path : {box.root, ends.program})
        if (is_hidden(path)) seen.push_back(path);
    unit.text("ProtectSystem", "strict");
    if (box.allow.count("home") == 0) unit.text("ProtectHome", "tmpfs");
    if (!job.stays_behind) unit.yes("PrivateTmp");
    unit.texts("ReadWritePaths", writable);
    unit.bind("BindPaths", bound);
    unit.bind("BindReadOnlyPaths", seen);
    if (!is_hidden(box.state) && !beneath(box.root, box.state))
        unit.texts("InaccessiblePaths", {"-" + box.state});
}

}  // namespace

Result<void> fill_unit(sd_bus_message* request, const UnitEnds& ends, const CommandJob& job) {
    int code = sd_bus_message_append(request, "ss", ends.name.c_str(), "fail");
    if (code >= 0) code = sd_bus_message_open_container(request, 'a', "(sv)");
    Properties unit(request);
    add_life(unit, ends, job);
    add_limits(unit, job.sandbox->limits);
    add_fences(unit, job);
    add_view(unit, ends, job);
    if (code >= 0) code = unit.code();
    if (code >= 0) code = sd_bus_message_close_container(request);
    if (code >= 0) code = sd_bus_message_append(request, "a(sa(sv))", 0);
    if (code < 0) return fail(errno_error("the unit " + ends.name + " cannot be described", -code));
    return {};
}

}  // namespace tidegate::reconciler
