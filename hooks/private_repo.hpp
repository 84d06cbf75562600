// The repository of a snapshot: a git folder of its own, so that no command run in the snapshot can move the user's
// refs, index or configuration. Objects are read from the user's through alternates, new ones stay here; refs are a
// copy; configuration is the user's, included, with what must differ set after it.
#pragma once

#include "hooks/target.hpp"

namespace tidegate::hooks {

// The first line of its configuration: whose it is.
inline constexpr std::string_view kSnapshotOf = "# Snapshots of ";

struct PrivateRepo {
    std::string git_dir;
    std::string checkout;
};

// Brings everything but index and checkout up to date: config, alternates, refs, HEAD, exclude, attributes, shallow.
// Can be repeated; only what differs is written. `excluded` are paths that git is to take for ignored.
[[nodiscard]] Result<void> refresh(const PrivateRepo& own, const Repository& repo, const Target& target,
                                   const std::vector<std::string>& excluded);

// Replaces a file by rename, without waiting for the disk: a snapshot is made anew after a power cut anyway.
[[nodiscard]] Result<void> write_quickly(const std::string& path, std::string_view bytes);

// Writes over a file that is short, and of which a torn one is found out: no file is made, renamed or flushed for it.
[[nodiscard]] Result<void> write_over(const std::string& path, std::string_view bytes);

}  // namespace tidegate::hooks
