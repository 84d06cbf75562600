#include "hooks/builtin/message.hpp"

#include <doctest/doctest.h>

using namespace tidegate::hooks::builtin;

namespace {

struct MessageCase {
    const char* name;
    std::string text;
    MessageRules rules{};
    std::string comment = "#";
    int line = -1;  // -1: passes
    int column = 0;
    std::string what{};
};

void run_message_cases(const std::vector<MessageCase>& cases) {
    for (const auto& one : cases) {
        CAPTURE(one.name);
        const auto problems = check_message({"message", one.text, one.comment}, one.rules);
        if (one.line < 0) {
            CHECK_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].what));
            continue;
        }
        REQUIRE_FALSE(problems.empty());
        CHECK(problems[0].line == one.line);
        CHECK(problems[0].column == one.column);
        CHECK_MESSAGE(problems[0].what.find(one.what) != std::string::npos, problems[0].what);
    }
}

const std::string kScissors = "# ------------------------ >8 ------------------------\n";

}  // namespace

TEST_CASE("message: length and form") {
    const std::string u_umlaut = "\xC3\xBC";
    std::string umlauts;
    for (int i = 0; i < 72; ++i) umlauts += u_umlaut;
    run_message_cases({
        {.name = "short", .text = "Mend it\n"},
        {.name = "with a body", .text = "Mend it\n\nBecause it was broken.\n"},
        {.name = "72 characters", .text = std::string(72, 'x')},
        {.name = "72 characters of two bytes", .text = umlauts},
        {.name = "73",
         .text = std::string(73, 'x'),
         .line = 1,
         .column = 73,
         .what = "73 characters; at most 72"},
        {.name = "73 of two bytes",
         .text = umlauts + u_umlaut,
         .line = 1,
         .column = 145,
         .what = "73 characters"},
        {.name = "too short",
         .text = "wip",
         .rules = {.subject_least = 10},
         .line = 1,
         .column = 1,
         .what = "fewer than 10"},
        {.name = "no blank line", .text = "Mend it\nat once\n", .line = 2, .column = 1, .what = "not blank"},
        {.name = "behind comments",
         .text = "# say why\n\nMend it\nnow\n",
         .line = 4,
         .column = 1,
         .what = "not blank"},
        {.name = "long body",
         .text = "a\n\nb " + std::string(80, 'x'),
         .rules = {.body_most = 72},
         .line = 3,
         .column = 73},
        {.name = "an address may be long",
         .text = "a\n\nsee https://" + std::string(80, 'x'),
         .rules = {.body_most = 72}},
        {.name = "code may be long",
         .text = "a\n\n    " + std::string(80, 'x') + " y",
         .rules = {.body_most = 72}},
        {.name = "the diff below the scissors", .text = "a\n" + kScissors + std::string(200, 'x')},
        {.name = "another comment character", .text = "; note\na\n", .comment = ";"},
        {.name = "empty: git's affair", .text = "# only\n# comments\n\n"},
        {.name = "nothing", .text = ""},
        {.name = "not UTF-8", .text = std::string(73, '\xff'), .line = 1, .column = 73, .what = "73"},
    });
}

TEST_CASE("message: patterns") {
    const MessageRules ticket{.pattern = {"ABC-*: *", "Release ?.?.?"}};
    run_message_cases({
        {.name = "first", .text = "ABC-12: mend", .rules = ticket},
        {.name = "second", .text = "Release 1.2.3", .rules = ticket},
        {.name = "none", .text = "mend", .rules = ticket, .line = 1, .column = 1, .what = "ABC-*: *"},
        {.name = "whole subject", .text = "x ABC-12: mend", .rules = ticket, .line = 1, .column = 1},
        {.name = "one character of two bytes", .text = "a\xC3\xBC", .rules = {.pattern = {"a?"}}},
        {.name = "explosive",
         .text = std::string(5000, 'a'),
         .rules = {.subject_most = 0, .pattern = {"*a*a*a*a*a*a*a*a*b"}},
         .line = 1,
         .column = 1},
    });
}

TEST_CASE("message: conventional commits") {
    const MessageRules rules{.conventional = true};
    const MessageRules scoped{.conventional = true, .scope_wanted = true};
    const MessageRules own{.conventional = true, .types = {"story"}};
    run_message_cases({
        {.name = "plain", .text = "feat: add", .rules = rules},
        {.name = "scope", .text = "fix(parser): mend", .rules = rules},
        {.name = "breaking", .text = "feat!: drop", .rules = rules},
        {.name = "scope, breaking", .text = "feat(api)!: drop", .rules = rules},
        {.name = "own types", .text = "story: add", .rules = own},
        {.name = "no type", .text = "Add it", .rules = rules, .line = 1, .column = 1, .what = "form"},
        {.name = "unknown type",
         .text = "fature: add",
         .rules = rules,
         .line = 1,
         .column = 1,
         .what = "fature"},
        {.name = "near", .text = "fex: add", .rules = rules, .line = 1, .column = 1, .what = "did you mean"},
        {.name = "upper case", .text = "Feat: add", .rules = rules, .line = 1, .column = 1, .what = "Feat"},
        {.name = "not of one's own",
         .text = "feat: add",
         .rules = own,
         .line = 1,
         .column = 1,
         .what = "known: story"},
        {.name = "no blank", .text = "feat:add", .rules = rules, .line = 1, .column = 6, .what = "blank"},
        {.name = "no description", .text = "feat: ", .rules = rules, .line = 1, .column = 6},
        {.name = "empty scope",
         .text = "feat(): add",
         .rules = rules,
         .line = 1,
         .column = 5,
         .what = "empty"},
        {.name = "open scope",
         .text = "feat(api: add",
         .rules = rules,
         .line = 1,
         .column = 5,
         .what = "not closed"},
        {.name = "no scope",
         .text = "feat: add",
         .rules = scoped,
         .line = 1,
         .column = 5,
         .what = "no scope"},
        {.name = "junk after the scope", .text = "feat(api) x: add", .rules = rules, .line = 1, .column = 10},
        {.name = "a merge", .text = "Merge branch 'x'", .rules = rules},
        {.name = "a forge's merge", .text = "Merge 0f3c1 into main", .rules = rules},
        {.name = "another's", .text = "Merged PR 12: Parser", .rules = rules},
        {.name = "a revert", .text = "Revert \"feat: add\"", .rules = rules},
        {.name = "a fixup", .text = "fixup! anything", .rules = rules},
    });
}

TEST_CASE("message: sign-offs, scopes and unwanted subjects") {
    run_message_cases({
        {.name = "signed off", .text = "a\n\nSigned-off-by: A <a@b>\n", .rules = {.signed_off = true}},
        {.name = "not signed off",
         .text = "a\n\nSigned-off-by: A\n",
         .rules = {.signed_off = true},
         .line = 1,
         .column = 1,
         .what = "git commit -s"},
        {.name = "a scope that there is",
         .text = "fix(ui): a",
         .rules = {.conventional = true, .scopes = {"ui", "db"}}},
        {.name = "one that there is not",
         .text = "fix(xx): a",
         .rules = {.conventional = true, .scopes = {"ui", "db"}},
         .line = 1,
         .column = 5,
         .what = "there are: ui db"},
        {.name = "unwanted, though git's own",
         .text = "fixup! a",
         .rules = {.forbidden = {"WIP*", "fixup! *"}},
         .line = 1,
         .column = 1,
         .what = "not wanted"},
    });
}

TEST_CASE("message: what git leaves out is left out, and nothing else") {
    const auto lines = [](Message message) {
        std::vector<std::string> all;
        for (const auto line : clean_message(message).lines) all.emplace_back(line);
        return all;
    };
    using Lines = std::vector<std::string>;
    const auto text = "#12 mend\n# note\nbody\n" + kScissors + "diff\n";
    CHECK(lines({"", text}) == Lines{"body"});
    CHECK(lines({"", text, ""}) ==
          Lines{"#12 mend", "# note", "body", kScissors.substr(0, kScissors.size() - 1), "diff"});
    CHECK(lines({"", text, "#", true}) == Lines{"#12 mend", "# note", "body"});
    CHECK(lines({"", "a\n// b\n", "//"}) == Lines{"a"});
}
