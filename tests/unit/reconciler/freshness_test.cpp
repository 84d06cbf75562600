#include "reconciler/freshness.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::reconciler;
using shared::Duration;
using shared::WallTime;

namespace {

const WallTime kNow{Duration(1'790'000'000'000)};
constexpr Duration kHour{3'600'000};

// A host that reached the branch two hours ago, and may be without it for one.
struct Silence {
    Look look;
    HostConfig config;
    Silence() {
        look.heard = look.silent_since = kNow - 2 * kHour;
        look.unreachable = Error{ErrorKind::Transient, "no route", "", {}, {}};
        look.newest = kNow - 1000 * kHour;
        config.stale_after = kHour;
    }
    [[nodiscard]] Freshness now() const { return freshness_of(look, config, kNow); }
};

}  // namespace

TEST_CASE("freshness: attack 18, silence is stale after its limit, a branch that never moves is not") {
    Silence silence;
    CHECK(silence.now().words() == "the manifests branch was not reached for 2h (limit 1h): no route");

    SUBCASE("within the limit it is not, and the time is known when it will be") {
        silence.config.stale_after = 3 * kHour;
        CHECK(silence.now().stale.empty());
        CHECK(silence.now().at == kNow + kHour);
    }
    SUBCASE("never reached at all counts from when it was first asked") {
        silence.look.heard.reset();
        CHECK(silence.now().stale == "the manifests branch was never reached, for 2h now (limit 1h)");
    }
    SUBCASE("a host that slept has not been refused: the next look says") {
        silence.look.unreachable.reset();
        CHECK(silence.now().stale.empty());
        CHECK_FALSE(silence.now().at.has_value());
    }
    SUBCASE("a refused tip was reached") {
        silence.look.unreachable.reset();
        silence.look.refused = Error{ErrorKind::Denied, "unsigned", "", {}, {}};
        CHECK(silence.now().stale.empty());
    }
    SUBCASE("a quiet branch is stale only where the host says so") {
        silence.look.unreachable.reset();
        silence.config.quiet_after = 24 * kHour;
        CHECK(silence.now().stale == "the newest revision of the manifests branch is 41d old (limit 1d)");
        silence.config.quiet_after = 2000 * kHour;
        CHECK(silence.now().at == kNow + 1000 * kHour);
    }
}

TEST_CASE("host config: stale_after follows the interval, and is never shorter than two") {
    const auto config = [](const std::string& manifests) {
        return parse_host_config("t.yaml",
                                 "version: 1\nhost: {name: a, environment: b}\nroots: [/srv]\n"
                                 "manifests: {url: 'https://h/x', " +
                                     manifests + "}\n");
    };
    CHECK(config("branch: deploy")->stale_after == kHour);
    CHECK(config("interval: 2h")->stale_after == 6 * kHour);
    CHECK_FALSE(config("branch: deploy")->quiet_after.has_value());
    CHECK(config("stale_after: 10m, quiet_after: 7d")->quiet_after == 168 * kHour);
    const auto wrong = config("interval: 30s, stale_after: 45s");
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().where->line == 4);
}
