#include "hooks/engine.hpp"

#include "hooks/tree_config.hpp"

namespace tidegate::hooks {

using namespace shared;

Result<std::unique_ptr<Prepared>> prepare_stage(const Repository& repo, Target target) {
    auto prepared = std::make_unique<Prepared>();
    prepared->target = std::move(target);
    prepared->config = TRY(tree_config(repo, prepared->target));
    prepared->stage = prepared->config.stage(prepared->target.stage);
    return prepared;
}

Result<StageRun> run_stage(const Repository& repo, Target target, const PlanOptions& plan_options,
                           Watcher& watcher, const RunOptions& run_options) {
    StageRun result;
    result.prepared = TRY(prepare_stage(repo, std::move(target)));
    if (result.prepared->stage == nullptr) return result;
    const Cache cache(repo.shared_dir() + "/cache");
    result.plan = TRY(make_plan(repo, *result.prepared->stage, result.prepared->target, cache, plan_options));
    result.report = TRY(run_plan(repo, result.plan, result.prepared->target, cache, watcher, run_options));
    return result;
}

}  // namespace tidegate::hooks
