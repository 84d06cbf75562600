// Runs and plans for machines: JSON and JUnit.
#pragma once

#include "hooks/engine.hpp"
#include "shared/doc/value.hpp"

#include <string>

namespace tidegate::hooks::cli {

// {"stage","tree","commit","passed","took_ms","logs","gates":[{"name","outcome","detail","took_ms","files","attempts","log"}],"notes"}
[[nodiscard]] shared::Value run_value(const StageRun& run);
// {"stage","tree","commit","changed_files","gates":[{"name","fate","reason","files","needs"}]}
[[nodiscard]] shared::Value plan_value(const Plan& plan, const Target& target);
// One test suite for the stage, one case for each gate, and behind it the tests out of the gates' own reports (the
// form that Jenkins, GitLab and GitHub's actions read).
[[nodiscard]] std::string junit_report(const StageRun& run);

}  // namespace tidegate::hooks::cli
