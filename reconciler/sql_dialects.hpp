// The three dialects, for sql_client.cpp only.
#pragma once

#include "reconciler/sql_client.hpp"

#include <memory>

namespace tidegate::reconciler {

// Statements on the ledger that are the same everywhere; `table` is its name, qualified.
// A condition: it is not `ledger` any more.
[[nodiscard]] std::string ledger_moved(const std::string& table, const Ledger& ledger);
// In one transaction with the migration: it is done, or taken back.
[[nodiscard]] std::string ledger_done(const std::string& table, const SqlStep& step, const SqlAuthor& author);
// Outside of one: before and after it.
[[nodiscard]] std::string ledger_begun(const std::string& table, const SqlStep& step,
                                       const SqlAuthor& author);
[[nodiscard]] std::string ledger_ended(const std::string& table, const SqlStep& step);

[[nodiscard]] std::unique_ptr<SqlClient> make_psql();
[[nodiscard]] std::unique_ptr<SqlClient> make_mysql();
[[nodiscard]] std::unique_ptr<SqlClient> make_sqlite();

}  // namespace tidegate::reconciler
