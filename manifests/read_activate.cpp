// `activate`: how the processes get to the new release.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

ActivateStep read_activate_step(MapReader& reader, const Value& value) {
    ActivateStep step;
    const auto kind =
        exactly_one(reader, value, "an activate step", {"start", "stop", "restart", "reload", "run"});
    step.timeout = reader.duration("timeout", step.timeout, 1s, 1h);
    if (!kind) return step;
    if (*kind == 4) {
        if (auto script = read_script(reader, "run")) step.what = std::move(*script);
        return step;
    }
    constexpr std::string_view kKeys[] = {"start", "stop", "restart", "reload"};
    step.what =
        UnitStep{static_cast<UnitAction>(*kind), judged(reader, kKeys[*kind], Required::Yes, fault_of_unit)};
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
