// What a configuration stands on: files it extends, folders, one's own changes.
#include "hooks/config/conditions.hpp"
#include "hooks/config/load.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace tidegate;
using namespace tidegate::hooks;

namespace {

// Files of a tree, as a source of configuration.
struct Files {
    std::map<std::string, std::string> tree;
    std::map<std::string, std::string> pinned;  // "commit:path"
    std::optional<std::string> local;

    [[nodiscard]] Result<Config> load(std::vector<Error>* all = nullptr) const {
        const auto find = [](const auto& files, const std::string& key) -> Result<std::string> {
            const auto found = files.find(key);
            if (found == files.end()) return fail(ErrorKind::NotFound, "none: " + key);
            return found->second;
        };
        ConfigSources sources;
        sources.file = [this, find](const std::string& path) { return find(tree, path); };
        sources.pinned = [this, find](const PinnedFile& file) {
            return find(pinned, file.commit.str() + ":" + file.path);
        };
        sources.paths = [this]() -> Result<std::vector<std::string>> {
            std::vector<std::string> paths;
            for (const auto& [path, text] : tree) paths.push_back(path);
            return paths;
        };
        sources.local = local;
        return load_config(".tidegate.yaml", tree.at(".tidegate.yaml"), sources, all);
    }
};

std::vector<std::string> names(const Config& config, const std::string& stage) {
    std::vector<std::string> all;
    REQUIRE(config.stage(stage));
    for (const auto& gate : config.stage(stage)->gates) all.push_back(gate.name);
    return all;
}

const Gate& gate(const Config& config, const std::string& stage, const std::string& name) {
    for (const auto& one : config.stage(stage)->gates)
        if (one.name == name) return one;
    FAIL("no gate " << name);
    return config.stage(stage)->gates.front();
}

constexpr const char* kBase = R"(version: 1
defaults: {timeout: 5m}
stages:
  pre-push:
    link: [node_modules]
    gates:
      - {name: lint, run: [lint, "{files}"], files: ["*.c"], env: {A: "1"}}
      - {name: unit, run: make check, needs: [lint]}
)";

const std::string kCommit(40, 'a');

}  // namespace

TEST_CASE("config: what is extended is merged by the names of stages and gates, and by key") {
    const Files files{{{"ci/base.yaml", kBase}, {".tidegate.yaml", R"(version: 1
extends: ci/base.yaml
stages:
  pre-push:
    link: [vendor]
    gates:
      - {name: unit, timeout: 20m}
      - {name: more, run: x, needs: [unit]}
  nightly:
    gates: [{name: soak, run: y}]
)"}},
                      {},
                      {}};
    const auto config = files.load();
    REQUIRE_MESSAGE(config, config.error().line());
    CHECK(names(*config, "pre-push") == std::vector<std::string>{"lint", "unit", "more"});
    CHECK(config->stage("pre-push")->link == std::vector<std::string>{"node_modules", "vendor"});
    const auto& unit = gate(*config, "pre-push", "unit");
    CHECK(unit.run.shell == "make check");
    CHECK(unit.timeout == std::chrono::minutes(20));
    CHECK(gate(*config, "pre-push", "lint").timeout == std::chrono::minutes(5));
    CHECK(gate(*config, "pre-push", "lint").file == "ci/base.yaml");
    CHECK(gate(*config, "pre-push", "lint").line == 7);
    CHECK(names(*config, "nightly") == std::vector<std::string>{"soak"});
}

TEST_CASE("config: an inherited gate is taken away, or becomes a check of another kind") {
    const Files files{{{"base.yaml", kBase}, {".tidegate.yaml", R"(version: 1
extends: [base.yaml]
stages:
  pre-push:
    gates:
      - {name: unit, remove: true}
      - {name: lint, builtin: yaml, files: ~}
)"}},
                      {},
                      {}};
    const auto config = files.load();
    REQUIRE_MESSAGE(config, config.error().line());
    CHECK(names(*config, "pre-push") == std::vector<std::string>{"lint"});
    CHECK(gate(*config, "pre-push", "lint").run.empty());
    CHECK(gate(*config, "pre-push", "lint").files.everything());
}

TEST_CASE("config: a pinned file is asked for by its commit, and its own extends stay in that commit") {
    const Files files{
        {{".tidegate.yaml", "version: 1\nextends: {git: 'https://example.com/gates.git', commit: " + kCommit +
                                ", file: go/gates.yaml}\n"}},
        {{kCommit + ":go/gates.yaml", "version: 1\nextends: ../common.yaml\n"},
         {kCommit + ":common.yaml", kBase}},
        {}};
    const auto config = files.load();
    REQUIRE_MESSAGE(config, config.error().line());
    CHECK(names(*config, "pre-push").size() == 2);
    CHECK(gate(*config, "pre-push", "unit").file == "https://example.com/gates.git@aaaaaaa:common.yaml");
}

TEST_CASE("config: a mistake in what is extended is shown in the file that has it") {
    struct Case {
        const char* name;
        std::map<std::string, std::string> tree;
        const char* file;
        int line;
        const char* says;
    };
    const std::string head = "version: 1\n";
    const std::string stages = "stages:\n  s:\n    gates:\n";
    const std::string good = head + stages + "    - {name: a, run: x}\n";
    const Case cases[] = {
        {"unknown key in the base",
         {{".tidegate.yaml", head + "extends: b.yaml\n"},
          {"b.yaml", head + stages + "    - {name: a, rum: x}\n"}},
         "b.yaml",
         5,
         "unknown key `rum`"},
        {"unknown key on top",
         {{".tidegate.yaml", head + "extends: b.yaml\nstags: {}\n"}, {"b.yaml", good}},
         ".tidegate.yaml",
         3,
         "stags"},
        {"need of a gate that was removed",
         {{".tidegate.yaml", head + "extends: b.yaml\n" + stages + "    - {name: a, remove: true}\n"},
          {"b.yaml", good + "    - {name: b, run: x, needs: [a]}\n"}},
         "b.yaml",
         6,
         "needs"},
        {"not YAML", {{".tidegate.yaml", head + "extends: b.yaml\n"}, {"b.yaml", "a: [\n"}}, "b.yaml", 2, ""},
        {"missing", {{".tidegate.yaml", head + "extends: b.yaml\n"}}, ".tidegate.yaml", 2, "has no b.yaml"},
        {"leads out", {{".tidegate.yaml", head + "extends: ../b.yaml\n"}}, ".tidegate.yaml", 2, "leads out"},
        {"a circle",
         {{".tidegate.yaml", head + "extends: b.yaml\n"}, {"b.yaml", head + "extends: ./.tidegate.yaml\n"}},
         "b.yaml",
         2,
         "circle"},
        {"nothing to remove",
         {{".tidegate.yaml", head + stages + "    - {name: a, remove: true}\n"}},
         ".tidegate.yaml",
         5,
         "remove"},
        {"a short id",
         {{".tidegate.yaml", head + "extends: {git: 'https://x/y', commit: abc123, file: f}\n"}},
         ".tidegate.yaml",
         2,
         "full commit id"},
        {"no id",
         {{".tidegate.yaml", head + "extends: {git: 'https://x/y', file: f}\n"}},
         ".tidegate.yaml",
         2,
         "commit"},
        {"an address that runs something",
         {{".tidegate.yaml", head + "extends: {git: 'ext::sh -c x', commit: " + kCommit + ", file: f}\n"}},
         ".tidegate.yaml",
         2,
         ""},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        const auto config = Files{c.tree, {}, {}}.load();
        REQUIRE_FALSE(config);
        CHECK(config.error().kind == ErrorKind::Invalid);
        CHECK_MESSAGE(config.error().message.find(c.says) != std::string::npos, config.error().message);
        REQUIRE(config.error().where);
        CHECK(config.error().where->file == c.file);
        CHECK(config.error().where->line == c.line);
    }
}

TEST_CASE("config: extends that nest too deep are refused") {
    Files files;
    files.tree[".tidegate.yaml"] = "version: 1\nextends: f0.yaml\n";
    for (int i = 0; i < 20; ++i)
        files.tree["f" + std::to_string(i) + ".yaml"] =
            "version: 1\nextends: f" + std::to_string(i + 1) + ".yaml\n";
    const auto config = files.load();
    REQUIRE_FALSE(config);
    CHECK(config.error().message.find("deeper") != std::string::npos);
}

TEST_CASE("config: every mistake of all the files is told") {
    const Files files{{{".tidegate.yaml", R"(version: 1
folders: ["services/*"]
stages:
  s:
    gates:
      - {name: a, rum: x}
      - {name: b, run: x, timeout: soon}
      - {name: c, run: x, files: ['[a'], retries: 99}
)"},
                       {"services/api/.tidegate.yaml", "version: 1\nstages:\n  s:\n    gatse: []\n"}},
                      {},
                      {}};
    std::vector<Error> all;
    const auto config = files.load(&all);
    REQUIRE_FALSE(config);
    std::vector<std::string> places;
    for (const auto& error : all)
        places.push_back(error.where->file + ":" + std::to_string(error.where->line));
    CHECK(places == std::vector<std::string>{".tidegate.yaml:6", ".tidegate.yaml:7", ".tidegate.yaml:8",
                                             ".tidegate.yaml:8", "services/api/.tidegate.yaml:4"});
}

TEST_CASE("config: gates of a folder carry its name, see its files and need each other by short names") {
    const Files files{{{".tidegate.yaml", R"(version: 1
folders: ["services/*"]
stages:
  pre-push:
    gates: [{name: all, run: x, needs: ["services/api:unit"]}]
)"},
                       {"services/api/.tidegate.yaml", R"(version: 1
affected_by: ["../../shared/**", /go.mod]
stages:
  pre-push:
    setup: [{run: npm ci, inputs: [package-lock.json]}]
    link: [node_modules]
    gates:
      - {name: build, run: make}
      - {name: unit, run: "make check {files}", files: ["*.go"], needs: [build]}
)"},
                       {"docs/.tidegate.yaml", "not looked at"}},
                      {},
                      {}};
    const auto config = files.load();
    REQUIRE_MESSAGE(config, config.error().line());
    CHECK(names(*config, "pre-push") ==
          std::vector<std::string>{"all", "services/api:build", "services/api:unit"});
    const auto& unit = gate(*config, "pre-push", "services/api:unit");
    CHECK(unit.folder == "services/api");
    CHECK(unit.needs == std::vector<std::string>{"services/api:build"});
    CHECK(unit.files.matches("services/api/x/a.go"));
    CHECK_FALSE(unit.files.matches("services/other/a.go"));
    REQUIRE(unit.affected.size() == 2);
    CHECK(unit.affected[0].matches("shared/a/b"));
    CHECK(unit.affected[1].matches("go.mod"));
    const auto* stage = config->stage("pre-push");
    CHECK(stage->link == std::vector<std::string>{"services/api/node_modules"});
    CHECK(stage->setup[0].takes("services/api/package-lock.json"));
    CHECK_FALSE(stage->setup[0].takes("package-lock.json"));
}

TEST_CASE("config: one's own file adds gates and changes those of the tree, which is marked") {
    Files files{{{".tidegate.yaml", kBase}}, {}, R"(stages:
  pre-push:
    gates:
      - {name: mine, run: x, needs: [unit]}
      - {name: lint, env: {A: "2", B: "3"}}
      - {name: unit, skip: true, timeout: 1h}
)"};
    const auto config = files.load();
    REQUIRE_MESSAGE(config, config.error().line());
    CHECK(gate(*config, "pre-push", "mine").own);
    CHECK(gate(*config, "pre-push", "lint").weakened == "env");
    CHECK(gate(*config, "pre-push", "lint").env.at("B") == "3");
    CHECK(gate(*config, "pre-push", "unit").left_out);
    CHECK(gate(*config, "pre-push", "unit").weakened.empty());
    CHECK(config->text == kBase);

    files.local = "stages: {pre-push: {gates: [{name: unit, run: 'true'}]}}\n";
    const auto refused = files.load();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().where->file == ".tidegate.local.yaml");
}

TEST_CASE("config: conditions by branch, ref, merge, rebase and environment") {
    struct Case {
        const char* name;
        const char* conditions;
        Facts facts;
        const char* why;
    };
    const auto variable = [](const std::string& name) -> std::optional<std::string> {
        if (name == "CI") return "true";
        if (name == "EMPTY") return "";
        return std::nullopt;
    };
    const auto on = [&](std::vector<std::string> refs, bool merging = false, bool rebasing = false) {
        return Facts{std::move(refs), merging, rebasing, variable};
    };
    const Case cases[] = {
        {"none", "files: []", on({}), ""},
        {"branch", "only: [{branch: main}]", on({"refs/heads/main"}), ""},
        {"another branch", "only: [{branch: main}]", on({"refs/heads/x/main"}), "only branch main"},
        {"a tag is no branch", "only: [{branch: '**'}]", on({"refs/tags/v1"}), "only branch **"},
        {"detached", "only: [{branch: '**'}]", on({}), "only branch **"},
        {"pattern", "only: [{branch: ['release/*', main]}]", on({"refs/heads/release/1"}), ""},
        {"ref", "only: [{ref: 'refs/tags/v*'}]", on({"refs/tags/v1"}), ""},
        {"one of several", "only: [{branch: main}]", on({"refs/heads/x", "refs/heads/main"}), ""},
        {"except one of several", "except: [{branch: main}]", on({"refs/heads/x", "refs/heads/main"}), ""},
        {"except all of several", "except: [{branch: '*'}]", on({"refs/heads/x", "refs/heads/main"}),
         "except branch *"},
        {"merge", "only: [merge, rebase]", on({}, true), ""},
        {"no merge", "only: [merge, rebase]", on({}), "only merge, rebase"},
        {"except rebase", "except: [rebase]", on({}, false, true), "except rebase"},
        {"env is set", "only: [{env: CI}]", on({}), ""},
        {"env is empty", "only: [{env: EMPTY}]", on({}), "only env EMPTY"},
        {"env has another value", "except: [{env: 'CI=false'}]", on({}), ""},
        {"env has the value", "except: [{env: 'CI=t*'}]", on({}), "except env CI=t*"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        const auto config = parse_config("f", "version: 1\nstages: {s: {gates: [{name: a, run: x, " +
                                                  std::string(c.conditions) + "}]}}\n");
        REQUIRE_MESSAGE(config, config.error().line());
        CHECK(left_out_by(config->stage("s")->gates[0], c.facts) == c.why);
    }
}
