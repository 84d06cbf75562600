// stage
// Intent: the release's files lie in releases/<id>.
// Side effects: releases/.<id>.partial, then releases/<id>.
// Why it can be repeated: it begins by removing what an unfinished attempt left; a complete release is left alone.
// A crash in it means: a partial folder, or a release that is not marked complete; recovery removes both.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_stage(PhaseContext& context) {
    if (context.ports.complete()) return "the release is there already";
    return context.ports.stage(context.interrupt.soft_fd());
}

}  // namespace tidegate::reconciler
