#include "manifests/windows.hpp"

#include "shared/base/files.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tidegate::manifests;
using namespace tidegate::shared;

namespace {

const WallTime kNow = *parse_utc("2026-11-20T12:00:00Z");

// A zone that went from +1h to +2h at 2027-03-28T01:00:00Z (02:00 to 03:00 there), as a version 1 file.
std::string zone() {
    const auto number = [](std::uint32_t value) {
        std::string bytes;
        for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xFF);
        return bytes;
    };
    const auto at =
        static_cast<std::uint32_t>(parse_utc("2027-03-28T01:00:00Z")->time_since_epoch().count() / 1000);
    return "TZif" + std::string(16, '\0') + number(0) + number(0) + number(0) + number(1) + number(2) +
           number(4) + number(at) + std::string(1, '\1') + number(3600) + std::string(2, '\0') +
           number(7200) + std::string("\1\0", 2) + std::string("A\0B\0", 4);
}

Window window(std::vector<int> days, int from, int to) {
    Window made;
    made.days = std::move(days);
    made.from = from;
    made.to = to;
    made.timezone = "Test/Zone";
    return made;
}

}  // namespace

TEST_CASE("windows: times that daylight saving leaves out are found, on the days that the window has") {
    const auto folder = TempDir::make("zones");
    REQUIRE(folder.has_value());
    REQUIRE(make_dirs(folder->path() + "/Test", 0755).has_value());
    REQUIRE(write_file_atomic(folder->path() + "/Test/Zone", zone(), 0644).has_value());
    const auto fault = [&](const Window& one) { return fault_of_window(one, kNow, 5, folder->path()); };
    const std::string opens = "it opens at 02:30, a time that does not exist on 2027-03-28";
    // The 28th of March 2027 is a Sunday.
    CHECK(fault(window({6}, 150, 300)).starts_with(opens));
    CHECK(fault(window({0, 1, 2, 3, 4, 5}, 150, 300)).empty());
    CHECK(fault(window({6}, 60, 150)).starts_with("it closes at 02:30"));
    CHECK(fault(window({6}, 120, 300)).starts_with("it opens at 02:00"));
    CHECK(fault(window({6}, 180, 300)).empty());
    CHECK(fault(window({6}, 60, 180)).empty());
    // Over midnight: opened on Saturday, closes on Sunday.
    CHECK(fault(window({5}, 1320, 150)).starts_with("it closes at 02:30"));
    CHECK(fault(window({6}, 1320, 150)).empty());
    for (const char* name :
         {"Mars/Olympus", "../../etc/passwd", "/etc/passwd", "", "Test", "Test/Zone/", "a b"}) {
        CAPTURE(std::string(name));
        auto one = window({0}, 60, 120);
        one.timezone = name;
        CHECK(fault(one).starts_with("no such time zone"));
    }
    CHECK(fault_of_window(window({6}, 150, 300), kNow, 5, folder->path() + "/nowhere").empty());
}

TEST_CASE("windows: a time zone file that is cut anywhere is refused") {
    const auto whole = zone();
    REQUIRE(clock_gaps(whole).has_value());
    CHECK(clock_gaps(whole)->size() == 1);
    for (size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(clock_gaps(std::string_view(whole).substr(0, length)).has_value());
    }
    auto large = whole;
    large[32] = '\x7F';  // the number of transitions
    CHECK_FALSE(clock_gaps(large).has_value());
    auto wrong = whole;
    wrong[48] = '\x7F';  // the type of the transition
    CHECK_FALSE(clock_gaps(wrong).has_value());
}

TEST_CASE("windows: a zone's file tells its offsets, and one that leaves today to a rule is not believed") {
    const auto folder = TempDir::make("zones");
    REQUIRE(folder.has_value());
    REQUIRE(make_dirs(folder->path() + "/Test", 0755).has_value());
    const auto write = [&](const std::string& bytes) {
        REQUIRE(write_file_atomic(folder->path() + "/Test/Zone", bytes, 0644).has_value());
    };
    const auto seconds = [](const char* time) { return parse_utc(time)->time_since_epoch().count() / 1000; };
    write(zone());
    const auto steps = read_zone("Test/Zone", kNow, folder->path());
    REQUIRE(steps.has_value());
    CHECK(offset_at(*steps, seconds("2027-03-28T00:59:59Z")) == 3600);
    CHECK(offset_at(*steps, seconds("2027-03-28T01:00:00Z")) == 7200);
    // Version 2 with no steps, and the rule for daylight saving behind them, as `zic -b slim` makes it.
    const auto empty = "TZif2" + std::string(15, '\0') + std::string(15, '\0') + std::string(1, '\0') +
                       std::string(3, '\0') + std::string(1, '\1') + std::string(3, '\0') +
                       std::string(1, '\4') + std::string(2, '\0') + std::string("\x0e\x10", 2) +
                       std::string(2, '\0') + std::string("CET\0", 4);
    write(empty + empty + "\nCET-1\n");
    const auto fixed = read_zone("Test/Zone", kNow, folder->path());
    REQUIRE(fixed.has_value());
    CHECK(offset_at(*fixed, seconds("2027-07-01T00:00:00Z")) == 3600);
    write(empty + empty + "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    const auto slim = read_zone("Test/Zone", kNow, folder->path());
    REQUIRE_FALSE(slim.has_value());
    CHECK(slim.error().message.find("no times as late as now") != std::string::npos);
    CHECK_FALSE(read_zone("../../etc/passwd", kNow, folder->path()).has_value());
}
