// One stage on one target with a face: what the hook and `tidegate run` have in common.
#pragma once

#include "hooks/attest.hpp"
#include "hooks/display.hpp"
#include "hooks/engine.hpp"
#include "hooks/fix.hpp"
#include "hooks/proof.hpp"

namespace tidegate::hooks {

struct SessionOptions {
    PlanOptions plan;
    RunOptions run;
    Occasion occasion;
    FixMode fix = FixMode::Off;
    int fd = 2;  // where the face is shown
    bool first_of =
        true;  // false: another hook of the same act has told already that there is nothing to gate
    // Set where the run is to be attested: it then judges the whole tree, or stands on a proof of what it changes.
    Proofs* attesting = nullptr;
};

// Prepares, plans, runs, fixes where that is asked for (then the target is the index's), and shows. A tree without
// the stage has nothing to run: its StageRun has no stage, and one line says so. A tree without .tidegate.yaml is the same, except where the working tree has one that was
// only forgotten to be added (NotFound, with the mend).
[[nodiscard]] Result<StageRun> run_session(const Repository& repo, Target target,
                                           const SessionOptions& options);

// The same for a stage that is ready: plans, runs and shows. `run` holds what was prepared, its stage included.
[[nodiscard]] Result<StageRun> run_prepared(const Repository& repo, StageRun run,
                                            const SessionOptions& options);

// 0 passed, 1 not, 130 interrupted.
[[nodiscard]] int exit_code_of(const RunReport& report);

}  // namespace tidegate::hooks
