// discard
// Intent: nothing that is not complete is left of the release that was not switched to.
// Side effects: folders below releases/.
// Why it can be repeated: it removes what is there.
// A crash in it means: it is done again.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_discard(PhaseContext& context) {
    return context.ports.discard();
}

}  // namespace tidegate::reconciler
