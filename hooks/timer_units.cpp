#include "hooks/timer_units.hpp"

#include "shared/base/text.hpp"
#include "shared/hash/sha256.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kLongestFolderName = 40;

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':';
}

// A value outside of ExecStart=: only specifiers count, and a line is a line.
std::string plain_value(std::string_view text) {
    std::string value;
    for (const char c : escape_foreign(text)) value += c == '%' ? std::string("%%") : std::string(1, c);
    return value;
}

std::string quoted(std::string_view word, bool dollars) {
    std::string text = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\')
            text += std::string("\\") + c;
        else if (c == '%')
            text += "%%";
        else if (c == '$' && dollars)
            text += "$$";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            text += "\\x" + hex(std::string_view(&c, 1));
        else
            text += c;
    }
    return text + "\"";
}

bool is_number(std::string_view text, int below) {
    int number = -1;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc() && end == text.data() + text.size() && text.size() <= 2 && number >= 0 &&
           number < below && text[0] != '+' && text[0] != '-';
}

bool is_day(std::string_view text) {
    constexpr std::array<std::string_view, 14> kDays{"Mon",      "Tue",    "Wed",      "Thu",     "Fri",
                                                     "Sat",      "Sun",    "Monday",   "Tuesday", "Wednesday",
                                                     "Thursday", "Friday", "Saturday", "Sunday"};
    return std::find(kDays.begin(), kDays.end(), text) != kDays.end();
}

bool are_days(std::string_view text) {
    for (const auto part : split(text, ',')) {
        const auto dots = part.find("..");
        if (dots == std::string_view::npos ? !is_day(part)
                                           : !is_day(part.substr(0, dots)) || !is_day(part.substr(dots + 2)))
            return false;
    }
    return true;
}

std::string header(const TimerJob& job) {
    return std::string(kTimerMark) + "\n[Unit]\nDescription=Gates of stage " + plain_value(job.stage) +
           " in " + plain_value(job.folder) + "\n\n";
}

}  // namespace

std::string quoted_for_unit(std::string_view word) {
    return quoted(word, true);
}

std::string timer_prefix(const std::string& folder) {
    auto name = folder.substr(folder.rfind('/') + 1).substr(0, kLongestFolderName);
    for (char& c : name)
        if (!is_plain(c) || c == ':') c = '_';
    return "tidegate-" + name + "-" + sha256_hex(folder).substr(0, 8) + "-";
}

std::string timer_name(const std::string& folder, const std::string& stage) {
    auto name = timer_prefix(folder);
    for (const char c : stage) name += is_plain(c) ? std::string(1, c) : "\\x" + hex(std::string_view(&c, 1));
    return name;
}

std::string stage_of_timer(std::string_view name, std::string_view prefix) {
    name.remove_prefix(prefix.size());
    std::string stage;
    while (!name.empty()) {
        const bool escaped = name.starts_with("\\x") && name.size() >= 4;
        stage += escaped ? unhex(name.substr(2, 2)) : std::string(name.substr(0, 1));
        name.remove_prefix(escaped ? 4 : 1);
    }
    return stage;
}

std::string service_unit(const TimerJob& job) {
    // The program's own name is taken as it stands, but for specifiers: variables are not put in there.
    return header(job) + "[Service]\nType=oneshot\nEnvironment=" + quoted("PATH=" + job.path, false) +
           "\nExecStart=" + quoted(job.program, false) + " -C " + quoted_for_unit(job.folder) + " run " +
           quoted_for_unit(job.stage) + "\n";
}

std::string timer_unit(const TimerJob& job) {
    return header(job) + "[Timer]\nOnCalendar=" + job.when +
           "\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n";
}

bool is_plain_time(std::string_view when) {
    constexpr std::array<std::string_view, 7> kWords{"hourly", "daily",     "weekly",      "monthly",
                                                     "yearly", "quarterly", "semiannually"};
    if (std::find(kWords.begin(), kWords.end(), when) != kWords.end()) return true;
    const auto blank = when.find(' ');
    if (blank != std::string_view::npos) {
        if (!are_days(when.substr(0, blank))) return false;
        when.remove_prefix(blank + 1);
    }
    const auto parts = split(when, ':');
    return (parts.size() == 2 || parts.size() == 3) && is_number(parts[0], 24) && is_number(parts[1], 60) &&
           (parts.size() == 2 || is_number(parts[2], 60));
}

}  // namespace tidegate::hooks
