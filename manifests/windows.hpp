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

// From `utc` on (seconds since 1970), the clocks there are `offset` seconds ahead of UTC.
struct ZoneStep {
    std::int64_t utc = 0;
    std::int64_t offset = 0;
};

// The steps that a TZif file lists, ascending; the first one is from the beginning of time. Invalid for anything else.
[[nodiscard]] Result<std::vector<ZoneStep>> zone_steps(std::string_view tzif);
// `steps`: not empty.
[[nodiscard]] std::int64_t offset_at(const std::vector<ZoneStep>& steps, std::int64_t utc);
// The steps of a zone of the time zone database. Invalid where there is no such zone, or its file leaves `now` to a
// rule after its last step (files made with `zic -b slim`), which is not read here.
[[nodiscard]] Result<std::vector<ZoneStep>> read_zone(const std::string& name, shared::WallTime now,
                                                      const std::string& zones = "/usr/share/zoneinfo");

// What is wrong with a window, in words; empty where it is fine in the `years` after `now`. `zones` is the folder
// of the time zone database.
[[nodiscard]] std::string fault_of_window(const Window& window, shared::WallTime now, int years = 5,
                                          const std::string& zones = "/usr/share/zoneinfo");

}  // namespace tidegate::manifests
