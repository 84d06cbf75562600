// The words of TOML 1.0 that are neither strings nor punctuation, for the files toml*.cpp alone.
#pragma once

#include <string_view>

namespace tidegate::hooks::builtin {

[[nodiscard]] inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
[[nodiscard]] inline bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
[[nodiscard]] inline bool is_bare(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

// Whether `word` is a boolean, number, date or time. A date with its time may have a blank between the two.
[[nodiscard]] bool is_toml_scalar(std::string_view word);

}  // namespace tidegate::hooks::builtin
