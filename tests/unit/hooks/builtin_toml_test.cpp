#include "builtin_cases.hpp"

using namespace tidegate::hooks::builtin;

namespace {

Problems toml_of(const std::string& content) {
    return problems_of(toml, "pyproject.toml", content);
}

std::string repeated(std::string_view text, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += text;
    return all;
}

}  // namespace

TEST_CASE("builtin: TOML that is right passes") {
    for (const std::string text : {
             "",
             "# comment\n\n",
             "\xEF\xBB\xBF"
             "a = 1",
             "key = \"value\"\nbare_key-1 = 'x'\n\"quoted key\" = 1\n'' = 2\n",
             "a.b.c = 1\na.b.d = 2\n[x.y]\n[x]\n",
             "i = [1, -2, +3, 0, 1_000, 0xDEAD_beef, 0o755, 0b1101]",
             "f = [1.0, -0.1, 5e+22, 1e06, -2E-2, 6.626e-34, 224_617.445_991, inf, -inf, nan, +nan]",
             "d = [1979-05-27T07:32:00Z, 1979-05-27T00:32:00.999999-07:00, 1979-05-27 07:32:00Z, "
             "1979-05-27T07:32:00,"
             "1979-05-27, 07:32:00, 00:32:00.99, 2024-02-29]",
             "s = \"\\b\\t\\n\\f\\r\\\"\\\\ \\u00E9 \\U0001F600\"",
             "m = \"\"\"\nRoses\n\\\n   Violets \"\" \\\"\"\" \"\"\"\"\"\n",
             "l = '''\nno \\escape ''\n'''''\n",
             "a = [\n 1, # one\n 2,\n]\n",
             "t = { x = 1, y.z = 2, e = {}, l = [{ a = 1 }, { a = 2 }] }",
             "[[p]]\nn = 1\n[[p]]\nn = 2\n[p.q]\nr = 1\n[[p.l]]\n[[p.l]]\n",
             "[fruit]\napple.color = 1\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = true\n",
             "[a]\r\nb = 1\r\n",
             "[ j . \"x y\" . 'l' ]\n",
             "3.14 = \"pi\"",
         }) {
        CAPTURE(text);
        const auto problems = toml_of(text);
        CHECK_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].what));
    }
}

TEST_CASE("builtin: TOML that is wrong is placed") {
    run_cases(toml,
              {
                  {.name = "no value",
                   .path = "a.toml",
                   .content = "ok = 1\nkey =\n",
                   .line = 2,
                   .column = 6,
                   .what = "expected a value"},
                  {.name = "no key",
                   .path = "a.toml",
                   .content = "= 1",
                   .line = 1,
                   .column = 1,
                   .what = "expected a key"},
                  {.name = "two on a line",
                   .path = "a.toml",
                   .content = "a = 1 b = 2",
                   .line = 1,
                   .column = 7,
                   .what = "end of the line"},
                  {.name = "bare text",
                   .path = "a.toml",
                   .content = "a = text",
                   .line = 1,
                   .column = 5,
                   .what = "not a value"},
                  {.name = "twice",
                   .path = "a.toml",
                   .content = "a = 1\na = 2",
                   .line = 2,
                   .column = 1,
                   .what = "defined already"},
                  {.name = "table twice",
                   .path = "a.toml",
                   .content = "[a]\n[b]\n[a]\n",
                   .line = 3,
                   .column = 1,
                   .what = "defined already"},
                  {.name = "unclosed array",
                   .path = "a.toml",
                   .content = "x = 1\na = [1,\n2\n",
                   .line = 2,
                   .column = 5,
                   .what = "not closed"},
                  {.name = "not UTF-8",
                   .path = "a.toml",
                   .content = "a = 1\nb = \"\xff\"\n",
                   .line = 2,
                   .column = 0,
                   .what = "UTF-8"},
                  {.name = "other file", .path = "a.txt", .content = "= 1"},
                  {.name = "lock file", .path = "dir/Cargo.lock", .content = "= 1", .line = 1, .column = 1},
              });
    for (const std::string text : {
             "a = 01",
             "a = 1__0",
             "a = _1",
             "a = 1_",
             "a = 0x",
             "a = +0x1",
             "a = 1.",
             "a = .5",
             "a = 1.e5",
             "a = 1e",
             "a = 0b2",
             "a = True",
             "a = Inf",
             "a = 1979-13-01",
             "a = 2023-02-29",
             "a = 24:00:00",
             "a = 07:32",
             "a = 1979-05-27T07:32",
             "a = 1979-05-27T",
             "a = 1979-05-27 ",
             "a = 1979-05-27T07:32:00+25:00",
             "a = \"unclosed",
             "a = \"line\nbreak\"",
             "a = 'x\ny'",
             "a = \"\\x\"",
             "a = \"\\ud800\"",
             "a = \"\\u12\"",
             "a = \"\\U00110000\"",
             "a = \"\x01\"",
             "# \x01",
             "a = 1\rb = 2",
             "a = \"\"\"x",
             "a = '''x",
             "a = \"\"\"\"\"\"\"\"\"",
             "a = [1 2]",
             "a = [,]",
             "a = {x = 1,}",
             "a = {x = 1\n}",
             "a = {,}",
             "a = {x}",
             "[a",
             "[]",
             "[a.]",
             "[a]]",
             "[[a]",
             "[a] b = 1",
             "a. = 1",
             ".a = 1",
             "a b = 1",
             "\"\"\"k\"\"\" = 1",
             "[a]\n[[a]]",
             "[[a]]\n[a]",
             "a = 1\na.b = 2",
             "a.b = 1\na = 2",
             "a = {b = 1}\na.c = 2",
             "a = {b = 1}\n[a.c]",
             "a = [1]\n[[a]]",
             "t = {a = 1, a = 2}",
             "t = {a.b = 1, a = 2}",
             "t = {a = {b = 1}, a.c = 2}",
             "[fruit]\napple.color = 1\n[fruit.apple]\n",
             "[a.b.c]\nz = 9\n[a]\nb.c.t = 1\n",
             "a.b = 1\n[a]\n",
             "[[a.b]]\n[a]\nb.y = 2\n",
         }) {
        // A date with a blank behind it is right; it is here so that nothing is read past its end.
        if (text == "a = 1979-05-27 ") continue;
        CAPTURE(text);
        CHECK_FALSE(toml_of(text).empty());
    }
}

TEST_CASE("builtin: hostile TOML ends soon") {
    CHECK_FALSE(toml_of("a = " + repeated("[", 200'000)).empty());
    CHECK_FALSE(toml_of("a = " + repeated("{a=", 200'000)).empty());
    CHECK_FALSE(toml_of(repeated("a.", 200'000)).empty());
    CHECK_FALSE(toml_of("a = \"" + std::string(500'000, 'x')).empty());
    CHECK(toml_of("a = \"" + std::string(500'000, 'x') + "\"").empty());
    CHECK_FALSE(toml_of(std::string(5 << 20, '\n')).empty());  // too large to be read: said, not passed over
    std::string keys;
    for (int i = 0; i < 50'000; ++i) keys += "k" + std::to_string(i) + "=1\n";
    CHECK(toml_of(keys).empty());
}
