// Time. Wall times carry milliseconds since the Unix epoch, UTC; deadlines use the monotonic clock.
#pragma once

#include "shared/base/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace tidegate::shared {

using Duration = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonoTime = std::chrono::steady_clock::time_point;

// What the daemon asks the time of; tests give their own.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual WallTime now() const = 0;
    [[nodiscard]] virtual MonoTime mono() const = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] WallTime now() const override;
    [[nodiscard]] MonoTime mono() const override;
};

// "2026-11-20T23:41:07Z" (RFC 3339, UTC, whole seconds) and back.
[[nodiscard]] std::string format_utc(WallTime time);
[[nodiscard]] Result<WallTime> parse_utc(std::string_view text);

// A duration of a configuration file: digits and a unit, ms s m h d, several in a row ("1h30m"), or 0.
// Invalid for anything else, negative, or more than 10 years.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
// "0.14s", "8.2s", "41s", "2m", "1h 5m", "3d": for people.
[[nodiscard]] std::string human_duration(Duration duration);

}  // namespace tidegate::shared
