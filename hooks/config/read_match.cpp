#include "hooks/config/match.hpp"
#include "hooks/config/read.hpp"

namespace tidegate::hooks {

using namespace shared;

std::shared_ptr<const FileMatch> read_match(MapReader& gate) {
    const Value* value = gate.map("match");
    if (value == nullptr) return nullptr;
    MapReader map(gate.document(), *value, "`match`");
    MatchRules rules;
    rules.files = map.texts("files");
    rules.exclude = map.texts("exclude");
    rules.types = map.texts("types");
    rules.types_or = map.texts("types_or");
    rules.exclude_types = map.texts("exclude_types");
    if (auto done = map.finish(); !done) {
        gate.reject(std::move(done.error()));
        return nullptr;
    }
    auto match = FileMatch::make(std::move(rules));
    if (match) return *match;
    gate.reject(*value, std::move(match.error()));
    return nullptr;
}

}  // namespace tidegate::hooks
