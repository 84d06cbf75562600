// A bare git repository of our own below STATE, as every source is kept in. One process at a time works on it:
// whoever does holds its lock, and a `*.lock` file found then was left by a kill and is removed. One that is corrupt
// is set aside as `<name>.broken` (the newest one is kept for a person to look at). Not thread-safe.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/files.hpp"
#include "shared/base/names.hpp"
#include "shared/git/git.hpp"
#include "shared/repo/repo.hpp"

#include <string>
#include <vector>

namespace tidegate::reconciler {

// What keeps a commit or a tag in a store: refs below these.
inline constexpr std::string_view kCommitRefs = "refs/tidegate/commits/";
inline constexpr std::string_view kTagRefs = "refs/tidegate/tags/";

class BareStore {
  public:
    // Makes the repository where it is missing, and the folder it lies in. `description` is for people.
    [[nodiscard]] static Result<BareStore> open(std::string path, std::string description);

    // Waits while somebody else works on it, at most `patience` (Transient then).
    [[nodiscard]] Result<shared::Lock> lock(shared::Duration patience, int cancel_fd) const;
    // With the lock held: what a kill left is removed, what cannot be used is set aside and made anew.
    [[nodiscard]] Result<void> prepare() const;
    [[nodiscard]] Result<void> move_aside() const;
    // lock(), move_aside(), prepare()
    [[nodiscard]] Result<void> set_aside() const;

    [[nodiscard]] Result<shared::Repo> repo() const { return shared::Repo::open(path_); }
    [[nodiscard]] const shared::Git& git() const { return git_; }
    [[nodiscard]] const std::string& path() const { return path_; }

    // Forgets what is kept by kCommitRefs and kTagRefs but for these ids; gives the disk back when more than 16 packs
    // lie there.
    [[nodiscard]] Result<void> keep_only(const std::vector<shared::Oid>& ids) const;

  private:
    BareStore(shared::Git git, std::string path, std::string description)
        : git_(std::move(git)), path_(std::move(path)), description_(std::move(description)) {}
    [[nodiscard]] Result<void> make() const;
    [[nodiscard]] Result<std::string> sane() const;

    shared::Git git_;
    std::string path_;
    std::string description_;
};

}  // namespace tidegate::reconciler
