#include "hooks/builtin/builtin.hpp"
#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

std::vector<std::string> read_builtins(MapReader& map) {
    auto builtins = map.texts("builtin");
    const Value* value = map.any("builtin");
    for (size_t i = 0; i < builtins.size(); ++i) {
        if (builtin::find(builtins[i]) != nullptr) continue;
        std::vector<std::string_view> known;
        std::vector<std::string> names;
        for (const auto& check : builtin::checks()) {
            known.push_back(check.name);
            names.emplace_back(check.name);
        }
        const auto near = nearest(builtins[i], known);
        map.reject(value->is(Value::Kind::List) ? value->list()[i] : *value,
                   "no built-in check is called `" + escape_foreign(builtins[i]) + "`",
                   (near.empty() ? "" : "did you mean `" + std::string(near) + "`? ") +
                       ("there are: " + join(names, " ")));
        break;
    }
    return builtins;
}

}  // namespace tidegate::hooks
