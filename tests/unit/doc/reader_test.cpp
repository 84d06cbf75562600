#include "shared/doc/reader.hpp"

#include "shared/base/names.hpp"

#include <doctest/doctest.h>

using namespace tidegate::shared;
using namespace std::chrono_literals;

namespace {

// What a reader of a made-up gate says about `text`.
Result<void> read_gate(const std::string& text) {
    const auto document = parse_yaml("gate.yaml", text);
    REQUIRE_MESSAGE(document.has_value(), document.error().line());
    MapReader gate(*document, document->root(), "gates");
    static_cast<void>(gate.text("name", Required::Yes));
    static_cast<void>(gate.text("run", ""));
    static_cast<void>(gate.boolean("fail_fast", false));
    static_cast<void>(gate.integer("retries", 0, 0, 5));
    static_cast<void>(gate.real("min", 0, 0, 100));
    static_cast<void>(gate.duration("timeout", 10min, 1s, 1h));
    static_cast<void>(gate.texts("files"));
    static_cast<void>(gate.text_map("env"));
    static_cast<void>(gate.choice("workspace", {"snapshot", "worktree", "off"}, 0));
    static_cast<void>(gate.map("report"));
    static_cast<void>(gate.list("steps"));
    static_cast<void>(gate.parsed("commit", Oid::parse));
    return gate.finish();
}

}  // namespace

TEST_CASE("reader: a mistake names its key, its place and the mend") {
    struct Case {
        const char* text;
        const char* message;
        int line;
        int column;
        int width;
        const char* hint;
    };
    const Case cases[] = {
        {"name: a\nrum: b\n", "unknown key `rum`", 2, 1, 3, "did you mean `run`? gates take: name run"},
        {"name: a\nqqqqqq: b\n", "unknown key `qqqqqq`", 2, 1, 6, "gates take: name run"},
        {"nam: a\n", "unknown key `nam`", 1, 1, 3, "did you mean `name`?"},
        {"run: b\n", "missing key `name`", 1, 1, 1, "add `name"},
        {"", "missing key `name`", 1, 1, 1, ""},
        {"name:\n", "`name` has no value", 0, 0, 1, ""},
        {"name: ''\n", "`name` is empty", 1, 7, 2, ""},
        {"- a\n", "gates must be a map, not a list", 1, 1, 1, ""},
        {"text\n", "gates must be a map, not text", 1, 1, 4, ""},
        {"name: on\n", "`on` is a boolean to some readers", 1, 7, 2, "quote it: \"on\""},
        {"name: No\n", "`No` is a boolean to some readers", 1, 7, 2, "quote it: \"No\""},
        {"name: true\n", "`true` is a boolean", 1, 7, 4, "quote it: \"true\""},
        {"name: 010\n", "`010` is a number", 1, 7, 3, "quote it: \"010\""},
        {"name: 1e3\n", "`1e3` is a number", 1, 7, 3, "quote it: \"1e3\""},
        {"name: 1.20\n", "`1.20` is a number", 1, 7, 4, "quote it: \"1.20\""},
        {"name: [a]\n", "a text is needed, not a list", 1, 7, 1, ""},
        {"name: {a: b}\n", "a text is needed, not a map", 1, 7, 1, ""},
        {"name: a\nfail_fast: yes\n", "true or false, not `yes`", 2, 12, 3, "write true or false"},
        {"name: a\nfail_fast: 'true'\n", "true or false, not `true`", 2, 12, 6, "unquoted"},
        {"name: a\nretries: 9\n", "from 0 to 5, not 9", 2, 10, 1, ""},
        {"name: a\nretries: 1.0\n", "whole number, not `1.0`", 2, 10, 3, ""},
        {"name: a\nretries: '1'\n", "whole number, not `1`", 2, 10, 3, ""},
        {"name: a\nretries: 010\n", "whole number, not `010`", 2, 10, 3, "leading zero"},
        {"name: a\nretries: 0x1\n", "whole number, not `0x1`", 2, 10, 3, ""},
        {"name: a\nmin: .nan\n", "a number, not `.nan`", 2, 6, 4, ""},
        {"name: a\nmin: 101\n", "out of range", 2, 6, 3, ""},
        {"name: a\ntimeout: 5\n", "", 2, 10, 1, ""},
        {"name: a\ntimeout: 5 minutes\n", "", 2, 10, 9, ""},
        {"name: a\ntimeout: 2h\n", "`timeout` is from 1.0s to 1h", 2, 10, 2, ""},
        {"name: a\nfiles: [b, no]\n", "`no` is a boolean", 2, 12, 2, "quote it"},
        {"name: a\nfiles: [b, {c: d}]\n", "a text is needed", 2, 12, 1, ""},
        {"name: a\nenv: {DEBUG: on}\n", "`on` is a boolean", 2, 14, 2, "quote it"},
        {"name: a\nenv: {MODE: 0755}\n", "`0755` is read differently", 2, 13, 4, "quote it: \"0755\""},
        {"name: a\nenv: {SIZE: 1e3}\n", "`1e3` is read differently", 2, 13, 3, "quote it"},
        {"name: a\nenv: {A: ~}\n", "a text is needed, not nothing", 2, 10, 1, ""},
        {"name: a\nenv: [A]\n", "`env` must be a map, not a list", 2, 6, 1, ""},
        {"name: a\nsteps: x\n", "`steps` must be a list, not text", 2, 8, 1, ""},
        {"name: a\nworkspace: snapshots\n", "cannot be `snapshots`", 2, 12, 9, "did you mean `snapshot`?"},
        {"name: a\ncommit: abc\n", "", 2, 9, 3, ""},
        {"name: a\n\"\\e[31m\": x\n", "unknown key `\\x1b[31m`", 2, 1, 5, ""},
    };
    for (const auto& each : cases) {
        CAPTURE(std::string(each.text));
        const auto result = read_gate(each.text);
        REQUIRE_FALSE(result.has_value());
        const auto& error = result.error();
        CAPTURE(error.line());
        CAPTURE(error.hint);
        CHECK(error.kind == ErrorKind::Invalid);
        CHECK(error.message.find(each.message) != std::string::npos);
        CHECK(error.hint.find(each.hint) != std::string::npos);
        REQUIRE(error.where.has_value());
        CHECK(error.where->file == "gate.yaml");
        if (each.line > 0) CHECK(error.where->line == each.line);
        if (each.column > 0) CHECK(error.where->column == each.column);
        CHECK(error.where->width == each.width);
    }
}

TEST_CASE("reader: what is right is read, a null counts as left out") {
    const auto document = parse_yaml("gate.yaml",
                                     "name: unit\nfail_fast: true\nretries: 2\nmin: 85.5\ntimeout: 1m30s\n"
                                     "files: one\nenv: {PORT: 8080, DEBUG: true, V: 1.20, T: 'on'}\n"
                                     "workspace: off\nreport: ~\n");
    REQUIRE(document.has_value());
    MapReader gate(*document, document->root(), "gates");
    CHECK(gate.text("name", Required::Yes) == "unit");
    CHECK(gate.boolean("fail_fast", false));
    CHECK(gate.integer("retries", 0, 0, 5) == 2);
    CHECK(gate.real("min", 0, 0, 100) == 85.5);
    CHECK(gate.duration("timeout", 0s) == 90s);
    CHECK(gate.texts("files") == std::vector<std::string>{"one"});
    const auto env = gate.text_map("env");
    CHECK(env.at("PORT") == "8080");
    CHECK(env.at("DEBUG") == "true");
    CHECK(env.at("V") == "1.20");
    CHECK(env.at("T") == "on");
    CHECK(gate.choice("workspace", {"snapshot", "off"}, 0) == 1);
    CHECK_FALSE(gate.has("report"));
    CHECK(gate.text("missing", "fallback") == "fallback");
    CHECK_FALSE(gate.optional_text("also").has_value());
    CHECK(gate.finish().has_value());
}

TEST_CASE("reader: the first mistake wins and later getters give their defaults") {
    const auto document = parse_yaml("a.yaml", "a: [1]\nb: 2\n");
    REQUIRE(document.has_value());
    MapReader map(*document, document->root(), "it");
    CHECK(map.text("a", Required::Yes).empty());
    CHECK(map.integer("b", 7, 0, 9) == 7);
    CHECK(map.failed());
    const auto result = map.finish();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().where->line == 1);
}
