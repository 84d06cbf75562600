// What fixes mean for the files of the working tree: worked out here, in git's own terms (clean and smudge, line
// endings, `git merge-file`), and written by nobody yet.
#pragma once

#include "hooks/fix_index.hpp"
#include "hooks/fix_scratch.hpp"

namespace tidegate::hooks {

// Where new blobs go.
enum class Store { User, Scratch };

// The blobs that `git add` would make of these files below `work_tree`, whatever their times and flags say. They must
// be there, as regular files; their entries' blobs are what the index holds.
[[nodiscard]] Result<std::vector<shared::Oid>> blobs_as_added(const Repository& repo, const Scratch& scratch,
                                                              const std::string& work_tree,
                                                              const std::vector<TreeEntry>& files,
                                                              Store store);

// A file of the working tree to be replaced.
struct Replacement {
    std::string path;
    std::string was;      // its bytes, as they were merged
    std::string content;  // a file with its next bytes, in the scratch folder
    bool edited = false;  // it holds work that is nowhere else
};

struct MergePlan {
    std::vector<Replacement> replacements;
    std::vector<std::string> conflicts;  // the fix and an unstaged edit meet
};

// Files that are not in the working tree, or are links or folders there, stay so: that is an unstaged edit, too.
// Transient where a file changes under our eyes.
[[nodiscard]] Result<MergePlan> plan_merge(const Repository& repo, const Scratch& scratch,
                                           const std::vector<FixedFile>& files);

}  // namespace tidegate::hooks
