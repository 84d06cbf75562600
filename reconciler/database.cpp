#include "reconciler/database.hpp"

#include <sys/stat.h>

namespace tidegate::reconciler {

namespace {

constexpr int kBusyMs = 5000;

ErrorKind kind_of(int code) {
    switch (code & 0xff) {
        case SQLITE_FULL: return ErrorKind::NoSpace;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return ErrorKind::Locked;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT: return ErrorKind::Broken;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY: return ErrorKind::Permission;
        default: return ErrorKind::Io;
    }
}

}  // namespace

std::int64_t Row::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}
bool Row::null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::string Row::text(int column) const {
    const auto* bytes = sqlite3_column_blob(statement_, column);
    if (bytes == nullptr) return {};
    return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<Database> Database::open(const std::string& path) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(
        path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(Connection(raw), path);
    if (code != SQLITE_OK) return fail(database.error());
    sqlite3_busy_timeout(raw, kBusyMs);
    sqlite3_extended_result_codes(raw, 1);
    chmod(path.c_str(), 0600);
    // Reads the header and the schema: a file that is no database is found here, not in mid-deployment.
    TRY(
        database.script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                        "PRAGMA trusted_schema=OFF; SELECT count(*) FROM sqlite_schema;"));
    return database;
}

Error Database::error() const {
    const int code = connection_ ? sqlite3_extended_errcode(connection_.get()) : SQLITE_NOMEM;
    return Error{kind_of(code),
                 path_ + ": " + (connection_ ? sqlite3_errmsg(connection_.get()) : "out of memory"),
                 {},
                 {},
                 {}};
}

Result<void> Database::script(const char* sql) {
    if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fail(error());
    return {};
}

Result<Database::Statement> Database::prepare(std::string_view sql) {
    if (const auto kept = statements_.find(sql); kept != statements_.end()) {
        auto statement = std::move(kept->second);
        statements_.erase(kept);
        return statement;
    }
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK)
        return fail(error());
    return Statement(raw);
}

void Database::keep(std::string_view sql, Statement statement) {
    sqlite3_reset(statement.get());
    sqlite3_clear_bindings(statement.get());
    statements_.insert_or_assign(std::string(sql), std::move(statement));
}

Result<bool> Database::step(sqlite3_stmt* statement) {
    switch (sqlite3_step(statement)) {
        case SQLITE_ROW: return true;
        case SQLITE_DONE: return false;
        default: return fail(error());
    }
}

std::int64_t Database::last_id() const {
    return sqlite3_last_insert_rowid(connection_.get());
}

void Database::bind(sqlite3_stmt* statement, int index, std::int64_t value) {
    sqlite3_bind_int64(statement, index, value);
}
void Database::bind(sqlite3_stmt* statement, int index, int value) {
    sqlite3_bind_int64(statement, index, value);
}
void Database::bind(sqlite3_stmt* statement, int index, std::string_view text) {
    sqlite3_bind_text64(statement, index, text.data() == nullptr ? "" : text.data(), text.size(),
                        SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Database::bind(sqlite3_stmt* statement, int index, const std::string& text) {
    bind(statement, index, std::string_view(text));
}
void Database::bind(sqlite3_stmt* statement, int index, const char* text) {
    bind(statement, index, std::string_view(text));
}

}  // namespace tidegate::reconciler
