// `builtin: name`, `[name, {name: {option: value}}]` or `{name: {option: value}, name: }`. The pre-commit-hooks
// collection's names are taken for ours.
#include "hooks/builtin/builtin.hpp"
#include "hooks/builtin/collection.hpp"
#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

// Our name of the check; empty, and told, where there is none.
std::string check_named(MapReader& map, const Value& place, const std::string& name) {
    if (builtin::find(name) != nullptr) return name;
    if (const auto ours = builtin::check_of_collection(name); !ours.empty()) return std::string(ours);
    std::vector<std::string_view> known;
    std::vector<std::string> names;
    for (const auto& check : builtin::checks()) {
        known.push_back(check.name);
        names.emplace_back(check.name);
    }
    const auto near = nearest(name, known);
    map.reject(place, "no built-in check is called `" + escape_foreign(name) + "`",
               (near.empty() ? "" : "did you mean `" + std::string(near) + "`? ") +
                   ("there are: " + join(names, " ")));
    return {};
}

void read_one(MapReader& map, const Value& place, const std::string& as_written, const Value* options,
              Gate& gate) {
    const auto name = check_named(map, place, as_written);
    if (name.empty()) return;
    if (std::find(gate.builtins.begin(), gate.builtins.end(), name) != gate.builtins.end())
        return map.reject(place, "`" + name + "` is named twice");
    gate.builtins.push_back(name);
    if (options != nullptr) read_builtin_options(map, *options, name, gate.builtin_options);
}

// An entry's key has a place of its own.
void read_entries(MapReader& map, const Value& value, Gate& gate) {
    for (const auto& entry : value.map()) {
        Value place = entry.value;
        place.line = entry.line;
        place.column = entry.column;
        read_one(map, place, entry.key, &entry.value, gate);
    }
}

}  // namespace

void read_builtins(MapReader& map, Gate& gate) {
    const Value* value = map.any("builtin");
    if (value == nullptr) return;
    if (value->is(Value::Kind::Map)) return read_entries(map, *value, gate);
    if (!value->is(Value::Kind::List)) return read_one(map, *value, value->text(), nullptr, gate);
    for (const auto& item : value->list()) {
        if (item.is(Value::Kind::Map))
            read_entries(map, item, gate);
        else if (item.is(Value::Kind::List))
            map.reject(item, "a built-in check is a name, or a map from a name to its options");
        else
            read_one(map, item, item.text(), nullptr, gate);
    }
}

}  // namespace tidegate::hooks
