#include "hooks/run_report.hpp"

#include <algorithm>

namespace tidegate::hooks {

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed: return "passed";
        case Outcome::Flaky: return "flaky";
        case Outcome::Cached: return "cached";
        case Outcome::Empty: return "empty";
        case Outcome::Skipped: return "skipped";
        case Outcome::Failed: return "failed";
        case Outcome::NotRun: return "not run";
        case Outcome::Cancelled: return "cancelled";
    }
    return "unknown";
}

bool is_good(Outcome outcome) {
    return outcome == Outcome::Passed || outcome == Outcome::Flaky || outcome == Outcome::Cached ||
           outcome == Outcome::Empty;
}

bool RunReport::passed() const {
    return !cancelled && spoil.changed.empty() &&
           std::all_of(gates.begin(), gates.end(), [](const GateRun& run) {
               return is_good(run.outcome) || run.outcome == Outcome::Skipped;
           });
}

bool RunReport::skipped() const {
    return std::any_of(gates.begin(), gates.end(),
                       [](const GateRun& run) { return run.outcome == Outcome::Skipped && !run.gate->own; });
}

}  // namespace tidegate::hooks
