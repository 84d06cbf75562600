// An app's folders on a host: ROOT/releases/<id>/, ROOT/shared/, ROOT/current -> releases/<id>.
// Everything is done relative to descriptors of ROOT, and no link in ROOT is ever followed but `current` itself,
// which is read, not opened: whoever owns ROOT can't lead us out of it.
#pragma once

#include "reconciler/release_id.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/process.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

// The manifest's `shared:`; paths relative to the release and to ROOT/shared alike.
struct SharedPaths {
    std::vector<shared::RelPath> dirs;
    std::vector<shared::RelPath> files;
};

enum class IfMissing { Create, Fail };

class AppRoot {
  public:
    // `path` is absolute and lies beneath (or is) one of `allowed`, otherwise Denied. Below the allowed folder
    // no component may be a link; what exists must belong to root, to us or to `user` and must not be writable
    // by everybody (Permission). With Create, ROOT, ROOT/releases and ROOT/shared are made where they are
    // missing, owned by us, mode 0755; with Fail a missing ROOT is NotFound, and a missing ROOT/releases is an empty one.
    [[nodiscard]] static Result<AppRoot> open(const std::string& path,
                                              const std::vector<std::string>& allowed,
                                              const std::optional<shared::RunAs>& user, IfMissing if_missing);

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string release_path(const ReleaseId& id) const;
    [[nodiscard]] int fd() const { return root_.get(); }
    [[nodiscard]] int releases_fd() const { return releases_.get(); }
    [[nodiscard]] const std::optional<shared::RunAs>& user() const { return user_; }

    // The release folders there are, by name; hidden and partial ones, links and files left out.
    [[nodiscard]] Result<std::vector<ReleaseId>> releases() const;
    [[nodiscard]] bool has(const ReleaseId& id) const;
    // Opens a release's folder. NotFound where there is none, Broken where something else has its name.
    [[nodiscard]] Result<shared::Fd> open_release(const ReleaseId& id) const;

    // What `current` names: nullopt where there is no such link. Broken, and nothing is touched, when it is no
    // link, dangles, or leads anywhere but to a folder directly below ROOT/releases.
    [[nodiscard]] Result<std::optional<ReleaseId>> current() const;
    // Points `current` at a release that is there, by one rename(2), and brings the change to disk; the way back to
    // the release before needs no room on the disk. The
    // release's own content has been brought to disk by publish() or seal_release() before.
    [[nodiscard]] Result<void> switch_to(const ReleaseId& id) const;
    // For a first deployment that is undone: takes the link away again. Nothing there is not an error.
    [[nodiscard]] Result<void> remove_current() const;

    // Renames the release to `.<id>.removing` first, so that a half removed release never looks like a release.
    // Denied for what `current` names (asked again here) and for every id in `keep`; Broken while `current` is
    // broken. Nothing there is not an error.
    [[nodiscard]] Result<void> remove(const ReleaseId& id, const std::vector<ReleaseId>& keep) const;
    // Removes what crashes left in ROOT/releases: `.*.partial`, `.*.removing`. Gives the names.
    [[nodiscard]] Result<std::vector<std::string>> clean_leftovers() const;

    // A fresh folder `.<id>.partial`; one that a crash left is removed first.
    [[nodiscard]] Result<shared::Fd> make_partial(const ReleaseId& id) const;
    [[nodiscard]] Result<void> remove_partial(const ReleaseId& id) const;
    // syncfs, then `.<id>.partial` becomes `<id>`, then fsync of ROOT/releases. Exists where `<id>` is there.
    [[nodiscard]] Result<void> publish(const ReleaseId& id) const;

    // Puts links to ROOT/shared in the place of `paths` in the release folder `release`. Missing shared folders
    // are made, owned by `user`; what the release has in that place is replaced. Gives the shared files that do
    // not exist: they are linked all the same, and whoever deploys says so.
    [[nodiscard]] Result<std::vector<std::string>> link_shared(int release, const SharedPaths& paths) const;

  private:
    AppRoot() = default;
    [[nodiscard]] Result<std::vector<std::string>> clean_half_switches() const;
    std::string path_;
    shared::Fd root_;
    shared::Fd releases_;
    shared::Fd shared_;
    std::optional<shared::RunAs> user_;
};

}  // namespace tidegate::reconciler
