// What is kept about a snapshot between runs, and where snapshots are.
#pragma once

#include "hooks/repository.hpp"

namespace tidegate::hooks {

struct SnapshotState {
    bool clean = false;  // checkout and index are exactly `tree`, ignored files aside
    std::string tree;    // hex
    std::string index;   // stamp of the index as the run left it: one that differs is not believed
    std::vector<std::string> setup;  // keys of the setup commands that ran, in order
    std::vector<std::string> links;  // made for `link`
};

// A text of lines with the boot's id and an end mark. What is torn, of another boot or not ours is read as not clean:
// after a power cut files may lack what was written to them.
[[nodiscard]] SnapshotState parse_state(std::string_view text);
[[nodiscard]] std::string format_state(const SnapshotState& state);

struct SnapshotsFolder {
    std::string path;  // of this working tree: <base>/<name>-<hash>
    std::string name;  // what a checkout is called: as the working tree's folder
};
[[nodiscard]] Result<SnapshotsFolder> snapshots_of(const Repository& repo);

}  // namespace tidegate::hooks
