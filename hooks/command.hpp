// How a gate's command is started: words, environment, files. Pure functions.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/target.hpp"
#include "shared/base/process.hpp"

namespace tidegate::hooks {

// What stands for {name} in a command.
struct Placeholders {
    std::vector<std::string> files;
    std::string reports;        // a folder
    HookArguments arguments{};  // of git's hook
};

// Whether the gate's command speaks of something that git gives the hook of that stage: `{remote}` or
// TIDEGATE_REMOTE.
[[nodiscard]] bool asks_for_arguments(const Gate& gate, std::string_view stage);

// The command lines for a script: one, or several where the files do not fit into one. A text goes through
// `sh -c` with each path quoted; in a list "{files}" alone becomes as many words. A path that begins with "-"
// is given as "./-…". `limit` is in bytes, for all arguments of a command together. Unsupported where a
// single path does not fit.
[[nodiscard]] Result<std::vector<std::vector<std::string>>> command_lines(const Script& script,
                                                                          const Placeholders& values,
                                                                          size_t limit);
// What the system allows for arguments, with the environment's share taken off.
[[nodiscard]] size_t argument_limit(const shared::Environment& env);

// What gates see of the caller's environment: an allow-list, `pass_env`, the gate's own `env`, and
// TIDEGATE_…; never git's own variables.
[[nodiscard]] shared::Environment gate_environment(const std::vector<std::string>& pass_env,
                                                   const std::map<std::string, std::string>& env,
                                                   const Target& target);

}  // namespace tidegate::hooks
