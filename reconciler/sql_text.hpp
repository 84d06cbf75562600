// What must be known of a file of SQL before it is given to a client program: that it is whole, that it holds SQL and
// none of the client's own commands, and that it leaves its transaction to us. Pure. No parser of SQL: it knows how
// quotes, comments and statements end, as the client does.
#pragma once

#include "manifests/manifest.hpp"
#include "shared/base/error.hpp"

#include <string>
#include <string_view>

namespace tidegate::reconciler {

struct SqlText {
    size_t statements = 0;
    bool open = false;        // the last statement lacks its `;`
    bool transaction = true;  // false: `-- tidegate: no-transaction` is among the comments it begins with
};

// `file` is only shown. Invalid, at its line: not UTF-8, a NUL byte; a quote, comment or block that never ends; a command of
// the client (psql's \!, sqlite3's .shell, mysql's source), which is not SQL and could run a program; BEGIN, COMMIT and
// the like where the file is run in a transaction of ours; a word after `tidegate:` that is not known.
[[nodiscard]] Result<SqlText> read_sql_text(manifests::DatabaseClient client, const std::string& file,
                                            std::string_view text);

}  // namespace tidegate::reconciler
