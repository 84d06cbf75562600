#include "builtin_cases.hpp"

using namespace tidegate::hooks::builtin;

TEST_CASE("builtin: mixed line endings are found at the first line that differs from most") {
    run_cases(mixed_line_endings,
              {
                  {.name = "LF", .content = "a\nb\n"},
                  {.name = "CRLF", .content = "a\r\nb\r\n"},
                  {.name = "CR", .content = "a\rb\r"},
                  {.name = "none", .content = "a"},
                  {.name = "empty", .content = ""},
                  {.name = "most LF", .content = "a\nb\r\nc\n", .line = 2, .what = "2 LF 1 CRLF"},
                  {.name = "most CRLF", .content = "a\nb\r\nc\r\n", .line = 1, .what = "1 LF 2 CRLF"},
                  {.name = "as many: LF wins", .content = "a\r\nb\n", .line = 1, .what = "1 LF 1 CRLF"},
                  {.name = "a lone CR", .content = "a\rb\n", .line = 1, .what = "1 LF 1 CR"},
                  {.name = "all three", .content = "a\r\nb\nc\r", .line = 1, .what = "1 LF 1 CRLF 1 CR"},
              });
}

TEST_CASE("builtin: mixed line endings are fixed to what most lines have, as in the collection") {
    struct {
        const char* before;
        const char* after;
    } const cases[] = {
        {"foo\r\nbar\nbaz\n", "foo\nbar\nbaz\n"},
        {"foo\r\nbar\nbaz\r\n", "foo\r\nbar\r\nbaz\r\n"},
        {"foo\rbar\nbaz\r", "foo\rbar\rbaz\r"},
        {"foo\r\nbar\n", "foo\nbar\n"},
        {"foo\rbar\n", "foo\nbar\n"},
        {"foo\r\nbar\r", "foo\r\nbar\r\n"},
        {"foo\r\nbar\nbaz\r", "foo\nbar\nbaz\n"},
        {"foo\r\nbar\nbaz", "foo\nbar\nbaz\n"},
        {"\n\r\n\r", "\n\n\n"},
    };
    for (const auto& one : cases) {
        CAPTURE(one.before);
        CHECK(fixed(with_one_line_ending, one.before) == std::string(one.after));
        CHECK(problems_of(mixed_line_endings, "f", one.after).empty());
    }
    CHECK_FALSE(fixed(with_one_line_ending, "a\nb\nc").has_value());
    CHECK_FALSE(fixed(with_one_line_ending, "").has_value());
}

TEST_CASE("builtin: a byte-order mark is found and taken off") {
    run_cases(
        byte_order_mark,
        {
            {.name = "none", .content = "text"},
            {.name = "in the middle", .content = "a\xEF\xBB\xBF"},
            {.name = "half", .content = "\xEF\xBB"},
            {.name = "there", .content = "\xEF\xBB\xBFtext", .line = 1, .column = 1, .what = "byte-order"},
        });
    CHECK(fixed(without_byte_order_mark, "\xEF\xBB\xBFtext") == std::string("text"));
    CHECK(fixed(without_byte_order_mark, "\xEF\xBB\xBF") == std::string());
    CHECK_FALSE(fixed(without_byte_order_mark, "text").has_value());
}

TEST_CASE("builtin: trailing whitespace is taken off, line endings are kept") {
    struct {
        const char* before;
        const char* after;
    } const cases[] = {
        {"foo \nbar \t\n", "foo\nbar\n"},
        {"foo \r\nbar\r\n", "foo\r\nbar\r\n"},
        {"\t\n  a", "\n  a"},
        {"a  ", "a"},
        {"   ", ""},
    };
    for (const auto& one : cases) {
        CAPTURE(one.before);
        CHECK(fixed(without_trailing_whitespace, one.before) == std::string(one.after));
        CHECK(problems_of(trailing_whitespace, "f", one.after).empty());
    }
    CHECK_FALSE(fixed(without_trailing_whitespace, "a\n b\r\n").has_value());
}

TEST_CASE("builtin: a file's end is mended to one newline, as in the collection") {
    struct {
        const char* before;
        const char* after;
    } const cases[] = {
        {"foo", "foo\n"}, {"foo\n\n\n", "foo\n"}, {"foo\r\n\r\n\r\n", "foo\r\n"}, {"foo\r\r\r", "foo\r"},
        {"\n\n\n\n", ""}, {"\r\r\r\r", ""},       {"a\r\nb", "a\r\nb\r\n"},
    };
    for (const auto& one : cases) {
        CAPTURE(one.before);
        CHECK(fixed(with_one_end_of_file, one.before) == std::string(one.after));
        CHECK(problems_of(end_of_file, "f", one.after).empty());
    }
    for (const char* right : {"", "foo\n", "foo\r\n", "foo\r"})
        CHECK_FALSE(fixed(with_one_end_of_file, right).has_value());
}

TEST_CASE("builtin: half a file, or a link, is not fixed") {
    const std::string content = "a \r\nb\n\n";
    File half{.path = "f", .content = content, .size = content.size() + 1};
    File link{.path = "f", .content = content, .size = content.size(), .link = true};
    for (const auto fix :
         {without_trailing_whitespace, with_one_end_of_file, with_one_line_ending, without_byte_order_mark}) {
        CHECK_FALSE(fix(half).has_value());
        CHECK_FALSE(fix(link).has_value());
    }
}

TEST_CASE("builtin: every check is registered once, with a summary and something to ask") {
    std::vector<std::string_view> names;
    for (const auto& check : checks()) {
        CAPTURE(check.name);
        CHECK(std::find(names.begin(), names.end(), check.name) == names.end());
        names.push_back(check.name);
        CHECK((check.file != nullptr || check.paths != nullptr || check.message != nullptr));
        CHECK_FALSE(check.summary.empty());
        CHECK(find(check.name) == &check);
    }
    CHECK(names.size() >= 22);
}
