// What a run found, one by one with its place, in the formats that forges and editors read.
#pragma once

#include "hooks/engine.hpp"

#include <string>

namespace tidegate::hooks::cli {

// One finding of a run: out of a gate's own report, of a built-in check, a failed test, or a gate that failed.
struct RunFinding {
    std::string gate;
    reports::Finding what;  // its rule has the gate's name before it: "scan/R1", "unit"
};
// In the gates' order; a failed gate itself is the last of its own, at its place in .tidegate.yaml.
[[nodiscard]] std::vector<RunFinding> findings_of(const StageRun& run);

// SARIF 2.1.0, one run; places are relative to the repository's top (uriBaseId %SRCROOT%).
[[nodiscard]] std::string sarif_report(const StageRun& run);
// GitLab's code quality report (a list of issues, https://docs.gitlab.com/ci/testing/code_quality/). Only what has a
// place; a fingerprint does not change with the line.
[[nodiscard]] std::string code_quality_report(const StageRun& run);
// GitHub's workflow commands, a line each ("::error file=a.c,line=3,title=scan/R1::bad call"); those beyond 50 are
// counted.
[[nodiscard]] std::string github_annotations(const StageRun& run);
// A table in Markdown for $GITHUB_STEP_SUMMARY.
[[nodiscard]] std::string github_summary(const StageRun& run);

}  // namespace tidegate::hooks::cli
