// switch
// Intent: `current` names the new release.
// Side effects: one rename(2) of a link, brought to disk.
// Why it can be repeated: it is idempotent.
// A crash in it means: `current` names the old release or the new one, both complete; recovery looks which.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_switch(PhaseContext& context) {
    return context.ports.switch_to(Side::To);
}

PhaseResult phase_revert_switch(PhaseContext& context) {
    return context.ports.switch_to(Side::From);
}

}  // namespace tidegate::reconciler
