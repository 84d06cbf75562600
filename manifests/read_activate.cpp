// `activate`: how the processes get to the new release.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

#include <csignal>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

struct NamedSignal {
    std::string_view name;
    int number;
};
// Those that programs take for "read your files again", "open your logs again" or "end with grace".
constexpr NamedSignal kSignals[] = {{"HUP", SIGHUP},    {"INT", SIGINT},   {"QUIT", SIGQUIT},
                                    {"TERM", SIGTERM},  {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
                                    {"WINCH", SIGWINCH}};

SignalStep read_signal(MapReader& reader, const Value& value) {
    SignalStep step;
    const auto kind = exactly_one(reader, value, "a signal", {"unit", "pidfile"});
    std::vector<std::string_view> names;
    for (const auto& signal : kSignals) names.push_back(signal.name);
    (void)reader.any("signal", Required::Yes);
    const auto& chosen = kSignals[reader.choice("signal", names, 0)];
    step.name = chosen.name;
    step.number = chosen.number;
    if (kind == size_t{0}) step.unit = judged(reader, "unit", Required::Yes, fault_of_unit);
    if (kind == size_t{1}) step.pidfile = judged(reader, "pidfile", Required::Yes, fault_of_absolute_path);
    return step;
}

ActivateStep read_activate_step(MapReader& reader, const Value& value) {
    static constexpr std::string_view kUnitKeys[] = {
        "start", "stop", "restart", "reload", "reload-or-restart", "enable"};
    ActivateStep step;
    std::vector<std::string_view> keys(std::begin(kUnitKeys), std::end(kUnitKeys));
    keys.insert(keys.end(), {"run", "signal"});
    const auto kind = exactly_one(reader, value, "an activate step", keys);
    step.timeout = reader.duration("timeout", step.timeout, 1s, 1h);
    const Duration settle = reader.duration("settle", UnitStep{}.settle, 0s, 10min);
    if (!kind) return step;
    const auto key = keys[*kind];
    const bool settles = key != "run" && key != "signal" && key != "stop" && key != "enable";
    if (const Value* given = reader.any("settle"); given != nullptr && !settles && !reader.failed())
        reader.reject(*given, "`settle` says nothing of `" + std::string(key) + "`",
                      "it goes with start, restart, reload and reload-or-restart");
    if (key == "run") {
        if (auto script = read_script(reader, "run")) step.what = std::move(*script);
    } else if (key == "signal") {
        const Value* signal = reader.map("signal");
        nested(reader, signal, "signals", [&](MapReader& inner) { step.what = read_signal(inner, *signal); });
    } else {
        step.what = UnitStep{static_cast<UnitAction>(*kind),
                             judged(reader, key, Required::Yes, fault_of_unit), settle};
    }
    return step;
}

}  // namespace

std::vector<ActivateStep> read_activate(MapReader& top) {
    std::vector<ActivateStep> steps;
    const Value* list = top.list("activate");
    if (list == nullptr) return steps;
    for (const auto& item : list->list())
        nested(top, &item, "activate steps",
               [&](MapReader& reader) { steps.push_back(read_activate_step(reader, item)); });
    return steps;
}

}  // namespace tidegate::manifests
