// What the daemon tells of itself, as values for JSON and as words. Pure functions over journal rows.
#pragma once

#include "reconciler/app_keeper.hpp"
#include "reconciler/journal.hpp"
#include "shared/doc/value.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

// All that is known of one app at one moment.
struct AppFacts {
    std::string app;
    AppState state = AppState::Unknown;
    std::string reason;
    std::string release;   // behind `current`
    std::string commit;    // it came from
    std::string label;     // of it
    std::string declared;  // the commit the manifest asks for
    std::string declared_label;
    std::string revision;  // accepted, that says so
    shared::WallTime since{};
    std::optional<shared::WallTime> again;
    Bar bar = Bar::None;
    std::vector<std::string> not_honoured;  // of tidegate.yaml
    std::string stale;                      // why what is declared may be out of date; empty: it is not
};

// One entry of `status --json`'s apps, with "label" and "declared_label" more.
[[nodiscard]] shared::Value to_value(const AppFacts& facts);
[[nodiscard]] shared::Value to_value(const Error& error);  // {"error", "hint", "exit"}
[[nodiscard]] shared::Value to_value(const DeploymentRow& row);
[[nodiscard]] shared::Value to_value(const PauseRow& pause);
[[nodiscard]] shared::Value to_value(const PhaseRow& row);

// The paragraph of `tidegatectl why`: where the app is and is to be, what was tried and how it ended, and what
// would change that. `last`: the newest deployment, with its phases.
[[nodiscard]] std::string why_words(const AppFacts& facts, const std::optional<DeploymentRow>& last,
                                    const std::vector<PhaseRow>& phases, const AppRow& remembered,
                                    shared::WallTime now);

}  // namespace tidegate::reconciler
