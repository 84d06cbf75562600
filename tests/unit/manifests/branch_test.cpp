#include "manifests/branch.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tidegate::manifests;
using namespace tidegate::shared;
using namespace std::chrono_literals;

TEST_CASE("branch: tidegate.yaml is read, all of it may be left out") {
    const auto least = parse_branch_rules("tidegate.yaml", "version: 1\n");
    REQUIRE(least.has_value());
    CHECK(least->rules_of("production").strategy == Strategy::Auto);
    const auto rules = parse_branch_rules(
        "tidegate.yaml",
        "version: 1\nenvironments:\n  staging:\n  production:\n    strategy: schedule\n    approvals: 2\n"
        "    requires: {environment: staging, healthy_for: 1h}\n"
        "    windows: [{days: [thu, mon], from: 09:00, to: '16:30', timezone: Europe/Lisbon}]\n"
        "    freezes: [{from: 2026-12-20, to: 2027-01-03, reason: year's end}]\n"
        "notifications:\n  - {slack: {credential: slack}, environments: [production], on: [reverted, held]}\n"
        "  - smtp: {to: [ops@example.com]}\n");
    REQUIRE_MESSAGE(rules.has_value(), rules.error().line());
    const auto production = rules->rules_of("production");
    CHECK(production.strategy == Strategy::Schedule);
    CHECK(production.approvals == 2);
    CHECK(production.requires_first->healthy_for == 1h);
    CHECK(production.windows.at(0).days == std::vector<int>{0, 3});
    CHECK(production.windows.at(0).from == 540);
    CHECK(production.windows.at(0).to == 990);
    CHECK(production.freezes.at(0).reason == "year's end");
    CHECK(rules->notifications.size() == 2);
    CHECK(rules->notifications.at(0).events.size() == 2);
}

TEST_CASE("branch: what cannot be right is refused at its place") {
    struct Case {
        const char* production;
        const char* message;
    };
    const Case cases[] = {
        {"strategy: automatic", "cannot be `automatic`"},
        {"stratgy: auto", "unknown key `stratgy`"},
        {"strategy: schedule", "without `windows` never deploys"},
        {"windows: [{from: '09:00', to: '09:00'}]", "never opens: it ends when it begins"},
        {"windows: [{days: [], from: '09:00', to: '10:00'}]", "never opens: it has no days"},
        {"windows: [{days: [monday], from: '09:00', to: '10:00'}]", "no such day"},
        {"windows: [{from: '9:00', to: '10:00'}]", "not a time of day"},
        {"windows: [{from: '09:60', to: '10:00'}]", "not a time of day"},
        {"windows: [{from: '24:01', to: '10:00'}]", "not a time of day"},
        {"windows: [{from: '24:00', to: '10:00'}]", "cannot begin at the end"},
        {"windows: [{from: '09:00'}]", "missing key `to`"},
        {"freezes: [{from: '2026-02-30', to: '2026-03-01'}]", "no such day"},
        {"freezes: [{from: '2026-03-02', to: '2026-03-01'}]", "ends before it begins"},
        {"approvals: -1", "from 0 to 20"},
        {"requires: {environment: nowhere}", "not in this file"},
        {"requires: {environment: production}", "round in a circle"},
    };
    for (const auto& each : cases) {
        CAPTURE(std::string(each.production));
        const auto rules = parse_branch_rules("tidegate.yaml", "version: 1\nenvironments:\n  production: {" +
                                                                   std::string(each.production) + "}\n");
        REQUIRE_FALSE(rules.has_value());
        CAPTURE(rules.error().line());
        CHECK(rules.error().message.find(each.message) != std::string::npos);
        CHECK(rules.error().where->line == 3);
        CHECK(rules.error().where->column > 2);
    }
    for (const char* text :
         {"version: 1\nenvironments: {Prod: {}}\n", "version: 1\nenvironments: [a]\n",
          "version: 1\nnotifications: [{}]\n",
          "version: 1\nnotifications: [{slack: {credential: a}, on: [maybe]}]\n",
          "version: 1\nnotifications: [{slack: {credential: a}, smtp: {to: [b]}}]\n", "environments: {}\n"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(parse_branch_rules("tidegate.yaml", text).has_value());
    }
}
