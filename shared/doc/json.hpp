// JSON texts from outside, and ours. Reading: RFC 8259, UTF-8, duplicate keys refused, depth and size
// bounded.
#pragma once

#include "shared/doc/value.hpp"

#include <string>
#include <string_view>

namespace tidegate::shared {

struct JsonLimits {
    size_t bytes = 8 << 20;
    int depth = 64;
};

[[nodiscard]] Result<Value> parse_json(std::string_view text, const JsonLimits& limits = {});

// Compact on one line, keys in the map's order. Texts that are not UTF-8 have the wrong bytes replaced by
// U+FFFD.
[[nodiscard]] std::string to_json(const Value& value);
// Two spaces an indent, for files a person reads; ends with a newline.
[[nodiscard]] std::string to_pretty_json(const Value& value);

}  // namespace tidegate::shared
