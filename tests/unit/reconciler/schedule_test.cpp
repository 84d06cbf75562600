#include "reconciler/schedule.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::reconciler;
using shared::format_utc;
using shared::parse_utc;

namespace {

// 2026-11-20 was a Friday.
Result<Schedule> schedule(const std::string& rules, const char* now = "2026-11-20T12:00:00Z") {
    const auto parsed = manifests::parse_branch_rules(
        "tidegate.yaml", "version: 1\nenvironments:\n  staging:\n  production:\n" + rules);
    REQUIRE(parsed.has_value());
    return schedule_of(*parsed, "production", *parse_utc(now));
}

const char* const kWorkingHours =
    "    windows: [{days: [mon, tue, wed, thu, fri], from: \"09:00\", to: \"17:00\"}]\n";
const char* const kFreeze =
    "    freezes: [{from: \"2026-12-20\", to: \"2027-01-03\", reason: the holidays}]\n";

}  // namespace

TEST_CASE("schedule: windows and freezes say when a deployment may begin") {
    struct Case {
        const char* name;
        std::string rules;
        const char* now;
        const char* opens;  // "": it may begin now
    };
    const Case cases[] = {
        {"no rules", "    approvals: 1\n", "2026-11-20T12:00:00Z", ""},
        {"in the window", kWorkingHours, "2026-11-20T12:00:00Z", ""},
        {"the first minute is in it", kWorkingHours, "2026-11-20T09:00:00Z", ""},
        {"before it", kWorkingHours, "2026-11-20T08:59:30Z", "2026-11-20T09:00:00Z"},
        {"its end is no more in it", kWorkingHours, "2026-11-20T17:00:00Z", "2026-11-23T09:00:00Z"},
        {"over midnight, the evening", "    windows: [{days: [fri], from: \"22:00\", to: \"02:00\"}]\n",
         "2026-11-20T23:00:00Z", ""},
        {"over midnight, the morning after", "    windows: [{days: [fri], from: \"22:00\", to: \"02:00\"}]\n",
         "2026-11-21T01:59:00Z", ""},
        {"over midnight, another morning", "    windows: [{days: [fri], from: \"22:00\", to: \"02:00\"}]\n",
         "2026-11-20T01:00:00Z", "2026-11-20T22:00:00Z"},
        {"the day before a freeze", kFreeze, "2026-12-19T23:59:59Z", ""},
        {"a freeze, both days included", kFreeze, "2027-01-03T23:59:59Z", "2027-01-04T00:00:00Z"},
        {"a freeze, and then the next window", std::string(kWorkingHours) + kFreeze, "2026-12-24T12:00:00Z",
         "2027-01-04T09:00:00Z"},
        {"no window before a freeze begins", std::string(kWorkingHours) + kFreeze, "2026-12-18T18:00:00Z",
         "2027-01-04T09:00:00Z"},
    };
    for (const auto& [name, rules, now, opens] : cases) {
        const auto& shown = name;  // clang 14 captures no structured binding
        CAPTURE(shown);
        const auto made = schedule(rules);
        REQUIRE(made.has_value());
        const auto shut = closed(*made, *parse_utc(now));
        const auto found = shut && shut->opens ? format_utc(*shut->opens) : std::string();
        CHECK(found == opens);
        CHECK(shut.has_value() == !std::string(opens).empty());
        if (shut) CHECK(shut->reason.find(opens) != std::string::npos);
    }
    CHECK(closed(*schedule(kFreeze), *parse_utc("2026-12-24T12:00:00Z"))->reason.find("the holidays") !=
          std::string::npos);
}

TEST_CASE("schedule: a window in a time zone goes by the clock there, through daylight saving") {
    const auto berlin =
        schedule("    windows: [{from: \"09:00\", to: \"10:00\", timezone: Europe/Berlin}]\n");
    if (!berlin) {
        MESSAGE("skipped: no time zone database here");
        return;
    }
    CHECK_FALSE(closed(*berlin, *parse_utc("2026-11-20T08:30:00Z")).has_value());  // +1 h
    CHECK(closed(*berlin, *parse_utc("2026-07-20T08:30:00Z")).has_value());
    CHECK_FALSE(closed(*berlin, *parse_utc("2026-07-20T07:30:00Z")).has_value());  // +2 h
}

TEST_CASE(
    "schedule: a window in a time zone that is not known here is an error at its place, not an open one") {
    const auto made =
        schedule("    windows:\n      - {from: \"09:00\", to: \"10:00\", timezone: Mars/Olympus}\n");
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().kind == ErrorKind::Invalid);
    CHECK(made.error().line().find("Mars/Olympus") != std::string::npos);
    CHECK(made.error().line().find("tidegate.yaml:6") != std::string::npos);
}

TEST_CASE("schedule: what a host does not honour is named, for its own environment") {
    const auto made = schedule(
        "    requires: {environment: staging, healthy_for: 1h}\n"
        "notifications: [{slack: {credential: chat}, environments: [production]}]\n");
    REQUIRE(made.has_value());
    REQUIRE(made->not_honoured.size() == 2);
    CHECK(made->not_honoured[0] == "promotion (`requires` staging)");
    CHECK(made->not_honoured[1] == "`notifications`");
    const auto other = schedule("notifications: [{slack: {credential: chat}, environments: [staging]}]\n");
    CHECK(other->not_honoured.empty());
}
