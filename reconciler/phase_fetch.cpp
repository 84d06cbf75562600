// fetch
// Intent: the release's source and its attestations are in our mirror.
// Side effects: objects in STATE/sources; nothing of the app.
// Why it can be repeated: a fetch only adds; what is there already costs nothing.
// A crash in it means: an unfinished pack that the next fetch removes.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_fetch(PhaseContext& context) {
    if (context.ports.complete()) return "the release is there already";
    return context.ports.fetch(context.interrupt.soft_fd());
}

}  // namespace tidegate::reconciler
