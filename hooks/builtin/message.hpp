// Rules for a commit's message, for the `commit-msg` stage. Pure; on the text as git hands it over, with its
// comment lines and all that `git commit -v` adds below the scissors: neither is part of the message.
#pragma once

#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

struct MessageRules {
    size_t subject_most = 72;             // characters; 0: any
    size_t body_most = 0;                 // characters of a line of the body; 0: any
    size_t subject_least = 0;             // characters
    bool blank_second_line = true;        // git's own tools take the first paragraph for the subject
    bool conventional = false;            // Conventional Commits 1.0: `type(scope)!: description`
    std::vector<std::string> types = {};  // allowed with `conventional`; empty: kUsualTypes
    bool scope_wanted = false;
    std::vector<std::string> pattern = {};  // the subject matches one of these; * any text, ? any character
    std::string comment = "#";              // core.commentChar
};

inline constexpr std::string_view kUsualTypes =
    "build chore ci docs feat fix perf refactor revert style test";

// What git would keep: without comments, the scissors and what is below, and blank lines at both ends.
struct CleanMessage {
    std::vector<std::string_view> lines;
    std::vector<int> numbers;  // of the lines, from 1, as they stand in the text
};
[[nodiscard]] CleanMessage clean_message(std::string_view text, std::string_view comment = "#");

// `text` is only looked at. Merges, reverts and fixup!/squash!/amend! subjects are git's own and pass. An empty
// message passes: git itself refuses it. Problems have no path.
[[nodiscard]] Problems check_message(std::string_view text, const MessageRules& rules);

}  // namespace tidegate::hooks::builtin
