// What a file should be instead, for the checks that know it: pure, nullopt where the file is right already
// (and where its content was cut: half a file mends nothing). A fixed file passes its check.
#pragma once

#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

// Whether a check has something to say of a whole file that is no link.
[[nodiscard]] bool finds(void (*check)(const File&, Problems&), const File& file);

[[nodiscard]] std::optional<std::string> without_trailing_whitespace(const File& file);
[[nodiscard]] std::optional<std::string> with_one_end_of_file(const File& file);
[[nodiscard]] std::optional<std::string> without_byte_order_mark(const File& file);
[[nodiscard]] std::optional<std::string> with_one_line_ending(const File& file);

}  // namespace tidegate::hooks::builtin
