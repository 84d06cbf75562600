#include "hooks/cli/commands.hpp"
#include "hooks/cli/findings.hpp"
#include "hooks/cli/reports.hpp"
#include "hooks/session.hpp"
#include "hooks/wake.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tidegate::hooks::cli {

using namespace shared;

namespace {

PlanOptions plan_options(const Arguments& arguments) {
    PlanOptions options;
    options.skip = skip_from_environment();
    for (const auto& gate : arguments.texts("gate")) options.only.insert(gate);
    options.use_cache = !arguments.has("no-cache");
    options.all_files = arguments.has("all") || arguments.has("fix");
    return options;
}

// Without a word about it: the index's tree for pre-commit, HEAD's for any other stage.
Result<Target> target_of(const Repository& repo, const std::string& stage, const Arguments& arguments) {
    const auto tree = arguments.text("tree");
    const auto from = arguments.text("from");
    const auto to = arguments.text("to");
    if (arguments.has("fix")) {
        if (tree || from || to)
            return fail(ErrorKind::Usage, "--fix mends what is staged, and no other tree",
                        "without --tree, --from and --to");
        if (repo.work_tree.empty())
            return fail(ErrorKind::Usage, "--fix needs a working tree", "not in a bare repository");
        return index_target(repo, stage);
    }
    if (tree && (from || to))
        return fail(ErrorKind::Usage, "--tree and --from/--to exclude each other", "name one of them");
    if (tree) {
        // A commit keeps its history, so that gates which ask git find it.
        auto commit = repo.git.line(
            repo.call({"rev-parse", "--verify", "--quiet", "--end-of-options", *tree + "^{commit}"}));
        if (!commit) return tree_target(repo, stage, *tree);
        return revision_target(repo, stage, {*commit, {}, false});
    }
    if (from || to) return revision_target(repo, stage, {to.value_or("HEAD"), from, false});
    if (stage == "pre-commit" || stage == "pre-merge-commit") return index_target(repo, stage);
    return revision_target(repo, stage, {"HEAD", {}, arguments.has("all")});
}

Result<void> write_reports(const StageRun& run, const Arguments& arguments) {
    if (const auto file = arguments.text("junit")) TRY(write_file_atomic(*file, junit_report(run), 0644));
    if (const auto file = arguments.text("sarif")) TRY(write_file_atomic(*file, sarif_report(run), 0644));
    if (const auto file = arguments.text("code-quality"))
        TRY(write_file_atomic(*file, code_quality_report(run), 0644));
    return {};
}

// GitHub shows what is printed in its form beside the lines it is about, and a table on the run's page.
Result<void> tell_the_forge(const StageRun& run, FILE* to) {
    const char* actions = std::getenv("GITHUB_ACTIONS");
    if (actions == nullptr || std::string_view(actions) != "true") return {};
    std::fputs(github_annotations(run).c_str(), to);
    const char* summary = std::getenv("GITHUB_STEP_SUMMARY");
    if (summary == nullptr || *summary == '\0') return {};
    const Fd file(open(summary, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (!file) return fail_errno("cannot write GITHUB_STEP_SUMMARY " + escape_foreign(summary));
    return write_all(file.get(), github_summary(run), "GITHUB_STEP_SUMMARY");
}

Result<int> run_stage_command(const Arguments& arguments) {
    const auto stage = arguments.text("STAGE", "");
    const auto signals = TRY(watch_signals());
    auto repo = TRY(Repository::open());
    repo.cancel_fd = signals.get();
    SessionOptions options;
    options.plan = plan_options(arguments);
    options.run.cancel_fd = signals.get();
    options.occasion.by_hook = false;
    if (arguments.has("fix")) options.fix = FixMode::Asked;
    std::optional<Proofs> proofs;
    if (arguments.has("attest")) {
        proofs = TRY(Proofs::open(repo, arguments.text("key", "")));
        if (!proofs->trust().own) return fail(proofs->trust().own.error());  // before minutes of gates
        options.attesting = &*proofs;
    }
    const bool json = arguments.has("json");
    options.fd = json ? STDERR_FILENO : STDOUT_FILENO;
    auto target = TRY(target_of(repo, stage, arguments));
    const auto run = TRY(run_session(repo, std::move(target), options));
    TRY(write_reports(run, arguments));
    if (json) std::puts(to_json(run_value(run)).c_str());
    TRY(tell_the_forge(run, json ? stderr : stdout));
    const int code = exit_code_of(run.report);
    if (code != 0 || !arguments.has("attest")) return code;
    const auto count = TRY(attest(repo, {&run}, proofs->trust().own));
    std::fprintf(json ? stderr : stdout, "%s\n",
                 count > 0 ? "attested; bring it to others with: tidegate attest push" : "attested before");
    return 0;
}

std::string_view fate_word(Fate fate) {
    switch (fate) {
        case Fate::Run: return "run";
        case Fate::Cached: return "cached";
        case Fate::Empty: return "nothing to do";
        case Fate::Skipped: return "skipped";
    }
    return "?";
}

Result<int> plan_command(const Arguments& arguments) {
    const auto stage = arguments.text("STAGE", "");
    const auto repo = TRY(Repository::open());
    auto target = TRY(target_of(repo, stage, arguments));
    const auto prepared = TRY(prepare_stage(repo, std::move(target)));
    if (prepared->stage == nullptr)
        return fail(ErrorKind::Usage,
                    "no stage `" + escape_foreign(stage) + "` in " + std::string(kConfigFile));
    const Cache cache(repo.shared_dir() + "/cache");
    const auto plan =
        TRY(make_plan(repo, *prepared->stage, prepared->target, cache, plan_options(arguments)));
    if (arguments.has("json")) {
        std::puts(to_json(plan_value(plan, prepared->target)).c_str());
        return 0;
    }
    std::printf("%s\n", headline(plan, prepared->target, {false, {}}).c_str());
    Table table({"GATE", "WOULD", "FILES", "WHY"});
    for (const auto& gate : plan.gates) {
        auto why = gate.reason;
        if (why.empty() && !gate.gate->needs.empty()) why = "after " + join(gate.gate->needs, ", ");
        table.row({gate.gate->name, std::string(fate_word(gate.fate)),
                   gate.gate->takes_files() ? std::to_string(gate.files.size()) : "", why});
    }
    std::fputs(table.render(Face::of(STDOUT_FILENO)).c_str(), stdout);
    if (!arguments.has("files")) return 0;
    for (const auto& gate : plan.gates)
        for (const auto& file : gate.files)
            std::printf("%s  %s\n", escape_foreign(gate.gate->name).c_str(),
                        escape_foreign(file.path).c_str());
    return 0;
}

std::vector<Option> target_options() {
    return {{"STAGE", "", "pre-commit, pre-push, or any other of .tidegate.yaml", Takes::Required},
            {"--all", "", "as if every file had changed", Takes::Nothing},
            {"--from", "A", "the change begins after commit A …", Takes::One},
            {"--to", "B", "… and ends with commit B (HEAD)", Takes::One},
            {"--tree", "T", "on the tree of a commit, or any other tree", Takes::One},
            {"--gate", "NAME", "these gates only, and what they need", Takes::Many},
            {"--no-cache", "", "also what has passed on the same input before", Takes::Nothing}};
}

}  // namespace

std::vector<Command> run_commands() {
    auto run = target_options();
    run.push_back({"--fix", "",
                   "mend what can be mended, in all files that git tracks: staged and in the working tree",
                   Takes::Nothing});
    run.push_back({"--attest", "", "sign an attestation when all gates have passed", Takes::Nothing});
    run.push_back({"--key", "FILE", "the private key to attest with", Takes::One});
    run.push_back({"--junit", "FILE", "write a JUnit report of the gates", Takes::One});
    run.push_back({"--sarif", "FILE", "write what was found as SARIF", Takes::One});
    run.push_back({"--code-quality", "FILE", "write it as GitLab's code quality report", Takes::One});
    run.push_back(kJson);
    auto plan = target_options();
    plan.push_back({"--files", "", "name the files, too", Takes::Nothing});
    plan.push_back(kJson);
    return {{"run",
             "Gates",
             "run a stage's gates",
             "Without --all, --from, --to or --tree: the index's tree for pre-commit, HEAD's otherwise.",
             run,
             {},
             run_stage_command},
            {"plan", "Gates", "show what would run, on which files, and why", "", plan, {}, plan_command}};
}

}  // namespace tidegate::hooks::cli
