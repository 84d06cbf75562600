// Hooks of pre-commit as gates, and files chosen its way.
#include "hooks/config/load.hpp"
#include "hooks/config/match.hpp"
#include "hooks/config/pinned.hpp"
#include "hooks/config/pre_commit.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks;

namespace {

Result<Config> with_hooks(const std::string& hooks, const std::string& extends = "pre-commit") {
    ConfigSources sources;
    sources.file = [hooks](const std::string& path) -> Result<std::string> {
        if (path != ".pre-commit-config.yaml") return fail(ErrorKind::NotFound, path);
        return hooks;
    };
    return load_config(".tidegate.yaml", "version: 1\nextends: " + extends + "\n", sources);
}

std::shared_ptr<const FileMatch> matching(MatchRules rules) {
    auto match = FileMatch::make(std::move(rules));
    REQUIRE_MESSAGE(match, match.error().message);
    return *match;
}

}  // namespace

TEST_CASE("pre-commit: local hooks become gates that run what the hook runs") {
    const auto config = with_hooks(R"(fail_fast: true
exclude: ^vendor/
default_install_hook_types: [pre-commit, pre-push]
repos:
- repo: meta
  hooks: [{id: identity}]
- repo: local
  hooks:
  - id: lint
    name: Lint it
    entry: ./lint --level "very high"
    args: [--strict]
    language: system
    types: [python]
    exclude: ^docs/
  - id: test
    entry: make test
    language: unsupported
    pass_filenames: false
    always_run: true
    stages: [push]
  - id: script
    entry: tools/check
    language: script
    files: \.md$
    stages: [pre-commit, manual]
  - id: never
    entry: these files must not be here
    language: fail
    files: \.rej$
    stages: [commit]
  - id: no-print
    entry: \bprint\(
    args: [-i]
    language: pygrep
    stages: [commit]
)");
    REQUIRE_MESSAGE(config, config.error().line());
    const auto* commit = config->stage("pre-commit");
    REQUIRE(commit);
    CHECK(commit->fail_fast);
    REQUIRE(commit->gates.size() == 4);
    CHECK(commit->gates[0].run.argv ==
          std::vector<std::string>{"./lint", "--level", "very high", "--strict", "{files}"});
    CHECK(commit->gates[0].files.matches("src/a.py"));
    CHECK_FALSE(commit->gates[0].files.matches("docs/a.py"));
    CHECK_FALSE(commit->gates[0].files.matches("vendor/a.py"));
    CHECK(commit->gates[0].file == ".pre-commit-config.yaml");
    CHECK(commit->gates[0].line == 9);
    CHECK(commit->gates[1].run.argv == std::vector<std::string>{"./tools/check", "{files}"});
    CHECK(commit->gates[2].run.argv.back() == "{files}");
    CHECK(commit->gates[3].run.argv.front() == "python3");
    const auto* push = config->stage("pre-push");
    REQUIRE(push);
    REQUIRE(push->gates.size() == 2);
    CHECK(push->gates[1].name == "test");
    CHECK(push->gates[1].always);
    CHECK(config->stage("manual")->gates.size() == 1);
}

TEST_CASE("pre-commit: what would have to be installed is refused by name, unless it is left out") {
    const std::string hooks = R"(repos:
- repo: https://github.com/pre-commit/pre-commit-hooks
  rev: v5.0.0
  hooks: [{id: end-of-file-fixer}, {id: name-tests-test}]
- repo: https://github.com/psf/black
  rev: 24.1.0
  hooks:
  - id: black
)";
    const auto refused = with_hooks(hooks);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::Invalid);
    CHECK(refused.error().message.find("name-tests-test") != std::string::npos);
    CHECK(refused.error().hint.find("without: [name-tests-test, black]") != std::string::npos);
    REQUIRE(refused.error().where);
    CHECK(refused.error().where->file == ".pre-commit-config.yaml");
    CHECK(refused.error().where->line == 4);

    const auto config =
        with_hooks(hooks, "{pre-commit: .pre-commit-config.yaml, without: [name-tests-test, black]}");
    REQUIRE_MESSAGE(config, config.error().line());
    REQUIRE(config->stage("pre-commit")->gates.size() == 1);
    CHECK(config->stage("pre-commit")->gates[0].builtins.size() == 1);
}

TEST_CASE("pre-commit: expressions find what Python's would") {
    struct Case {
        const char* expression;
        const char* path;
        bool found;
    };
    const Case cases[] = {
        {"\\.py$", "a/b.py", true},
        {"\\.py$", "a/b.pyi", false},
        {"^src/", "x/src/a", false},
        {"(?x)^(\n  src/.*\\.c |  # sources\n  include/[ab c]+ \n)$", "src/x.c", true},
        {"(?x)^(\n  src/.*\\.c |  # sources\n  include/[ab c]+ \n)$", "include/a c", true},
        {"(?x)^(\n  src/.*\\.c |  # sources\n  include/[ab c]+ \n)$", "lib/x.c", false},
        {"^(?!docs/)", "docs/a", false},
        {"^(?!docs/|\\.ci/).*\\.md$", "src/a.md", true},
        {"^(?!docs/|\\.ci/).*\\.md$", ".ci/a.md", false},
        {"^src/(?!gen/).*\\.py$", "src/a.py", true},
        {"^src/(?!gen/).*\\.py$", "src/gen/a.py", false},
        {"^src/(?!gen/).*\\.py$", "lib/src/a.py", false},
        {"^a\\.b/(?!(c|[)(])/)(?!d$)", "a.b/c/x", false},
        {"^a\\.b/(?!(c|[)(])/)(?!d$)", "a.b/d", false},
        {"^a\\.b/(?!(c|[)(])/)(?!d$)", "a.b/de", true},
        {"(?<!\\.min)(?<!\\.test)\\.js$", "a.js", true},
        {"(?<!\\.min)(?<!\\.test)\\.js$", "a.min.js", false},
        {"(?<!\\.min)(?<!\\.test)\\.js$", "a.test.js", false},
        {"^web/(?!lib/).*(?<!\\.d)\\.ts$", "web/a.d.ts", false},
        {"^web/(?!lib/).*(?<!\\.d)\\.ts$", "web/lib/a.ts", false},
        {"^web/(?!lib/).*(?<!\\.d)\\.ts$", "web/a.ts", true},
        {"a\\Z", "x/a", true},
    };
    for (const auto& c : cases) {
        CAPTURE(c.expression);
        CAPTURE(c.path);
        CHECK(matching({{c.expression}, {}, {}, {}, {}})->path(c.path) == c.found);
    }
    for (const auto* wrong : {"a(?=b)", "(a)\\1", "(?<!x)y", "(", "^(?!a)b|c", "^a*(?!b)", "^.(?!b)",
                              "^a(?!b)*c", "(?<!a)b+$", "x(?!y)"}) {
        CAPTURE(wrong);
        CHECK_FALSE(FileMatch::make({{wrong}, {}, {}, {}, {}}));
    }
}

TEST_CASE("pre-commit: a file's types come from its name, and else from its first line") {
    const auto python = matching({{}, {}, {"python"}, {}, {}});
    CHECK(python->types("a/b.py", false, ""));
    CHECK_FALSE(python->types("a/b.c", true, "#!/usr/bin/python3\n"));
    CHECK_FALSE(FileMatch::known_by_name("bin/tool"));
    CHECK(python->types("bin/tool", true, "#!/usr/bin/env -S python3.11 -u\nx"));
    CHECK(python->types("bin/tool", true, "#! /usr/bin/python3"));
    CHECK_FALSE(python->types("bin/tool", false, "#!/usr/bin/python3\n"));
    const auto shell = matching({{}, {}, {}, {"shell", "dockerfile"}, {"zsh"}});
    CHECK(shell->types("run", true, "#!/bin/sh -e\n"));
    CHECK(shell->types("Dockerfile.dev", false, ""));
    CHECK_FALSE(shell->types("run", true, "#!/bin/zsh\n"));
    const auto text = matching({{}, {}, {"text", "non-executable"}, {}, {}});
    CHECK(text->types("notes", false, "hello"));
    CHECK_FALSE(text->types("notes", false, std::string_view("a\0b", 3)));
    CHECK_FALSE(text->types("a.png", false, ""));
    CHECK_FALSE(FileMatch::make({{}, {}, {"pyhton"}, {}, {}}));
}

TEST_CASE("pre-commit: an entry is split as Python's shlex does") {
    const auto split = [](const char* text) { return shell_split(text).value(); };
    CHECK(split(" a  b ") == std::vector<std::string>{"a", "b"});
    CHECK(split("a 'b c' \"d \\\" \\x\" ''") == std::vector<std::string>{"a", "b c", "d \" \\x", ""});
    CHECK(split("a\\ b bash -c 'x \"$@\"'") == std::vector<std::string>{"a b", "bash", "-c", "x \"$@\""});
    CHECK_FALSE(shell_split("a 'b"));
}

TEST_CASE("pinned file: a proof with a byte changed, cut or added is refused") {
    // made by git: a commit with d/f ("hello\n")
    const std::string blob = "hello\n";
    const auto object = [](const std::string& kind, const std::string& bytes) {
        return kind + " " + std::to_string(bytes.size()) + "\n" + bytes;
    };
    const auto bytes = [](const std::string& digits) {
        std::string raw;
        for (size_t i = 0; i < digits.size(); i += 2)
            raw += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
        return raw;
    };
    const auto inner = std::string("100644 f") + '\0' + bytes("ce013625030ba8dba906f756967f9e9ca394464a");
    const auto outer = std::string("40000 d") + '\0' + bytes("10731d0b170b98481a00bdca161e874e0ab93377");
    const std::string text =
        "tree 610d5853f83d074babbf53f28eac09a52fe96976\nauthor A <a@b> 0 +0000\n"
        "committer A <a@b> 0 +0000\n\nx\n";
    const auto commit = shared::Oid::parse("6c98edcf1bebd273a5cfbfd0059103437e040d57").value();
    const auto proof =
        object("commit", text) + object("tree", outer) + object("tree", inner) + object("blob", blob);
    const auto content = proven_content(proof, commit, "d/f");
    REQUIRE_MESSAGE(content, content.error().message);
    CHECK(*content == blob);
    CHECK(proven_content(proof, commit, "d/g").error().kind == ErrorKind::NotFound);
    CHECK_FALSE(proven_content(proof + "x", commit, "d/f"));
    CHECK_FALSE(proven_content(proof, shared::Oid::parse(std::string(40, '1')).value(), "d/f"));
    for (size_t i = 0; i < proof.size(); ++i) {
        auto changed = proof;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK_FALSE(proven_content(changed, commit, "d/f"));
        CHECK_FALSE(proven_content(proof.substr(0, i), commit, "d/f"));
    }
    CHECK_FALSE(proven_content("", commit, "d/f"));
    CHECK_FALSE(proven_content("commit 99999999999\n", commit, "d/f"));
    CHECK_FALSE(proven_content("commit 5\ntree", commit, "d/f"));
}

TEST_CASE("pre-commit: arguments of the collection's hooks become options, or are refused") {
    struct Case {
        const char* id;
        std::vector<std::string> args;
        const char* option;  // empty: refused
        std::vector<std::string> values;
    };
    for (const auto& c : {
             Case{"no-commit-to-branch", {"--branch", "dev", "-b=rc"}, "branches", {"dev", "rc"}},
             Case{"no-commit-to-branch",
                  {"--pattern", "release/.*"},
                  "branches",
                  {"release/*", "main", "master"}},
             Case{"no-commit-to-branch", {"-b", "x", "-p", "^v.+$"}, "branches", {"x", "v?*"}},
             Case{"no-commit-to-branch", {"--pattern=wip"}, "branches", {"wip*", "main", "master"}},
             Case{"no-commit-to-branch", {"--pattern", "(a|b)/.*"}, "", {}},
             Case{"trailing-whitespace", {"--markdown-linebreak-ext=.md,mdx"}, "markdown", {"md", "mdx"}},
             Case{"trailing-whitespace", {"--chars", " "}, "", {}},
         }) {
        CAPTURE(c.args.back());
        const auto entry = builtin_for_hook(c.id, c.args);
        REQUIRE(entry.has_value() == (*c.option != 0));
        if (!entry) continue;
        const auto* values = entry->find(c.id)->find(c.option);
        REQUIRE(values != nullptr);
        std::vector<std::string> texts;
        for (const auto& value : values->list()) texts.push_back(value.text());
        CHECK(texts == c.values);
    }
    const auto merge = builtin_for_hook("check-merge-conflict", {"--assume-in-merge"});
    REQUIRE(merge);
    CHECK(merge->text() == "merge-conflict");
}
