// `extends: pre-commit`: the hooks of a .pre-commit-config.yaml that need nothing installed, as gates.
#pragma once

#include "shared/doc/yaml.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::hooks {

// Such files are longer than ours.
[[nodiscard]] shared::YamlLimits pre_commit_limits();

// As a file of ours says it, with the places of theirs. Of `repo: local`: the languages system, script, pygrep
// and fail (and what newer versions call them); hooks of the pre-commit-hooks collection that a built-in check
// stands for; `repo: meta` looks after that file itself and is left to pre-commit. Any other hook is Unsupported at
// its place, unless `without` names it: gates are never left out in silence.
struct PreCommitHook {
    std::string repository;
    std::string id;
    std::vector<std::string> args;
    bool has_args = false;   // else the hook's own
    std::string entry{};     // empty: the hook's own
    std::string language{};  // empty: the hook's own
    std::vector<std::string> dependencies{};
    bool passes_files = true;
    bool chooses_files = false;  // by `files` or types of its own
};
struct PreCommitChoices {
    std::vector<std::string> without{};
    // A gate (without a name and `match`, or with one to begin with) for a hook that would have to be installed;
    // `stages`, one text, is where it runs unless the configuration says so.
    std::function<std::optional<shared::Value>(const PreCommitHook& hook)> instead{};
    // Is told of a hook for which there is nothing; without it such a hook is an error.
    std::function<void(const std::string& id, const std::string& why)> refused{};
};
[[nodiscard]] Result<shared::Value> gates_of_pre_commit(const shared::Document& document,
                                                        const PreCommitChoices& choices);

// collection.cpp: a hook of github.com/pre-commit/pre-commit-hooks as an entry of `builtin`: a text, or a map with
// options. `args` that change what it does and have no counterpart are Unsupported, as is a hook without one.
[[nodiscard]] Result<shared::Value> builtin_for_hook(std::string_view id,
                                                     const std::vector<std::string>& args);
[[nodiscard]] bool is_hook_collection(std::string_view repository);

// pygrep.cpp: the command of a `language: pygrep` hook, without files.
[[nodiscard]] Result<std::vector<std::string>> pygrep_command(const std::string& entry,
                                                              const std::vector<std::string>& args);

// words.cpp: as Python's shlex.split has it, which pre-commit reads `entry` with. Invalid: a quote left open.
[[nodiscard]] Result<std::vector<std::string>> shell_split(std::string_view text);

}  // namespace tidegate::hooks
