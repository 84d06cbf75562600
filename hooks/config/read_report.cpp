#include "hooks/config/read.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <charconv>

namespace tidegate::hooks {

using namespace shared;

namespace {

// One path or several.
std::vector<std::string> read_report_files(MapReader& map, std::string_view key, Required required) {
    auto files = map.texts(key);
    const Value* value = map.any(key, required);
    if (value == nullptr) return files;
    constexpr std::string_view kReports = "{reports}/";
    for (const auto& file : files) {
        const bool of_run = file.starts_with(kReports);
        const auto path = std::string_view(file).substr(of_run ? kReports.size() : 0);
        const auto parts = split(path, '/');
        if (path.empty() || path.starts_with('/') || path.find('{') != std::string_view::npos ||
            std::find(parts.begin(), parts.end(), "..") != parts.end())
            map.reject(*value, "not a report's path: `" + escape_foreign(file) + "`",
                       "a path below the folder the gate runs in, or {reports}/…");
    }
    return files;
}

std::optional<double> read_share(MapReader& map, std::string_view key) {
    if (!map.has(key)) return std::nullopt;
    return map.real(key, 0, 0, 100);
}

// "5%" or 5.
std::optional<double> read_percent(MapReader& map, std::string_view key) {
    const Value* value = map.any(key);
    if (value == nullptr) return std::nullopt;
    std::string_view text = value->text();
    if (text.ends_with('%')) text.remove_suffix(1);
    double number = -1;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !(number >= 0 && number <= 1000))
        map.reject(*value, "not a share: `" + escape_foreign(value->text()) + "`", "a percentage such as 5%");
    return number;
}

void read_benchmark(MapReader& map, ReportRules& rules) {
    const Value* benchmark = map.map("benchmark");
    if (benchmark == nullptr) return;
    MapReader one(map.document(), *benchmark, "`benchmark`");
    rules.benchmark = read_report_files(one, "file", Required::Yes);
    rules.metric = one.text("metric", "real_time");
    if (one.has("better")) {
        const std::vector<std::string_view> ways{"lower", "higher"};
        rules.better = ways[one.choice("better", ways, 0)];
    }
    rules.max_regression = read_percent(one, "max_regression");
    if (auto done = one.finish(); !done) map.reject(std::move(done.error()));
}

}  // namespace

ReportRules read_report(MapReader& gate) {
    ReportRules rules;
    const Value* value = gate.map("report");
    if (value == nullptr) return rules;
    MapReader map(gate.document(), *value, "`report`");
    rules.junit = read_report_files(map, "junit", Required::No);
    if (const Value* coverage = map.map("coverage")) {
        MapReader one(map.document(), *coverage, "`coverage`");
        rules.coverage = read_report_files(one, "file", Required::Yes);
        rules.min = read_share(one, "min");
        rules.min_change = read_share(one, "min_change");
        if (auto done = one.finish(); !done) map.reject(std::move(done.error()));
    }
    if (const Value* sarif = map.map("sarif")) {
        MapReader one(map.document(), *sarif, "`sarif`");
        rules.sarif = read_report_files(one, "file", Required::Yes);
        const std::vector<std::string_view> levels{"none", "note", "warning", "error"};
        rules.sarif_level = levels[one.choice("level", levels, 3)];
        if (auto done = one.finish(); !done) map.reject(std::move(done.error()));
    }
    read_benchmark(map, rules);
    if (auto done = map.finish(); !done) gate.reject(std::move(done.error()));
    return rules;
}

}  // namespace tidegate::hooks
