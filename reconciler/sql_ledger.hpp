// The ledger: which migrations a database has, as its own table tidegate_migrations tells; and from it and a release's
// files what is to be done. Pure.
#pragma once

#include "reconciler/sql_folder.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

// Begun: it runs outside of a transaction and has not said that it ended.
enum class SqlState { Done, Started, Undoing };
[[nodiscard]] std::string_view name_of(SqlState state);

struct LedgerRow {
    std::int64_t version = 0;
    std::string name;
    std::string checksum;  // of the up file that was applied
    SqlState state = SqlState::Done;
    std::string release;     // whose file it was
    std::string deployment;  // who applied it: host, number and time of the deployment
};

struct Ledger {
    bool there = false;  // the table
    std::string schema;  // PostgreSQL: where the table is or will be, quoted
    std::vector<LedgerRow> rows;

    // What changes when somebody else migrates meanwhile.
    [[nodiscard]] size_t done() const;
    [[nodiscard]] std::int64_t newest() const;  // 0: none
};

struct SqlPlan {
    std::vector<SqlMigration> steps;        // in the order to be taken
    std::vector<std::string> notes;         // for people
    std::vector<std::string> without_down;  // files that are missing: the way back of these steps
};

// What the database lacks, in the order of numbers. Failed, with nothing done, where an applied file was edited
// afterwards (both checksums are told), a number is lower than an applied one, or a migration was begun and has not
// ended. What is applied and has no file here is noted; so are steps without a way back, for others to judge.
[[nodiscard]] Result<SqlPlan> plan_up(const std::vector<SqlMigration>& files, const Ledger& ledger,
                                      bool out_of_order);

// The applied migrations for which `goes`, newest first, to be taken back with the files of the release that is left.
// Failed, with nothing done, where one was edited, or was begun and has not ended; one without a file stays, and is noted.
[[nodiscard]] Result<SqlPlan> plan_down(const std::vector<SqlMigration>& files, const Ledger& ledger,
                                        const std::function<bool(const LedgerRow&)>& goes);

// "003_add_email, 004_add_index"
[[nodiscard]] std::string names_of(const std::vector<SqlMigration>& migrations);

// Rows as every client prints them: "tidegate-ledger<TAB>there<TAB>schema" once, "tidegate-row<TAB>…" for each. Other lines
// are left out. Broken where it is not so.
[[nodiscard]] Result<Ledger> parse_ledger(std::string_view printed);

}  // namespace tidegate::reconciler
