// activate, and the revert's revert-activate
// Intent: the app's processes run from the release behind `current`.
// Side effects: units restarted or reloaded, the manifest's commands.
// Why it can be repeated: restarting twice is restarting.
// A crash in it means: processes of either release may run; it is done again.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_activate(PhaseContext& context) {
    return context.ports.activate(Side::To, context.interrupt.hard_fd());
}

PhaseResult phase_revert_activate(PhaseContext& context) {
    return context.ports.activate(Side::From, context.interrupt.hard_fd());
}

}  // namespace tidegate::reconciler
