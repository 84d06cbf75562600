#include "hooks/builtin/fixes.hpp"

#include <algorithm>

namespace tidegate::hooks::builtin {

const std::vector<Check>& checks() {
    static const std::vector<Check> kChecks{
        {"trailing-whitespace", "no blanks at the end of a line", true, trailing_whitespace, nullptr,
         without_trailing_whitespace},
        {"end-of-file", "a file ends with one newline, or is empty", true, end_of_file, nullptr,
         with_one_end_of_file},
        {"merge-conflict", "no conflict markers left", true, merge_conflict, nullptr},
        {"large-files", "no file over 500 KiB", false, large_files, nullptr},
        {"private-keys", "no private key", false, private_keys, nullptr},
        {"yaml", "YAML files can be read", true, yaml, nullptr},
        {"json", "JSON files can be read", true, json, nullptr},
        {"case-conflict", "no two names differ only in case", false, nullptr, case_conflict},
        {"mixed-line-endings", "all lines end alike", true, mixed_line_endings, nullptr,
         with_one_line_ending},
        {"byte-order-mark", "no byte-order mark", true, byte_order_mark, nullptr, without_byte_order_mark},
        {"illegal-names", "names that every file system takes", false, nullptr, illegal_names},
        {"secrets", "no tokens of the usual services", false, secrets, nullptr},
        {"toml", "TOML files can be read", true, toml, nullptr},
        {"xml", "XML files are well-formed", true, xml, nullptr},
        {"executables-have-shebangs", "executable texts begin with #!", true, executables_have_shebangs,
         nullptr},
        {"shebang-scripts-are-executable", "texts that begin with #! are executable", true,
         shebang_scripts_are_executable, nullptr},
        {.name = "symlinks",
         .summary = "symbolic links lead somewhere",
         .text_only = false,
         .file = nullptr,
         .paths = symlinks,
         .wants_links = true},
        {"destroyed-symlinks", "no link became a file that holds its target", false, destroyed_symlinks,
         nullptr},
        {"forbid-submodules", "no submodules", false, nullptr, forbid_submodules},
        {"forbid-new-submodules", "no new submodules", false, nullptr, forbid_new_submodules},
        {"submodule-changes", "no submodule moved along", false, nullptr, submodule_changes},
        {.name = "no-commit-to-branch",
         .summary = "nothing straight to main or master",
         .text_only = false,
         .file = nullptr,
         .paths = no_commit_to_branch,
         .without_files = true},
        {.name = "commit-message",
         .summary = "a message has a subject, a blank line and a body",
         .text_only = false,
         .file = nullptr,
         .paths = nullptr,
         .without_files = true,
         .message = commit_message},
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
