// `build`, `rollout`: how a release comes about.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

// "25%" → 25, nullopt for anything else.
std::optional<int> share_of(std::string_view wave) {
    if (!wave.ends_with('%') || wave.size() < 2 || wave.size() > 4) return std::nullopt;
    int share = 0;
    for (const char c : wave.substr(0, wave.size() - 1)) {
        if (c < '0' || c > '9') return std::nullopt;
        share = share * 10 + (c - '0');
    }
    if (share < 1 || share > 100) return std::nullopt;
    return share;
}

}  // namespace

std::vector<BuildStep> read_build(MapReader& top) {
    std::vector<BuildStep> steps;
    const Value* list = top.list("build");
    if (list == nullptr) return steps;
    for (const auto& item : list->list())
        nested(top, &item, "build steps", [&](MapReader& reader) {
            auto& step = steps.emplace_back();
            if (auto script = read_script(reader, "run", Required::Yes)) step.run = std::move(*script);
            step.timeout = reader.duration("timeout", step.timeout, 1s, 24h);
        });
    return steps;
}

std::optional<Rollout> read_rollout(MapReader& top) {
    const Value* value = top.map("rollout");
    if (value == nullptr) return std::nullopt;
    Rollout rollout;
    nested(top, value, "rollout", [&](MapReader& reader) {
        rollout.waves = reader.texts("waves");
        const Value* waves = reader.any("waves", Required::Yes);
        rollout.soak = reader.duration("soak", 0s, 0s, 24h * 30);
        if (waves == nullptr || reader.failed()) return;
        int last = 0;
        for (const auto& wave : rollout.waves) {
            const auto share = share_of(wave);
            if (!share && !is_plain_name(wave))
                return reader.reject(*waves,
                                     quoted(wave) + " is neither a group's name nor a share such as 25%");
            if (share && *share <= last) return reader.reject(*waves, "shares of waves must grow");
            if (share) last = *share;
        }
        if (last != 100)
            reader.reject(*waves, "the last wave must be 100%",
                          "otherwise some hosts would never be reached");
    });
    return rollout;
}

}  // namespace tidegate::manifests
