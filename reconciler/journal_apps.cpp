// What is remembered of an app between deployments.
#include "reconciler/journal.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

WallTime to_time(std::int64_t ms) {
    return WallTime(Duration(ms));
}
std::int64_t to_ms(WallTime time) {
    return time.time_since_epoch().count();
}

std::optional<std::string> maybe_text(const Row& row, int column) {
    if (row.null(column)) return std::nullopt;
    return row.text(column);
}

}  // namespace

Result<AppRow> Journal::app(const std::string& app) {
    const std::lock_guard lock(mutex_);
    AppRow out;
    out.running = TRY(database_.first(
        "SELECT root, release, commit_id, label, manifest, digest, revision, since FROM running WHERE app=?",
        [](const Row& row) {
            return RunningRow{row.text(0), row.text(1), row.text(2), row.text(3),
                              row.text(4), row.text(5), row.text(6), to_time(row.integer(7))};
        },
        app));
    out.hold = TRY(database_.first(
        "SELECT digest, refused, deployment, reason, at, revision FROM holds WHERE app=?",
        [](const Row& row) {
            return HoldRow{row.text(0),
                           row.integer(1) != 0,
                           row.integer(2),
                           row.text(3),
                           to_time(row.integer(4)),
                           row.text(5),
                           row.integer(1) == kOneWayHold};
        },
        app));
    out.delay = TRY(database_.first(
        "SELECT digest, failures, interruptions, until, reason FROM delays WHERE app=?",
        [](const Row& row) {
            return DelayRow{row.text(0), static_cast<int>(row.integer(1)), static_cast<int>(row.integer(2)),
                            to_time(row.integer(3)), row.text(4)};
        },
        app));
    TRY(database_.each(
        "SELECT broken, irreversible, let_go FROM apps WHERE app=?",
        [&](const Row& row) {
            out.broken = maybe_text(row, 0);
            out.irreversible = maybe_text(row, 1);
            out.let_go = maybe_text(row, 2);
        },
        app));
    out.paused = TRY(pause_of(app));
    return out;
}

Result<std::vector<std::string>> Journal::apps() {
    const std::lock_guard lock(mutex_);
    return database_.all(
        "SELECT app FROM running UNION SELECT app FROM deployments UNION SELECT app FROM apps "
        "UNION SELECT app FROM pauses WHERE app<>'' ORDER BY 1",
        [](const Row& row) { return row.text(0); });
}

Result<std::vector<GoodRelease>> Journal::good_releases(const std::string& app) {
    const std::lock_guard lock(mutex_);
    return database_.all(
        "SELECT release, commit_id, label, first, last FROM good WHERE app=? ORDER BY last DESC",
        [](const Row& row) {
            return GoodRelease{row.text(0), row.text(1), row.text(2), row.integer(3), row.integer(4)};
        },
        app);
}

Result<std::optional<std::int64_t>> Journal::first_deployed(const std::string& app,
                                                            const std::string& commit) {
    const std::lock_guard lock(mutex_);
    const auto found = TRY(database_.first(
        "SELECT min(x) FROM (SELECT min(id) AS x FROM deployments WHERE app=?1 AND to_commit=?2 AND "
        "outcome='deployed' UNION ALL SELECT min(first) FROM good WHERE app=?1 AND commit_id=?2)",
        [](const Row& row) -> std::optional<std::int64_t> {
            if (row.null(0)) return std::nullopt;
            return row.integer(0);
        },
        app, commit));
    return found ? *found : std::nullopt;
}

Result<void> Journal::put_running(const std::string& app, const RunningRow& running,
                                  std::int64_t deployment) {
    TRY(database_.run("INSERT OR REPLACE INTO running VALUES(?,?,?,?,?,?,?,?,?)", app, running.root,
                      running.release, running.commit, running.label, running.manifest, running.digest,
                      running.revision, to_ms(running.since)));
    return database_.run(
        "INSERT INTO good VALUES(?1,?2,?3,?4,?5,?5)"
        "ON CONFLICT(app, release) DO UPDATE SET last=max(last, ?5), commit_id=?3, label=?4",
        app, running.release, running.commit, running.label, deployment);
}

Result<void> Journal::adopt(const std::string& app, const RunningRow& running) {
    const std::lock_guard lock(mutex_);
    return database_.transaction([&]() -> Result<void> {
        const auto last = TRY(database_.first(
            "SELECT coalesce(max(id), 0) FROM deployments WHERE app=?",
            [](const Row& row) { return row.integer(0); }, app));
        return put_running(app, running, last.value_or(0));
    });
}

Result<void> Journal::take_over(const DeploymentRow& row, const RunningRow& running,
                                const std::vector<AdoptedRelease>& releases) {
    const std::lock_guard lock(mutex_);
    return database_.transaction([&]() -> Result<void> {
        const auto known = TRY(database_.first(
            "SELECT (SELECT count(*) FROM running WHERE app=?1) + "
            "(SELECT count(*) FROM deployments WHERE app=?1 AND ended IS NULL)",
            [](const Row& found) { return found.integer(0); }, row.app));
        if (known.value_or(0) != 0)
            return fail(ErrorKind::Locked, row.app + " was deployed meanwhile",
                        "tidegatectl status " + row.app);
        TRY(
            database_.run("INSERT INTO deployments(app, root, from_release, from_commit, from_label, "
                          "from_manifest, to_release, "
                          "to_commit, to_label, to_manifest, digest, revision, signer, back, from_good, "
                          "started, ended, outcome, "
                          "reason) VALUES(?1,?2,'','','','',?3,?4,?5,?6,?7,?8,?9,0,0,?10,?10,?11,?12)",
                          row.app, row.root, row.to_release, row.to_commit, row.to_label, row.to_manifest,
                          row.digest, row.revision, row.signer, to_ms(row.started), row.outcome, row.reason));
        TRY(put_running(row.app, running, database_.last_id()));
        TRY(database_.run("DELETE FROM holds WHERE app=?", row.app));
        TRY(database_.run("DELETE FROM delays WHERE app=?", row.app));
        for (const auto& release : releases)
            TRY(database_.run("INSERT OR REPLACE INTO adopted VALUES(?,?,?,?)", row.app, release.release,
                              release.stands_for, static_cast<int>(release.removable)));
        return {};
    });
}

Result<std::vector<AdoptedRelease>> Journal::adopted(const std::string& app) {
    const std::lock_guard lock(mutex_);
    return database_.all(
        "SELECT release, stands_for, removable FROM adopted WHERE app=? ORDER BY release",
        [](const Row& row) {
            return AdoptedRelease{row.text(0), row.text(1), row.integer(2) != 0};
        },
        app);
}

Result<void> Journal::put_app_text(const char* column, const std::string& app,
                                   const std::optional<std::string>& value) {
    const auto name = std::string(column);  // one of our own three, never from outside
    return database_.run(
        "INSERT INTO apps(app, " + name + ") VALUES(?1, ?2) ON CONFLICT(app) DO UPDATE SET " + name + "=?2",
        app, value);
}

Result<std::optional<PauseRow>> Journal::pause_of(const std::string& app) {
    return database_.first(
        "SELECT reason, who, since, until, app='' FROM pauses WHERE ended IS NULL AND app IN ('', ?) "
        "ORDER BY until IS NOT NULL, until DESC, app DESC LIMIT 1",
        [](const Row& row) {
            PauseRow pause{row.text(0), row.text(1), to_time(row.integer(2)), std::nullopt,
                           row.integer(4) != 0};
            if (!row.null(3)) pause.until = to_time(row.integer(3));
            return pause;
        },
        app);
}

Result<std::optional<PauseRow>> Journal::host_pause() {
    const std::lock_guard lock(mutex_);
    return pause_of("");
}

Result<void> Journal::pause(const std::string& app, const PauseRow& pause) {
    std::optional<std::int64_t> until;
    if (pause.until) until = to_ms(*pause.until);
    const std::lock_guard lock(mutex_);
    return database_.transaction([&]() -> Result<void> {
        TRY(database_.run("UPDATE pauses SET ended=? WHERE app=? AND ended IS NULL", to_ms(pause.since),
                          app));
        return database_.run("INSERT INTO pauses(app, reason, who, since, until) VALUES(?,?,?,?,?)", app,
                             pause.reason, pause.who, to_ms(pause.since), until);
    });
}

Result<void> Journal::resume(const std::string& app, WallTime now) {
    const std::lock_guard lock(mutex_);
    return database_.run("UPDATE pauses SET ended=? WHERE app=? AND ended IS NULL", to_ms(now), app);
}

// The last deployment, if undoing it failed, goes on with the step that failed.
Result<void> Journal::reopen_broken(const std::string& app, WallTime now) {
    TRY(
        database_.run("INSERT INTO phases SELECT deployment, state, ?2, ?3, '' FROM phases WHERE "
                      "rowid=(SELECT max(p.rowid) "
                      "FROM phases p JOIN apps a ON a.app=?1 AND a.broken IS NOT NULL JOIN deployments d ON "
                      "d.id=p.deployment "
                      "WHERE d.id=(SELECT max(id) FROM deployments WHERE app=?1) AND d.outcome='broken')",
                      app, kTriedAgain, to_ms(now)));
    return database_.run(
        "UPDATE deployments SET ended=NULL, outcome='', restarts=0 WHERE outcome='broken' AND "
        "id=(SELECT max(id) FROM deployments WHERE app=?1) AND "
        "EXISTS (SELECT 1 FROM apps WHERE app=?1 AND broken IS NOT NULL)",
        app);
}

Result<void> Journal::retry(const std::string& app, WallTime now,
                            const std::optional<std::string>& irreversible,
                            const std::optional<std::string>& let_go) {
    const std::lock_guard lock(mutex_);
    return database_.transaction([&]() -> Result<void> {
        TRY(reopen_broken(app, now));
        TRY(database_.run("DELETE FROM holds WHERE app=?", app));
        TRY(database_.run("DELETE FROM delays WHERE app=?", app));
        TRY(put_app_text("broken", app, std::nullopt));
        if (let_go) TRY(put_app_text("let_go", app, let_go));
        if (irreversible) TRY(put_app_text("irreversible", app, irreversible));
        return {};
    });
}

Result<void> Journal::set_delay(const std::string& app, const DelayRow& delay) {
    const std::lock_guard lock(mutex_);
    return database_.run("INSERT OR REPLACE INTO delays VALUES(?,?,?,?,?,?)", app, delay.digest,
                         delay.failures, delay.interruptions, to_ms(delay.until), delay.reason);
}

Result<void> Journal::clear_delay(const std::string& app) {
    const std::lock_guard lock(mutex_);
    return database_.run("DELETE FROM delays WHERE app=?", app);
}

Result<void> Journal::forget_release(const std::string& app, const std::string& release) {
    const std::lock_guard lock(mutex_);
    TRY(database_.run("DELETE FROM adopted WHERE app=? AND release=?", app, release));
    return database_.run("DELETE FROM good WHERE app=? AND release=?", app, release);
}

}  // namespace tidegate::reconciler
