#include "hooks/config/compose.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

using Kind = Value::Kind;

Value like(Value::Map map, const Value& place) {
    Value value(std::move(map));
    value.line = place.line;
    value.column = place.column;
    return value;
}

Value like(Value::List list, const Value& place) {
    Value value(std::move(list));
    value.line = place.line;
    value.column = place.column;
    return value;
}

using Merge = Value (*)(const std::string& key, const Value& base, const Value& over);

Value by_key(const Value& base, const Value& over, Merge merge) {
    if (!base.is(Kind::Map) || !over.is(Kind::Map)) return over;
    Value::Map map = base.map();
    for (const auto& entry : over.map()) {
        const auto found = std::find_if(map.begin(), map.end(),
                                        [&](const Value::Entry& other) { return other.key == entry.key; });
        if (found == map.end())
            map.push_back(entry);
        else
            *found = {entry.key, merge(entry.key, found->value, entry.value), entry.line, entry.column};
    }
    return like(std::move(map), over);
}

Value replaced(const std::string&, const Value&, const Value& over) {
    return over;
}

std::string name_of_gate(const Value& gate) {
    const Value* name = gate.find("name");
    return name == nullptr ? std::string() : name->text();
}

bool removes(const Value& gate) {
    const Value* remove = gate.find("remove");
    return remove != nullptr && remove->is(Kind::Bool) && remove->boolean();
}

// A gate is one kind of check: what says so later takes the earlier away.
Value merge_gate(const Value& base, const Value& over) {
    Value::Map kept = base.map();
    for (const auto& [key, other] :
         {std::pair<const char*, const char*>{"run", "builtin"}, {"builtin", "run"}})
        if (over.find(key) != nullptr)
            std::erase_if(kept, [other = other](const Value::Entry& entry) { return entry.key == other; });
    return by_key(like(std::move(kept), base), over, replaced);
}

Value merge_gates(const Value& base, const Value& over) {
    if (!base.is(Kind::List) || !over.is(Kind::List)) return over;
    Value::List gates = base.list();
    std::vector<std::string> inherited;
    for (const auto& gate : gates) inherited.push_back(name_of_gate(gate));
    for (const auto& gate : over.list()) {
        const auto name = name_of_gate(gate);
        const auto known = std::find(inherited.begin(), inherited.end(), name);
        if (name.empty() || known == inherited.end()) {
            gates.push_back(gate);
            continue;
        }
        inherited.erase(known);  // a second one of this name is a mistake for the reader to find
        const auto place = std::find_if(gates.begin(), gates.end(),
                                        [&](const Value& one) { return name_of_gate(one) == name; });
        if (removes(gate))
            gates.erase(place);
        else
            *place = merge_gate(*place, gate);
    }
    return like(std::move(gates), over);
}

Value appended(const Value& base, const Value& over) {
    const auto items = [](const Value& value) {
        return value.is(Kind::List) ? value.list() : Value::List{value};
    };
    auto all = items(base);
    for (const auto& item : items(over))
        if (std::find(all.begin(), all.end(), item) == all.end()) all.push_back(item);
    return like(std::move(all), over);
}

Value merge_in_stage(const std::string& key, const Value& base, const Value& over) {
    if (over.is(Kind::Null)) return over;
    if (key == "gates") return merge_gates(base, over);
    if (key == "setup" || key == "link") return appended(base, over);
    return over;
}

Value merge_stage(const std::string&, const Value& base, const Value& over) {
    return by_key(base, over, merge_in_stage);
}

Value merge_in_file(const std::string& key, const Value& base, const Value& over) {
    if (key == "stages") return by_key(base, over, merge_stage);
    if (key == "defaults") return by_key(base, over, replaced);
    return over;
}

}  // namespace

Value merged(const Value& base, const Value& over) {
    return by_key(base, over, merge_in_file);
}

}  // namespace tidegate::hooks
