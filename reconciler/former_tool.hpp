// What Capistrano or Deployer left in an app's root: which commit the running release came from, and by whose word.
// Reads only. The files belong to whoever deployed so far: bounded, no link followed, and nothing in them is believed
// beyond a commit's id, which is then compared with the release.
#pragma once

#include "reconciler/app_root.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

struct FormerTool {
    std::string name;                   // "Capistrano", "Deployer", or empty: nothing tells
    std::optional<std::string> commit;  // 7 to 64 lower-case hexadecimal digits, maybe not all of them
    std::string said_by;                // "REVISION", "revisions.log", ".dep/releases_log"
    std::string by;                     // who deployed it, as that tool wrote it down
    std::vector<std::string> doubts;    // it seems to be at work, or contradicts itself
};

[[nodiscard]] Result<FormerTool> read_former_tool(const AppRoot& root, const ReleaseId& release);

// Of Capistrano's revisions.log: the last line that deployed `release`, "Branch B (at COMMIT) deployed as release R by
// USER". Nothing where there is none.
struct LoggedRelease {
    std::string commit;  // or the branch or tag that Deployer was given
    std::string by;
};
[[nodiscard]] std::optional<LoggedRelease> in_revisions_log(std::string_view text, std::string_view release);
// Of Deployer's releases_log, a JSON object on a line: {"created_at", "release_name", "user", "target"}.
[[nodiscard]] std::optional<LoggedRelease> in_releases_log(std::string_view text, std::string_view release);

}  // namespace tidegate::reconciler
