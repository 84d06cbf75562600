// When a deployment may begin, by tidegate.yaml of the manifests branch: strategy, windows and freezes of this host's
// environment. Pure, but for reading the time zones' files once for a revision.
#pragma once

#include "manifests/branch.hpp"
#include "manifests/windows.hpp"
#include "shared/base/clock.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

struct Schedule {
    manifests::EnvironmentRules rules;
    std::map<std::string, std::vector<manifests::ZoneStep>> zones;  // of the windows; UTC is not among them
    // What tidegate.yaml asks for in this environment and this host does not do, in words: "promotion (`requires`)".
    std::vector<std::string> not_honoured;
};

// Of one environment. Invalid, with the place, for a window in a time zone whose present time this host cannot tell:
// a window that nobody can read must not be taken for an open one.
[[nodiscard]] Result<Schedule> schedule_of(const manifests::BranchRules& rules,
                                           const std::string& environment, shared::WallTime now,
                                           const std::string& zones = "/usr/share/zoneinfo");

// No deployment may begin now.
struct Closed {
    std::string reason;                     // with the time at which it opens
    std::optional<shared::WallTime> opens;  // none: not in the time that was looked through
};
// nullopt: one may.
[[nodiscard]] std::optional<Closed> closed(const Schedule& schedule, shared::WallTime now);

// Whether a deployment may begin now, without a person.
[[nodiscard]] bool begins_by_itself(const Schedule& schedule, shared::WallTime now);

}  // namespace tidegate::reconciler
