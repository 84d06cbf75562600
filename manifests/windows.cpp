#include "manifests/windows.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <limits>

namespace tidegate::manifests {

using namespace shared;

namespace {

constexpr size_t kLongestZone = 1 << 20;
constexpr std::int64_t kDay = 86'400;

std::int64_t big_endian(std::string_view bytes) {
    std::uint64_t value = (static_cast<unsigned char>(bytes.front()) & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

struct Counts {
    size_t isut, isstd, leap, time, type, character;

    // Bytes of the data block whose times take `width` bytes each.
    [[nodiscard]] size_t bytes(size_t width) const {
        return time * width + time + type * 6 + character + leap * (width + 4) + isstd + isut;
    }
};

constexpr size_t kHeader = 44;

std::optional<Counts> counts_at(std::string_view text) {
    if (text.size() < kHeader || !text.starts_with("TZif")) return std::nullopt;
    const auto count = [&](size_t i) {
        return static_cast<size_t>(big_endian(text.substr(20 + 4 * i, 4)) & 0xFFFFFFFF);
    };
    return Counts{count(0), count(1), count(2), count(3), count(4), count(5)};
}

bool is_zone_name(std::string_view name) {
    const auto good = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' ||
               c == '_' || c == '+' || c == '-';
    };
    return !name.empty() && name.size() < 64 && name.front() != '/' &&
           std::all_of(name.begin(), name.end(), good);
}

std::string clock_text(int minutes) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "%02d:%02d", minutes / 60, minutes % 60);
    return buffer;
}

std::string date_text(std::int64_t day) {
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return buffer;
}

// 0 Monday … 6 Sunday; day 0 of the epoch was a Thursday.
int weekday_of(std::int64_t day) {
    return static_cast<int>(((day + 3) % 7 + 7) % 7);
}

bool opens_on(const Window& window, int weekday) {
    return std::find(window.days.begin(), window.days.end(), weekday) != window.days.end();
}

// The data block of the widest times that a file has, and its footer.
struct ZoneBlock {
    Counts counts;
    size_t width;
    std::string_view data;
    std::string_view footer;  // a POSIX TZ string between line breaks; empty in version 1
};

Result<ZoneBlock> block_of(std::string_view tzif) {
    const auto bad = [] { return fail(ErrorKind::Invalid, "not a time zone file"); };
    auto counts = counts_at(tzif);
    if (!counts) return bad();
    // Version 2 and later repeat everything with times of 64 bits.
    size_t width = 4;
    if (tzif[4] >= '2') {
        const auto first = kHeader + counts->bytes(4);
        if (first > tzif.size()) return bad();
        tzif.remove_prefix(first);
        counts = counts_at(tzif);
        if (!counts) return bad();
        width = 8;
    }
    tzif.remove_prefix(kHeader);
    const auto bytes = counts->bytes(width);
    if (bytes > tzif.size() || counts->type == 0) return bad();
    return ZoneBlock{*counts, width, tzif.substr(0, bytes),
                     width == 8 ? tzif.substr(bytes) : std::string_view()};
}

}  // namespace

Result<std::vector<ZoneStep>> zone_steps(std::string_view tzif) {
    const auto block = TRY(block_of(tzif));
    const auto& counts = block.counts;
    const auto width = block.width;
    const auto data = block.data;
    const auto types = data.substr(counts.time * width + counts.time, counts.type * 6);
    const auto offset_of = [&](size_t type) { return big_endian(types.substr(type * 6, 4)); };
    std::vector<ZoneStep> steps{{std::numeric_limits<std::int64_t>::min(), offset_of(0)}};
    for (size_t i = 0; i < counts.time; ++i) {
        const auto type = static_cast<unsigned char>(data[counts.time * width + i]);
        if (type >= counts.type) return fail(ErrorKind::Invalid, "not a time zone file");
        steps.push_back({big_endian(data.substr(i * width, width)), offset_of(type)});
    }
    return steps;
}

std::int64_t offset_at(const std::vector<ZoneStep>& steps, std::int64_t utc) {
    const auto after =
        std::upper_bound(steps.begin() + 1, steps.end(), utc,
                         [](std::int64_t time, const ZoneStep& step) { return time < step.utc; });
    return std::prev(after)->offset;
}

Result<std::vector<ZoneStep>> read_zone(const std::string& name, WallTime now, const std::string& zones) {
    const auto missing = [&] {
        return fail(ErrorKind::Invalid, "no such time zone here: `" + escape_foreign(name) + "`",
                    "use a name of the IANA database, or UTC; the host needs the package tzdata");
    };
    if (!is_zone_name(name)) return missing();
    const auto text = read_file(zones + "/" + name, kLongestZone);
    if (!text) return missing();
    auto steps = zone_steps(*text);
    if (!steps) return missing();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    const bool goes_on = TRY(block_of(*text)).footer.find(',') != std::string_view::npos;
    if (goes_on && steps->back().utc <= seconds)
        return fail(ErrorKind::Invalid,
                    "the time zone file of `" + escape_foreign(name) + "` here lists no times as late as now",
                    "install the distribution's tzdata, or give the window in UTC");
    return steps;
}

Result<std::vector<ClockGap>> clock_gaps(std::string_view tzif) {
    const auto steps = TRY(zone_steps(tzif));
    std::vector<ClockGap> gaps;
    for (size_t i = 1; i < steps.size(); ++i)
        if (steps[i].offset > steps[i - 1].offset)
            gaps.push_back({steps[i].utc, steps[i - 1].offset, steps[i].offset});
    return gaps;
}

std::string fault_of_window(const Window& window, WallTime now, int years, const std::string& zones) {
    if (!is_zone_name(window.timezone)) return "no such time zone: `" + escape_foreign(window.timezone) + "`";
    if (!exists(zones)) return {};  // no database here to judge by
    const auto text = read_file(zones + "/" + window.timezone, kLongestZone);
    const auto gaps = text ? clock_gaps(*text) : fail(text.error());
    if (!gaps) return "no such time zone: `" + escape_foreign(window.timezone) + "`";
    const auto begin = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    const auto end = begin + years * 366 * kDay;
    for (const auto& gap : *gaps) {
        if (gap.utc < begin || gap.utc > end) continue;
        const auto day = (gap.utc + gap.before) / kDay;
        const auto from = gap.utc + gap.before - day * kDay;  // seconds into that day
        const auto to = gap.utc + gap.after - day * kDay;
        const auto lost = [&](int minutes) { return minutes * 60 >= from && minutes * 60 < to; };
        const auto weekday = weekday_of(day);
        // Over midnight, it closes on the day after the one on which it opened.
        const auto opening_day = window.to <= window.from ? (weekday + 6) % 7 : weekday;
        const auto where = " on " + date_text(day) + " in " + window.timezone + ", when clocks go forward";
        if (opens_on(window, weekday) && lost(window.from))
            return "it opens at " + clock_text(window.from) + ", a time that does not exist" + where;
        if (opens_on(window, opening_day) && lost(window.to))
            return "it closes at " + clock_text(window.to) + ", a time that does not exist" + where;
    }
    return {};
}

}  // namespace tidegate::manifests
