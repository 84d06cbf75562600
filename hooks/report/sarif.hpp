// SARIF 2.1.0, as security scanners and linters write it.
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::reports {

enum class FindingLevel { None, Note, Warning, Error };  // in rising order

struct Finding {
    std::string rule;
    FindingLevel level = FindingLevel::Warning;
    std::string message;
    std::string file;  // "" where the finding has no place
    int line = 0;
    int column = 0;
    double severity = -1;  // `security-severity` of the rule, 0 to 10; -1: none
};

// Every finding of every run but suppressed and passing ones. A result without a level has its rule's, or
// "warning". `file` is only shown. Invalid, with file and line, for what is no SARIF, over 64 MiB or too deep.
[[nodiscard]] Result<std::vector<Finding>> read_sarif(const std::string& file, std::string_view text);

// A report's place as a path: "file:///root/a%20b.c" and "./a%20b.c" below `root` are "a b.c".
[[nodiscard]] std::string path_of_uri(std::string_view uri, std::string_view root);

[[nodiscard]] Result<FindingLevel> parse_level(std::string_view text);  // none note warning error
[[nodiscard]] std::string_view name_of(FindingLevel level);
// Those at `least` or worse.
[[nodiscard]] std::vector<Finding> at_least(std::vector<Finding> findings, FindingLevel least);

}  // namespace tidegate::hooks::reports
