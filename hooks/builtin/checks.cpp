#include "hooks/builtin/builtin.hpp"

#include <algorithm>

namespace tidegate::hooks::builtin {

const std::vector<Check>& checks() {
    static const std::vector<Check> kChecks{
        {"trailing-whitespace", "no blanks at the end of a line", true, trailing_whitespace, nullptr},
        {"end-of-file", "a file ends with one newline, or is empty", true, end_of_file, nullptr},
        {"merge-conflict", "no conflict markers left", true, merge_conflict, nullptr},
        {"large-files", "no file over 500 KiB", false, large_files, nullptr},
        {"private-keys", "no private key", false, private_keys, nullptr},
        {"yaml", "YAML files can be read", true, yaml, nullptr},
        {"json", "JSON files can be read", true, json, nullptr},
        {"case-conflict", "no two names differ only in case", false, nullptr, case_conflict},
    };
    return kChecks;
}

const Check* find(std::string_view name) {
    const auto found = std::find_if(checks().begin(), checks().end(),
                                    [&](const Check& check) { return check.name == name; });
    return found == checks().end() ? nullptr : &*found;
}

bool is_binary(std::string_view content) {
    return content.substr(0, 8000).find('\0') != std::string_view::npos;
}

}  // namespace tidegate::hooks::builtin
