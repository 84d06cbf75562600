// migrate
// Intent: the schema is what the new release needs. Forward: `up` of the new release. To an older release: `down` of
// the one being left, which alone knows how, unless its manifest calls the schema compatible.
// Side effects: the app's database, through its own command.
// Why it can be repeated: a migration command must do nothing where nothing is to be done; that is every
// migrator's rule, and docs/reconciler.md asks for it.
// A crash in it means: the schema may be half way. Recovery ends a migration that still runs, then takes it back.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_migrate(PhaseContext& context) {
    const auto& row = context.row;
    if (row.from_release == row.to_release) return "not needed: the same release";
    const int cancel_fd = context.interrupt.hard_fd();  // never cut short but by the daemon's own end
    if (!row.back) {
        if (!context.ports.migration(Side::To).up) return "nothing to migrate";
        return context.ports.migrate(Side::To, Way::Up, cancel_fd);
    }
    const auto left = context.ports.migration(Side::From);
    if (left.compatible) return "not needed: the schema is compatible";
    if (!left.down) return "the release being left has no way down";
    return context.ports.migrate(Side::From, Way::Down, cancel_fd);
}

}  // namespace tidegate::reconciler
