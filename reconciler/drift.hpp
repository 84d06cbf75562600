// Whether a release on disk still is what was recorded of it. An untouched file costs one fstatat(2); only what
// looks different is read.
#pragma once

#include "reconciler/app_root.hpp"
#include "reconciler/integrity.hpp"
#include "shared/repo/repo.hpp"

#include <string>
#include <vector>

namespace tidegate::reconciler {

struct DriftedFile {
    enum class How { Missing, Changed, Mode } how = How::Changed;
    std::string path;
    bool mendable = false;  // its content is in the mirror
};

struct Drift {
    std::vector<DriftedFile> files;
    size_t more = 0;  // beyond the first 1000
    [[nodiscard]] bool none() const { return files.empty(); }
    // "2 files changed, 1 missing: app.py, lib/x.py …"
    [[nodiscard]] std::string words() const;
};

// Compares; changes nothing. `refreshed` gets set when files were read and found unchanged (touched only): the
// record's fingerprints were updated and it is worth saving.
[[nodiscard]] Result<Drift> find_drift(const AppRoot& root, const ReleaseId& id, IntegrityRecord& record,
                                       bool& refreshed, int cancel_fd = -1);

// Where the looks at a release are that come one after another. One look sees some hundred files of a large release in
// turn; all of them after a start, when somebody asks, and as long as it is drifted.
struct DriftRounds {
    bool all = true;
    size_t next = 0;  // see IntegrityStore::part()
};

// One such look; refreshes the record where that is worth it. What is found in a part is then looked for in the whole.
// No drift where there is no record.
[[nodiscard]] Result<Drift> look_for_drift(const AppRoot& root, const ReleaseId& id,
                                           const IntegrityStore& store, DriftRounds& rounds, int cancel_fd);

// Writes what drifted again from the mirror's objects, each file as a new one put in place by rename (so a hard
// linked twin is not touched), and updates the record's fingerprints. Gives what could not be mended (made by a
// build): the release must be staged and built again for those.
[[nodiscard]] Result<std::vector<DriftedFile>> mend_drift(const AppRoot& root, const ReleaseId& id,
                                                          const shared::Repo& repo, const Drift& drift,
                                                          IntegrityRecord& record);

}  // namespace tidegate::reconciler
