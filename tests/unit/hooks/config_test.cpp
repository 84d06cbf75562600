#include "hooks/config/config.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks;

namespace {

Result<Config> parse(const std::string& gates) {
    return parse_config(".tidegate.yaml", "version: 1\nstages:\n  pre-commit:\n    gates:\n" + gates);
}

}  // namespace

TEST_CASE("config: every key comes out as written") {
    const auto config = parse_config(".tidegate.yaml", R"(version: 1
defaults: {timeout: 10m, parallel: 3, pass_env: [TOKEN]}
stages:
  pre-push:
    fail_fast: true
    link: [node_modules/]
    setup:
      - {run: npm ci, inputs: [package-lock.json]}
    gates:
      - {name: build, run: make -j2, workspace: worktree}
      - {name: hygiene, builtin: yaml, fix: false}
      - name: unit
        needs: [build]
        run: [ctest, "--output-junit", "{reports}/junit.xml"]
        timeout: 5m
        retries: 1
        env: {TZ: UTC}
        pass_env: [FOO_*]
        required: true
        version: ctest --version
        only: [merge, {branch: "release/*"}]
        except: [rebase]
        files: ["**/*.c"]
        exclude: [third_party/**]
        fix: clang-format -i {files}
)");
    REQUIRE_MESSAGE(config, config.error().line());
    const auto* stage = config->stage("pre-push");
    REQUIRE(stage);
    CHECK(config->stage("nightly") == nullptr);
    CHECK(stage->fail_fast);
    CHECK(stage->parallel == 3);
    CHECK(stage->link == std::vector<std::string>{"node_modules"});
    REQUIRE(stage->setup.size() == 1);
    CHECK(stage->setup[0].run.shell == "npm ci");
    REQUIRE(stage->gates.size() == 3);
    CHECK(stage->gates[0].workspace == Workspace::Worktree);
    CHECK_FALSE(stage->gates[1].builtin_fix);
    CHECK(stage->gates[0].timeout == std::chrono::minutes(10));
    const auto& unit = stage->gates[2];
    CHECK(unit.fix.shell == "clang-format -i {files}");
    CHECK(unit.builtin_fix);
    CHECK(unit.run.argv.size() == 3);
    CHECK(unit.run.mentions("{reports}"));
    CHECK(unit.timeout == std::chrono::minutes(5));
    CHECK(unit.retries == 1);
    CHECK(unit.env.at("TZ") == "UTC");
    CHECK(unit.pass_env == std::vector<std::string>{"FOO_*", "TOKEN"});
    CHECK(unit.required);
    REQUIRE(unit.only.size() == 2);
    CHECK(unit.only[0].kind == Condition::Kind::Merge);
    CHECK(unit.only[1].text == "branch release/*");
    REQUIRE(unit.except.size() == 1);
    CHECK(unit.except[0].kind == Condition::Kind::Rebase);
    CHECK(unit.files.include.size() == 1);
    CHECK(unit.files.exclude.size() == 1);
}

TEST_CASE("config: a mistake is shown at its place, with what was meant") {
    struct Case {
        const char* name;
        const char* gates;
        int line;
        const char* says;
        const char* hint;
    };
    const Case cases[] = {
        {"unknown key", "      - {name: a, comand: x}\n", 5, "comand", "did you mean `run`?"},
        {"no command", "      - {name: a}\n", 5, "either `run` or `builtin`", ""},
        {"both", "      - {name: a, run: x, builtin: yaml}\n", 5, "either `run` or `builtin`", ""},
        {"unknown check", "      - {name: a, builtin: [trailing-whitespce]}\n", 5, "trailing-whitespce",
         "did you mean `trailing-whitespace`"},
        {"unknown need", "      - {name: build, run: x}\n      - {name: b, run: x, needs: [biuld]}\n", 6,
         "biuld", "did you mean `build`"},
        {"circle", "      - {name: a, run: x, needs: [b]}\n      - {name: b, run: x, needs: [a]}\n", 5,
         "a → b → a", ""},
        {"needs itself", "      - {name: a, run: x, needs: [a]}\n", 5, "a → a", ""},
        {"two of a name", "      - {name: a, run: x}\n      - {name: a, run: y}\n", 6, "two gates", ""},
        {"bad name", "      - {name: a/b, run: x}\n", 5, "not a name", ""},
        {"bad pattern", "      - {name: a, run: x, files: ['[a']}\n", 5, "not closed", ""},
        {"git's variables", "      - {name: a, run: x, env: {GIT_DIR: x}}\n", 5, "GIT_DIR", ""},
        {"passing git's variables", "      - {name: a, run: x, pass_env: [GIT_DIR]}\n", 5, "GIT_DIR", ""},
        {"too many retries", "      - {name: a, run: x, retries: 99}\n", 5, "retries", ""},
        {"unknown condition", "      - {name: a, run: x, only: [merg]}\n", 5, "merg", "conditions are"},
        {"a fix of one's own files", "      - {name: a, run: x, fix: y, workspace: worktree}\n", 5,
         "never in the working tree", "take `workspace: worktree` out"},
        {"a folder outside", "      - {name: a, run: x, folder: ../b}\n", 5, "../b", ""},
        {"empty command", "      - {name: a, run: []}\n", 5, "names no program", ""},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        const auto config = parse(c.gates);
        REQUIRE_FALSE(config);
        CHECK(config.error().kind == ErrorKind::Invalid);
        CHECK_MESSAGE(config.error().message.find(c.says) != std::string::npos, config.error().message);
        CHECK_MESSAGE(config.error().hint.find(c.hint) != std::string::npos, config.error().hint);
        REQUIRE(config.error().where);
        CHECK(config.error().where->line == c.line);
    }
}

TEST_CASE("config: what is not built yet is refused, never ignored") {
    const auto newer = parse_config(".tidegate.yaml", "version: 2\nstages: {}\n");
    REQUIRE_FALSE(newer);
    CHECK(newer.error().kind == ErrorKind::Unsupported);
}

TEST_CASE("config: reports are named, and their limits can be met") {
    const auto config = parse(
        "      - {name: a, run: x, report: {junit: [a.xml, '{reports}/b.xml'], coverage: {file: l.info, min: "
        "85, "
        "min_change: 99.5}, sarif: {file: s.json, level: warning}}}\n");
    REQUIRE(config);
    const auto& rules = config->stage("pre-commit")->gates[0].report;
    CHECK(rules.junit.size() == 2);
    CHECK(*rules.min == 85);
    CHECK(*rules.min_change == 99.5);
    CHECK(rules.sarif_level == "warning");
    for (const std::string report :
         {"{junit: ''}", "{junit: '{repots}/x'}", "{junit: /etc/x.xml}", "{junit: ../x.xml}",
          "{junit: '{reports}/../x'}", "{junit: '{reports}'}", "{coverage: {min: 5}}",
          "{coverage: {file: x, min: 101}}", "{sarif: {file: x, level: high}}", "{junt: x}"}) {
        CAPTURE(report);
        CHECK_FALSE(parse("      - {name: a, run: x, report: " + report + "}\n"));
    }
    CHECK_FALSE(parse("      - {name: a, builtin: yaml, report: {junit: x}}\n"));
}

TEST_CASE("config: a definition changes with what decides the result, and with nothing else") {
    const auto definition = [](const std::string& gate) {
        const auto config = parse("      - {name: a, " + gate + "}\n");
        REQUIRE(config);
        return config->stage("pre-commit")->gates[0].definition;
    };
    const auto base = definition("run: make");
    CHECK(definition("run: make, timeout: 1m, retries: 2") == base);
    CHECK(definition("run: make x") != base);
    CHECK(definition("run: [make]") != base);
    CHECK(definition("run: make, files: [x]") != base);
    CHECK(definition("run: make, files: [x]") != definition("run: make, exclude: [x]"));
    CHECK(definition("run: [a, bc]") != definition("run: [ab, c]"));
}
