#include "shared/doc/yaml_anchors.hpp"

#include <doctest/doctest.h>

#include <ctime>
#include <string>

using namespace tidegate::shared;

namespace {

// Milliseconds. The promise is 50; a build without optimisation or with a sanitizer is given room, and still far from
// what a text that explodes would take.
#if defined(NDEBUG)
constexpr long long kSoon = 50;
#elif !defined(__OPTIMIZE__)
constexpr long long kSoon = 200;
#else
constexpr long long kSoon = 1000;
#endif

std::string repeat(std::string_view text, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += text;
    return all;
}

struct Timed {
    Result<Document> document;
    long long ms;  // of processor time: the machine may be busy
};

Timed timed(std::string text) {
    const auto begin = std::clock();
    auto document = parse_yaml("a.yaml", std::move(text));
    return {std::move(document), (std::clock() - begin) * 1000 / CLOCKS_PER_SEC};
}

Value root_of(const std::string& text) {
    auto document = parse_yaml("a.yaml", text);
    REQUIRE_MESSAGE(document.has_value(), document.error().line());
    return document->root();
}

}  // namespace

TEST_CASE("yaml: what attack 34 brings is an error with file, line and column, at once") {
    struct Case {
        const char* name;
        std::string text;
        const char* message;
        int line;
        int column;
    };
    std::string bomb = "a: &a [x, x]\n";
    for (char c = 'b'; c < 'k'; ++c)
        bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" + char(c - 1) + "]\n";
    const Case cases[] = {
        {"alias bomb", bomb, "anchors", 1, 4},
        {"alias without an anchor", "a: *b\n", "", 1, 4},
        {"cycle", "a: &a\n  b: *a\n", "anchors", 1, 4},
        {"merge key", "a:\n  <<: *b\n", "", 2, 7},
        {"500 flow levels", "a: " + repeat("[", 500) + repeat("]", 500), "nested deeper than 32", 1, 0},
        {"100,000 open brackets", repeat("[", 100'000), "nested deeper", 1, 0},
        {"100,000 open braces", repeat("{", 100'000), "nested deeper", 1, 0},
        {"50,000 open braces with keys", repeat("{a: ", 50'000), "nested deeper", 1, 0},
        {"100,000 dashes", repeat("- ", 100'000), "nested deeper than 32", 1, 65},
        {"100,000 question marks", repeat("? ", 100'000), "", 1, 0},
        {"100,000 closing brackets", repeat("]", 100'000), "not YAML", 1, 0},
        {"brackets on lines of their own", repeat("[\n", 100'000), "nested deeper", 0, 1},
        {"10 MB scalar", "a: " + std::string(10 << 20, 'x'), "longer than", 1, 1},
        {"duplicate key", "a: 1\nb: 2\na: 3\n", "duplicate key `a`", 3, 1},
        {"duplicate key, quoted", "a: 1\n\"a\": 3\n", "duplicate key `a`", 2, 1},
        {"duplicate key in a flow map", "x: {k: 1, k: 2}\n", "duplicate key `k`", 1, 11},
        {"tag", "a: !!str 1\n", "tags", 1, 4},
        {"local tag", "a: !ruby/object:X {}\n", "tags", 1, 4},
        {"non-specific tag", "a: ! 1\n", "tags", 1, 4},
        {"tag on a map", "!x\na: 1\n", "tags", 1, 1},
        {"tag on a key", "!x a: 1\n", "tags", 1, 1},
        {"NUL", std::string("a: b\nc: \0d\n", 11), "a NUL byte", 2, 4},
        {"NUL escape", "a: \"x\\0y\"\n", "NUL character", 1, 4},
        {"end of transmission",
         "a: b\n\x04"
         "c: d\n",
         "control character", 2, 1},
        {"escape sequence", "a: \x1b[31m\n", "control character", 1, 4},
        {"C1 control",
         "a: \xC2\x9B"
         "31m\n",
         "control character", 1, 4},
        {"BOM in the middle",
         "a: b\n\xEF\xBB\xBF"
         "c: d\n",
         "byte order mark", 2, 1},
        {"two BOMs",
         "\xEF\xBB\xBF\xEF\xBB\xBF"
         "a: b\n",
         "byte order mark", 1, 1},
        {"bad UTF-8", "a: b\nc: d\xFF\n", "not UTF-8", 2, 5},
        {"overlong UTF-8", "a: \xC0\xAF\n", "not UTF-8", 1, 4},
        {"surrogate", "a: \xED\xA0\x80\n", "not UTF-8", 1, 4},
        {"UTF-16",
         std::string("\xFF\xFE"
                     "a\0:\0",
                     6),
         "not UTF-8", 1, 1},
        {"cut UTF-8", "a: \xE2\x82", "not UTF-8", 1, 4},
        {"lone carriage return", "a: b\rc: d\n", "carriage return", 1, 5},
        {"two documents", "a: 1\n---\nb: 2\n", "second YAML document", 2, 1},
        {"junk after the document", "a: 1\n...\nb\n", "second YAML document", 3, 1},
        {"null key", "~: 1\n", "a key must be text", 1, 1},
        {"empty key", ": 1\n", "a key must be text", 1, 1},
        {"list as a key", "[a, b]: 1\n", "a key must be text", 1, 1},
        {"map as a key", "{a: b}: 1\n", "a key must be text", 1, 1},
        {"a number of 70 digits", "a: " + repeat("7", 70), "64 bits", 1, 4},
        {"tab as indent", "a:\n\tb: c\n", "not YAML", 2, 0},
        {"unclosed quote", "a: \"b\nc: d\n", "never closed", 1, 4},
        {"unclosed single quote", "a: x\nb: 'it''s\n", "never closed", 2, 4},
        {"quote closed by an escape", "a: \"b\\\"", "not YAML", 1, 0},
        {"unclosed list", "a: [b, c: 1\n", "not YAML", 0, 0},
        {"wrong indent", "a:\n    b: 1\n  c: 2\n", "not YAML", 3, 0},
        {"key without a colon", "a: 1\nb\n", "`b` has no `: `", 2, 1},
        {"key without a blank after its colon", "x: {a:1}\n", "`a:1` has no `: `", 1, 5},
        {"30,000 values", "a: [" + repeat("1,", 30'000) + "]", "more than 20000 values", 1, 0},
        {"other YAML version", "%YAML 3.0\n---\na: b\n", "not YAML", 0, 0},
        {"unknown anchor in a list", "- *x\n", "", 1, 3},
    };
    for (const auto& each : cases) {
        CAPTURE(std::string(each.name));
        const auto [document, ms] = timed(each.text);
        REQUIRE_FALSE(document.has_value());
        const auto& error = document.error();
        CAPTURE(error.line());
        CHECK(error.kind == ErrorKind::Invalid);
        CHECK(error.message.find(each.message) != std::string::npos);
        REQUIRE(error.where.has_value());
        CHECK(error.where->file == "a.yaml");
        CHECK(error.where->line >= 1);
        CHECK(error.where->column >= 1);
        if (each.line > 0) CHECK(error.where->line == each.line);
        if (each.column > 0) CHECK(error.where->column == each.column);
        CHECK(error.where->text.size() <= 400);
        CHECK(ms < kSoon);
    }
}

TEST_CASE("yaml: large but lawful texts are read in time") {
    const std::string cases[] = {
        "a: " + std::string(250'000, 'x'),
        "a: \"" + std::string(250'000, 'x') + "\"",
        "a: |\n" + repeat("  line of text\n", 15'000),
        "a: >\n" + repeat("  folded text\n\n", 15'000),
        "a: " + repeat("word ", 50'000),
        "a: " + repeat("line\n  ", 30'000),
        repeat("# comment\n", 20'000),
        "a: b" + std::string(250'000, ' '),
        "a: b" + repeat("\n", 250'000),
        "[" + repeat("a, ", 19'000) + "]",
    };
    for (const auto& text : cases) {
        CAPTURE(text.substr(0, 20));
        const auto [document, ms] = timed(text);
        CHECK(document.has_value());
        CHECK(ms < 10 * kSoon);
    }
    std::string keys;
    for (int i = 0; i < 9'000; ++i) keys += "key" + std::to_string(i) + ": 1\n";
    const auto [document, ms] = timed(keys);
    REQUIRE(document.has_value());
    CHECK(document->root().map().size() == 9'000);
    CHECK(ms < 10 * kSoon);
}

TEST_CASE("yaml: plain scalars follow the core schema of YAML 1.2 and keep how they were written") {
    struct Case {
        const char* text;
        Value::Kind kind;
    };
    using enum Value::Kind;
    for (const auto& [text, kind] :
         {Case{"true", Bool}, {"False", Bool},  {"on", Text},      {"no", Text},      {"10", Integer},
          {"+10", Integer},   {"010", Integer}, {"0o17", Integer}, {"0x1F", Integer}, {"-3", Integer},
          {"1.20", Real},     {"1e3", Real},    {".5", Real},      {"5.", Real},      {".inf", Real},
          {".nan", Real},     {"1.2.3", Text},  {"1_000", Text},   {"22:22", Text},   {"2026-11-20", Text},
          {"0b11", Text},     {".", Text},      {"-", List},       {"1e", Text},      {"e3", Text},
          {"9fceb02", Text},  {"'10'", Text},   {"\"true\"", Text}}) {
        const auto& shown = text;  // clang 14 captures no structured binding
        CAPTURE(shown);
        const Value root = root_of("a: " + std::string(kind == List ? "\n" : "") + text + "\n");
        const Value* value = root.find("a");
        REQUIRE(value != nullptr);
        CHECK(value->kind() == kind);
        if (kind != List && text[0] != '\'' && text[0] != '"') CHECK(value->text() == text);
    }
    CHECK(root_of("a: 010").find("a")->integer() == 10);
    CHECK(root_of("a: 0x1F").find("a")->integer() == 31);
    CHECK(root_of("a: 1e3").find("a")->real() == 1000);
    CHECK(root_of("a: '10'").find("a")->quoted);
    CHECK(root_of("a: |\n  on\n").find("a")->quoted);
    for (const char* null : {"a:", "a: ~", "a: null"}) CHECK(root_of(null).find("a")->is(Null));
}

TEST_CASE("yaml: positions are those of the text, keys and values, BOM and CRLF or not") {
    for (const std::string text : {"a: 1\nb:\n  - {c: d}\n",
                                   "\xEF\xBB\xBF"
                                   "a: 1\r\nb:\r\n  - {c: d}\r\n"}) {
        const Value root = root_of(text);
        REQUIRE(root.map().size() == 2);
        CHECK(root.map()[1].line == 2);
        CHECK(root.map()[1].column == 1);
        const auto& inner = root.map()[1].value.list()[0];
        CHECK(inner.line == 3);
        CHECK(inner.column == 5);
        CHECK(inner.map()[0].column == 6);
        CHECK(inner.map()[0].value.column == 9);
        CHECK(inner.map()[0].value.text() == "d");
    }
}

TEST_CASE("yaml: an empty text, comments alone and an empty document are an empty map") {
    for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "---\n...\n", "null\n"}) {
        CAPTURE(text);
        const Value root = root_of(text);
        CHECK(root.is(Value::Kind::Map));
        CHECK(root.map().empty());
    }
}

TEST_CASE("yaml: an error shows the line it is on") {
    const auto document = parse_yaml("x.yaml", "a: 1\r\nb: &x 2\r\n");
    REQUIRE_FALSE(document.has_value());
    CHECK(document.error().where->text == "b: &x 2");
    CHECK(document.error().line() == "anchors (&name) are not taken here: x.yaml:2:4");
}

TEST_CASE("yaml: files of other tools may have anchors, aliases and merge keys, within the same limits") {
    const auto document = parse_yaml_with_aliases("a.yaml",
                                                  "common: &c {run: make, env: {A: 1}}\n"
                                                  "list: &l [1, 2]\n"
                                                  "name: &n word\n"
                                                  "one: *c\n"
                                                  "two:\n  <<: *c\n  run: other\n"
                                                  "three: {<<: [*c, {more: yes, run: never}], first: *n}\n"
                                                  "four: [*l, *n]\n");
    REQUIRE_MESSAGE(document.has_value(), document.error().line());
    const auto& root = document->root();
    CHECK(*root.find("one") == *root.find("common"));
    CHECK(root.find("two")->find("run")->text() == "other");
    CHECK(root.find("two")->find("env")->find("A")->integer() == 1);
    CHECK(root.find("three")->find("run")->text() == "make");
    CHECK(root.find("three")->find("more")->text() == "yes");
    CHECK(root.find("four")->list()[0].list().size() == 2);

    std::string bomb = "a: &a [x, x]\n";
    for (char c = 'b'; c < 'z'; ++c)
        bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" + char(c - 1) + "]\n";
    struct Case {
        std::string text;
        const char* says;
    };
    for (const auto& c : {Case{bomb, "more than 20000 values"}, Case{"a: &a\n  b: *a\n", "an alias within"},
                          Case{"a: &a [1]\nb: {<<: *a}\n", "`<<` is for"}, Case{"a: *b\n", ""},
                          Case{"a: &x [1]\nb: {*x : 1}\n", "a key must be text"}}) {
        const auto refused = parse_yaml_with_aliases("a.yaml", c.text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == ErrorKind::Invalid);
        CHECK_MESSAGE(refused.error().message.find(c.says) != std::string::npos, refused.error().line());
    }
}
