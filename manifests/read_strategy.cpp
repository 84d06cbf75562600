// `strategy`, `instances`, `upstream`: one set of processes that is restarted, or two that take turns.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

std::string fault_of_template(std::string_view unit) {
    if (auto fault = fault_of_unit(unit); !fault.empty()) return fault;
    const auto at = unit.find('@');
    if (at == std::string_view::npos || at == 0 || unit.substr(at) != "@.service")
        return "is no template: write web@.service, its instances are web@blue.service and web@green.service";
    return {};
}

std::string fault_of_upstream(std::string_view name) {
    return is_plain_name(name) ? "" : "is not a plain name";
}

void read_instances(MapReader& reader, BlueGreen& out) {
    out.unit = judged(reader, "unit", Required::Yes, fault_of_template);
    out.blue = judged(reader, "blue", Required::Yes, fault_of_address);
    out.green = judged(reader, "green", Required::Yes, fault_of_address);
    out.drain = reader.duration("drain", out.drain, 0s, 10min);
    if (!reader.failed() && out.blue == out.green)
        reader.reject(*reader.any("green"), "`blue` and `green` listen at one address",
                      "give each a port of its own");
}

void read_upstream(MapReader& reader, BlueGreen& out) {
    out.proxy = static_cast<BlueGreen::Proxy>(reader.choice("proxy", {"nginx", "haproxy"}, 0));
    out.upstream = judged(reader, "name", Required::Yes, fault_of_upstream);
    out.reload = judged(reader, "reload", Required::Yes, fault_of_unit);
}

}  // namespace

std::optional<BlueGreen> read_strategy(MapReader& top) {
    const Value* strategy = top.any("strategy");
    const bool wanted = top.choice("strategy", {"in-place", "blue-green"}, 0) == 1;
    const Value* instances = top.map("instances");
    const Value* upstream = top.map("upstream");
    if (top.failed()) return wanted ? std::optional(BlueGreen{}) : std::nullopt;
    if (!wanted) {
        for (const auto* given : {instances, upstream})
            if (given != nullptr)
                top.reject(*given, std::string("`") + (given == instances ? "instances" : "upstream") +
                                       "` needs `strategy: blue-green`");
        return std::nullopt;
    }
    for (const auto* key : {"instances", "upstream"})
        if ((std::string_view(key) == "instances" ? instances : upstream) == nullptr)
            top.reject(*strategy, std::string("`strategy: blue-green` needs `") + key + "`",
                       "docs/manifest-reference.md shows them");
    BlueGreen out;
    nested(top, instances, "instances", [&](MapReader& reader) { read_instances(reader, out); });
    nested(top, upstream, "upstream", [&](MapReader& reader) { read_upstream(reader, out); });
    return out;
}

}  // namespace tidegate::manifests
