// `health`: how one knows that the release is well.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

HttpCheck read_http(MapReader& reader, Duration& within) {
    HttpCheck check;
    if (auto url = reader.parsed<Url>("url", Url::parse, Required::Yes)) {
        check.url = url->str();
        if (url->scheme() != "http" && url->scheme() != "https")
            reader.reject(*reader.any("url"), "a check's `url` is http:// or https://");
    }
    check.status = static_cast<int>(reader.integer("status", 200, 100, 599));
    check.body = reader.text("body", "");
    check.headers = reader.text_map("headers");
    within = reader.duration("within", within, 10ms, 10min);
    return check;
}

HealthCheck read_check(MapReader& reader, const Value& value) {
    HealthCheck check;
    const auto kind = exactly_one(reader, value, "a health check", {"http", "tcp", "run", "unit"});
    if (kind == size_t{2}) check.within = 30s;
    check.within = reader.duration("within", check.within, 10ms, 10min);
    check.patience = reader.duration("for", check.patience, 10ms, 24h);
    check.successes = static_cast<int>(reader.integer("successes", 1, 1, 1000));
    check.failures = static_cast<int>(reader.integer("failures", 3, 1, 1000));
    check.interval = reader.duration("interval", check.interval, 10ms, 1h);
    if (!kind) return check;
    if (*kind == 0)
        nested(reader, reader.map("http"), "http checks",
               [&](MapReader& inner) { check.what = read_http(inner, check.within); });
    if (*kind == 1) check.what = TcpCheck{judged(reader, "tcp", Required::Yes, fault_of_address)};
    if (*kind == 2) {
        if (auto script = read_script(reader, "run")) check.what = std::move(*script);
    }
    if (*kind == 3) check.what = UnitCheck{judged(reader, "unit", Required::Yes, fault_of_unit)};
    if (!reader.failed() && check.interval * (check.successes - 1) > check.patience)
        reader.reject(value,
                      "this check can never pass: " + std::to_string(check.successes) + " successes every " +
                          human_duration(check.interval) + " take longer than " +
                          human_duration(check.patience),
                      "raise `for`, or lower `successes` or `interval`");
    return check;
}

}  // namespace

std::vector<HealthCheck> read_health(MapReader& top) {
    std::vector<HealthCheck> checks;
    const Value* list = top.list("health");
    if (list == nullptr) return checks;
    for (const auto& item : list->list())
        nested(top, &item, "health checks",
               [&](MapReader& reader) { checks.push_back(read_check(reader, item)); });
    return checks;
}

}  // namespace tidegate::manifests
