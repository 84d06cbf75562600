// The phases of a deployment, one function each, one file each. They do; what follows from how they end is the
// transition table's.
#pragma once

#include "reconciler/interrupt.hpp"
#include "reconciler/journal.hpp"
#include "reconciler/ports.hpp"

#include <functional>
#include <string>

namespace tidegate::reconciler {

// What every phase gets. All is borrowed.
struct PhaseContext {
    const DeploymentRow& row;
    Ports& ports;
    Journal& journal;
    Interrupt& interrupt;
    Verdict verdict = Verdict::None;  // why it is being undone
    bool migration_began = false;     // some journal entry of this deployment says so
};

// What a person wants to know of it; an empty text: nothing.
using PhaseResult = Result<std::string>;

PhaseResult phase_fetch(PhaseContext& context);
PhaseResult phase_verify(PhaseContext& context);
PhaseResult phase_stage(PhaseContext& context);
PhaseResult phase_build(PhaseContext& context);
PhaseResult phase_migrate(PhaseContext& context);
PhaseResult phase_switch(PhaseContext& context);
PhaseResult phase_activate(PhaseContext& context);
PhaseResult phase_health(PhaseContext& context);
PhaseResult phase_soak(PhaseContext& context);
PhaseResult phase_prune(PhaseContext& context);
PhaseResult phase_discard(PhaseContext& context);
PhaseResult phase_unmigrate(PhaseContext& context);  // also the revert's first step
PhaseResult phase_revert_switch(PhaseContext& context);
PhaseResult phase_revert_activate(PhaseContext& context);
PhaseResult phase_revert_health(PhaseContext& context);

[[nodiscard]] PhaseResult run_phase(State state, PhaseContext& context);

}  // namespace tidegate::reconciler
