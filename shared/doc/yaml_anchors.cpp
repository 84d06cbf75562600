#include "shared/doc/yaml_anchors.hpp"

#include "shared/doc/value_builder.hpp"

namespace tidegate::shared {

void Anchors::keep(size_t anchor, const Value& value) {
    if (anchor != 0) values_.insert_or_assign(anchor, value);
}

const Value* Anchors::find(size_t anchor) const {
    const auto found = values_.find(anchor);
    return found == values_.end() ? nullptr : &found->second;
}

size_t count_values(const Value& value) {
    size_t count = 1;
    for (const auto& item : value.list()) count += count_values(item);
    for (const auto& entry : value.map()) count += count_values(entry.value);
    return count;
}

bool merge_into(Value& map, const Value& from) {
    if (from.is(Value::Kind::List)) {
        for (const auto& one : from.list())
            if (!one.is(Value::Kind::Map) || !merge_into(map, one)) return false;
        return true;
    }
    if (!from.is(Value::Kind::Map)) return false;
    for (const auto& entry : from.map())
        if (map.find(entry.key) == nullptr) ValueBuilder::append(map, entry);
    return true;
}

}  // namespace tidegate::shared
