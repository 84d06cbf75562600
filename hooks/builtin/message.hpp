// Rules for a commit's message, for the `commit-msg` stage. Pure; on the text as git hands it over, with its
// comment lines and all that `git commit -v` adds below the scissors: neither is part of the message.
#pragma once

#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

// What git would keep: without comments, the scissors and what is below, and blank lines at both ends.
struct CleanMessage {
    std::vector<std::string_view> lines;
    std::vector<int> numbers;  // of the lines, from 1, as they stand in the text
};
[[nodiscard]] CleanMessage clean_message(const Message& message);

// Merges, reverts and fixup!/squash!/amend! subjects are git's own and pass. An empty
// message passes: git itself refuses it. Problems have the message's name as path.
[[nodiscard]] Problems check_message(const Message& message, const MessageRules& rules);

}  // namespace tidegate::hooks::builtin
