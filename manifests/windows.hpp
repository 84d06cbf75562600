// Whether a window opens at times that exist, by the system's time zone files (TZif, RFC 8536). Nothing here
// depends on the process's own time zone.
#pragma once

#include "manifests/branch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::manifests {

// Clocks jump forward at `utc` (seconds since 1970): local times from utc+before to utc+after do not exist.
struct ClockGap {
    std::int64_t utc = 0;
    std::int64_t before = 0;
    std::int64_t after = 0;
};

// The gaps that a TZif file lists. Invalid for anything else.
[[nodiscard]] Result<std::vector<ClockGap>> clock_gaps(std::string_view tzif);

// What is wrong with a window, in words; empty where it is fine in the `years` after `now`. `zones` is the folder
// of the time zone database.
[[nodiscard]] std::string fault_of_window(const Window& window, shared::WallTime now, int years = 5,
                                          const std::string& zones = "/usr/share/zoneinfo");

}  // namespace tidegate::manifests
