#include "reconciler/sql_client.hpp"

#include "reconciler/sql_dialects.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tidegate::reconciler {

using namespace shared;

namespace {

int count_lines(std::string_view text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

// The ledger after a step, as far as check() looks at it.
void take(Ledger& ledger, const SqlStep& step) {
    auto& rows = ledger.rows;
    const auto same = [&](const LedgerRow& row) { return row.version == step.migration.version; };
    rows.erase(std::remove_if(rows.begin(), rows.end(), same), rows.end());
    if (step.up)
        rows.push_back({step.migration.version, step.migration.name, step.migration.checksum, {}, {}, {}});
}

// "psql:<stdin>:12: ERROR…", "Parse error near line 12: …", "ERROR 1146 (42S02) at line 12: …": the number.
std::optional<int> line_named(std::string_view words) {
    for (const std::string_view mark : {"<stdin>:", "near line ", "at line "}) {
        const auto at = words.find(mark);
        if (at == std::string_view::npos) continue;
        const auto number = words.substr(at + mark.size());
        int line = 0;
        if (std::from_chars(number.data(), number.data() + number.size(), line).ec == std::errc())
            return line;
    }
    return std::nullopt;
}

std::string without_place(std::string_view words) {
    if (words.starts_with("psql:<stdin>:")) {
        const auto colon = words.find(": ");
        if (colon != std::string_view::npos) words = words.substr(colon + 2);
    }
    std::string out(trim(words));
    // The script's line says nothing to people.
    for (const std::string_view mark : {" near line ", " at line "}) {
        const auto at = out.find(mark);
        const auto end = at == std::string::npos ? at : out.find_first_not_of("0123456789", at + mark.size());
        if (end != std::string::npos && end > at + mark.size() && out[end] == ':') out.erase(at, end - at);
    }
    return out;
}

std::string where(const SqlStep& step) {
    return " WHERE version = " + std::to_string(step.migration.version) + ";\n";
}

std::string insert(const std::string& table, const SqlStep& step, const SqlAuthor& author, SqlState state) {
    const auto& migration = step.migration;
    return "INSERT INTO " + table + " (version, name, checksum, state, release_id, deployment) VALUES (" +
           std::to_string(migration.version) + ", " + sql_quoted(migration.name) + ", " +
           sql_quoted(migration.checksum) + ", " + sql_quoted(name_of(state)) + ", " +
           sql_quoted(author.release) + ", " + sql_quoted(author.deployment) + ");\n";
}

bool tells_a_failure(std::string_view line) {
    return line.find("ERROR") != std::string_view::npos || line.find("rror: ") != std::string_view::npos ||
           line.find("rror near line") != std::string_view::npos ||
           line.find("FATAL") != std::string_view::npos;
}

}  // namespace

std::unique_ptr<SqlClient> make_sql_client(manifests::DatabaseClient client) {
    switch (client) {
        case manifests::DatabaseClient::Psql: return make_psql();
        case manifests::DatabaseClient::Mysql: return make_mysql();
        case manifests::DatabaseClient::Sqlite3: break;
    }
    return make_sqlite();
}

SqlScript compose_look(const SqlClient& client, Duration wait) {
    return {client.lock(wait) + client.list(), {}};
}

SqlScript compose_steps(const SqlClient& client, Duration wait, Ledger ledger,
                        const std::vector<SqlStep>& steps, const SqlAuthor& author) {
    SqlScript script;
    auto& text = script.text;
    text = client.lock(wait) + client.make_table(ledger) + client.check(ledger);
    for (const auto& step : steps) {
        text += client.before(step, ledger, author);
        script.pieces.push_back({count_lines(text) + 1, count_lines(step.text) + 1, step.file});
        text += step.text;
        text += step.open ? "\n;\n" : "\n";
        text += client.after(step, ledger, author);
        take(ledger, step);
    }
    return script;
}

std::string failed_words(std::string_view said, const SqlScript& script) {
    std::string words;
    for (const auto line : lines_of(said)) {
        if (!tells_a_failure(line)) continue;
        words = without_place(line);
        const auto number = line_named(line);
        for (const auto& piece : script.pieces)
            if (number && *number >= piece.first && *number < piece.first + piece.lines)
                return piece.file + ":" + std::to_string(*number - piece.first + 1) + ": " + words;
    }
    return words;
}

std::string ledger_moved(const std::string& table, const Ledger& ledger) {
    return "(SELECT count(*) FROM " + table + ") <> " + std::to_string(ledger.rows.size()) +
           " OR (SELECT count(*) FROM " + table + " WHERE state = 'done') <> " +
           std::to_string(ledger.done()) + " OR (SELECT coalesce(max(version), 0) FROM " + table + ") <> " +
           std::to_string(ledger.newest());
}

std::string ledger_done(const std::string& table, const SqlStep& step, const SqlAuthor& author) {
    return step.up ? insert(table, step, author, SqlState::Done) : "DELETE FROM " + table + where(step);
}

std::string ledger_begun(const std::string& table, const SqlStep& step, const SqlAuthor& author) {
    return step.up ? insert(table, step, author, SqlState::Started)
                   : "UPDATE " + table + " SET state = 'undoing'" + where(step);
}

std::string ledger_ended(const std::string& table, const SqlStep& step) {
    return step.up ? "UPDATE " + table + " SET state = 'done'" + where(step)
                   : "DELETE FROM " + table + where(step);
}

std::string sql_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
}

}  // namespace tidegate::reconciler
