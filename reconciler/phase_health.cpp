// health and soak, and the revert's revert-health
// Intent: the release behind `current` answers as its manifest says; in the soak, it keeps doing so.
// Side effects: requests to the app.
// Why it can be repeated: it asks.
// A crash in it means: nothing; after a restart it goes on from activate.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_health(PhaseContext& context) {
    return context.ports.health(Side::To, context.interrupt.soft_fd());
}

PhaseResult phase_soak(PhaseContext& context) {
    return context.ports.soak(context.interrupt.soft_fd());
}

PhaseResult phase_revert_health(PhaseContext& context) {
    // The next revision is on its way; nobody waits for the old one's probes to ship the fix.
    if (context.verdict == Verdict::Supersede) return "not waited for: a newer revision follows";
    return context.ports.health(Side::From, context.interrupt.hard_fd());
}

}  // namespace tidegate::reconciler
