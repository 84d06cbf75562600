// Whether what is known of the manifests branch is still worth believing (attack 18). Nothing is stopped for it: apps
// run on, and it is said. A branch that is reached and never moves is not stale, unless the host sets `quiet_after`.
#pragma once

#include "reconciler/look.hpp"

#include <optional>
#include <string>

namespace tidegate::reconciler {

struct Freshness {
    std::string stale;                   // in words, shortly; empty: it is fresh
    std::string error;                   // what the last look said
    std::optional<shared::WallTime> at;  // when it will be stale if nothing is heard until then
    [[nodiscard]] std::string words() const { return error.empty() ? stale : stale + ": " + error; }
};

// Pure. The branch is silent when the last look at it failed and none ended well for `stale_after`: a host that slept,
// or a clock that jumped, has not been asked yet.
[[nodiscard]] Freshness freshness_of(const Look& look, const HostConfig& config, shared::WallTime now);

}  // namespace tidegate::reconciler
