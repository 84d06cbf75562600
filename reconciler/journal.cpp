// Opening, deployments and their phases. What is kept for an app is in journal_apps.cpp; the accepted
// revision, time and children in journal_host.cpp.
#include "reconciler/journal.hpp"

#include "reconciler/journal_schema.hpp"
#include "shared/base/files.hpp"

#include <cstdio>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::string_view kDeploymentColumns =
    "id, app, root, from_release, from_commit, from_label, from_manifest, to_release, to_commit, to_label,"
    "to_manifest, digest, revision, signer, back, from_good, started, ended, outcome, reason, verdict, "
    "restarts, attempt";

WallTime to_time(std::int64_t ms) {
    return WallTime(Duration(ms));
}
std::int64_t to_ms(WallTime time) {
    return time.time_since_epoch().count();
}

DeploymentRow read_deployment(const Row& row) {
    DeploymentRow out;
    int column = 0;
    const auto text = [&] { return row.text(column++); };
    out.id = row.integer(column++);
    for (std::string* field : {&out.app, &out.root, &out.from_release, &out.from_commit, &out.from_label,
                               &out.from_manifest, &out.to_release, &out.to_commit, &out.to_label,
                               &out.to_manifest, &out.digest, &out.revision, &out.signer})
        *field = text();
    out.back = row.integer(column++) != 0;
    out.from_good = row.integer(column++) != 0;
    out.started = to_time(row.integer(column++));
    if (!row.null(column)) out.ended = to_time(row.integer(column));
    ++column;
    out.outcome = text();
    out.reason = text();
    out.verdict = verdict_named(text()).value_or(Verdict::None);
    out.restarts = static_cast<int>(row.integer(column++));
    out.attempt = static_cast<int>(row.integer(column++));
    return out;
}

std::string select_deployment(std::string_view rest) {
    return "SELECT " + std::string(kDeploymentColumns) + " FROM deployments " + std::string(rest);
}

// state.db and its -wal and -shm get out of the way, to be looked at by a person.
Result<void> set_aside(const std::string& path, WallTime now) {
    const auto suffix = ".broken-" + std::to_string(to_ms(now));
    for (const char* part : {"", "-wal", "-shm"}) {
        const auto from = path + part;
        if (exists(from) && std::rename(from.c_str(), (path + suffix + part).c_str()) != 0)
            return fail_errno(from);
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::string& state_folder, WallTime now) {
    const auto path = state_folder + "/state.db";
    bool rebuilt = false;
    auto database = open_journal_database(path);
    if (!database && database.error().kind == ErrorKind::Broken) {
        TRY(set_aside(path, now));
        rebuilt = true;
        database = open_journal_database(path);
    }
    if (!database) return fail(std::move(database).error().during("opening the journal"));
    return std::unique_ptr<Journal>(new Journal(std::move(*database), state_folder, rebuilt));
}

Result<std::int64_t> Journal::begin(const DeploymentRow& row) {
    const std::lock_guard lock(mutex_);
    std::int64_t id = 0;
    const auto written = database_.transaction([&]() -> Result<void> {
        // One row for one manifest that waits, however often it is tried: it counts the attempts.
        const auto before = TRY(database_.first(
            "SELECT id, attempt FROM deployments WHERE app=?1 AND digest=?2 AND outcome IN"
            "('postponed', 'refused') AND id=(SELECT max(id) FROM deployments WHERE app=?1)",
            [](const Row& found) { return std::pair(found.integer(0), found.integer(1)); }, row.app,
            row.digest));
        if (before) TRY(database_.run("DELETE FROM deployments WHERE id=?", before->first));
        TRY(database_.run(
            "INSERT INTO deployments(app, root, from_release, from_commit, from_label, from_manifest,"
            "to_release, to_commit, to_label, to_manifest, digest, revision, signer, back, from_good, "
            "started, attempt)"
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            row.app, row.root, row.from_release, row.from_commit, row.from_label, row.from_manifest,
            row.to_release, row.to_commit, row.to_label, row.to_manifest, row.digest, row.revision,
            row.signer, static_cast<int>(row.back), static_cast<int>(row.from_good), to_ms(row.started),
            before ? before->second + 1 : 1));
        id = database_.last_id();
        return {};
    });
    if (!written) return fail(written.error());
    return id;
}

Result<void> Journal::end(const DeploymentRow& row, const End& end, WallTime now) {
    const std::lock_guard lock(mutex_);
    return database_.transaction([&]() -> Result<void> {
        TRY(database_.run("UPDATE deployments SET ended=?, outcome=?, reason=? WHERE id=?", to_ms(now),
                          end.outcome, end.reason, row.id));
        TRY(database_.run("DELETE FROM children WHERE deployment=?", row.id));
        TRY(database_.run("DELETE FROM holds WHERE app=?", row.app));
        TRY(database_.run("DELETE FROM delays WHERE app=?", row.app));
        if (end.forget_running) TRY(database_.run("DELETE FROM running WHERE app=?", row.app));
        if (end.running) TRY(put_running(row.app, *end.running, row.id));
        if (end.hold)
            TRY(database_.run("INSERT INTO holds VALUES(?,?,?,?,?,?,?)", row.app, end.hold->digest,
                              end.hold->one_way ? kOneWayHold : static_cast<int>(end.hold->refused), row.id,
                              end.hold->reason, to_ms(now), row.revision));
        if (end.delay)
            TRY(database_.run("INSERT INTO delays VALUES(?,?,?,?,?,?)", row.app, end.delay->digest,
                              end.delay->failures, end.delay->interruptions, to_ms(end.delay->until),
                              end.delay->reason));
        if (end.broken) TRY(put_app_text("broken", row.app, end.broken));
        return {};
    });
}

Result<void> Journal::set_verdict(std::int64_t deployment, Verdict verdict, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    return database_.run("UPDATE deployments SET verdict=?, reason=? WHERE id=?", name_of(verdict), reason,
                         deployment);
}

Result<int> Journal::count_restart(std::int64_t deployment) {
    const std::lock_guard lock(mutex_);
    TRY(database_.run("UPDATE deployments SET restarts = restarts + 1 WHERE id=?", deployment));
    const auto count = TRY(database_.first(
        "SELECT restarts FROM deployments WHERE id=?", [](const Row& row) { return row.integer(0); },
        deployment));
    return static_cast<int>(count.value_or(0));
}

Result<void> Journal::note(std::int64_t deployment, State state, std::string_view what,
                           const std::string& detail, WallTime now) {
    const std::lock_guard lock(mutex_);
    return database_.run("INSERT INTO phases VALUES(?,?,?,?,?)", deployment, name_of(state), what, to_ms(now),
                         detail);
}

Result<std::optional<DeploymentRow>> Journal::deployment(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    return database_.first(select_deployment("WHERE id=?"), read_deployment, id);
}

Result<std::optional<DeploymentRow>> Journal::unfinished(const std::string& app) {
    const std::lock_guard lock(mutex_);
    return database_.first(select_deployment("WHERE app=? AND ended IS NULL ORDER BY id DESC LIMIT 1"),
                           read_deployment, app);
}

Result<std::optional<DeploymentRow>> Journal::last(const std::string& app) {
    const std::lock_guard lock(mutex_);
    return database_.first(select_deployment("WHERE app=? ORDER BY id DESC LIMIT 1"), read_deployment, app);
}

Result<std::vector<DeploymentRow>> Journal::history(const std::string& app, int limit) {
    const std::lock_guard lock(mutex_);
    return database_.all(select_deployment("WHERE ?1='' OR app=?1 ORDER BY id DESC LIMIT ?2"),
                         read_deployment, app, limit);
}

Result<std::vector<PhaseRow>> Journal::phases(std::int64_t deployment) {
    const std::lock_guard lock(mutex_);
    return database_.all(
        "SELECT state, what, at, detail FROM phases WHERE deployment=? ORDER BY rowid",
        [](const Row& row) {
            return PhaseRow{state_named(row.text(0)).value_or(State::Fetch), row.text(1),
                            to_time(row.integer(2)), row.text(3)};
        },
        deployment);
}

}  // namespace tidegate::reconciler
