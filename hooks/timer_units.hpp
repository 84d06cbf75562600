// The systemd units of a stage that runs by the clock. Pure. systemd.unit(5), systemd.service(5), systemd.timer(5),
// systemd.time(7).
#pragma once

#include "shared/base/error.hpp"

#include <string>
#include <string_view>

namespace tidegate::hooks {

struct TimerJob {
    std::string stage;
    std::string when;     // of systemd.time(7): "02:00", "Mon..Fri 22:30", "hourly"
    std::string folder;   // the working tree, absolute
    std::string program;  // tidegate, absolute
    std::string path;     // $PATH for its gates
};

// The first line of every unit of ours.
inline constexpr std::string_view kTimerMark =
    "# Written by tidegate; `tidegate uninstall --timer` removes it.";

// "tidegate-web-1a2b3c4d-": what the units of a working tree begin with. No two working trees share it.
[[nodiscard]] std::string timer_prefix(const std::string& folder);
// A unit's name without its ending; characters that a unit's name cannot have are written \x2b.
[[nodiscard]] std::string timer_name(const std::string& folder, const std::string& stage);
// The stage in a name that begins with the prefix.
[[nodiscard]] std::string stage_of_timer(std::string_view name, std::string_view prefix);

[[nodiscard]] std::string service_unit(const TimerJob& job);
[[nodiscard]] std::string timer_unit(const TimerJob& job);

// What is understood where no systemd-analyze can be asked: "[DAYS ]HH:MM[:SS]" with DAYS like "Mon", "Mon,Thu" or
// "Mon..Fri", and hourly, daily, weekly, monthly, yearly.
[[nodiscard]] bool is_plain_time(std::string_view when);

// A word of ExecStart=: in double quotes, with specifiers, variables and quotes made plain.
[[nodiscard]] std::string quoted_for_unit(std::string_view word);

}  // namespace tidegate::hooks
