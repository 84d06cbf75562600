#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

Conditions read_conditions(MapReader& map, std::string_view key) {
    Conditions conditions;
    const Value* value = map.list(key);
    if (value == nullptr) return conditions;
    for (const auto& item : value->list()) {
        if (item.is(Value::Kind::Map)) {
            MapReader one(map.document(), item, "a condition");
            const auto globs = read_globs(one, "branch");
            conditions.branches.insert(conditions.branches.end(), globs.begin(), globs.end());
            if (auto done = one.finish(); !done) map.reject(std::move(done.error()));
        } else if (item.text() == "merge") {
            conditions.merge = true;
        } else if (item.text() == "rebase") {
            conditions.rebase = true;
        } else {
            map.reject(item, "not a condition: `" + escape_foreign(item.text()) + "`",
                       "conditions are: merge, rebase, {branch: PATTERN}");
        }
    }
    return conditions;
}

}  // namespace tidegate::hooks
