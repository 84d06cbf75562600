#include "shared/doc/json.hpp"

#include "shared/doc/yaml.hpp"

#include <doctest/doctest.h>

#include <ctime>
#include <limits>

using namespace tidegate::shared;

namespace {

std::string repeat(std::string_view text, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += text;
    return all;
}

}  // namespace

TEST_CASE("json: what attack 35 brings is an error with its place, at once") {
    struct Case {
        const char* name;
        std::string text;
        const char* message;
        int line;
        int column;
    };
    const Case cases[] = {
        {"duplicate", "{\"a\": 1,\n \"a\": 2}", "duplicate key `a`", 2, 2},
        {"duplicate by escape", "{\"a\": 1, \"\\u0061\": 2}", "duplicate key `a`", 1, 10},
        {"a million levels", repeat("[", 1'000'000), "nested deeper than", 1, 33},
        {"a million objects", repeat("{\"a\":", 200'000), "nested deeper than", 1, 161},
        {"NaN", "{\"a\": NaN}", "not JSON", 1, 0},
        {"Infinity", "[Infinity]", "not JSON", 1, 0},
        {"huge integer", "[1,\n123456789012345678901234567890]", "64 bits", 2, 1},
        {"just beyond 64 bits", "[9223372036854775808]", "64 bits", 1, 2},
        {"huge exponent", "[1e999]", "too large", 1, 0},
        {"ten thousand digits", "[" + repeat("9", 10'000) + "]", "too large", 1, 0},
        {"trailing comma", "[1,]", "not JSON", 1, 4},
        {"comment", "// x\n1", "not JSON", 1, 0},
        {"single quotes", "{'a': 1}", "not JSON", 1, 2},
        {"two values", "1 2", "not JSON", 1, 0},
        {"empty", "", "ends too early", 1, 1},
        {"cut", "{\"a\": [1, 2", "ends too early", 1, 0},
        {"bad UTF-8", "[\"\xFF\"]", "not JSON", 1, 3},
        {"lone surrogate", "[\"\\ud800\"]", "not JSON", 1, 0},
        {"NUL escape", "[\"\\u0000\"]", "NUL character", 1, 2},
        {"NUL escape in a key", "{\"\\u0000\": 1}", "NUL character", 1, 2},
        {"raw control", "[\"\x01\"]", "not JSON", 1, 0},
        {"BOM", "\xEF\xBB\xBF{}", "byte order mark", 1, 1},
        {"leading zero", "[010]", "not JSON", 1, 0},
        {"too long", std::string(2 << 20, ' '), "longer than", 1, 1},
    };
    for (const auto& each : cases) {
        CAPTURE(std::string(each.name));
        const auto begin = std::clock();
        const auto document = parse_json_document("a.json", each.text, {.bytes = 2'000'000});
        const auto took = std::clock() - begin;
        REQUIRE_FALSE(document.has_value());
        const auto& error = document.error();
        CAPTURE(error.line());
        CHECK(error.kind == ErrorKind::Invalid);
        CHECK(error.message.find(each.message) != std::string::npos);
        REQUIRE(error.where.has_value());
        CHECK(error.where->line == each.line);
        CHECK(error.where->column >= 1);
        if (each.column > 0) CHECK(error.where->column == each.column);
        CHECK(took * 1000 / CLOCKS_PER_SEC < 50);
    }
}

TEST_CASE("json: values, their kinds and their places are read") {
    const auto document = parse_json_document(
        "a.json",
        "{\"t\": \"a\\\"\\\\\\u00e9\", \"i\": -12,\n \"r\": 1.5e1, \"l\": [true, null], \"m\": {}}");
    REQUIRE_MESSAGE(document.has_value(), document.error().line());
    const auto& root = document->root();
    CHECK(root.find("t")->text() == "a\"\\é");
    CHECK(root.find("i")->integer() == -12);
    CHECK(root.find("i")->text() == "-12");
    CHECK(root.find("r")->real() == 15);
    CHECK(root.find("r")->line == 2);
    CHECK(root.find("r")->column == 7);
    CHECK(root.find("l")->list()[1].is(Value::Kind::Null));
    CHECK(root.find("l")->list()[1].column == 26);
    CHECK(root.find("m")->is(Value::Kind::Map));
    CHECK(root.map()[4].column == 33);
}

TEST_CASE("json: what is written reads back the same") {
    Value value;
    value.set("text", "q\" b\\ n\n t\t e\x1b del\x7f é");
    value.set("whole", std::numeric_limits<std::int64_t>::min());
    value.set("real", 0.1).set("one", 1.0).set("yes", true).set("nothing", nullptr);
    value.set("list", Value::List{1, "two", Value(Value::Map{}), Value(Value::List{})});
    for (const auto& text : {to_json(value), to_pretty_json(value)}) {
        CAPTURE(text);
        const auto read = parse_json(text);
        REQUIRE_MESSAGE(read.has_value(), read.error().line());
        CHECK(*read == value);
    }
    CHECK(to_json(value).find('\n') == std::string::npos);
    CHECK(to_pretty_json(Value(Value::Map{{"a", Value::List{1}}})) == "{\n  \"a\": [\n    1\n  ]\n}\n");
}

TEST_CASE("json: bytes that are not UTF-8 are replaced, numbers that JSON lacks are null") {
    CHECK(to_json(Value("a\xFF"
                        "b")) ==
          "\"a\xEF\xBF\xBD"
          "b\"");
    CHECK(to_json(Value("\xE2\x82")) == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    CHECK(to_json(Value(std::numeric_limits<double>::quiet_NaN())) == "null");
    CHECK(to_json(Value(std::numeric_limits<std::uint64_t>::max())) == "18446744073709551616.0");
}

TEST_CASE("json: setting a key twice keeps one, on nothing it makes a map") {
    Value value;
    value.set("a", 1).set("b", 2).set("a", 3);
    CHECK(to_json(value) == R"({"a":3,"b":2})");
    Value list;
    list.push(1);
    list.push("x");
    CHECK(to_json(list) == R"([1,"x"])");
}
