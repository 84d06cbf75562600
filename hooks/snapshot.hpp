// A private checkout of a tree, in which gates run. One for each (working tree, stage), kept between runs,
// moved by tree difference; build output in it survives.
//
//   <base>/<repository name>-<hash of git dir>/<stage>[~N]/
//       lock       held while somebody uses it
//       git/       a repository of its own: objects come from the user's through alternates, new ones stay
//       here;
//                  refs are a copy. Nothing done here can move the user's branches, index or configuration.
//       tree/<repository name>/   the checkout; its .git names the folder above
//       state      which tree it holds, and which setup commands ran on which inputs; missing or torn: looked
//       over
//                  whole, and mended, by the next run
//
// <base> is $TIDEGATE_SNAPSHOTS, else `git config tidegate.snapshots`, else
// $XDG_CACHE_HOME/tidegate/snapshots, else
// ~/.cache/tidegate/snapshots. It may not lie beneath a folder named .git.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/target.hpp"
#include "shared/base/files.hpp"

#include <memory>

namespace tidegate::hooks {

// What gates did to files of the tree, seen since the last call.
struct Spoil {
    std::vector<std::string> changed;  // tracked files written, replaced or deleted
    std::vector<std::string> added;    // new files that are not ignored

    [[nodiscard]] bool empty() const { return changed.empty() && added.empty(); }
};

class Snapshot {
  public:
    // Takes the stage's snapshot, or a spare where another run has it, and brings it to the target's tree.
    [[nodiscard]] static Result<Snapshot> prepare(const Repository& repo, const Stage& stage, Target& target);
    Snapshot(Snapshot&&) noexcept;
    Snapshot& operator=(Snapshot&&) noexcept;
    ~Snapshot();

    [[nodiscard]] const std::string& path() const;  // the checkout
    // Links of `link:` that point nowhere because the working tree has no such folder.
    [[nodiscard]] const std::vector<std::string>& missing_links() const;

    // Setup commands whose inputs changed since they ran here; indexes into stage.setup.
    [[nodiscard]] const std::vector<size_t>& pending_setup() const;
    [[nodiscard]] Result<void> setup_done(size_t index);

    // Readable when a file may have been touched; -1 where that cannot be watched (then only spoil() finds
    // out).
    [[nodiscard]] int watch_fd() const;
    void read_events();  // takes in what made it readable
    // What was done to the tree's files since prepare(). Looks only at what the kernel reported where it can.
    [[nodiscard]] Result<Spoil> spoil();
    // Ends the use: a clean snapshot is marked so, a spoiled one is mended at the next prepare().
    [[nodiscard]] Result<void> release(const Spoil& spoil);

  private:
    struct State;
    explicit Snapshot(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Everything kept for a repository, for `tidegate doctor`.
struct SnapshotInfo {
    std::string stage;
    std::string path;
    std::string tree;
    std::uint64_t bytes = 0;
    bool in_use = false;
    shared::WallTime used{};  // last
    std::string work_tree{};  // whose it is; empty: not known
    bool gone = false;        // that working tree is not there any more
};
[[nodiscard]] Result<std::string> snapshots_dir(const Repository& repo);
[[nodiscard]] Result<std::vector<SnapshotInfo>> list_snapshots(const Repository& repo);
// Those of other working trees, in the same folder.
[[nodiscard]] Result<std::vector<SnapshotInfo>> list_other_snapshots(const Repository& repo);
// Those not in use, and those of working trees that are gone; says how many went.
[[nodiscard]] Result<size_t> clear_snapshots(const Repository& repo);

}  // namespace tidegate::hooks
