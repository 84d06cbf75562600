// HostPorts: migrations by command and by files of SQL, and the backup around them.
// The journal's word `applying` decides what a crash means: before it nothing was changed, and nothing is taken back.
#include "reconciler/backups.hpp"
#include "reconciler/host_ports.hpp"
#include "shared/base/text.hpp"

#include <set>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

bool HostPorts::is_forward(Side side, Way way) const {
    return row_.back ? side == Side::From && way == Way::Down : side == Side::To && way == Way::Up;
}

// One word that no other deployment has, also where a journal was lost.
std::string HostPorts::author() const {
    return host_.config.name + "/" + std::to_string(row_.id) + "/" +
           std::to_string(row_.started.time_since_epoch().count());
}

bool HostPorts::may_go_for_good() const {
    const auto app = host_.journal.app(row_.app);
    return app && app->irreversible == row_.digest;
}

Result<std::optional<std::string>> HostPorts::noted(std::string_view what) const {
    std::optional<std::string> found;
    for (const auto& phase : TRY(host_.journal.phases(row_.id)))
        if (phase.state == State::Migrate && phase.what == what) found = phase.detail;
    return found;
}

Result<void> HostPorts::note(std::string_view what, const std::string& detail) const {
    return host_.journal.note(row_.id, State::Migrate, what, detail, host_.clock.now());
}

Migration HostPorts::migration(Side side) {
    if (side == Side::From && !from_) return {};
    const auto& of = spec(side);
    return {of.migrates(), of.down || of.sql, of.compatible, of.restore.has_value()};
}

Result<std::string> HostPorts::migrate(Side side, Way way, int cancel_fd) {
    const auto& of = spec(side);
    const bool forward = is_forward(side, way);
    if (!forward && (of.sql || of.backup) && !TRY(noted(kApplying))) {
        TRY(remove_backup(root_, backup_name(row_.id, row_.started)));  // one that did not come to its end
        return std::string("nothing was changed");
    }
    auto how = options(way == Way::Up ? "migrate.up" : "migrate.down", of.migrate_timeout, cancel_fd);
    if (of.sql) return migrate_sql(side, way, std::move(how));
    const auto& script = way == Way::Up ? of.up : of.down;
    if (!script) return std::string("nothing to do");
    const auto where = TRY(site(side));
    if (forward && of.backup) {
        TRY(back_up(side, cancel_fd));
        TRY(note(kApplying, ""));
    }
    const auto exit = TRY(run_journalled(*script, where, std::move(how)));
    const auto lines = lines_of(exit.out);
    return lines.empty() ? std::string() : escape_foreign(lines.back());
}

Result<SqlMigrator> HostPorts::sql_migrator(Side side, const Fd& folder, RunOptions how) {
    return SqlMigrator::make(
        {*spec(side).sql, TRY(site(side)), folder.get(), root_.path() + "/shared", author(), std::move(how),
         log_,
         [this](const Script& script, const CommandSite& where, const RunOptions& options,
                DeploymentLog& log) { return run_journalled(script, where, options, log); }});
}

// What this deployment applied goes when it is undone: neither more, where another host shares the database, nor less. A
// rollback takes back all that the older release does not hold.
Result<SqlMigrator::Work> HostPorts::sql_work(SqlMigrator& migrator, Side side, Way way) {
    if (way == Way::Up) return migrator.up();
    if (!is_forward(side, way))
        return migrator.down([mine = author()](const LedgerRow& row) { return row.deployment == mine; });
    std::set<std::int64_t> held;
    if (to_.sql) {
        const auto id = TRY(release(Side::To));
        const auto older = TRY(root_.open_release(id));
        for (const auto& file : TRY(read_sql_folder(older.get(), to_.sql->folder))) held.insert(file.version);
    }
    return migrator.down([held](const LedgerRow& row) { return held.count(row.version) == 0; });
}

Result<std::string> HostPorts::migrate_sql(Side side, Way way, RunOptions how) {
    const auto& of = spec(side);
    const bool forward = is_forward(side, way);
    const auto id = TRY(release(side));
    const auto folder = TRY(root_.open_release(id));
    const int cancel_fd = how.cancel_fd;
    auto migrator = TRY(sql_migrator(side, folder, std::move(how)));
    const auto work = TRY(sql_work(migrator, side, way));
    for (const auto& note : work.plan.notes) log_.note("── " + note);
    const auto more = work.plan.notes.empty() ? "" : "; " + join(work.plan.notes, "; ");
    if (work.plan.steps.empty())
        return "nothing to migrate: the ledger has " + std::to_string(work.ledger.rows.size()) + more;
    const auto& without = work.plan.without_down;
    const bool one_way = !without.empty() && !of.compatible && (way == Way::Down || !of.restore);
    if (one_way && forward && way == Way::Down && may_go_for_good())
        return "the release being left has no way down: there is no " + join(without, ", no ");
    const auto missing = "no way down: there is no " + join(without, ", no ");
    if (one_way && forward && !may_go_for_good()) {
        TRY(note(kOneWay, missing));
        return fail(
            ErrorKind::Denied, missing,
            "add it, or say `compatible: true`; without a way back it goes on with: tidegatectl retry " +
                row_.app + " --irreversible");
    }
    if (one_way && way == Way::Down)
        return fail(ErrorKind::Failed, missing,
                    "bring the database to what the former release needs by hand");
    if (forward) {
        if (of.backup) TRY(back_up(side, cancel_fd));
        TRY(note(kApplying, names_of(work.plan.steps)));
    }
    TRY(migrator.apply(work));
    return (way == Way::Up ? "applied " : "took back ") + names_of(work.plan.steps) + more;
}

Result<void> HostPorts::back_up(Side side, int cancel_fd) {
    const auto& of = spec(side);
    const auto name = backup_name(row_.id, row_.started);
    auto where = TRY(site(side));
    where.env["TIDEGATE_BACKUP"] = TRY(make_backup_folder(root_, name));
    where.sandbox.writable.push_back(where.env["TIDEGATE_BACKUP"]);
    const auto made =
        run_journalled(*of.backup, where, options("migrate.backup", of.migrate_timeout, cancel_fd));
    if (!made) {
        if (auto gone = remove_backup(root_, name); !gone)
            host_.log.warning("an unfinished backup is left", gone.error());
        return fail(made.error());
    }
    TRY(keep_backup(root_, name));
    TRY(note(kBackedUp, name));
    if (auto done = forget_backups(root_, static_cast<size_t>(std::max(of.keep, 1))); !done)
        host_.log.warning("old backups are left", done.error());
    return {};
}

Result<std::string> HostPorts::restore(Side side, int cancel_fd) {
    const auto& of = spec(side);
    if (!TRY(noted(kApplying))) return std::string("nothing was changed");
    const auto name = TRY(noted(kBackedUp));
    if (!name || !of.restore) return fail(ErrorKind::Failed, "this deployment made no backup");
    auto where = TRY(site(side));
    where.env["TIDEGATE_BACKUP"] = root_.path() + "/backups/" + *name;
    TRY(run_journalled(*of.restore, where, options("migrate.restore", of.migrate_timeout, cancel_fd)));
    if (of.sql && side == Side::To) {
        const auto id = TRY(release(side));
        const auto folder = TRY(root_.open_release(id));
        auto migrator =
            TRY(sql_migrator(side, folder, options("migrate.restore", of.migrate_timeout, cancel_fd)));
        const auto ledger = TRY(migrator.look());
        for (const auto& row : ledger.rows)
            if (row.deployment == author())
                return fail(ErrorKind::Failed, "the backup was brought back, and the database still has " +
                                                   escape_foreign(row.name));
    }
    return "brought the backup " + *name + " back";
}

}  // namespace tidegate::reconciler
