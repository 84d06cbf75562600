// `migrate`: what brings the database to what the release needs, and back.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

bool beneath(const std::string& path, const std::string& folder) {
    return path == folder || path.starts_with(folder + "/");
}

// A database in the release's own folder would be another one after the next deployment.
std::string fault_of_sqlite_file(const std::string& path, const Manifest& manifest) {
    if (path.starts_with('/')) {
        if (auto fault = fault_of_absolute_path(path); !fault.empty()) return fault;
        for (const char* folder : {"/releases", "/current"})
            if (beneath(path, manifest.root + folder))
                return "lies in a release: the next one would begin with another database";
        return {};
    }
    if (const auto parsed = RelPath::parse(path); !parsed) return "is no path of the release";
    // Not one of `shared: {files: …}`: SQLite writes a journal beside it, where the app's user may not.
    const auto& dirs = manifest.shared_dirs;
    const bool kept = std::any_of(dirs.begin(), dirs.end(), [&](const RelPath& dir) {
        return path != dir.str() && beneath(path, dir.str());
    });
    return kept ? std::string()
                : "is in no folder of `shared`: the next release would begin with another database";
}

void read_database(MapReader& reader, const Value& value, const Manifest& manifest, SqlMigrations& sql) {
    if (!exactly_one(reader, value, "`sql`", {"database", "url"})) return;
    if (const Value* url = reader.map("url")) {
        nested(reader, url, "`url`", [&](MapReader& inner) {
            sql.url = inner.text("env", Required::Yes);
            if (!inner.failed() && manifest.env.count(sql.url) == 0 && manifest.secrets.count(sql.url) == 0)
                inner.reject(*inner.any("env"), quoted(sql.url) + " is neither in `env` nor in `secrets`",
                             "add it there: secrets: {" + sql.url + ": {credential: NAME}}");
        });
        if (sql.client == DatabaseClient::Sqlite3 && !reader.failed())
            reader.reject(*url, "sqlite3 takes no address", "name the file: database: storage/app.sqlite3");
        return;
    }
    sql.database = judged(reader, "database", Required::Yes, fault_of_database);
    if (reader.failed() || sql.client != DatabaseClient::Sqlite3) return;
    if (const auto fault = fault_of_sqlite_file(sql.database, manifest); !fault.empty())
        reader.reject(*reader.any("database"), "`database` " + fault + ": " + quoted(sql.database),
                      "put it into a folder of `shared: {dirs: […]}`, or name it from /");
}

SqlMigrations read_sql(MapReader& reader, const Value& value, const Manifest& manifest) {
    SqlMigrations sql;
    (void)reader.any("client", Required::Yes);
    sql.client = static_cast<DatabaseClient>(reader.choice("client", {"psql", "mysql", "sqlite3"}, 0));
    if (const auto folder = reader.parsed("folder", RelPath::parse, Required::Yes))
        sql.folder = folder->str();
    read_database(reader, value, manifest, sql);
    if (const Value* file = reader.any("defaults_file")) {
        sql.defaults_file = judged(reader, "defaults_file", Required::No, fault_of_absolute_path);
        if (sql.client != DatabaseClient::Mysql)
            reader.reject(*file, "`defaults_file` is of mysql only",
                          "psql: PGHOST, PGSERVICEFILE, PGPASSFILE … in `env`");
        else if (!sql.url.empty())
            reader.reject(*file, "`defaults_file` and `url` both say where the database is");
    }
    sql.wait = reader.duration("wait", sql.wait, 0s, 1h);
    sql.out_of_order = reader.boolean("out_of_order", false);
    return sql;
}

}  // namespace

Migrate read_migrate(MapReader& top, const Manifest& manifest) {
    Migrate migrate;
    const Value* value = top.map("migrate");
    nested(top, value, "migrate", [&](MapReader& reader) {
        migrate.line = value->line;
        migrate.column = value->column;
        migrate.up = read_script(reader, "up");
        migrate.down = read_script(reader, "down");
        nested(reader, reader.map("sql"), "`sql`",
               [&](MapReader& inner) { migrate.sql = read_sql(inner, *reader.any("sql"), manifest); });
        migrate.backup = read_script(reader, "backup");
        migrate.restore = read_script(reader, "restore");
        migrate.compatible = reader.boolean("compatible", false);
        migrate.timeout = reader.duration("timeout", migrate.timeout, 1s, 24h);
        if (reader.failed()) return;
        if (migrate.sql && migrate.up)
            reader.reject(*reader.any("up"), "`migrate` has `sql` and `up`: it takes one of them");
        else if (migrate.sql && migrate.down)
            reader.reject(*reader.any("down"), "with `sql` the way back is in files: NNN_name.down.sql");
        else if (!migrate.any())
            reader.reject(*value, "`migrate` without `up` or `sql` migrates nothing",
                          "add `up: …` or `sql: …`, or leave it out");
        else if (migrate.restore && !migrate.backup)
            reader.reject(*reader.any("restore"), "`restore` without `backup` has nothing to restore",
                          "add `backup: …`, which writes into the folder $TIDEGATE_BACKUP");
    });
    return migrate;
}

std::string_view name_of(DatabaseClient client) {
    switch (client) {
        case DatabaseClient::Psql: return "psql";
        case DatabaseClient::Mysql: return "mysql";
        case DatabaseClient::Sqlite3: break;
    }
    return "sqlite3";
}

std::string Migrate::shown() const {
    if (sql) return sql->folder + " through " + std::string(name_of(sql->client));
    return up ? up->shown() : std::string();
}

}  // namespace tidegate::manifests
