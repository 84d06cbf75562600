// A copy of git's index to work on, and the way back: the original is replaced in one step, under git's own lock, and
// only if nobody has changed it meanwhile.
#pragma once

#include "hooks/tree.hpp"

#include <map>

namespace tidegate::hooks {

// One file that a fix has changed.
struct FixedFile {
    std::string path;
    shared::Oid before;  // the blob in the index
    shared::Oid after;
};

// <index>.lock, made with O_EXCL as git does: while it is there, no git command writes the index. Given up with its
// owner.
class IndexLock {
  public:
    IndexLock(IndexLock&& other) noexcept
        : original_(std::move(other.original_)), lock_(std::exchange(other.lock_, {})) {}
    IndexLock(const IndexLock&) = delete;
    ~IndexLock();
    // The lock's content becomes the index.
    [[nodiscard]] Result<void> commit();

  private:
    friend class IndexCopy;
    IndexLock(std::string original, std::string lock)
        : original_(std::move(original)), lock_(std::move(lock)) {}
    std::string original_;
    std::string lock_;
};

class IndexCopy {
  public:
    // Copies `original` as it is now into the file `copy`.
    [[nodiscard]] static Result<IndexCopy> take(const Repository& repo, const std::string& original,
                                                std::string copy);
    // Gives entries another blob, where they have the one the fix began with; mode and flags (skip-worktree,
    // assume-unchanged) stay, other entries are not touched.
    [[nodiscard]] Result<void> put(const std::vector<FixedFile>& files);
    [[nodiscard]] Result<shared::Oid> write_tree() const;
    // Takes git's lock with the copy as the next content. Locked where git or another holds it, Transient where the
    // original is not what was copied.
    [[nodiscard]] Result<IndexLock> lock() const;
    [[nodiscard]] const std::string& file() const { return copy_; }

  private:
    IndexCopy(const Repository& repo, std::string original, std::string copy, std::string bytes)
        : repo_(&repo), original_(std::move(original)), copy_(std::move(copy)), bytes_(std::move(bytes)) {}
    [[nodiscard]] shared::GitCall call(std::vector<std::string> args) const;

    const Repository* repo_;
    std::string original_;
    std::string copy_;
    std::string bytes_;  // of the original, as it was copied
};

// Lines for `git update-index -z --index-info`.
[[nodiscard]] std::string index_info(std::string_view mode, const shared::Oid& oid, std::string_view path);

}  // namespace tidegate::hooks
