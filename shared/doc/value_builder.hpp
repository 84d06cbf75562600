// For the parsers of this folder only: what they may do with a Value that nobody else may.
#pragma once

#include "shared/doc/value.hpp"

namespace tidegate::shared {

class ValueBuilder {
  public:
    // How a scalar was written in its text.
    static void written(Value& value, std::string text) { value.text_ = std::move(text); }
    // Without looking for a key of the same name: the parser has.
    static void append(Value& map, Value::Entry entry) { map.map_->push_back(std::move(entry)); }
};

}  // namespace tidegate::shared
