// The hooks of git that a stage can be run by: what git gives each, and what its exit code means. githooks(5).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::hooks {

struct GitHook {
    std::string_view name;
    // What git's arguments are called, in their order; empty ones end the list. In a command `{message_file}` or
    // `{1}`, in the environment TIDEGATE_MESSAGE_FILE.
    std::array<std::string_view, 3> arguments{};
    bool input = false;       // git writes lines to its standard input
    bool stops = true;        // git heeds its exit code
    bool remembered = false;  // what its gates say depends on the tree alone
    bool server = false;      // called where a push arrives
};

[[nodiscard]] const std::vector<GitHook>& git_hooks();
// nullptr for the name of any other stage.
[[nodiscard]] const GitHook* find_git_hook(std::string_view name);

// Named values, in git's order.
using HookArguments = std::vector<std::pair<std::string, std::string>>;

// By the hook's own names. What git left out is empty, as it would be to a script; what it gives beyond is passed over.
[[nodiscard]] HookArguments named_arguments(const GitHook& hook, const std::vector<std::string>& given);
// nullptr where no hook called, or has no such argument.
[[nodiscard]] const std::string* find_argument(const HookArguments& arguments, std::string_view name);
// "message_file" → "TIDEGATE_MESSAGE_FILE"
[[nodiscard]] std::string variable_of(std::string_view argument);

}  // namespace tidegate::hooks
