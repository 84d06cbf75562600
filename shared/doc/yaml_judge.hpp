// What is wrong with a YAML text before its parser sees it. Internal to shared/doc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidegate::shared {

struct Refusal {
    int line = 0;
    int column = 0;
    int width = 1;
    std::string message;
    std::string hint;
};

// Bytes that no YAML text has.
[[nodiscard]] std::optional<Refusal> judge_bytes(std::string_view text);
// The first bracket of a line that opens one level too many. yaml-cpp looks ahead over all of them before it
// announces the first, at a price that grows with their square. Brackets in quotes do not count; ten times
// the limit leaves room for texts that merely hold brackets.
[[nodiscard]] std::optional<Refusal> judge_brackets(std::string_view text, int limit);

}  // namespace tidegate::shared
