// The dialects of psql, mysql and sqlite3 behind one small interface: how the client is called, and the pieces of the
// script that is written to its standard input. What holds for all of them (the order of the pieces) is compose_*().
#pragma once

#include "manifests/manifest.hpp"
#include "reconciler/sql_ledger.hpp"
#include "shared/base/process.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::reconciler {

// One migration on its way up or down.
struct SqlStep {
    SqlMigration migration;
    bool up = true;
    std::string file;  // "db/migrations/003_add_email.up.sql"
    std::string text;
    bool open = false;  // the text's last statement lacks its `;`
    bool transaction = true;
};

// What every row says of who wrote it. Plain words: neither quotes nor tabs.
struct SqlAuthor {
    std::string release;
    std::string deployment;
};

// How the client is called.
struct SqlCall {
    std::vector<std::string> argv;
    std::map<std::string, std::string> env;       // beside what the manifest gives; passwords among it
    std::map<std::string, std::string> defaults;  // the same where the manifest does not say it
};

class SqlClient {
  public:
    virtual ~SqlClient() = default;

    // Prelude of every script: stop at the first error; take the one lock, or fail with kLockHeld after `wait`.
    [[nodiscard]] virtual std::string lock(shared::Duration wait) const = 0;
    // Prints the ledger as parse_ledger() reads it. Changes nothing.
    [[nodiscard]] virtual std::string list() const = 0;
    [[nodiscard]] virtual std::string make_table(const Ledger& ledger) const = 0;
    // Fails with kMoved where the ledger is not this one any more.
    [[nodiscard]] virtual std::string check(const Ledger& ledger) const = 0;
    // Around a migration's text. `ledger`: as it is before it.
    [[nodiscard]] virtual std::string before(const SqlStep& step, const Ledger& ledger,
                                             const SqlAuthor& author) const = 0;
    [[nodiscard]] virtual std::string after(const SqlStep& step, const Ledger& ledger,
                                            const SqlAuthor& author) const = 0;
    // What a failed client's words mean: Transient (no connection), Locked, Failed.
    [[nodiscard]] virtual ErrorKind kind_of(std::string_view said) const = 0;

    static constexpr std::string_view kLockHeld = "tidegate_lock_is_held";
    static constexpr std::string_view kMoved = "tidegate_ledger_has_moved";
};

[[nodiscard]] std::unique_ptr<SqlClient> make_sql_client(manifests::DatabaseClient client);

// The command line, and the environment's additions. `url` is the address's text where the manifest names a variable for it
// (Invalid, without showing it, where it is none for this client), `file` the path of sqlite3's database, `path` the
// PATH that the client is looked for in.
[[nodiscard]] Result<SqlCall> sql_call(const manifests::SqlMigrations& sql, const std::string& url,
                                       const std::string& file, const std::string& path);
// The password in an address, decoded; empty where there is none.
[[nodiscard]] std::string password_of(std::string_view url);

// A script, and which of its lines are a file's.
struct SqlScript {
    std::string text;
    struct Piece {
        int first = 1;  // line of the script that is the file's line 1
        int lines = 0;
        std::string file;
    };
    std::vector<Piece> pieces;
};
[[nodiscard]] SqlScript compose_look(const SqlClient& client, shared::Duration wait);
[[nodiscard]] SqlScript compose_steps(const SqlClient& client, shared::Duration wait, Ledger ledger,
                                      const std::vector<SqlStep>& steps, const SqlAuthor& author);

// The words of a failed client that tell what is wrong, with the file and its line in place of the script's:
// "003_add_email.up.sql:4: ERROR: relation "users" does not exist". Empty where it said nothing.
[[nodiscard]] std::string failed_words(std::string_view said, const SqlScript& script);

// 'text', quotes doubled: for our own plain words only.
[[nodiscard]] std::string sql_quoted(std::string_view text);

}  // namespace tidegate::reconciler
