// Small text work that every part needs. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
// Lines without their "\n"; a last line without one counts, an empty rest does not.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);

[[nodiscard]] std::string hex(std::string_view bytes);
// Empty where `text` is not an even number of hex digits.
[[nodiscard]] std::string unhex(std::string_view text);

// Text that came from outside, made safe for a terminal and a log line: control characters (ESC, CR, NUL,
// C1), bidirectional overrides and bytes that are not UTF-8 become \x1b and the like. The block form is for
// child output that is shown as it came, line by line.
[[nodiscard]] std::string escape_foreign(std::string_view text);
[[nodiscard]] std::string escape_foreign_block(std::string_view text);  // keeps \n and \t

[[nodiscard]] bool is_utf8(std::string_view text);

// A word quoted for `sh`, unchanged where nothing needs quoting.
[[nodiscard]] std::string shell_quote(std::string_view word);

// The candidate nearest to `word` by edit distance (transpositions count once), or empty where none is near
// enough to be meant.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

// "1 file", "3 files".
[[nodiscard]] std::string count_of(size_t count, std::string_view singular);
[[nodiscard]] std::string count_of(size_t count, std::string_view singular, std::string_view plural);

}  // namespace tidegate::shared
