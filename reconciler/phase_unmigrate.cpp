// unmigrate, and the revert's first step revert-migration
// Intent: the schema is again what the former release needs.
// Side effects: the app's database, through the command of the release that moved it, or its backup brought back.
// Why it can be repeated: as `migrate`.
// A crash in it means: it is done again.
#include "reconciler/phases.hpp"

namespace tidegate::reconciler {

namespace {

// Another's lock and a database that is away pass by themselves: they are no reason to bring a backup back.
bool is_final(const Error& error) {
    return error.kind != ErrorKind::Cancelled && error.kind != ErrorKind::Transient &&
           error.kind != ErrorKind::Locked && error.kind != ErrorKind::NoSpace;
}

// By migrations where there is a way, else, or where it fails, by the backup.
PhaseResult take_back(Ports& ports, Side side, Way way, const Migration& how, int cancel_fd) {
    PhaseResult taken =
        way == Way::Down && !how.down
            ? fail(ErrorKind::Failed, "the migration cannot be taken back: the manifest has no `down`")
            : ports.migrate(side, way, cancel_fd);
    if (taken || !how.restore || !is_final(taken.error())) return taken;
    const auto restored = ports.restore(side, cancel_fd);
    if (!restored)
        return fail(Error(restored.error()).during("bringing the backup back, for " + taken.error().line()));
    return *restored + " (for " + taken.error().line() + ")";
}

}  // namespace

PhaseResult phase_unmigrate(PhaseContext& context) {
    const auto& row = context.row;
    if (!context.migration_began) return "not needed: no migration was begun";
    if (row.from_release == row.to_release) return "not needed: the same release";
    const int cancel_fd = context.interrupt.hard_fd();
    if (row.back) {  // we took the left release's migrations back; it makes them again
        const auto left = context.ports.migration(Side::From);
        if (left.compatible || !left.down || !left.up) return "nothing to migrate";
        return take_back(context.ports, Side::From, Way::Up, left, cancel_fd);
    }
    const auto made = context.ports.migration(Side::To);
    if (!made.up) return "nothing to take back";
    if (made.compatible) return "not needed: the schema is compatible";
    return take_back(context.ports, Side::To, Way::Down, made, cancel_fd);
}

}  // namespace tidegate::reconciler
