// Options of the built-in checks. The cases follow those that the pre-commit-hooks collection tests.
#include "builtin_cases.hpp"
#include "hooks/config/config.hpp"
#include "hooks/workers.hpp"

#include <array>
#include <atomic>

using namespace tidegate;
using namespace tidegate::hooks;
using namespace tidegate::hooks::builtin;

namespace {

struct OptionCase {
    const char* name;
    std::string content;
    Options options = {};
    std::string fixed = {};  // empty: nothing is wrong
    std::string path = "file.txt";
};

File file_of(const OptionCase& one) {
    File file;
    file.path = one.path;
    file.content = one.content;
    file.size = one.content.size();
    file.options = &one.options;
    return file;
}

void run_fix_cases(void (*check)(const File&, Problems&), std::optional<std::string> (*fix)(const File&),
                   const std::vector<OptionCase>& cases) {
    for (const auto& one : cases) {
        CAPTURE(one.name);
        const auto file = file_of(one);
        Problems problems;
        check(file, problems);
        CHECK(problems.empty() == one.fixed.empty());
        const auto better = fix(file);
        REQUIRE(better.has_value() == !one.fixed.empty());
        if (!better) continue;
        CHECK(*better == one.fixed);
        auto again = file;
        again.content = *better;
        again.size = better->size();
        CHECK_FALSE(fix(again));
    }
}

Options markdown(std::string ending) {
    Options options;
    options.markdown = {std::move(ending)};
    return options;
}

Options line_ending(LineEnding ending) {
    Options options;
    options.line_ending = ending;
    return options;
}

Problems yaml_of(const std::string& content, const Options& options) {
    const OptionCase one{"", content, options, {}, "a.yaml"};
    Problems problems;
    yaml(file_of(one), problems);
    return problems;
}

// The gate of a configuration whose `builtin` is `text`.
Result<Config> config_with(const std::string& text) {
    return parse_config(
        "f.yaml", "version: 1\nstages:\n  s:\n    gates:\n      - name: g\n        builtin: " + text + "\n");
}

}  // namespace

TEST_CASE("options: two blanks end a line in Markdown where its endings are named") {
    const std::string text = "foo  \nbar \nbaz    \n\t\n\n  ";
    const std::string kept = "foo  \nbar\nbaz  \n\n\n";
    const std::string trimmed = "foo\nbar\nbaz\n\n\n";
    run_fix_cases(trailing_whitespace, without_trailing_whitespace,
                  {{"md", text, markdown("md"), kept, "test.md"},
                   {"Md", text, markdown("Md"), kept, "test.md"},
                   {"any", text, markdown("*"), kept, "test.md"},
                   {"another ending", text, markdown("markdown"), trimmed, "test.md"},
                   {"not asked for", text, {}, trimmed, "test.md"},
                   {"CRLF", "foo  \r\nbar   \r\n", markdown("md"), "foo  \r\nbar  \r\n", "a.md"},
                   {"right", "foo  \nbar\n", markdown("md"), "", "a.md"},
                   {"tabs are no break", "foo\t\t\n", markdown("md"), "foo\n", "a.md"}});
}

TEST_CASE("options: line endings can be asked for") {
    const auto lf = line_ending(LineEnding::Lf);
    const auto crlf = line_ending(LineEnding::CrLf);
    run_fix_cases(mixed_line_endings, with_one_line_ending,
                  {{"lf from mixed", "foo\r\nbar\rbaz\n", lf, "foo\nbar\nbaz\n"},
                   {"crlf from mixed", "foo\r\nbar\rbaz\n", crlf, "foo\r\nbar\r\nbaz\r\n"},
                   {"lf from crlf", "foo\r\nbar\r\n", lf, "foo\nbar\n"},
                   {"crlf from lf", "foo\nbar\n", crlf, "foo\r\nbar\r\n"},
                   {"lf is right", "foo\nbar\nbaz\n", lf, ""},
                   {"crlf is right", "foo\r\nbar\r\nbaz\r\n", crlf, ""},
                   {"auto takes one kind as it is", "foo\rbar\rbaz\r", {}, ""}});
    const OptionCase no{"no", "foo\r\nbar\rbaz\nwomp\n", line_ending(LineEnding::No)};
    Problems problems;
    mixed_line_endings(file_of(no), problems);
    CHECK(problems.size() == 1);
    CHECK_FALSE(with_one_line_ending(file_of(no)));
}

TEST_CASE("options: large files are those that the change adds") {
    const std::string content(10000, 'a');
    struct LargeCase {
        const char* name;
        std::uint64_t largest;
        bool added;
        bool also_known;
        bool refused;
    };
    for (const auto& one : std::vector<LargeCase>{{"nothing is allowed", 0, true, false, true},
                                                  {"over", 9999, true, false, true},
                                                  {"exactly", 10000, true, false, false},
                                                  {"not added", 0, false, false, false},
                                                  {"not added, but all asked for", 0, false, true, true},
                                                  {"the default", 500 << 10, true, true, false}}) {
        CAPTURE(one.name);
        OptionCase each{"", content};
        each.options.largest = one.largest;
        each.options.also_known = one.also_known;
        auto file = file_of(each);
        file.added = one.added;
        Problems problems;
        large_files(file, problems);
        CHECK(problems.empty() != one.refused);
    }
}

TEST_CASE("options: protected branches are named, with wildcards") {
    const auto refused = [](const std::string& branch, std::vector<std::string> branches) {
        Options options;
        if (!branches.empty()) options.branches = std::move(branches);
        Paths paths;
        paths.branch = branch;
        paths.options = &options;
        Problems problems;
        no_commit_to_branch(paths, problems);
        return !problems.empty();
    };
    CHECK(refused("main", {}));
    CHECK(refused("master", {}));
    CHECK_FALSE(refused("anotherbranch", {}));
    CHECK_FALSE(refused("another/branch", {"placeholder"}));
    CHECK(refused("another/branch", {"another/branch"}));
    CHECK(refused("b2", {"b1", "b2"}));
    CHECK(refused("another/branch", {"another/*"}));
    CHECK(refused("another/deep/branch", {"another/*"}));
    CHECK_FALSE(refused("main", {"other"}));
    CHECK_FALSE(refused("", {"*"}));  // a detached HEAD
}

TEST_CASE("yaml: what is left over, never closed, or no text at all is refused with its place") {
    struct Case {
        std::string text;
        int line;
        int column;
    };
    Options several;
    several.several_documents = true;
    Options grammar;
    grammar.grammar_only = true;
    for (const Case& one :
         {Case{",", 1, 1}, Case{"a: 1\n,\n", 2, 1}, Case{"[a]\nb\n", 2, 1}, Case{"--- [a] b\n", 1, 9},
          Case{"...\n,\n", 2, 1}, Case{"a: \"", 1, 4}, Case{"a: 'it''s\n", 1, 4},
          Case{std::string("a: \x04 b\n"), 1, 4}, Case{"a: \xff\n", 1, 0}}) {
        CAPTURE(one.text);
        for (const auto& options : {Options{}, several, grammar}) {
            const auto found = yaml_of(one.text, options);
            REQUIRE(!found.empty());
            CHECK(found.front().line == one.line);
            if (one.column > 0) CHECK(found.front().column == one.column);
        }
    }
    for (const std::string text : {"a: 1\n...\nb: 2\n", "---\na\n# c\n--- b\n", "a\n...\n%YAML 1.2\n---\nb\n",
                                   "\xEF\xBB\xBF\"a\": \"b\"\n", "a: \"x\\\"y\"\n", "'it''s'\n"}) {
        CAPTURE(text);
        CHECK(yaml_of(text, several).empty());
    }
}

TEST_CASE("options: YAML of several documents, keys twice, and only grammar") {
    Options several;
    several.several_documents = true;
    Options grammar;
    grammar.grammar_only = true;
    const std::string two = "---\nfoo\n---\nbar\n";
    REQUIRE(yaml_of(two, {}).size() == 1);
    CHECK(yaml_of(two, {})[0].line == 3);
    CHECK(yaml_of(two, several).empty());
    CHECK(yaml_of(two, grammar).empty());
    for (const auto& options : {Options{}, several, grammar}) {
        CHECK(yaml_of("[", options).size() == 1);
        CHECK(yaml_of("a: 1\n, b\n", options).back().line == 2);  // where yaml-cpp reads nothing, for ever
        CHECK(yaml_of(",%YAM", options).back().line == 1);
    }
    const std::string vault = "some_foo: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n";
    REQUIRE(yaml_of(vault, {}).size() == 1);
    CHECK(yaml_of(vault, {})[0].what.find("!vault") != std::string::npos);
    CHECK(yaml_of(vault, grammar).empty());
    CHECK(yaml_of("a: !!str 5\nb: !!set {x}\nc: ! d\n", {}).empty());
    CHECK(yaml_of("a: !!python/object:os.system 5\n", {}).size() == 1);

    const auto twice = yaml_of("a: 1\nb: {c: 1, c: 2}\na: 3\n", {});
    REQUIRE(twice.size() == 2);
    CHECK(twice[0].line == 2);
    CHECK(twice[0].column == 11);
    CHECK(twice[1].line == 3);
    CHECK(yaml_of("a: 1\na: 3\n", grammar).empty());
    CHECK(yaml_of("- {a: a, b: a}\n- {a: [a, a], ? [a, a] : b}\n", {}).empty());
    CHECK(yaml_of("a: &x {k: 1}\nb: {<<: *x, <<: *x}\n", {}).empty());
    CHECK(yaml_of("a: 1\n...\n---\na: 1\n", several).empty());  // each document has keys of its own
}

TEST_CASE("options: names and tokens of one's own") {
    Options options;
    options.longest_name = 8;
    options.forbidden = {"*.orig", "Thumbs.db"};
    Paths paths;
    paths.changed = {"a/b.orig", "fine.txt", "toolong.txt", "d/Thumbs.db"};
    paths.options = &options;
    Problems problems;
    illegal_names(paths, problems);
    REQUIRE(problems.size() == 3);
    CHECK(problems[0].path == "a/b.orig");
    CHECK(problems[1].what.find("longer than 8 bytes") != std::string::npos);

    const std::string token = std::string("gh") + "p_" + "16C7e42F292c6912E7710c838347Ae178B4a";
    OptionCase one{"", "token = " + token + "\n"};
    Problems found;
    secrets(file_of(one), found);
    CHECK(found.size() == 1);
    one.options.known_tokens = {"gh?_16C7*"};
    found.clear();
    secrets(file_of(one), found);
    CHECK(found.empty());
}

TEST_CASE("options: they are read where the check is named") {
    const auto config = config_with(
        "[yaml, {large-files: {max: 1MB, all: true}}, {no-commit-to-branch: {branches: [a, 'b*']}}]");
    REQUIRE_MESSAGE(config, config.error().message);
    const auto& gate = config->stages.at("s").gates[0];
    CHECK(gate.builtins == std::vector<std::string>{"yaml", "large-files", "no-commit-to-branch"});
    CHECK(gate.builtin_options.largest == 1'000'000);
    CHECK(gate.builtin_options.also_known);
    CHECK(gate.builtin_options.branches == std::vector<std::string>{"a", "b*"});
    const auto map =
        config_with("{trailing-whitespace: {markdown: .md}, mixed-line-endings: {fix: lf}, json: }");
    REQUIRE_MESSAGE(map, map.error().message);
    CHECK(map->stages.at("s").gates[0].builtins.size() == 3);
    CHECK(map->stages.at("s").gates[0].builtin_options.markdown == std::vector<std::string>{"md"});
    CHECK(map->stages.at("s").gates[0].builtin_options.line_ending == LineEnding::Lf);
    const auto message = config_with(
        "{commit-message: {subject_max: 50, conventional: true, types: [feat, fix], scopes: [ui], forbid: "
        "'WIP*'}}");
    REQUIRE_MESSAGE(message, message.error().message);
    CHECK(message->stages.at("s").gates[0].builtin_options.message.subject_most == 50);
    for (const auto& one : std::vector<std::pair<std::string, std::uint64_t>>{
             {"10", 10}, {"2 KiB", 2048}, {"3KB", 3000}, {"1GiB", 1ULL << 30}, {"0", 0}}) {
        CAPTURE(one.first);
        const auto sized = config_with("{large-files: {max: " + one.first + "}}");
        REQUIRE(sized);
        CHECK(sized->stages.at("s").gates[0].builtin_options.largest == one.second);
    }
}

TEST_CASE("options: the collection's names are taken for ours") {
    const auto config = config_with(
        "[end-of-file-fixer, {check-added-large-files: {max: 10}}, {check-yaml: }, detect-private-key]");
    REQUIRE_MESSAGE(config, config.error().message);
    const auto& gate = config->stages.at("s").gates[0];
    CHECK(gate.builtins == std::vector<std::string>{"end-of-file", "large-files", "yaml", "private-keys"});
    CHECK(gate.builtin_options.largest == 10);
}

TEST_CASE("options: a mistake is shown at its place, with the nearest word") {
    struct Mistake {
        std::string text;
        std::string what;
        std::string hint;
        int column;
    };
    for (const auto& one : std::vector<Mistake>{
             {"{large-files: {maximum: 1}}", "unknown key `maximum`", "max", 33},
             {"[{large-file: {max: 1}}]", "no built-in check is called `large-file`", "large-files", 20},
             {"{large-files: {max: lots}}", "not a size: `lots`", "1MB", 38},
             {"{large-files: {max: -1}}", "not a size", "", 38},
             {"{toml: {max: 1}}", "`toml` has no options", "commit-message", 25},
             {"[toml, toml]", "named twice", "", 25},
             {"[toml, check-toml]", "`toml` is named twice", "", 25},
             {"{commit-message: {types: [a]}}", "conventional: true", "", 43},
             {"{mixed-line-endings: {fix: dos}}", "dos", "", 45},
             {"[[toml]]", "a name, or a map", "", 19},
             {"{yaml: 3}", "", "", 25}}) {
        CAPTURE(one.text);
        const auto config = config_with(one.text);
        REQUIRE_FALSE(config);
        CHECK_MESSAGE(config.error().message.find(one.what) != std::string::npos, config.error().message);
        CHECK_MESSAGE(config.error().hint.find(one.hint) != std::string::npos, config.error().hint);
        REQUIRE(config.error().where);
        CHECK(config.error().where->line == 6);
        CHECK(config.error().where->column == one.column);
    }
}

TEST_CASE("workers: every piece is done once, whatever their number and size") {
    for (const size_t pieces : std::array<size_t, 4>{0, 3, 30, 2000}) {
        CAPTURE(pieces);
        std::vector<int> done(pieces);
        Workers workers;
        for (size_t i = 0; i < pieces; ++i)
            workers.give(i % 7 == 0 ? 1 << 20 : 10, [&done, i] { ++done[i]; });
        workers.finish();
        CHECK(done == std::vector<int>(pieces, 1));
    }
    std::atomic<int> begun = 0;
    {
        Workers left;  // dropped without waiting
        for (int i = 0; i < 500; ++i) left.give(1, [&begun] { ++begun; });
    }
    CHECK(begun <= 500);
}
