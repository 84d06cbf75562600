// Fixing: what a gate finds and knows how to mend is mended in the tree that is being gated, before the other gates
// judge it. The user's index and files get the result at the very end, or not at all.
//
//   1. Gates that can fix go first. One that fails has its fix run on the tree; what that made is a new tree.
//   2. All gates judge the last tree: exactly what will be committed.
//   3. Each file's fix is merged with the unstaged edits in the working tree. Where they meet, nothing is changed.
//   4. Under git's lock on the index: the working tree's files are exchanged, then the index. Killed between the two,
//      the working tree holds the fixes as unstaged edits, and nothing else has happened.
#pragma once

#include "hooks/engine.hpp"
#include "hooks/fix_gate.hpp"
#include "hooks/fix_merge.hpp"

#include <map>
#include <set>

namespace tidegate::hooks {

enum class FixMode {
    Off,
    Commit,  // what is committed: all or nothing, and only when all gates pass
    Asked,   // by a person (`run --fix`): what could be fixed is, whatever else fails
};
// `git config tidegate.fix false` turns fixing at commits off.
[[nodiscard]] bool fixes_at_commit(const Repository& repo);

class Fixes {
  public:
    // Everything given must outlive this.
    Fixes(const Repository& repo, FixMode mode, const Cache& cache, RunOptions options)
        : repo_(repo), mode_(mode), cache_(cache), options_(options) {}

    // Lets those go first that can still be fixed, and what they need.
    void put_first(Plan& plan) const;
    // Whether a gate has failed whose fix has not been tried.
    [[nodiscard]] bool wanted(const StageRun& run) const;
    // Tries them, in order. The target to go on with: the mended tree, or the same.
    [[nodiscard]] Result<Target> mend(StageRun& run, Watcher& watcher);
    // After the last run: puts the fixes where they belong, and says so in the report's notes. Failed where they meet
    // unstaged edits; the patch is then shown on `fd`. Whatever fails, index and files are as before.
    [[nodiscard]] Result<void> finish(StageRun& run, int fd);

  private:
    struct Patch {
        std::string text;
        std::string file;
    };
    Result<void> take(const std::vector<FixedFile>& files, Target& target);
    Result<void> apply(const MergePlan& merge, const std::vector<FixedFile>& files);
    Result<Patch> save_patch(StageRun& run) const;
    Result<void> conflict(StageRun& run, const std::vector<std::string>& paths, int fd) const;

    const Repository& repo_;
    FixMode mode_;
    const Cache& cache_;
    RunOptions options_;

    std::set<std::string> change_;                         // paths of the commit's change
    std::set<std::string> tried_;                          // gates
    std::map<std::string, FixedFile, std::less<>> files_;  // by path, from the index to the end
    std::vector<std::string> notes_;
    std::optional<Scratch> scratch_;
    std::optional<IndexCopy> index_;
    std::optional<shared::Oid> first_tree_;
    std::optional<shared::Oid> last_tree_;
};

}  // namespace tidegate::hooks
