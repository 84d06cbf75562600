// Every command that is built. A group of commands lives in a file of its own; main_tidegate.cpp lists them.
#pragma once

#include "hooks/cli/command.hpp"

#include <vector>

namespace tidegate::hooks::cli {

[[nodiscard]] std::vector<Command> install_commands();  // install uninstall
[[nodiscard]] std::vector<Command> run_commands();      // run plan
[[nodiscard]] std::vector<Command> check_commands();    // check
[[nodiscard]] std::vector<Command> attest_commands();   // attest show|verify|push|fetch
[[nodiscard]] std::vector<Command> doctor_commands();   // cache show|clear, doctor
[[nodiscard]] std::vector<Command> init_commands();     // init
[[nodiscard]] std::vector<Command> release_commands();  // lint release promote approve rollback diff

}  // namespace tidegate::hooks::cli
