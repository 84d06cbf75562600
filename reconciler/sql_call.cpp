// How a client is called: never a secret on its command line, nothing of the user's own settings.
#include "reconciler/sql_client.hpp"
#include "shared/base/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

namespace tidegate::reconciler {

using namespace shared;
using Client = manifests::DatabaseClient;

namespace {

constexpr const char* kConnectSeconds = "10";

// Parameters of libpq's addresses, and the variables that say the same.
constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kPostgres{{
    {"host", "PGHOST"},
    {"hostaddr", "PGHOSTADDR"},
    {"port", "PGPORT"},
    {"user", "PGUSER"},
    {"password", "PGPASSWORD"},
    {"dbname", "PGDATABASE"},
    {"passfile", "PGPASSFILE"},
    {"service", "PGSERVICE"},
    {"options", "PGOPTIONS"},
    {"application_name", "PGAPPNAME"},
    {"connect_timeout", "PGCONNECT_TIMEOUT"},
    {"sslmode", "PGSSLMODE"},
    {"sslcert", "PGSSLCERT"},
    {"sslkey", "PGSSLKEY"},
    {"sslrootcert", "PGSSLROOTCERT"},
    {"sslcrl", "PGSSLCRL"},
    {"channel_binding", "PGCHANNELBINDING"},
    {"gssencmode", "PGGSSENCMODE"},
    {"target_session_attrs", "PGTARGETSESSIONATTRS"},
}};

struct Address {
    std::string user;
    std::string password;
    std::string host;
    std::string port;
    std::string database;
    std::vector<std::pair<std::string, std::string>> more;
};

std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        const auto byte = unhex(text.substr(at + 1, 2));
        if (byte.size() != 1 || byte[0] == '\0') return std::nullopt;
        out += byte;
        at += 2;
    }
    return out;
}

// One host, or for PostgreSQL several with commas: "a:5432,[::1]:5433".
bool take_hosts(std::string_view text, Address& out) {
    std::vector<std::string> hosts;
    std::vector<std::string> ports;
    for (auto each : split(text, ',')) {
        std::string_view port;
        const auto bracket = each.starts_with('[') ? each.find(']') : std::string_view::npos;
        if (each.starts_with('[') && bracket == std::string_view::npos) return false;
        const auto colon = each.find(':', bracket == std::string_view::npos ? 0 : bracket);
        if (colon != std::string_view::npos) {
            port = each.substr(colon + 1);
            each = each.substr(0, colon);
        }
        if (each.starts_with('[')) each = each.substr(1, each.size() - 2);
        if (port.find_first_not_of("0123456789") != std::string_view::npos) return false;
        const auto host = decoded(each);
        if (!host) return false;
        hosts.push_back(*host);
        ports.emplace_back(port);
    }
    out.host = join(hosts, ",");
    out.port = join(ports, ",");
    return true;
}

std::optional<Address> address_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return std::nullopt;
    auto rest = url.substr(scheme + 3);
    Address out;
    if (const auto query = rest.find('?'); query != std::string_view::npos) {
        for (const auto pair : split(rest.substr(query + 1), '&')) {
            const auto equals = pair.find('=');
            const auto value = decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
            if (equals == std::string_view::npos || !value) return std::nullopt;
            out.more.emplace_back(pair.substr(0, equals), *value);
        }
        rest = rest.substr(0, query);
    }
    const auto slash = rest.find('/');
    const auto database = decoded(slash == std::string_view::npos ? "" : rest.substr(slash + 1));
    auto authority = rest.substr(0, slash);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const auto who = authority.substr(0, at);
        const auto colon = who.find(':');
        const auto user = decoded(who.substr(0, colon));
        const auto password = decoded(colon == std::string_view::npos ? "" : who.substr(colon + 1));
        if (!user || !password) return std::nullopt;
        out.user = *user;
        out.password = *password;
        authority = authority.substr(at + 1);
    }
    if (!database || !take_hosts(authority, out)) return std::nullopt;
    out.database = *database;
    return out;
}

tl::unexpected<Error> wrong_url(const std::string& variable, std::string what) {
    return fail(ErrorKind::Invalid, "the address in " + variable + " " + std::move(what),
                "give `database: NAME` instead of `url`, and the client's own variables (PGHOST, MYSQL_PWD "
                "…) in `env` "
                "and `secrets`");
}

void set(SqlCall& call, std::string_view name, const std::string& value) {
    if (!value.empty()) call.env.insert_or_assign(std::string(name), value);
}

Result<void> postgres_address(const manifests::SqlMigrations& sql, const std::string& url, SqlCall& call) {
    const auto address = address_of(url);
    if (!address || !(url.starts_with("postgres://") || url.starts_with("postgresql://")))
        return wrong_url(sql.url, "is none of PostgreSQL's: postgresql://user@host:port/database");
    set(call, "PGUSER", address->user);
    set(call, "PGPASSWORD", address->password);
    set(call, "PGHOST", address->host);
    if (address->port.find_first_not_of(',') != std::string::npos) set(call, "PGPORT", address->port);
    set(call, "PGDATABASE", address->database);
    for (const auto& more : address->more) {
        const auto known = std::find_if(kPostgres.begin(), kPostgres.end(),
                                        [&](const auto& entry) { return entry.first == more.first; });
        if (known == kPostgres.end())
            return wrong_url(sql.url, "has a parameter that psql does not know: " +
                                          escape_foreign(more.first.substr(0, 40)));
        set(call, known->second, more.second);
    }
    return {};
}

Result<void> mysql_address(const manifests::SqlMigrations& sql, const std::string& url, SqlCall& call) {
    const auto address = address_of(url);
    if (!address || address->database.empty() ||
        !(url.starts_with("mysql://") || url.starts_with("mariadb://")))
        return wrong_url(sql.url, "is none of MySQL's: mysql://user@host:port/database");
    if (!address->more.empty())
        return wrong_url(sql.url, "has a parameter that mysql does not know: " +
                                      escape_foreign(address->more.front().first.substr(0, 40)));
    set(call, "MYSQL_PWD", address->password);
    set(call, "MYSQL_HOST", address->host);
    set(call, "MYSQL_TCP_PORT", address->port);
    if (!address->user.empty()) call.argv.push_back("--user=" + address->user);
    if (!address->host.empty() && address->host != "localhost") call.argv.emplace_back("--protocol=tcp");
    call.argv.push_back("--database=" + address->database);
    return {};
}

bool there(const std::string& program, const std::string& path) {
    for (const auto folder : split(path, ':'))
        if (folder.starts_with('/') && access((std::string(folder) + "/" + program).c_str(), X_OK) == 0)
            return true;
    return false;
}

}  // namespace

std::string password_of(std::string_view url) {
    const auto address = address_of(url);
    if (!address) return {};
    for (const auto& [name, value] : address->more)
        if (name == "password") return value;
    return address->password;
}

Result<SqlCall> sql_call(const manifests::SqlMigrations& sql, const std::string& url, const std::string& file,
                         const std::string& path) {
    SqlCall call;
    switch (sql.client) {
        case Client::Psql:
            // -X: nobody's psqlrc; -w: never ask for a password; -f -: messages with lines.
            call.argv = {"psql", "-X", "-q", "-A", "-t", "-w", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                         "-f",   "-"};
            call.defaults = {{"PGCONNECT_TIMEOUT", kConnectSeconds}, {"PGAPPNAME", "tidegate"}};
            if (!sql.database.empty()) call.argv.insert(call.argv.end(), {"-d", sql.database});
            if (!sql.url.empty()) TRY(postgres_address(sql, url, call));
            break;
        case Client::Mysql:
            call.argv = {there("mysql", path) || !there("mariadb", path) ? "mysql" : "mariadb",
                         sql.defaults_file.empty() ? "--no-defaults" : "--defaults-file=" + sql.defaults_file,
                         "--batch",
                         "--skip-column-names",
                         "--raw",
                         "--default-character-set=utf8mb4",
                         std::string("--connect-timeout=") + kConnectSeconds};
            call.env = {{"MYSQL_TEST_LOGIN_FILE", "/dev/null"}};  // no .mylogin.cnf
            if (!sql.database.empty()) call.argv.push_back("--database=" + sql.database);
            if (!sql.url.empty()) TRY(mysql_address(sql, url, call));
            break;
        case Client::Sqlite3: call.argv = {"sqlite3", "-batch", "-bail", "-init", "/dev/null", file}; break;
    }
    return call;
}

}  // namespace tidegate::reconciler
