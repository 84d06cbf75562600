#include "hooks/config/glob.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace tidegate;
using namespace tidegate::hooks;

TEST_CASE("glob: patterns match as people expect from .gitignore and shells") {
    struct Case {
        const char* pattern;
        const char* path;
        bool matches;
    };
    const Case cases[] = {
        {"*.c", "a.c", true},
        {"*.c", "src/deep/a.c", true},  // no slash: the last part
        {"*.c", "a.cc", false},
        {"**/*.c", "a.c", true},
        {"**/*.c", "x/y/a.c", true},
        {"src/*.c", "src/a.c", true},
        {"src/*.c", "src/x/a.c", false},
        {"src/**/*.c", "src/a.c", true},
        {"src/**/*.c", "src/x/y/a.c", true},
        {"src/**/*.c", "lib/src/a.c", false},
        {"third_party/**", "third_party/x/y", true},
        {"third_party/**", "third_party", false},
        {"third_party/", "third_party/x", true},
        {"/top.c", "top.c", true},
        {"/top.c", "x/top.c", false},
        {"**/*.{cc,h}", "x/a.h", true},
        {"**/*.{cc,h}", "x/a.c", false},
        {"{a,b{c,d}}.txt", "bd.txt", true},
        {"{a,b{c,d}}.txt", "b.txt", false},
        {"[a-c]?.txt", "b1.txt", true},
        {"[!a-c]1.txt", "b1.txt", false},
        {"[]x].txt", "].txt", true},
        {"\\*.txt", "*.txt", true},
        {"\\*.txt", "a.txt", false},
        {"a*b*c", "aXbYc", true},
        {"a*b*c", "aXbY", false},
        {"**/x/**/y", "x/y", true},
        {"**/x/**/y", "a/x/b/c/y", true},
        {"**/x/**/y", "a/x/b/c/z", false},
        {"**", "any/thing", true},
        {"*", "any/thing", true},
        {"./a.c", "a.c", true},
    };
    for (const auto& c : cases) {
        CAPTURE(c.pattern);
        CAPTURE(c.path);
        const auto glob = Glob::parse(c.pattern);
        REQUIRE(glob);
        CHECK(glob->matches(c.path) == c.matches);
    }
}

TEST_CASE("glob: what is no pattern is refused") {
    for (const char* pattern : {"", "[a", "{a,b", "/", "a\\", "[a/b]x"}) {
        CAPTURE(pattern);
        CHECK_FALSE(Glob::parse(pattern));
    }
    CHECK_FALSE(Glob::parse(std::string(2000, 'a')));
    CHECK_FALSE(Glob::parse("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"));
}

TEST_CASE("glob: a pattern made to explode takes no time (attack 36)") {
    std::string stars;
    for (int i = 0; i < 100; ++i) stars += "*a";
    std::string folders;
    for (int i = 0; i < 60; ++i) folders += "**/a/";
    const auto one = Glob::parse("x/" + stars + "b");
    const auto two = Glob::parse(folders + "b");
    REQUIRE(one);
    REQUIRE(two);
    std::string path = "x/" + std::string(4000, 'a');
    std::string deep;
    for (int i = 0; i < 2000; ++i) deep += "a/";
    const auto begun = std::chrono::steady_clock::now();
    CHECK_FALSE(one->matches(path));
    CHECK_FALSE(two->matches(deep + "c"));
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(60));
}

TEST_CASE("glob: a filter takes what is included and not excluded") {
    FileFilter filter;
    CHECK(filter.everything());
    CHECK(filter.matches("anything"));
    filter.include.push_back(*Glob::parse("**/*.c"));
    filter.exclude.push_back(*Glob::parse("third_party/**"));
    CHECK(filter.matches("src/a.c"));
    CHECK_FALSE(filter.matches("third_party/a.c"));
    CHECK_FALSE(filter.matches("src/a.h"));
}
