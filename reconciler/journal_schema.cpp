#include "reconciler/journal_schema.hpp"

#include <string>

namespace tidegate::reconciler {

namespace {

constexpr const char* kFirst = R"sql(
CREATE TABLE deployments(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL, root TEXT NOT NULL,
  from_release TEXT NOT NULL, from_commit TEXT NOT NULL, from_label TEXT NOT NULL, from_manifest TEXT NOT NULL,
  to_release TEXT NOT NULL, to_commit TEXT NOT NULL, to_label TEXT NOT NULL, to_manifest TEXT NOT NULL,
  digest TEXT NOT NULL, revision TEXT NOT NULL, signer TEXT NOT NULL,
  back INTEGER NOT NULL, from_good INTEGER NOT NULL,
  started INTEGER NOT NULL, ended INTEGER, outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  verdict TEXT NOT NULL DEFAULT 'none', restarts INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX deployments_by_app ON deployments(app, id);
CREATE TABLE phases(
  deployment INTEGER NOT NULL REFERENCES deployments(id) ON DELETE CASCADE,
  state TEXT NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX phases_by_deployment ON phases(deployment);
CREATE TABLE apps(app TEXT PRIMARY KEY, paused TEXT, broken TEXT, irreversible TEXT) STRICT;
CREATE TABLE running(
  app TEXT PRIMARY KEY, root TEXT NOT NULL, release TEXT NOT NULL, commit_id TEXT NOT NULL, label TEXT NOT NULL,
  manifest TEXT NOT NULL, digest TEXT NOT NULL, revision TEXT NOT NULL, since INTEGER NOT NULL) STRICT;
CREATE TABLE good(
  app TEXT NOT NULL, release TEXT NOT NULL, commit_id TEXT NOT NULL, label TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(app, release)) STRICT;
CREATE TABLE holds(
  app TEXT PRIMARY KEY, digest TEXT NOT NULL, refused INTEGER NOT NULL, deployment INTEGER NOT NULL,
  reason TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE delays(
  app TEXT PRIMARY KEY, digest TEXT NOT NULL, failures INTEGER NOT NULL, interruptions INTEGER NOT NULL,
  until INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE children(deployment INTEGER PRIMARY KEY, pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL) STRICT;
CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
)sql";

// Pauses of an app, or of the whole host (app ''), each kept with who and until when.
constexpr const char* kPauses = R"sql(
CREATE TABLE pauses(
  id INTEGER PRIMARY KEY AUTOINCREMENT, app TEXT NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER, ended INTEGER) STRICT;
CREATE INDEX pauses_by_app ON pauses(app, id);
INSERT INTO pauses(app, reason, who, since)
  SELECT app, paused, '', CAST(strftime('%s', 'now') AS INTEGER) * 1000 FROM apps WHERE paused IS NOT NULL;
ALTER TABLE apps DROP COLUMN paused;
)sql";

Result<void> add_column(Database& database, const std::string& table, const std::string& name,
                        const std::string& type) {
    const auto there = TRY(database.first(
        "SELECT count(*) FROM pragma_table_info(?) WHERE name=?",
        [](const Row& row) { return row.integer(0); }, table, name));
    if (there.value_or(0) > 0) return {};
    return database.script(("ALTER TABLE " + table + " ADD COLUMN " + name + " " + type).c_str());
}

Result<void> to_first(Database& database) {
    return database.script(kFirst);
}

// Version 1 was written with and without these, under one number: whatever is missing is added.
Result<void> to_second(Database& database) {
    TRY(add_column(database, "apps", "let_go", "TEXT"));
    TRY(add_column(database, "holds", "revision", "TEXT NOT NULL DEFAULT ''"));
    return add_column(database, "children", "boot", "TEXT NOT NULL DEFAULT ''");
}

Result<void> to_third(Database& database) {
    TRY(database.script(kPauses));
    return add_column(database, "deployments", "attempt", "INTEGER NOT NULL DEFAULT 1");
}

// Releases of another tool that were taken over.
constexpr const char* kAdopted = R"sql(
CREATE TABLE adopted(
  app TEXT NOT NULL, release TEXT NOT NULL, stands_for TEXT NOT NULL, removable INTEGER NOT NULL,
  PRIMARY KEY(app, release)) STRICT;
)sql";

Result<void> to_fourth(Database& database) {
    return database.script(kAdopted);
}

// Step n leads from version n to n + 1; a new file goes through all, so that each form of a table is written once.
constexpr Result<void> (*kSteps[])(Database&) = {to_first, to_second, to_third, to_fourth};
static_assert(std::size(kSteps) == kSchemaVersion);

Result<void> bring_up(Database& database, int version) {
    return database.transaction([&]() -> Result<void> {
        for (int step = version; step < kSchemaVersion; ++step) TRY(kSteps[step](database));
        return database.script(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
    });
}

}  // namespace

Result<Database> open_journal_database(const std::string& path) {
    auto database = TRY(Database::open(path));
    const auto found =
        TRY(database.first("PRAGMA user_version", [](const Row& row) { return row.integer(0); }));
    const auto version = found.value_or(0);
    if (version > kSchemaVersion)
        return fail(ErrorKind::Unsupported,
                    path + " was written by a newer tidegated (schema " + std::to_string(version) +
                        ", this one knows " + std::to_string(kSchemaVersion) + ")",
                    "install that version again; nothing was changed");
    const auto check =
        TRY(database.first("PRAGMA quick_check(1)", [](const Row& row) { return row.text(0); }));
    if (version < 0 || check.value_or("") != "ok")
        return fail(ErrorKind::Broken, path + ": " + check.value_or("damaged"));
    if (version < kSchemaVersion)
        TRY(during("bringing " + path + " from schema " + std::to_string(version) + " to " +
                       std::to_string(kSchemaVersion),
                   bring_up(database, static_cast<int>(version))));
    return database;
}

}  // namespace tidegate::reconciler
