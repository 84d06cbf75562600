#include "reconciler/sql_migrate.hpp"

#include "reconciler/sql_text.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kRounds = 5;  // another migrates meanwhile
constexpr size_t kMostRead = 16 << 20;
constexpr size_t kMostFed = 64 << 20;

using Values = std::map<std::string, std::string>;

std::string value_of(const std::string& variable, const Values& env, const Values& secrets) {
    for (const auto* values : {&env, &secrets})
        if (const auto found = values->find(variable); found != values->end()) return found->second;
    return {};
}

std::string install_hint(manifests::DatabaseClient client) {
    switch (client) {
        case manifests::DatabaseClient::Psql: return "apt-get install postgresql-client";
        case manifests::DatabaseClient::Mysql: return "apt-get install mariadb-client";
        case manifests::DatabaseClient::Sqlite3: break;
    }
    return "apt-get install sqlite3";
}

// Whether the ledger says of each step that it is done.
std::vector<std::string> not_done(const Ledger& ledger, const std::vector<SqlStep>& steps) {
    std::vector<std::string> names;
    for (const auto& step : steps) {
        const auto row = std::find_if(ledger.rows.begin(), ledger.rows.end(), [&](const LedgerRow& each) {
            return each.version == step.migration.version;
        });
        const bool there = row != ledger.rows.end();
        if (step.up ? !there || row->state != SqlState::Done : there) names.push_back(step.migration.name);
    }
    return names;
}

}  // namespace

std::string sql_password(const manifests::SqlMigrations& sql, const Values& env, const Values& secrets) {
    return sql.url.empty() ? std::string() : password_of(value_of(sql.url, env, secrets));
}

SqlMigrator::SqlMigrator(Setup setup)
    : setup_(std::move(setup)), client_(make_sql_client(setup_.sql.client)) {}

Result<SqlMigrator> SqlMigrator::make(Setup setup) {
    SqlMigrator migrator(std::move(setup));
    auto& where = migrator.setup_.where;
    const auto& sql = migrator.setup_.sql;
    const auto file =
        sql.database.starts_with('/') ? sql.database : migrator.setup_.shared + "/" + sql.database;
    const auto path = command_environment(where).get("PATH").value_or("");
    const auto url = sql.url.empty() ? "" : value_of(sql.url, where.env, where.secrets);
    migrator.call_ = TRY(sql_call(sql, url, file, path));
    for (const auto& [name, value] : migrator.call_.env) {
        where.env.erase(name);
        where.secrets.insert_or_assign(name, value);
    }
    for (const auto& [name, value] : migrator.call_.defaults)
        if (where.secrets.count(name) == 0) where.env.emplace(name, value);
    return migrator;
}

// Gives what the client printed, as it came.
Result<std::string> SqlMigrator::run(const SqlScript& script, DeploymentLog& log) {
    auto how = setup_.how;
    std::string said;
    how.input = script.text;
    how.on_output = [&](std::string_view bytes) {
        said.append(bytes.substr(0, kMostRead - std::min(kMostRead, said.size())));
    };
    auto exit = setup_.run(Script{"", call_.argv}, setup_.where, how, log);
    if (!exit) return fail(failed(std::move(exit.error()), said, script));
    return said;
}

Error SqlMigrator::failed(Error error, std::string_view said, const SqlScript& script) const {
    if (error.kind == ErrorKind::NotFound) {
        error.hint = install_hint(setup_.sql.client);
        return error;
    }
    if (error.kind != ErrorKind::Failed) return error;
    error.kind = client_->kind_of(said);
    const auto words = failed_words(setup_.log.mask(said), script);
    if (said.find(SqlClient::kLockHeld) != std::string_view::npos || error.kind == ErrorKind::Locked)
        error.message = setup_.how.what + ": the database is locked by another migration, for longer than " +
                        human_duration(setup_.sql.wait);
    else if (!words.empty())
        error.message = setup_.how.what + " failed: " + escape_foreign(words.substr(0, 500));
    if (words.find("cannot run inside a transaction block") != std::string::npos)
        error.hint = "say in the file's first line: -- tidegate: no-transaction";
    return error;
}

Result<Ledger> SqlMigrator::look() {
    std::vector<std::string> secrets;
    for (const auto& [name, value] : setup_.where.secrets) secrets.push_back(value);
    auto quiet = DeploymentLog::none(secrets);
    const auto script = compose_look(*client_, setup_.sql.wait);
    auto ledger = parse_ledger(TRY(during("reading the ledger", run(script, quiet))));
    if (!ledger) return ledger;
    if (setup_.sql.client == manifests::DatabaseClient::Psql && ledger->schema.empty())
        return fail(ErrorKind::Failed, "the database has no schema on the search path to keep the ledger in",
                    "make the schema, or give PGOPTIONS=-csearch_path=NAME in `env`");
    return ledger;
}

Result<SqlStep> SqlMigrator::step_of(const SqlMigration& migration, Way way) const {
    const auto& folder = setup_.sql.folder;
    const auto name = way == Way::Up ? migration.up_file() : migration.down_file();
    SqlStep step{migration, way == Way::Up, folder + "/" + name, {}};
    step.text = TRY(read_sql_file(setup_.release, folder, name));
    const auto text = TRY(read_sql_text(setup_.sql.client, step.file, step.text));
    if (step.up && text.statements == 0)
        return fail(Error{
            ErrorKind::Invalid, "no statement in this migration", "", Where{step.file, 0, 0, {}, 1}, {}});
    step.open = text.open;
    step.transaction = text.transaction;
    return step;
}

Result<SqlMigrator::Work> SqlMigrator::up() {
    const auto files = TRY(read_sql_folder(setup_.release, setup_.sql.folder));
    Work work{TRY(look()), {}, {}};
    work.plan = TRY(plan_up(files, work.ledger, setup_.sql.out_of_order));
    size_t fed = 0;
    for (const auto& migration : work.plan.steps) {
        work.steps.push_back(TRY(step_of(migration, Way::Up)));
        fed += work.steps.back().text.size();
        if (migration.down)
            (void)TRY(step_of(migration, Way::Down));  // one that cannot be gone is known before
    }
    if (fed > kMostFed)
        return fail(ErrorKind::Invalid, "over 64 MiB of migrations at once", "release them in two steps");
    return work;
}

Result<SqlMigrator::Work> SqlMigrator::down(const std::function<bool(const LedgerRow&)>& goes) {
    Work work{TRY(look()), {}, {}};
    if (std::none_of(work.ledger.rows.begin(), work.ledger.rows.end(), goes)) return work;
    const auto files = TRY(read_sql_folder(setup_.release, setup_.sql.folder));
    work.plan = TRY(plan_down(files, work.ledger, goes));
    if (!work.plan.without_down.empty()) return work;
    for (const auto& migration : work.plan.steps) work.steps.push_back(TRY(step_of(migration, Way::Down)));
    return work;
}

Result<void> SqlMigrator::apply(const Work& work) {
    const SqlAuthor author{setup_.where.release.str(), setup_.deployment};
    Ledger ledger = work.ledger;
    std::vector<SqlStep> left = work.steps;
    for (int round = 0; !left.empty(); ++round) {
        setup_.log.note(setup_.how.what + ": " + names_of(work.plan.steps));
        const auto script = compose_steps(*client_, setup_.sql.wait, ledger, left, author);
        const auto said = run(script, setup_.log);
        const bool moved = !said && said.error().message.find(SqlClient::kMoved) != std::string::npos;
        if (!said && !moved) return fail(said.error());
        // What counts is what the ledger says now.
        ledger = TRY(look());
        const auto names = not_done(ledger, left);
        const std::set<std::string> missing(names.begin(), names.end());
        left.erase(
            std::remove_if(left.begin(), left.end(),
                           [&](const SqlStep& step) { return missing.count(step.migration.name) == 0; }),
            left.end());
        if (left.empty()) break;
        if (!moved)
            return fail(
                ErrorKind::Failed,
                setup_.how.what + " failed: the ledger does not say that it is done: " + join(names, ", "),
                "does the file begin a transaction that it does not end?");
        if (round + 1 == kRounds)
            return fail(ErrorKind::Locked, setup_.how.what + ": others migrate this database all the time");
        const auto again = left.front().up ? plan_up({}, ledger, true) : Result<SqlPlan>(SqlPlan{});
        if (!again) return fail(again.error());  // another's has begun and not ended
    }
    return {};
}

}  // namespace tidegate::reconciler
