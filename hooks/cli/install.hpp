// Putting the hook executable into a repository's hooks folder and taking it out again, byte for byte.
#pragma once

#include "hooks/installed.hpp"
#include "shared/git/git.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::hooks::cli {

// The hooks of git that a stage can be run by.
[[nodiscard]] const std::vector<std::string>& installable_stages();

// Where git looks for this repository's hooks, and why there.
struct HookFolder {
    std::string path;           // absolute
    std::string git_dir;        // this working tree's, absolute
    std::string common_dir;     // the repository's, absolute
    std::string top;            // the working tree, absolute; empty in a bare repository
    std::string configured;     // core.hooksPath as it is written; empty: not set
    std::string scope;          // where it is set: local, worktree, global, system, command
    bool in_work_tree = false;  // among the files of the working tree (husky)
};
// NotFound outside of a repository.
[[nodiscard]] Result<HookFolder> find_hook_folder(const shared::Git& git, const std::string& directory);

enum class HookState {
    Absent,
    Ours,
    Foreign,  // somebody else's executable hook
    Inert,    // a file that git passes over, for want of the executable bit
};
struct Hook {
    std::string stage;
    HookState state = HookState::Absent;
    bool chained = false;                 // a hook of before is kept beside it
    std::optional<InstalledNote> note{};  // ours: what it was copied from
    bool stale = false;                   // ours: the origin has changed or is gone
};
[[nodiscard]] Hook inspect_hook(const HookFolder& folder, const std::string& stage);

// Installs a copy of `program` for each stage. What was there is kept and will be run first. Doing it twice
// changes nothing more. Exists when both a chained hook and another foreign one are there: somebody replaced
// ours afterwards, and only a person knows which one counts. Gives the hooks as they are now.
[[nodiscard]] Result<std::vector<Hook>> install_hooks(const HookFolder& folder, const std::string& program,
                                                      const std::vector<std::string>& stages);

struct Removed {
    std::string stage;
    bool restored = false;  // the hook of before is back
    bool foreign = false;   // not ours any more: left alone
};
// Takes out every hook of ours. Nothing there is no error.
[[nodiscard]] Result<std::vector<Removed>> uninstall_hooks(const HookFolder& folder);

// `tidegate-hook`, beside this program or in PATH.
[[nodiscard]] Result<std::string> find_hook_program();

}  // namespace tidegate::hooks::cli
