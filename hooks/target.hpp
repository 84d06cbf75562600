// What a stage is run on: a tree, the change that led to it, and what HEAD is for its gates.
#pragma once

#include "hooks/config/git_hook.hpp"
#include "hooks/tree.hpp"

namespace tidegate::hooks {

struct Target {
    std::string stage;
    shared::Oid tree;
    std::optional<shared::Oid> commit;  // whose tree it is; none for pre-commit
    std::optional<shared::Oid> head;    // HEAD in the snapshot: the commit, or for pre-commit the parent
    std::optional<shared::Oid>
        from;  // the change's beginning: a commit (or tree); nullopt: nothing was there before
    std::vector<shared::Oid> bases;  // where there are several beginnings: all of them, `from` being one
    std::string branch;  // full ref: the branch committed to, or the remote ref pushed to; may be empty
    std::vector<std::string> also;  // further refs that the same tree is pushed to
    bool merging = false;
    bool rebasing = false;
    std::shared_ptr<const IndexFile> index;      // an index that holds the tree, where one was read already
    std::vector<TreeEntry> entries;              // the tree's content, after ensure_entries()
    std::optional<std::vector<Change>> changes;  // of the range, where it is known already

    // For people: the pushed ref and how many commits the remote lacks (0 where that is not known).
    std::string ref;
    size_t commits = 0;
    std::vector<shared::Oid> new_commits{};  // those, where they are known

    // What git gave the hook, for gates whose result is not remembered. Empty where no hook called.
    HookArguments arguments;
    std::string input;       // its standard input
    bool remembered = true;  // false: what passed on this tree once may fail the next time
};

// The tree of the index git gave us, against HEAD.
[[nodiscard]] Result<Target> index_target(const Repository& repo, std::string stage);
// The tree of `revision` ("HEAD", an id, a branch): the change is against its first parent, or from `from`.
// `all`: everything counts as changed.
struct RevisionRange {
    std::string revision = "HEAD";
    std::optional<std::string> from;
    bool all = false;
};
[[nodiscard]] Result<Target> revision_target(const Repository& repo, std::string stage,
                                             const RevisionRange& range);
// `tree` may be any tree-ish; everything counts as changed.
[[nodiscard]] Result<Target> tree_target(const Repository& repo, std::string stage, const std::string& tree);

// Lays out the tree's content, sorted as git does: from the index, else by git.
[[nodiscard]] Result<void> ensure_entries(const Repository& repo, Target& target);

// The stage's configuration, out of the tree itself: what is committed or pushed decides, not what lies
// about. NotFound where the tree has no .tidegate.yaml.
[[nodiscard]] Result<std::string> config_text(const Repository& repo, const Target& target);
// Any file of the tree that configuration stands in, up to 1 MiB. NotFound where it has none.
[[nodiscard]] Result<std::string> tree_file(const Repository& repo, const Target& target,
                                            const std::string& path);

}  // namespace tidegate::hooks
