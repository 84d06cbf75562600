// What a gate says about its built-in checks beyond their names. One place for all checks: each reads its own.
#pragma once

#include "hooks/builtin/message_rules.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::hooks::builtin {

enum class LineEnding { Auto, Lf, CrLf, No };  // Auto: what most lines have; No: told, not mended

struct Options {
    // large-files
    std::uint64_t largest = 500 << 10;  // bytes
    bool also_known = false;            // files that were there before, too
    // mixed-line-endings
    LineEnding line_ending = LineEnding::Auto;
    // trailing-whitespace: endings of names without the dot, "*" for all; there two blanks end a line
    std::vector<std::string> markdown = {};
    // yaml
    bool several_documents = false;
    bool grammar_only = false;
    // illegal-names
    size_t longest_name = 255;                // bytes
    std::vector<std::string> forbidden = {};  // names, with wildcards
    // no-commit-to-branch, with wildcards
    std::vector<std::string> branches = {"main", "master"};
    // secrets: tokens that are none, with wildcards
    std::vector<std::string> known_tokens = {};
    // commit-message
    MessageRules message = {};
};

[[nodiscard]] const Options& default_options();

// Whether `text` matches: * any text, ? any one character. Time in proportion to pattern times text.
[[nodiscard]] bool matches_wildcard(std::string_view pattern, std::string_view text);
[[nodiscard]] bool matches_any(const std::vector<std::string>& patterns, std::string_view text);

}  // namespace tidegate::hooks::builtin
