// What a commit's message must be like.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks::builtin {

struct MessageRules {
    size_t subject_most = 72;              // characters; 0: any
    size_t body_most = 0;                  // characters of a line of the body; 0: any
    size_t subject_least = 0;              // characters
    bool blank_second_line = true;         // git's own tools take the first paragraph for the subject
    bool conventional = false;             // Conventional Commits 1.0: `type(scope)!: description`
    std::vector<std::string> types = {};   // allowed with `conventional`; empty: kUsualTypes
    std::vector<std::string> scopes = {};  // allowed with `conventional`; empty: any
    bool scope_wanted = false;
    std::vector<std::string> pattern = {};  // the subject matches one of these, with wildcards
    std::vector<std::string> forbidden =
        {};                   // the subject matches none of these, git's own subjects included
    bool signed_off = false;  // a line `Signed-off-by: `
};

inline constexpr std::string_view kUsualTypes =
    "build chore ci docs feat fix perf refactor revert style test";

}  // namespace tidegate::hooks::builtin
