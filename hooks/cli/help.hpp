// The text of --help, made from a command's description.
#pragma once

#include "hooks/cli/command.hpp"

#include <string>

namespace tidegate::hooks::cli {

// `full_name` is how the command is typed: "tidegate attest show".
[[nodiscard]] std::string help_text(const std::string& full_name, const Command& command);

}  // namespace tidegate::hooks::cli
