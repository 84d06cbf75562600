#include "hooks/report/benchmark.hpp"

#include "hooks/report/xml_text.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

namespace tidegate::hooks::reports {

using namespace shared;

namespace {

constexpr size_t kLongestName = 200;

// All values of one name.
struct Series {
    std::string name;
    std::string unit;
    std::vector<double> values;
    std::optional<double> median;  // the report's own
};

class Collected {
  public:
    explicit Collected(const std::string& file) : file_(file) {}

    Result<Series*> series(std::string_view name, std::string_view unit, int line) {
        if (name.empty() || name.size() > kLongestName || unit.size() > 32)
            return fail_at(file_, line, "a benchmark's name or unit is empty or too long");
        const auto [found, is_new] = by_name_.emplace(name, all_.size());
        if (is_new) {
            if (all_.size() == kMostMeasures)
                return fail_at(file_, line, "more than " + std::to_string(kMostMeasures) + " benchmarks");
            all_.push_back({std::string(name), std::string(unit), {}, {}});
        }
        auto& series = all_[found->second];
        if (series.unit != unit)
            return fail_at(file_, line, "benchmark " + escape_foreign(name) + " has two units");
        return &series;
    }
    [[nodiscard]] std::vector<Measure> measures() {
        std::vector<Measure> result;
        for (auto& series : all_) {
            auto& values = series.values;
            if (!series.median && values.empty()) continue;
            std::sort(values.begin(), values.end());
            const auto middle = values.size() / 2;
            const double own = values.empty()          ? 0
                               : values.size() % 2 > 0 ? values[middle]
                                                       : (values[middle - 1] + values[middle]) / 2;
            result.push_back({series.name, series.median.value_or(own), series.unit});
        }
        return result;
    }
    [[nodiscard]] const std::string& file() const { return file_; }

  private:
    const std::string& file_;
    std::vector<Series> all_;
    std::map<std::string, size_t, std::less<>> by_name_;
};

bool can_be(double value) {
    return std::isfinite(value) && value >= 0;
}

std::string text_of(const Value& item, std::string_view key) {
    const auto* found = item.find(key);
    return found == nullptr || !found->is(Value::Kind::Text) ? std::string() : found->text();
}

std::optional<double> nanoseconds(std::string_view unit) {
    if (unit == "ns" || unit.empty()) return 1;
    if (unit == "us") return 1e3;
    if (unit == "ms") return 1e6;
    if (unit == "s") return 1e9;
    return std::nullopt;
}

// One entry of `benchmarks`.
Result<void> read_entry(const Value& item, std::string_view metric, Collected& into) {
    const auto& file = into.file();
    auto name = text_of(item, "run_name");
    if (name.empty()) name = text_of(item, "name");
    if (const auto* error = item.find("error_occurred"); error != nullptr && error->boolean())
        return fail_at(file, item.line,
                       "benchmark " + escape_foreign(name) +
                           " failed: " + escape_foreign(text_of(item, "error_message")));
    const bool aggregate = text_of(item, "run_type") == "aggregate";
    if (aggregate && text_of(item, "aggregate_name") != "median") return {};
    const auto* value = item.find(metric);
    const bool number = value != nullptr && (value->is(Value::Kind::Integer) || value->is(Value::Kind::Real));
    if (!number || !can_be(value->real()))
        return fail_at(file, item.line,
                       "benchmark " + escape_foreign(name) + " has no " + escape_foreign(metric) +
                           " that is a number of zero or more");
    const bool time = metric == "real_time" || metric == "cpu_time";
    const auto factor = time ? nanoseconds(text_of(item, "time_unit")) : 1;
    if (!factor)
        return fail_at(file, item.line, "benchmark " + escape_foreign(name) + " has an unknown time_unit");
    const std::string_view unit = time ? "ns" : metric.ends_with("_per_second") ? "/s" : "";
    auto* series = TRY(into.series(name, unit, item.line));
    if (aggregate)
        series->median = value->real() * *factor;
    else
        series->values.push_back(value->real() * *factor);
    return {};
}

Result<void> read_google(std::string_view text, std::string_view metric, Collected& into) {
    YamlLimits limits;
    limits.bytes = kMostReportBytes;
    limits.depth = 64;
    limits.nodes = 4'000'000;
    const auto document = TRY(parse_json_document(into.file(), std::string(text), limits));
    const auto* list = document.root().find("benchmarks");
    if (list == nullptr || !list->is(Value::Kind::List))
        return fail_at(into.file(), 1, "no benchmark report: it has no list `benchmarks`");
    for (const auto& item : list->list()) TRY(read_entry(item, metric, into));
    return {};
}

Result<void> read_lines(std::string_view text, Collected& into) {
    if (text.size() > kMostReportBytes) return fail_at(into.file(), 1, "over 64 MiB");
    int number = 0;
    for (auto line : lines_of(text)) {
        ++number;
        line = trim(line);
        if (line.empty() || line.front() == '#') continue;
        std::vector<std::string_view> words;
        for (const auto word : split(line, ' '))
            for (const auto part : split(word, '\t'))
                if (!part.empty()) words.push_back(part);
        double value = -1;
        if (words.size() == 2 || words.size() == 3) {
            const auto end = words[1].data() + words[1].size();
            const auto read = std::from_chars(words[1].data(), end, value);
            if (read.ec != std::errc() || read.ptr != end) value = -1;
        }
        if (!can_be(value))
            return fail_at(into.file(), number,
                           "not a line of `name value unit`: " + escape_foreign(line.substr(0, 80)));
        auto* series = TRY(into.series(words[0], words.size() == 3 ? words[2] : "", number));
        series->values.push_back(value);
    }
    return {};
}

}  // namespace

Result<std::vector<Measure>> read_benchmarks(const std::string& file, std::string_view text,
                                             std::string_view metric) {
    Collected all(file);
    if (trim(text).starts_with('{'))
        TRY(read_google(text, metric, all));
    else
        TRY(read_lines(text, all));
    auto measures = all.measures();
    if (measures.empty()) return fail_at(file, 1, "no benchmark in it");
    return measures;
}

std::vector<Regression> regressions(const std::vector<Measure>& now, const std::vector<Measure>& before,
                                    double most, Better better) {
    std::vector<Regression> worse;
    for (const auto& one : now) {
        const auto found = std::find_if(before.begin(), before.end(), [&](const Measure& then) {
            return then.name == one.name && then.unit == one.unit;
        });
        if (found == before.end() || found->value <= 0) continue;
        const bool higher = better == Better::Higher ||
                            (better == Better::ByUnit && one.unit.find("/s") != std::string::npos);
        const double moved = (one.value - found->value) / found->value * 100;
        const double percent = higher ? -moved : moved;
        if (percent > most + 1e-9) worse.push_back({one, *found, percent});
    }
    return worse;
}

std::string shown(const Measure& measure) {
    double value = measure.value;
    std::string unit = measure.unit;
    for (const std::string_view next : {"us", "ms", "s"}) {
        if (value < 1000 || (unit != "ns" && unit != "us" && unit != "ms")) break;
        value /= 1000;
        unit = next;
    }
    char text[48];
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::string(text) + (unit.empty() || unit.front() == '/' ? "" : " ") + unit;
}

}  // namespace tidegate::hooks::reports
