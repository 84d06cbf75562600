// unmigrate, and the revert's first step revert-migration
// Intent: the schema is again what the former release needs.
// Side effects: the app's database, through the command of the release that moved it.
// Why it can be repeated: as `migrate`.
// A crash in it means: it is done again.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

PhaseResult phase_unmigrate(PhaseContext& context) {
    const auto& row = context.row;
    if (!context.migration_began) return "not needed: no migration was begun";
    if (row.from_release == row.to_release) return "not needed: the same release";
    const int cancel_fd = context.interrupt.hard_fd();
    if (row.back) {  // we took the left release's migrations back; it makes them again
        const auto left = context.ports.migration(Side::From);
        if (left.compatible || !left.down || !left.up) return "nothing to migrate";
        return context.ports.migrate(Side::From, Way::Up, cancel_fd);
    }
    const auto made = context.ports.migration(Side::To);
    if (!made.up) return "nothing to take back";
    if (made.compatible) return "not needed: the schema is compatible";
    if (!made.down)
        return fail(ErrorKind::Failed, "the migration cannot be taken back: the manifest has no `down`");
    return context.ports.migrate(Side::To, Way::Down, cancel_fd);
}

}  // namespace tidegate::reconciler
