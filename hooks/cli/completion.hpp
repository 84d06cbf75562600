// `tidegate completion`: scripts for shells, and what they ask.
#pragma once

#include "hooks/cli/command.hpp"

namespace tidegate::hooks::cli {

[[nodiscard]] Command completion_command();

// The answer for `words`, what follows the program's name on a command line; the last one is being completed. Stages
// and gates are those of the working tree's configuration. A mistake in it, or no repository, is no answer.
[[nodiscard]] std::string complete(const Command& top, const std::vector<std::string>& words);

}  // namespace tidegate::hooks::cli
