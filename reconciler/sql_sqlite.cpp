// SQLite, by sqlite3 3.8 or later.
// A database is one file of one host. Each migration's own transaction takes the file's write lock, and asks first
// whether the ledger is still what was planned with; there is no lock beyond it.
#include "reconciler/sql_dialects.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

const std::string kTable = "main.tidegate_migrations";

class Sqlite final : public SqlClient {
  public:
    std::string lock(Duration wait) const override {
        return ".bail on\n.mode list\n.headers off\n.separator \"\\t\"\n.timeout " +
               std::to_string(wait.count()) +
               "\nCREATE TEMP TABLE tidegate_check (moved);\n"
               "CREATE TEMP TRIGGER tidegate_moved BEFORE INSERT ON tidegate_check WHEN new.moved BEGIN "
               "SELECT "
               "RAISE(ABORT, '" +
               std::string(kMoved) + "'); END;\n";
    }

    // Names without a schema are looked for in `main` first: where there is no table, the empty one in memory is read. The
    // transaction waits for whoever writes.
    std::string list() const override {
        return "ATTACH ':memory:' AS tidegate_none;\n"
               "CREATE TABLE tidegate_none.tidegate_migrations (version, name, checksum, state, release_id, "
               "deployment);\n"
               "BEGIN IMMEDIATE;\n"
               "SELECT 'tidegate-ledger', (SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND "
               "name = "
               "'tidegate_migrations'), '';\n"
               "SELECT 'tidegate-row', version, name, checksum, state, release_id, deployment FROM "
               "tidegate_migrations;\n"
               "COMMIT;\n";
    }

    std::string make_table(const Ledger& ledger) const override {
        if (ledger.there) return {};
        return "CREATE TABLE IF NOT EXISTS main.tidegate_migrations (version INTEGER PRIMARY KEY, name TEXT "
               "NOT NULL, "
               "checksum TEXT NOT NULL, state TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT "
               "CURRENT_TIMESTAMP, "
               "release_id TEXT NOT NULL, deployment TEXT NOT NULL);\n";
    }

    std::string check(const Ledger& ledger) const override {
        return "INSERT INTO temp.tidegate_check SELECT " + ledger_moved(kTable, ledger) + ";\n";
    }

    std::string before(const SqlStep& step, const Ledger& ledger, const SqlAuthor& author) const override {
        const auto begin = "BEGIN IMMEDIATE;\n" + check(ledger);
        return step.transaction ? begin : begin + ledger_begun(kTable, step, author) + "COMMIT;\n";
    }

    std::string after(const SqlStep& step, const Ledger&, const SqlAuthor& author) const override {
        return step.transaction ? ledger_done(kTable, step, author) + "COMMIT;\n"
                                : ledger_ended(kTable, step);
    }

    ErrorKind kind_of(std::string_view said) const override {
        const auto has = [&](std::string_view words) { return said.find(words) != std::string_view::npos; };
        if (has("database is locked")) return ErrorKind::Locked;
        return has("database or disk is full") ? ErrorKind::NoSpace : ErrorKind::Failed;
    }
};

}  // namespace

std::unique_ptr<SqlClient> make_sqlite() {
    return std::make_unique<Sqlite>();
}

}  // namespace tidegate::reconciler
