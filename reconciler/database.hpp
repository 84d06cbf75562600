// SQLite with owners and errors as values: a database, its prepared statements, its transactions.
// Not thread-safe: whoever shares a Database locks around it.
#pragma once

#include "shared/base/error.hpp"
#include "shared/base/handle.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::reconciler {

// One row of an answer; columns count from 0. A NULL reads as 0 or "".
class Row {
  public:
    explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] bool null(int column) const;

  private:
    sqlite3_stmt* statement_;
};

class Database {
  public:
    // Opens or creates the file (0600) in WAL mode with synchronous=FULL; waits up to 5 s for other writers.
    // Broken where the file is no database, is damaged, or its header cannot be read.
    [[nodiscard]] static Result<Database> open(const std::string& path);

    [[nodiscard]] Result<void> script(const char* sql);
    // One statement to its end. Arguments are integers, texts, or std::optional of them (NULL).
    template <typename... Args>
    [[nodiscard]] Result<void> run(std::string_view sql, const Args&... args) {
        return each(
            sql, [](const Row&) {}, args...);
    }
    // `visit(row)` for every row of the answer.
    template <typename Visit, typename... Args>
    [[nodiscard]] Result<void> each(std::string_view sql, Visit visit, const Args&... args) {
        auto statement = TRY(prepare(sql));
        int index = 0;
        (bind(statement.get(), ++index, args), ...);
        while (TRY(step(statement.get()))) visit(Row(statement.get()));
        keep(sql, std::move(statement));
        return {};
    }
    template <typename Make, typename... Args>
    [[nodiscard]] auto all(std::string_view sql, Make make, const Args&... args)
        -> Result<std::vector<decltype(make(std::declval<const Row&>()))>> {
        std::vector<decltype(make(std::declval<const Row&>()))> rows;
        TRY(each(
            sql, [&](const Row& row) { rows.push_back(make(row)); }, args...));
        return rows;
    }
    template <typename Make, typename... Args>
    [[nodiscard]] auto first(std::string_view sql, Make make, const Args&... args)
        -> Result<std::optional<decltype(make(std::declval<const Row&>()))>> {
        auto rows = TRY(all(sql, make, args...));
        if (rows.empty()) return std::nullopt;
        return std::optional(std::move(rows.front()));
    }
    [[nodiscard]] std::int64_t last_id() const;

    // BEGIN IMMEDIATE, `work()`, then COMMIT, or ROLLBACK when it fails.
    template <typename Work>
    [[nodiscard]] Result<void> transaction(Work work) {
        TRY(script("BEGIN IMMEDIATE"));
        if (auto result = work(); !result) {
            (void)script("ROLLBACK");
            return fail(std::move(result.error()));
        }
        auto done = script("COMMIT");
        if (!done) (void)script("ROLLBACK");
        return done;
    }

  private:
    using Connection = shared::Handle<sqlite3, sqlite3_close_v2>;
    using Statement = shared::Handle<sqlite3_stmt, sqlite3_finalize>;

    Database(Connection connection, std::string path)
        : connection_(std::move(connection)), path_(std::move(path)) {}
    // One that was kept, or a new one.
    [[nodiscard]] Result<Statement> prepare(std::string_view sql);
    void keep(std::string_view sql, Statement statement);
    [[nodiscard]] Result<bool> step(sqlite3_stmt* statement);
    [[nodiscard]] Error error() const;

    static void bind(sqlite3_stmt* statement, int index, std::int64_t value);
    static void bind(sqlite3_stmt* statement, int index, int value);
    static void bind(sqlite3_stmt* statement, int index, const std::string& text);
    static void bind(sqlite3_stmt* statement, int index, std::string_view text);
    static void bind(sqlite3_stmt* statement, int index, const char* text);
    template <typename T>
    static void bind(sqlite3_stmt* statement, int index, const std::optional<T>& value) {
        if (value) bind(statement, index, *value);  // unbound is NULL
    }

    Connection connection_;
    std::string path_;
    std::map<std::string, Statement, std::less<>>
        statements_;  // not under way; they go before the connection
};

}  // namespace tidegate::reconciler
