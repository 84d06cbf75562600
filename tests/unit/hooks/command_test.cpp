#include "hooks/command.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace tidegate;
using namespace tidegate::hooks;

namespace {

Script shell(std::string text) {
    return Script{std::move(text), {}};
}

}  // namespace

TEST_CASE("command: a text goes through sh with each path quoted (attack 51)") {
    const auto lines =
        command_lines(shell("lint {files} --end"),
                      {{"a b", "-rf", "it's", "$(x)", "new\nline", "\xff\xfe"}, "/r"}, 1 << 20);
    REQUIRE(lines);
    REQUIRE(lines->size() == 1);
    const auto& words = lines->front();
    REQUIRE(words.size() == 3);
    CHECK(words[0] == "/bin/sh");
    CHECK(words[2].find("'a b'") != std::string::npos);
    CHECK(words[2].find("./-rf") != std::string::npos);
    CHECK(words[2].find("'$(x)'") != std::string::npos);
    CHECK(words[2].find("'new\nline'") != std::string::npos);
    CHECK(words[2].find("\xff\xfe") != std::string::npos);
    CHECK(words[2].ends_with(" --end"));
}

TEST_CASE("command: a list is executed as it is, {files} as many words") {
    const auto lines =
        command_lines(Script{{}, {"lint", "{files}", "--out={reports}/x"}}, {{"a", "-b"}, "/r"}, 65536);
    REQUIRE(lines);
    CHECK(lines->front() == std::vector<std::string>{"lint", "a", "./-b", "--out=/r/x"});
}

TEST_CASE("command: a long list is split below the limit, and nothing is lost") {
    std::vector<std::string> files;
    for (int i = 0; i < 20000; ++i) files.push_back("src/some/folder/file number " + std::to_string(i));
    for (const auto& script : {shell("lint {files}"), Script{{}, {"lint", "{files}"}}}) {
        const auto lines = command_lines(script, {files, ""}, 100000);
        REQUIRE(lines);
        CHECK(lines->size() > 5);
        size_t seen = 0;
        for (const auto& words : *lines) {
            size_t bytes = 0;
            for (const auto& word : words) {
                bytes += word.size() + 9;
                for (auto at = word.find("number"); at != std::string::npos; at = word.find("number", at + 1))
                    ++seen;
            }
            CHECK(bytes <= 100000 + 64);
        }
        CHECK(seen == files.size());
    }
}

TEST_CASE("command: a path that holds a placeholder is not expanded again") {
    const auto lines = command_lines(shell("x {files}"), {{"{files}", "{reports}"}, "/r"}, 65536);
    REQUIRE(lines);
    CHECK(lines->front()[2].find("{reports}") != std::string::npos);
    CHECK(lines->front()[2].find("/r") == std::string::npos);
}

TEST_CASE("command: what git gave the hook is put in by its name, quoted, once") {
    Placeholders values{{"f"}, "/r"};
    values.arguments = {{"remote", "a b{files}"}, {"url", "$(id)"}};
    const auto text = command_lines(shell("x {remote} ${url} {url} {other} {files}"), values, 65536);
    REQUIRE(text);
    CHECK(text->front()[2] == "x 'a b{files}' ${url} '$(id)' {other} f");
    const auto list = command_lines(Script{{}, {"x", "{remote}", "u={url}"}}, values, 65536);
    REQUIRE(list);
    CHECK(list->front() == std::vector<std::string>{"x", "a b{files}", "u=$(id)"});
    const auto none = command_lines(shell("x {remote} {"), {{}, "/r"}, 65536);
    REQUIRE(none);
    CHECK(none->front()[2] == "x {remote} {");
}

TEST_CASE("command: a gate that asks for what git gives is told apart") {
    Gate gate;
    gate.run = shell("lint {remote}");
    CHECK(asks_for_arguments(gate, "pre-push"));
    CHECK_FALSE(asks_for_arguments(gate, "pre-commit"));
    CHECK_FALSE(asks_for_arguments(gate, "nightly"));
    gate.run = shell("lint $TIDEGATE_URL");
    CHECK(asks_for_arguments(gate, "pre-push"));
}

TEST_CASE("command: a gate sees the allow-list, never git's variables (attacks 48, 49)") {
    setenv("GIT_DIR", "/x", 1);
    setenv("LD_PRELOAD_TEST", "/x", 1);
    setenv("BASH_ENV", "/x", 1);
    setenv("MY_TOKEN", "t", 1);
    setenv("PATH", ".:/usr/bin::bin:/bin", 1);
    Target target;
    target.stage = "pre-push";
    target.tree = *shared::Oid::parse("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    const auto env = gate_environment({"MY_*"}, {{"A", "b"}, {"GIT_INDEX_FILE", "x"}}, target);
    CHECK_FALSE(env.get("GIT_DIR"));
    CHECK_FALSE(env.get("GIT_INDEX_FILE"));
    CHECK_FALSE(env.get("BASH_ENV"));
    CHECK_FALSE(env.get("LD_PRELOAD_TEST"));
    CHECK(env.get("MY_TOKEN") == "t");
    CHECK(env.get("A") == "b");
    CHECK(env.get("PATH") == "/usr/bin:/bin");
    CHECK(env.get("TIDEGATE") == "1");
    CHECK(env.get("TIDEGATE_STAGE") == "pre-push");
    CHECK(env.get("TIDEGATE_TREE") == "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    unsetenv("GIT_DIR");
}
