#include "hooks/display.hpp"

#include <doctest/doctest.h>

using namespace tidegate;
using namespace tidegate::hooks;
using shared::Duration;
using shared::Face;
using shared::Git;
using shared::GitConfig;
using shared::Oid;

namespace {

const Face kPipe{};
const Face kTerminal{.terminal = true, .colours = false, .width = 80};

Oid id(char digit) {
    return *Oid::parse(std::string(40, digit));
}

// A stage "pre-push" of three gates, and what came of them.
struct Scene {
    Repository repo{*Git::find(GitConfig::User)};
    Stage stage;
    Target target;
    Plan plan;
    RunReport report;
    Occasion occasion{true, "origin"};

    Scene() {
        repo.work_tree = "/home/ana/app";
        repo.head = id('9');
        target.stage = "pre-push";
        target.commit = id('9');
        target.tree = id('4');
        target.ref = "refs/heads/main";
        target.commits = 2;
        for (const auto* name : {"build", "unit", "e2e"}) {
            Gate gate;
            gate.name = name;
            gate.run.shell = std::string("make ") + name;
            stage.gates.push_back(gate);
        }
        plan.stage = &stage;
        for (const auto& gate : stage.gates) {
            plan.gates.emplace_back().gate = &gate;
            auto& run = report.gates.emplace_back();
            run.gate = &gate;
            run.outcome = Outcome::Passed;
            run.took = Duration(1500);
        }
        report.took = Duration(3000);
    }
    void fail_unit() {
        report.gates[1].outcome = Outcome::Failed;
        report.gates[1].detail = "exit 1";
        report.gates[1].tail = "line one\nline \x1b[31mtwo\n";
        report.gates[1].log = "/home/ana/app/.git/tidegate/logs/now-pre-push/unit.log";
        report.gates[2].outcome = Outcome::NotRun;
        report.gates[2].detail = "not run: needs unit";
    }
    [[nodiscard]] std::string shown(const Face& face, const std::vector<std::string>& remarks = {}) const {
        return render_run(repo, plan, target, report, face, occasion, remarks);
    }
};

}  // namespace

TEST_CASE("face: the headline names what is pushed where") {
    Scene scene;
    CHECK(headline(scene.plan, scene.target, scene.occasion) ==
          "tidegate pre-push  main → origin  2 commits, tree 4444444");
    scene.target.ref.clear();
    CHECK(headline(scene.plan, scene.target, scene.occasion) ==
          "tidegate pre-push  commit 9999999, tree 4444444");
}

TEST_CASE("face: the headline counts files only where they were counted") {
    Scene scene;
    scene.target.commit.reset();
    CHECK(headline(scene.plan, scene.target, scene.occasion) == "tidegate pre-push  3 gates");
    scene.plan.changed_files = 1;
    CHECK(headline(scene.plan, scene.target, scene.occasion) == "tidegate pre-push  3 gates on 1 file");
}

TEST_CASE("face: success is one line in a pipe and a line each on a terminal") {
    const Scene scene;
    CHECK(scene.shown(kPipe) == "passed in 3.0s\n");
    CHECK(scene.shown(kTerminal) ==
          "  ✓ build                             1.5s\n"
          "  ✓ unit                              1.5s\n"
          "  ✓ e2e                               1.5s\n"
          "passed in 3.0s\n");
}

TEST_CASE("face: what a person should know of is told in a pipe, too") {
    Scene scene;
    scene.report.gates[1].outcome = Outcome::Flaky;
    scene.report.gates[1].attempts = 2;
    scene.report.gates[2].outcome = Outcome::Skipped;
    scene.report.gates[2].detail = "TIDEGATE_SKIP";
    scene.report.notes = {"link: node_modules is not there"};
    CHECK(scene.shown(kPipe) ==
          "  ✓ unit           flaky: passed on attempt 2  1.5s\n"
          "  – e2e            skipped: TIDEGATE_SKIP\n"
          "link: node_modules is not there\n"
          "passed in 3.0s\n");
}

TEST_CASE("face: a failure is whole and last, and nothing of it reaches the terminal unescaped") {
    Scene scene;
    scene.fail_unit();
    CHECK(
        scene.shown(kPipe, {"Your working tree has unstaged changes to src/parser.cpp; they are not part of "
                            "this push."}) ==
        "  ✓ build                             1.5s\n"
        "  ✗ unit           exit 1             1.5s\n"
        "  ■ e2e            not run: needs unit\n"
        "unit ─ make unit\n"
        "  line one\n"
        "  line \\x1b[31mtwo\n"
        "── full log: .git/tidegate/logs/now-pre-push/unit.log\n"
        "stopped: unit failed on the commit being pushed (9999999). Your working tree has\n"
        "unstaged changes to src/parser.cpp; they are not part of this push.\n"
        "Again: tidegate run pre-push --gate unit\n");
}

TEST_CASE("face: a script is told from others by its beginning") {
    Scene scene;
    scene.fail_unit();
    scene.stage.gates[1].run.shell = "set -e\nmake unit\nmake more\n";
    CHECK(scene.shown(kPipe).find("unit ─ set -e …\n  line one\n") != std::string::npos);
    scene.stage.gates[1].run.shell = "make " + std::string(300, 'x');
    CHECK(scene.shown(kPipe).find("unit ─ make " + std::string(94, 'x') + "…\n") != std::string::npos);
}

TEST_CASE("face: what was pushed but is not checked out is named to run it again") {
    Scene scene;
    scene.fail_unit();
    scene.repo.head = id('8');
    CHECK(scene.shown(kPipe).ends_with("Again: tidegate run pre-push --tree 9999999 --gate unit\n"));
}

TEST_CASE("face: long output is cut at its beginning, and says so") {
    Scene scene;
    scene.fail_unit();
    scene.report.gates[1].tail.clear();
    for (int i = 0; i < 300; ++i) scene.report.gates[1].tail += "line " + std::to_string(i) + "\n";
    const auto text = scene.shown(kPipe);
    CHECK(text.find("  … 100 lines before, in the log\n  line 100\n") != std::string::npos);
    CHECK(text.find("  line 299\n") != std::string::npos);
}

TEST_CASE("face: a gate that changed the tree stops, by name") {
    Scene scene;
    scene.report.spoil.changed = {"a.c", "b.c"};
    scene.report.spoiler = "unit";
    const auto text = scene.shown(kPipe);
    CHECK(text.find("stopped: gate unit changed files of the tree: a.c, b.c.") != std::string::npos);
}

TEST_CASE("face: an interrupted run says what was stopped and nothing more") {
    Scene scene;
    scene.report.cancelled = true;
    for (auto& gate : scene.report.gates) gate.outcome = Outcome::Cancelled;
    scene.report.gates[1].attempts = 1;
    CHECK(scene.shown(kPipe).ends_with("interrupted after 3.0s: unit was stopped; nothing was pushed.\n"));
    scene.report.gates[1].attempts = 0;
    CHECK(scene.shown(kPipe).ends_with("interrupted after 3.0s; nothing was pushed\n"));
    CHECK(scene.shown(kPipe).find("Again") == std::string::npos);
}

TEST_CASE("face: no line is wider than a narrow terminal") {
    Scene scene;
    scene.stage.gates[0].name = "a-gate-with-quite-a-long-name-indeed";
    const Face narrow{.terminal = true, .colours = false, .width = 30};
    CHECK(shared::columns_of(gate_line(scene.plan, scene.report.gates[0], narrow)) <= 31);
    scene.report.gates[0].detail = "timed out after 30m, and then some";
    for (int width = 1; width < 100; ++width) {
        const Face face{.terminal = true, .colours = false, .width = width};
        for (const auto& run : scene.report.gates)
            CHECK(shared::columns_of(gate_line(scene.plan, run, face)) <=
                  static_cast<size_t>(std::max(width, 6)));  // its newline counts for one
    }
}
