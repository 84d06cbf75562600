// What a gate's own reports say, once its command has ended: failed tests, coverage, findings.
#pragma once

#include "hooks/config/config.hpp"
#include "hooks/report/coverage.hpp"
#include "hooks/report/junit.hpp"
#include "hooks/report/sarif.hpp"
#include "hooks/target.hpp"
#include "shared/sign/measure.hpp"

#include <functional>

namespace tidegate::hooks {

struct ReportFolders {
    std::string reports;  // stands for {reports}
    std::string work;     // where the gate ran: what other paths are relative to
};

struct GateReports {
    reports::TestReport tests;
    std::vector<reports::Finding> findings;  // all of them, at most kMostFindings
    std::optional<reports::Share> coverage;
    std::vector<shared::Measure> measures;
    std::string failure;  // a sentence with file and figures; empty: nothing to say against the gate
    std::string shown;    // what a person should see of a failure: failed tests, findings, shares
    std::string summary;  // "120 tests, coverage 91.0 %"
};

// Reads what `rules` name. A report that is not there, or cannot be read, is a failure where the command
// succeeded (`command_ok`), and nothing where it did not: tools that crash write none. `before` is
// what the change is compared with; `changed_lines` is asked only for `min_change`.
using ChangedLinesOf = std::function<Result<reports::ChangedLines>()>;
struct Baseline {
    std::vector<shared::Measure> measures;
    std::string where;  // "d3adbee by you, 2d ago"
};
// What the gate of this name measured when it was last attested: asked only for `max_regression`.
using BaselineOf = std::function<Result<std::optional<Baseline>>(const std::string& gate)>;
struct Before {
    std::string gate;
    ChangedLinesOf changed_lines;
    BaselineOf baseline;  // may be empty
};
[[nodiscard]] GateReports read_gate_reports(const ReportRules& rules, const ReportFolders& folders,
                                            bool command_ok, const Before& before);
inline constexpr size_t kMostFindings = 10'000;

// The lines that a target's change adds.
[[nodiscard]] Result<reports::ChangedLines> changed_lines(const Repository& repo, const Target& target);

}  // namespace tidegate::hooks
