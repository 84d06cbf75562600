#include "reconciler/freshness.hpp"

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

std::string limit_of(Duration limit) {
    return " (limit " + human_duration(limit) + ")";
}

}  // namespace

Freshness freshness_of(const Look& look, const HostConfig& config, WallTime now) {
    if (look.unreachable) {
        const auto until = look.silent_since + config.stale_after;
        if (now < until) return {"", "", until};
        const auto since = human_duration(std::max(Duration(0), now - look.silent_since));
        const auto what = look.heard ? "the manifests branch was not reached for " + since
                                     : "the manifests branch was never reached, for " + since + " now";
        return {what + limit_of(config.stale_after), look.unreachable->line(), std::nullopt};
    }
    if (!config.quiet_after || !look.newest) return {};
    const auto until = *look.newest + *config.quiet_after;
    if (now < until) return {"", "", until};
    return {"the newest revision of the manifests branch is " + human_duration(now - *look.newest) + " old" +
                limit_of(*config.quiet_after),
            "", std::nullopt};
}

}  // namespace tidegate::reconciler
