// Applies the migrations of a release's folder to the app's database and takes them back, by the ledger in the database
// itself. What is done is worked out first and refused as a whole; it is then run as one session of the client, under one
// lock; and asked for once more at the end: what counts is what the ledger says.
// Repeatable: a migration that is there is not run again. A crash in it: a migration in a transaction is there or is not;
// one outside is found begun and is refused with a word on what to do.
#pragma once

#include "reconciler/commands.hpp"
#include "reconciler/ports.hpp"
#include "reconciler/sql_client.hpp"
#include "reconciler/sql_folder.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::reconciler {

class SqlMigrator {
  public:
    // Runs a command of the release as the app's user.
    using RunCommand = std::function<Result<shared::Exit>(const Script&, const CommandSite&,
                                                          const RunOptions&, DeploymentLog&)>;
    struct Setup {
        manifests::SqlMigrations sql;
        CommandSite where;       // the release whose files are run
        int release = -1;        // its folder; not owned
        std::string shared;      // ROOT/shared, where sqlite3's file is beneath
        std::string deployment;  // the author of what is applied: one word
        RunOptions how;          // what, timeout, cancel_fd
        DeploymentLog& log;
        RunCommand run;
    };
    [[nodiscard]] static Result<SqlMigrator> make(Setup setup);

    // What is to be done now. Nothing is changed; every file that would be run is read and judged, those of its way back
    // too. As plan_up() and plan_down().
    struct Work {
        Ledger ledger;
        SqlPlan plan;
        std::vector<SqlStep> steps;  // none where one of them has no way down, and down it goes
    };
    [[nodiscard]] Result<Work> up();
    [[nodiscard]] Result<Work> down(const std::function<bool(const LedgerRow&)>& goes);
    // Does it. Failed with file, line and the database's words; Locked where another migrates for longer than `wait`.
    // Where another did it meanwhile, what is left of it is done.
    [[nodiscard]] Result<void> apply(const Work& work);

    [[nodiscard]] Result<Ledger> look();

  private:
    explicit SqlMigrator(Setup setup);
    [[nodiscard]] Result<std::string> run(const SqlScript& script, DeploymentLog& log);
    [[nodiscard]] Result<SqlStep> step_of(const SqlMigration& migration, Way way) const;
    [[nodiscard]] Error failed(Error error, std::string_view said, const SqlScript& script) const;

    Setup setup_;
    SqlCall call_;
    std::unique_ptr<SqlClient> client_;
};

// The password that an address of the manifest's holds, to be masked beside the secrets; empty: none.
[[nodiscard]] std::string sql_password(const manifests::SqlMigrations& sql,
                                       const std::map<std::string, std::string>& env,
                                       const std::map<std::string, std::string>& secrets);

}  // namespace tidegate::reconciler
