// The whole of a stage for one target: configuration out of the tree, plan, run. What the programs call.
#pragma once

#include "hooks/run.hpp"

namespace tidegate::hooks {

// A stage ready to be planned and run. Kept together because a plan points into its configuration.
struct Prepared {
    Config config;
    Target target;
    const Stage* stage = nullptr;  // nullptr: the tree has no such stage; nothing to do
};
// Reads the configuration out of the target's tree. NotFound (with a hint) where it has none.
[[nodiscard]] Result<std::unique_ptr<Prepared>> prepare_stage(const Repository& repo, Target target);

struct StageRun {
    std::unique_ptr<Prepared> prepared;
    Plan plan;
    RunReport report;
    std::vector<std::string> fixed;  // paths whose fix is in the index and the working tree now
    bool whole = false;              // it speaks of the whole tree, and may be attested
};
[[nodiscard]] Result<StageRun> run_stage(const Repository& repo, Target target,
                                         const PlanOptions& plan_options, Watcher& watcher,
                                         const RunOptions& run_options);

}  // namespace tidegate::hooks
