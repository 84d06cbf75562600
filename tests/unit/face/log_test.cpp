#include "shared/log/log.hpp"

#include "shared/log/repeats.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

using namespace tidegate::shared;

namespace {

// What `write` puts on standard error.
template <typename Write>
std::string heard(Write write) {
    std::fflush(stderr);
    FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    const int kept = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    write();
    std::fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    std::rewind(file);
    std::string text(1 << 16, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
}

size_t count(const std::string& text, const std::string& what) {
    size_t found = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

}  // namespace

TEST_CASE("log: a line that comes again and again is written five times, then counted") {
    const auto text = heard([] {
        const Log log(LogFormat::Json, LogLevel::Info);
        for (int i = 0; i < 100; ++i) log.warning("the disk is full", {{"app", "web"}});
        for (int i = 0; i < 3; ++i) log.warning("the disk is full", {{"app", "api"}});
        // A flood of other lines ends the count early: it is bounded.
        for (int i = 0; i < 300; ++i) log.info("line " + std::to_string(i));
    });
    CHECK(count(text, "\"message\":\"the disk is full\",\"app\":\"web\"") == 5);
    CHECK(count(text, "\"app\":\"api\"") == 3);
    CHECK(count(text, "repeated 95 times more: the disk is full") == 1);
    CHECK(count(text, "\"message\":\"line ") == 300);
}

TEST_CASE("log: an error of each tick is written with growing gaps, and its end is told") {
    Repeats repeats;
    std::vector<Repeats::Counted> over;
    const MonoTime start{};
    size_t shown = 0;
    size_t counted = 0;
    const int ticks = 24 * 120;  // a day of one in 30 s
    for (int tick = 0; tick < ticks; ++tick) {
        shown += repeats.shows("key", "no route", start + tick * std::chrono::seconds(30), over) ? 1 : 0;
        for (const auto& each : over) {
            CHECK_FALSE(each.ended);
            counted += each.unseen;
        }
        over.clear();
    }
    CHECK(shown > 24);
    CHECK(shown < 40);
    (void)repeats.shows("other", "x", start + ticks * std::chrono::seconds(30) + std::chrono::hours(3), over);
    REQUIRE(over.size() == 1);
    CHECK(over.front().ended);
    CHECK(shown + counted + over.front().unseen == static_cast<size_t>(ticks));
}

TEST_CASE("log: the least level can be changed while others write") {
    const auto text = heard([] {
        const Log log(LogFormat::Text, LogLevel::Warning);
        const auto child = log.with("app", "web");
        child.info("before");
        log.set_least(LogLevel::Info);
        child.info("after");
    });
    CHECK(count(text, "before") == 0);
    CHECK(count(text, "info after app=web") == 1);
}
