// verify
// Intent: everything the host's policy and the manifest ask for is proven: attestations of the very tree, approvals.
// Side effects: none.
// Why it can be repeated: it reads. It is asked for a release that is there already, too: who may be trusted
// can have changed.
// A crash in it means: nothing.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_verify(PhaseContext& context) {
    return context.ports.verify(context.interrupt.soft_fd());
}

}  // namespace tidegate::reconciler
