// Judging a whole folder of manifests.
#pragma once

#include "shared/base/clock.hpp"

#include <string>
#include <vector>

namespace tidegate::manifests {

struct LintReport {
    std::vector<Error> problems;  // each with its file, and its line where there is one
    size_t manifests = 0;         // files that were read
    size_t environments = 0;
};

// Every `<environment>/<app>.yaml` and tidegate.yaml in `folder`; file names in problems are relative to it.
// Each folder that holds a .yaml file is an environment, but for hidden ones and `approvals`. Fails only where
// the folder cannot be read.
[[nodiscard]] Result<LintReport> lint_folder(const std::string& folder, shared::WallTime now);

}  // namespace tidegate::manifests
