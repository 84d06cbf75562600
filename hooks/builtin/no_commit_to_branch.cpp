#include "hooks/builtin/builtin.hpp"

namespace tidegate::hooks::builtin {

// As no-commit-to-branch with its defaults. A detached HEAD is no branch.
void no_commit_to_branch(const Paths& paths, Problems& problems) {
    if (paths.branch.empty() || !matches_any(paths.options->branches, paths.branch)) return;
    problems.push_back(
        {"", 0, 0,
         "nothing is committed to " + std::string(paths.branch) + " directly: git switch -c another-branch"});
}

}  // namespace tidegate::hooks::builtin
