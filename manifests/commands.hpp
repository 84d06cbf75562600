// The release manager's commands, as functions: each works on a checkout of the manifests branch, prints to
// standard output what it did, and gives the program's exit code. What stops it is an Error for the program's
// face.
#pragma once

#include "shared/base/error.hpp"

#include <optional>
#include <string>

namespace tidegate::manifests {

// Where a checkout is looked for: in `directory` or above it.
struct LintOptions {
    std::string directory = ".";
    bool json = false;
};
// Every manifest and tidegate.yaml of a checkout; all problems are shown. 0 where there is none, otherwise 2.
// `directory` need not be a git checkout.
[[nodiscard]] Result<int> lint(const LintOptions& options);

struct ReleaseOptions {
    std::string directory = ".";
    std::string app;
    std::string environment;
    std::optional<std::string> commit;   // a commit id, abbreviated only with `source`; or …
    std::optional<std::string> version;  // … a tag of the app's repository
    std::optional<std::string> source;   // a local clone of the app to ask instead of release.git.url
    bool push = false;
};
// Writes the source into the manifest, comments and layout kept, and commits that, signed.
// NotFound for an unknown app, environment, tag or commit; Exists where the manifest has uncommitted changes.
// A manifest that names that release already is left alone: 0.
[[nodiscard]] Result<int> release(const ReleaseOptions& options);

struct RollbackOptions {
    std::string directory = ".";
    std::string app;
    std::string environment;
    std::optional<std::string>
        to;  // a revision whose manifest is to be again; without: before the last change
    bool push = false;
};
[[nodiscard]] Result<int> rollback(const RollbackOptions& options);

struct PromoteOptions {
    std::string directory = ".";
    std::string app;
    std::string from;
    std::string to;
    bool push = false;
};
// Puts the release (the source only) of one environment into another's manifest.
[[nodiscard]] Result<int> promote(const PromoteOptions& options);

struct ApproveOptions {
    std::string directory = ".";
    std::string app;
    std::string environment;
    bool push = false;
};
// Signs the manifest as it is committed (HEAD) and commits that approval. See manifests/approval.hpp.
[[nodiscard]] Result<int> approve(const ApproveOptions& options);

struct DiffOptions {
    std::string directory = ".";
    std::string range;  // "A..B"; "A" is A..HEAD
    std::optional<std::string> environment;
    std::optional<std::string> source;  // a local clone of the app, for the list of its commits
    bool json = false;
};
// What a change of the manifests would do, app by app. 0 also where nothing changes.
[[nodiscard]] Result<int> diff(const DiffOptions& options);

}  // namespace tidegate::manifests
