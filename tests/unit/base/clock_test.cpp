#include "shared/base/clock.hpp"

#include <doctest/doctest.h>

using namespace tidegate::shared;

TEST_CASE("clock: durations of configuration files are read with their units") {
    struct Case {
        const char* text;
        long long ms;
    };
    for (const auto& given : {Case{"0", 0},
                              {"500ms", 500},
                              {"30s", 30'000},
                              {"5m", 300'000},
                              {"1h30m", 5'400'000},
                              {"2d", 172'800'000}}) {
        CAPTURE(given.text);
        const auto result = parse_duration(given.text);
        REQUIRE(result.has_value());
        CHECK(result->count() == given.ms);
    }
}

TEST_CASE("clock: what is no duration is refused") {
    for (const char* text :
         {"", "5", "-5s", "5 s", "5x", "1m1h", "1m1m", "99999999999999999999s", "4000d", "s"}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_duration(text).has_value());
        CHECK(parse_duration(text).error().message ==
              "not a duration: `" + std::string(text).substr(0, 40) + "`");
    }
}

TEST_CASE("clock: UTC times survive a round trip") {
    const auto time = parse_utc("2026-11-20T23:41:07Z");
    REQUIRE(time.has_value());
    CHECK(format_utc(*time) == "2026-11-20T23:41:07Z");
    CHECK_FALSE(parse_utc("2026-11-20 23:41").has_value());
}
