// From a git tree to a release folder: objects straight to files beneath a directory descriptor, without a
// checkout, an index or a filter. Unchanged files are shared with a release that is there already.
//
//   stage_release()   ROOT/releases/.<id>.partial → <id>; nothing else is touched when it fails
//   … the build steps run in ROOT/releases/<id> …
//   seal_release()    what it holds is brought to disk and recorded: from here on the release is complete
//
// A crash before seal_release() leaves a partial folder or a release without a record: both are staged again.
#pragma once

#include "reconciler/app_root.hpp"
#include "reconciler/disk_room.hpp"
#include "reconciler/integrity.hpp"
#include "shared/repo/repo.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct StageLimits {
    std::uint64_t bytes = 64ULL << 30;
    std::uint64_t file_bytes = 4ULL << 30;
    size_t files = 1'000'000;
    std::uint64_t spare_bytes = kSpareBytes;  // must be left free on the file system
};

struct StageRequest {
    ReleaseId id;
    shared::Oid commit;
    SharedPaths shared;
    // Build steps will run: the files belong to the app's user and are writable, and none is a hard link.
    // Without them they are read-only and ours.
    bool has_build = false;
    // Releases whose unchanged files may be shared, best first (the running one, then the newest).
    std::vector<ReleaseId> share_with;
    StageLimits limits;
    int cancel_fd = -1;
    // What the record says the release is made from; without it, `commit`.
    std::optional<shared::Oid> identity{};
};

struct StageReport {
    size_t files = 0;
    size_t reflinked = 0;
    size_t hard_linked = 0;
    size_t written = 0;
    std::uint64_t bytes_written = 0;
    std::vector<std::string> missing_shared_files;  // `shared.files` that do not exist in ROOT/shared
    IntegrityRecord record;                         // for seal_release()
};

// Invalid: a path or link of the tree leads out, a cap is passed. Unsupported: a submodule, a Git LFS pointer.
// NoSpace before anything is written where the disk or its inodes can't hold it. Broken: an object of the mirror
// is missing or corrupt (set the mirror aside and fetch again). Cancelled. Exists where the release is there:
// the caller has removed an incomplete one. In every case the partial folder is gone.
[[nodiscard]] Result<StageReport> stage_release(const AppRoot& root, const shared::Repo& repo,
                                                const IntegrityStore& store, const StageRequest& request);

// Brings the release to disk and saves its record; with `built`, after looking at what the build made of it.
[[nodiscard]] Result<void> seal_release(const AppRoot& root, const IntegrityStore& store, const ReleaseId& id,
                                        IntegrityRecord record, bool built);

// The links of a tree, and where its shared paths will lead out to ROOT/shared.
struct TreeLinks {
    std::map<std::string, std::string, std::less<>> targets;  // path of the link → its text
    std::set<std::string, std::less<>> shared;                // paths that become links to ROOT/shared
};

// Whether the link at `path` ends inside the release, following every other link on the way as the kernel would.
// A target in a shared path is fine, one that goes up again from there is not.
[[nodiscard]] bool stays_inside(const TreeLinks& links, const std::string& path);

}  // namespace tidegate::reconciler
