// What a tree holds, and how two differ. Read from git's index file where that is possible, else from git.
#pragma once

#include "hooks/index_file.hpp"
#include "hooks/repository.hpp"

#include <cstdint>
#include <memory>

namespace tidegate::hooks {

// One path of a change.
struct Change {
    enum class Kind { Added, Modified, TypeChanged, Deleted };
    Kind kind = Kind::Modified;
    TreeEntry entry;  // as it is after the change; before it where it was deleted
    std::optional<shared::Oid> link_before =
        std::nullopt;  // a symbolic link's blob, where the change made a file of it
};

// The tree an index stands for.
struct IndexTree {
    shared::Oid tree;
    std::shared_ptr<const IndexFile> index;  // as it was read; none where only git can read it
};
// Invalid with the paths where the index has unmerged entries. Neither the index nor anything beside it is
// written. The tree object exists afterwards.
[[nodiscard]] Result<IndexTree> read_index_tree(const Repository& repo);

// The tree of a commit (or of a tag of one).
[[nodiscard]] Result<shared::Oid> tree_of(const Repository& repo, const shared::Oid& commit);
[[nodiscard]] Result<std::vector<TreeEntry>> list_tree(const Repository& repo, const shared::Oid& tree);
// nullopt as `from`: everything in `to` is added.
[[nodiscard]] Result<std::vector<Change>> diff_trees(const Repository& repo,
                                                     const std::optional<shared::Oid>& from,
                                                     const shared::Oid& to);

// Contents by one `git cat-file --batch`. `take` gets the index into `oids`, the size, and the content, cut
// at `limit` bytes. Missing objects are Broken.
using TakeBlob = std::function<void(size_t index, std::uint64_t size, std::string content)>;
[[nodiscard]] Result<void> read_blobs(const Repository& repo, const std::vector<shared::Oid>& oids,
                                      size_t limit, const TakeBlob& take);
// One file of a tree. NotFound where the tree has no such file.
[[nodiscard]] Result<std::string> read_tree_file(const Repository& repo, const shared::Oid& tree,
                                                 const std::string& path, size_t limit);

}  // namespace tidegate::hooks
