// build
// Intent: the manifest's build steps have run in the release; it is on disk and marked complete.
// Side effects: files in releases/<id>, and whatever the app's own build does elsewhere.
// Why it can be repeated: only in a freshly staged release; an unfinished one is staged again.
// A crash in it means: a release that is not marked complete; recovery removes it.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_build(PhaseContext& context) {
    if (context.ports.complete()) return "built already";
    return context.ports.build(context.interrupt.soft_fd());
}

}  // namespace tidegate::reconciler
