#include "reconciler/sql_ledger.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::array<std::string_view, 3> kStates{"done", "started", "undoing"};
constexpr size_t kFields = 7;

std::string of_release(const LedgerRow& row) {
    return row.release.empty() ? std::string() : " by release " + escape_foreign(row.release);
}

std::string shown(const LedgerRow& row) {
    return escape_foreign(row.name);
}

tl::unexpected<Error> half(const LedgerRow& row) {
    const auto version = std::to_string(row.version);
    const bool up = row.state == SqlState::Started;
    return fail(
        ErrorKind::Failed,
        shown(row) + (up ? " was begun" : " was begun to be taken back") + of_release(row) +
            " and has not ended: nobody knows how much of it is there",
        "look, and bring it to one end or the other by hand. Is all of it there: UPDATE tidegate_migrations "
        "SET state='done' WHERE version=" +
            version + "; nothing of it: DELETE FROM tidegate_migrations WHERE version=" + version +
            "; then: tidegatectl retry APP");
}

tl::unexpected<Error> edited(const SqlMigration& file, const LedgerRow& row) {
    return fail(ErrorKind::Failed,
                file.up_file() + " was edited after it was applied" + of_release(row) + ": it has SHA-256 " +
                    file.checksum + ", applied was " + escape_foreign(row.checksum),
                "give it its former content, and put the change into a migration of its own");
}

std::map<std::int64_t, const SqlMigration*> by_version(const std::vector<SqlMigration>& files) {
    std::map<std::int64_t, const SqlMigration*> out;
    for (const auto& file : files) out.emplace(file.version, &file);
    return out;
}

std::optional<LedgerRow> row_of(const std::vector<std::string_view>& fields) {
    LedgerRow row;
    const auto number = fields[1];
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), row.version);
    const auto state = std::find(kStates.begin(), kStates.end(), fields[4]);
    if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || state == kStates.end())
        return std::nullopt;
    row.name = fields[2];
    row.checksum = fields[3];
    row.state = static_cast<SqlState>(state - kStates.begin());
    row.release = fields[5];
    row.deployment = fields[6];
    return row;
}

}  // namespace

std::string_view name_of(SqlState state) {
    return kStates[static_cast<size_t>(state)];
}

size_t Ledger::done() const {
    return static_cast<size_t>(
        std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.state == SqlState::Done; }));
}

std::int64_t Ledger::newest() const {
    std::int64_t most = 0;
    for (const auto& row : rows) most = std::max(most, row.version);
    return most;
}

std::string names_of(const std::vector<SqlMigration>& migrations) {
    std::vector<std::string> names;
    for (const auto& migration : migrations) names.push_back(migration.name);
    return join(names, ", ");
}

Result<SqlPlan> plan_up(const std::vector<SqlMigration>& files, const Ledger& ledger, bool out_of_order) {
    SqlPlan plan;
    const auto known = by_version(files);
    std::map<std::int64_t, const LedgerRow*> applied;
    for (const auto& row : ledger.rows) {
        applied.emplace(row.version, &row);
        const auto file = known.find(row.version);
        if (row.state != SqlState::Done) return half(row);
        if (file != known.end() && file->second->checksum != row.checksum) return edited(*file->second, row);
        if (file == known.end())
            plan.notes.push_back(shown(row) + " is applied" + of_release(row) +
                                 ", and is no file of this release");
    }
    for (const auto& file : files) {
        if (applied.count(file.version) != 0) continue;
        if (file.version < ledger.newest() && !out_of_order)
            return fail(
                ErrorKind::Failed,
                file.up_file() + " is not applied, but " + std::to_string(ledger.newest()) +
                    " is: it would come after what was written to come after it",
                "give it a higher number; or, where the order does not matter: migrate: {sql: {out_of_order: "
                "true}}");
        if (!file.down) plan.without_down.push_back(file.down_file());
        plan.steps.push_back(file);
    }
    return plan;
}

Result<SqlPlan> plan_down(const std::vector<SqlMigration>& files, const Ledger& ledger,
                          const std::function<bool(const LedgerRow&)>& goes) {
    SqlPlan plan;
    const auto known = by_version(files);
    for (auto row = ledger.rows.rbegin(); row != ledger.rows.rend(); ++row) {
        if (!goes(*row)) continue;
        const auto file = known.find(row->version);
        if (file == known.end()) {
            plan.notes.push_back(shown(*row) + " stays: the release that is left has no file of it");
            continue;
        }
        if (row->state != SqlState::Done) return half(*row);
        if (file->second->checksum != row->checksum) return edited(*file->second, *row);
        if (!file->second->down) plan.without_down.push_back(file->second->down_file());
        plan.steps.push_back(*file->second);
    }
    return plan;
}

Result<Ledger> parse_ledger(std::string_view printed) {
    Ledger ledger;
    bool begun = false;
    for (const auto line : lines_of(printed)) {
        const auto fields = split(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line, '\t');
        if (fields[0] == "tidegate-ledger" && fields.size() == 3) {
            begun = true;
            ledger.there = fields[1] == "t" || fields[1] == "1";
            ledger.schema = fields[2];
        } else if (fields[0] == "tidegate-row") {
            auto row = fields.size() == kFields ? row_of(fields) : std::nullopt;
            if (!row)
                return fail(ErrorKind::Failed, "a row of tidegate_migrations is not understood: " +
                                                   escape_foreign(line.substr(0, 200)));
            ledger.rows.push_back(std::move(*row));
        }
    }
    if (!begun) return fail(ErrorKind::Failed, "the database's client did not answer as asked");
    std::sort(ledger.rows.begin(), ledger.rows.end(),
              [](const auto& a, const auto& b) { return a.version < b.version; });
    return ledger;
}

}  // namespace tidegate::reconciler
