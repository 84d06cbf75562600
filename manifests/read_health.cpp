// `health`: how one knows that the release is well.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string_view> kKinds{"http", "tcp", "run", "unit", "sequence", "file", "database"};

HealthCheck read_check(MapReader& reader, const Value& value, const Manifest& manifest) {
    HealthCheck check;
    const auto kind = exactly_one(reader, value, "a health check", kKinds);
    const auto key = kind ? kKinds[*kind] : std::string_view();
    if (key == "run" || key == "database") check.within = 30s;
    check.after = reader.duration("after", check.after, 0s, 1h);
    check.within = reader.duration("within", check.within, 10ms, 10min);
    check.patience = reader.duration("for", check.patience, 10ms, 24h);
    check.successes = static_cast<int>(reader.integer("successes", 1, 1, 1000));
    check.failures = static_cast<int>(reader.integer("failures", 3, 1, 1000));
    check.interval = reader.duration("interval", check.interval, 10ms, 1h);
    const bool instances = manifest.blue_green.has_value();
    if (key == "http")
        nested(reader, reader.map("http"), "http checks", [&](MapReader& inner) {
            check.what = read_http(inner, {instances, {}}, check.within);
        });
    if (key == "sequence") check.what = read_sequence(reader, instances);
    if (key == "tcp") {
        const auto address = reader.text("tcp", Required::Yes);
        if (instances && address == "{instance}")
            check.what = TcpCheck{address};
        else
            check.what = TcpCheck{judged(reader, "tcp", Required::Yes, fault_of_address)};
    }
    if (key == "run")
        if (auto script = read_script(reader, "run")) check.what = std::move(*script);
    if (key == "unit") check.what = UnitCheck{judged(reader, "unit", Required::Yes, fault_of_unit)};
    if (key == "file")
        nested(reader, reader.map("file"), "file checks",
               [&](MapReader& inner) { check.what = read_file_check(inner); });
    if (key == "database")
        nested(reader, reader.map("database"), "database checks",
               [&](MapReader& inner) { check.what = read_database_check(inner); });
    if (!reader.failed() && check.interval * (check.successes - 1) > check.patience)
        reader.reject(value,
                      "this check can never pass: " + std::to_string(check.successes) + " successes every " +
                          human_duration(check.interval) + " take longer than " +
                          human_duration(check.patience),
                      "raise `for`, or lower `successes` or `interval`");
    return check;
}

}  // namespace

FileCheck read_file_check(MapReader& reader) {
    FileCheck check;
    check.path = reader.text("path", Required::Yes);
    if (!reader.failed()) {
        const auto fault = check.path.starts_with('/') ? fault_of_absolute_path(check.path) : std::string();
        if (!fault.empty()) reader.reject(*reader.any("path"), "`path` " + fault);
        if (!check.path.starts_with('/'))
            if (auto path = RelPath::parse(check.path); !path)
                reader.reject(*reader.any("path"), std::move(path.error()));
    }
    check.younger = reader.duration("younger", 0s, 1s, 24h * 365);
    check.content = reader.text("content", "");
    return check;
}

DatabaseCheck read_database_check(MapReader& reader) {
    DatabaseCheck check;
    (void)reader.any("client", Required::Yes);
    check.client = static_cast<DatabaseClient>(reader.choice("client", {"psql", "mysql", "sqlite3"}, 0));
    check.database = judged(reader, "database", Required::Yes, fault_of_database);
    check.query = reader.text("query", check.query);
    check.answer = reader.text("answer", "");
    if (!reader.failed() && trim(check.query).empty())
        reader.reject(*reader.any("query"), "`query` is empty");
    return check;
}

std::vector<HealthCheck> read_health(MapReader& top, const Manifest& manifest) {
    std::vector<HealthCheck> checks;
    const Value* list = top.list("health");
    if (list == nullptr) return checks;
    for (const auto& item : list->list())
        nested(top, &item, "health checks",
               [&](MapReader& reader) { checks.push_back(read_check(reader, item, manifest)); });
    return checks;
}

}  // namespace tidegate::manifests
