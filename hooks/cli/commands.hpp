// Every command that is built. A group of commands lives in a file of its own; main_tidegate.cpp lists them.
#pragma once

#include "hooks/cli/command.hpp"

#include <vector>

namespace tidegate::hooks::cli {

[[nodiscard]] std::vector<Command> install_commands();  // install uninstall

}  // namespace tidegate::hooks::cli
