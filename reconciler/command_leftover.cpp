// Units of commands that a killed daemon left: found by their slice, which says whose they are.
#include "reconciler/manager_bus.hpp"
#include "reconciler/sandbox.hpp"
#include "shared/base/text.hpp"

#include <unistd.h>

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr const char* kService = "org.freedesktop.systemd1.Service";
constexpr Duration kPatience{20'000};

struct Known {
    std::string name;
    std::string active;
    std::string object;
};

Result<std::vector<Known>> known_units(ManagerBus& bus) {
    const auto request = TRY(bus.request("ListUnitsByPatterns"));
    if (sd_bus_message_append(request.get(), "asas", 0, 1, "tidegate-*.service") < 0)
        return fail(ErrorKind::Broken, "cannot ask systemd for units");
    const auto reply = TRY(bus.call(request.get(), "listing units"));
    std::vector<Known> found;
    if (sd_bus_message_enter_container(reply.get(), 'a', "(ssssssouso)") < 0) return found;
    const char* name = nullptr;
    const char* active = nullptr;
    const char* object = nullptr;
    const char* unused = nullptr;
    std::uint32_t job = 0;
    while (sd_bus_message_read(reply.get(), "(ssssssouso)", &name, &unused, &unused, &active, &unused,
                               &unused, &object, &job, &unused, &unused) > 0)
        found.push_back({name, active, object});
    return found;
}

Result<void> end_them(const HostConfig& config, const Log& log) {
    auto bus = TRY(ManagerBus::connect());
    TRY(bus.watch_jobs());
    const auto slice = command_slice(config.state);
    for (const auto& unit : TRY(known_units(bus))) {
        const auto of = bus.text(unit.object, kService, "Slice");
        if (!of || *of != slice) continue;
        const bool runs =
            unit.active == "activating" || unit.active == "active" || unit.active == "deactivating";
        if (runs) {
            const auto job = TRY(bus.path_of("StopUnit", {unit.name, "replace"}, "stopping " + unit.name));
            (void)TRY(bus.wait_job(job, std::chrono::steady_clock::now() + kPatience, -1));
            log.warning("ended what the last run left running", {{"unit", unit.name}});
        }
        if (runs || unit.active == "failed")
            (void)bus.path_of("ResetFailedUnit", {unit.name}, "forgetting " + unit.name);
    }
    return {};
}

}  // namespace

void end_leftover_units(const HostConfig& config, const Log& log) {
    if (choose_sandbox(SandboxMode::Auto, geteuid()).kind != SandboxKind::Unit) return;
    if (auto ended = end_them(config, log); !ended)
        log.warning("what the last run left in its units is not known", ended.error());
}

}  // namespace tidegate::reconciler
