#include "hooks/session.hpp"

#include "hooks/baseline.hpp"
#include "hooks/scope.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

namespace tidegate::hooks {

using namespace shared;

namespace {

std::string about(const Target& target) {
    return target.commit ? "commit " + target.commit->short_str() : "what is staged";
}

void say(int fd, const std::string& line) {
    (void)write_all(fd, line + "\n", "the terminal");
}

// Without a configuration in the tree there are no gates, unless it only was not added.
Result<StageRun> without_config(const Repository& repo, Target target, const SessionOptions& options,
                                const Error& missing) {
    const std::string file(kConfigFile);
    const bool told = !options.first_of;
    if (!told && !target.commit && !repo.work_tree.empty() && exists(repo.work_tree + "/" + file))
        return fail(ErrorKind::NotFound, file + " is not part of what is being committed",
                    "add it, so that its gates count: git add " + file);
    if (!options.occasion.by_hook) return fail(missing);
    if (!told)
        say(options.fd, "tidegate " + escape_foreign(target.stage) + "  " + about(target) + " has no " +
                            file + ": nothing to gate");
    StageRun run;
    run.prepared = std::make_unique<Prepared>();
    run.prepared->target = std::move(target);
    return run;
}

// What is to be attested is judged whole, unless what it changes is proven. Gives the line that says so.
Result<std::string> widen(const Repository& repo, Prepared& ready, Proofs& proofs, PlanOptions& wanted) {
    const auto scope = TRY(scope_to_attest(repo, ready, proofs));
    wanted.all_together = scope.all_together;
    if (!scope.all_files || wanted.all_files) return std::string();
    wanted.all_files = true;
    TRY(ensure_entries(repo, ready.target));
    return "judging all " + count_of(ready.target.entries.size(), "file") + ": " + scope.why;
}

// Gates with a benchmark are held to what was attested of it last.
Result<RunReport> run_with_baseline(const Repository& repo, StageRun& run, const Cache& cache,
                                    Display& display, const SessionOptions& options) {
    auto run_options = options.run;
    auto& target = run.prepared->target;
    std::optional<Proofs> proofs;  // opened where a gate asks
    run_options.baseline = [&](const std::string& gate) -> Result<std::optional<Baseline>> {
        if (options.attesting == nullptr && !proofs) proofs = TRY(Proofs::open(repo));
        return last_attested(repo, target, gate, options.attesting != nullptr ? *options.attesting : *proofs);
    };
    return run_plan(repo, run.plan, target, cache, display, run_options);
}

}  // namespace

Result<StageRun> run_session(const Repository& repo, Target target, const SessionOptions& options) {
    Target kept;  // without its entries, which may be many
    kept.stage = target.stage;
    kept.tree = target.tree;
    kept.commit = target.commit;
    kept.ref = target.ref;
    auto prepared = prepare_stage(repo, std::move(target));
    if (!prepared) {
        if (prepared.error().kind == ErrorKind::NotFound)
            return without_config(repo, std::move(kept), options, prepared.error());
        return fail(std::move(prepared.error()));
    }
    StageRun run;
    run.prepared = std::move(*prepared);
    auto& ready = *run.prepared;
    if (ready.stage == nullptr) {
        if (!options.occasion.by_hook) {
            std::vector<std::string_view> names;
            for (const auto& [name, stage] : ready.config.stages) names.push_back(name);
            const auto near = nearest(ready.target.stage, names);
            return fail(ErrorKind::Usage,
                        "no stage `" + escape_foreign(ready.target.stage) + "` in " +
                            std::string(kConfigFile) + " of " + about(ready.target),
                        near.empty() ? "" : "did you mean `" + std::string(near) + "`?");
        }
        return run;
    }
    return run_prepared(repo, std::move(run), options);
}

Result<StageRun> run_prepared(const Repository& repo, StageRun run, const SessionOptions& options) {
    const Cache cache(repo.shared_dir() + "/cache");
    Fixes fixes(repo, options.fix, cache, options.run);
    auto occasion = options.occasion;
    Duration before{0};
    while (true) {  // until nothing is left that a fix has not been tried on
        auto& ready = *run.prepared;
        auto wanted = options.plan;
        std::string scope;
        if (options.attesting != nullptr) scope = TRY(widen(repo, ready, *options.attesting, wanted));
        run.plan = TRY(make_plan(repo, *ready.stage, ready.target, cache, wanted));
        run.plan.scope = std::move(scope);
        run.whole = options.attesting != nullptr;
        fixes.put_first(run.plan);
        Display display(repo, ready.target, Face::of(options.fd), options.fd, occasion);
        auto report = run_with_baseline(repo, run, cache, display, options);
        if (!report) {
            display.clear();
            return fail(std::move(report.error()));
        }
        run.report = std::move(*report);
        before = run.report.took += before;
        if (!fixes.wanted(run)) {
            display.clear();
            TRY(fixes.finish(run, options.fd));
            display.settle(run.plan, run.report);
            return run;
        }
        auto next = fixes.mend(run, display);
        display.clear();
        if (!next) return fail(std::move(next.error()));
        run.prepared = TRY(prepare_stage(repo, std::move(*next)));
        if (run.prepared->stage == nullptr)
            return fail(ErrorKind::Invalid, "a fix has taken the stage out of " + std::string(kConfigFile),
                        "nothing was changed");
        occasion.continued = true;
    }
}

int exit_code_of(const RunReport& report) {
    if (report.cancelled) return exit_code(ErrorKind::Cancelled);
    return report.passed() ? 0 : exit_code(ErrorKind::Failed);
}

}  // namespace tidegate::hooks
