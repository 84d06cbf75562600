#include "shared/base/clock.hpp"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>

namespace tidegate::shared {

WallTime SystemClock::now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

MonoTime SystemClock::mono() const {
    return std::chrono::steady_clock::now();
}

std::string format_utc(WallTime time) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char buffer[40];
    std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return buffer;
}

Result<WallTime> parse_utc(std::string_view text) {
    const std::string copy(text);
    std::tm parts{};
    const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0')
        return fail(ErrorKind::Invalid, "not a UTC time: `" + copy + "`", "write it as 2026-11-20T23:41:07Z");
    return WallTime(std::chrono::seconds(timegm(&parts)));
}

namespace {

// Milliseconds of a unit, 0 where there is no such unit.
std::int64_t unit_milliseconds(std::string_view unit) {
    if (unit == "ms") return 1;
    if (unit == "s") return 1000;
    if (unit == "m") return 60'000;
    if (unit == "h") return 3'600'000;
    if (unit == "d") return 86'400'000;
    return 0;
}

constexpr std::int64_t kLongest = 3650LL * 86'400'000;

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const auto wrong = [whole = text] {
        return fail(ErrorKind::Invalid, "not a duration: `" + std::string(whole.substr(0, 40)) + "`",
                    "write a number and a unit: 500ms, 30s, 5m, 1h, 2d, 1h30m");
    };
    if (text == "0") return Duration(0);
    if (text.empty()) return wrong();
    std::int64_t total = 0;
    std::int64_t last_unit = kLongest;
    while (!text.empty()) {
        std::int64_t count = 0;
        const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (status != std::errc() || count < 0 || text.front() == '-') return wrong();
        text.remove_prefix(static_cast<size_t>(rest - text.data()));
        const auto unit_end = std::min(text.find_first_of("0123456789"), text.size());
        const auto unit = unit_milliseconds(text.substr(0, unit_end));
        if (unit == 0 || unit >= last_unit || count > kLongest / unit) return wrong();
        text.remove_prefix(unit_end);
        total += count * unit;
        last_unit = unit;
        if (total > kLongest) return wrong();
    }
    return Duration(total);
}

std::string human_duration(Duration duration) {
    const auto ms = duration.count();
    char buffer[48];
    if (ms < 0) return "0s";
    if (ms < 995)
        std::snprintf(buffer, sizeof buffer, "%.2fs", static_cast<double>(ms) / 1000.0);
    else if (ms < 9'950)
        std::snprintf(buffer, sizeof buffer, "%.1fs", static_cast<double>(ms) / 1000.0);
    else if (ms < 60'000)
        std::snprintf(buffer, sizeof buffer, "%llds", static_cast<long long>((ms + 500) / 1000));
    else if (ms < 3'600'000) {
        const auto rest = static_cast<long long>(ms / 1000 % 60);
        if (rest == 0 || ms >= 600'000)
            std::snprintf(buffer, sizeof buffer, "%lldm", static_cast<long long>(ms / 60'000));
        else
            std::snprintf(buffer, sizeof buffer, "%lldm %llds", static_cast<long long>(ms / 60'000), rest);
    } else if (ms < 86'400'000) {
        const auto rest = static_cast<long long>(ms / 60'000 % 60);
        if (rest == 0)
            std::snprintf(buffer, sizeof buffer, "%lldh", static_cast<long long>(ms / 3'600'000));
        else
            std::snprintf(buffer, sizeof buffer, "%lldh %lldm", static_cast<long long>(ms / 3'600'000), rest);
    } else
        std::snprintf(buffer, sizeof buffer, "%lldd", static_cast<long long>(ms / 86'400'000));
    return buffer;
}

}  // namespace tidegate::shared
