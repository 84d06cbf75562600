// What the commands of a release may use up: a host sets limits for all of them, a manifest lower ones for its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::shared {
class MapReader;
}

namespace tidegate::manifests {

// Of one command with all that it starts; 0: no limit of ours.
struct Limits {
    std::uint64_t memory = 0;      // bytes
    std::uint64_t cpu = 0;         // percent of one processor
    std::uint64_t tasks = 0;       // processes and threads
    std::uint64_t open_files = 0;  // of each process
    bool operator==(const Limits&) const = default;
};

// Of each the smaller: a manifest asks for less than its host allows, and never for more.
[[nodiscard]] Limits lower(const Limits& host, const Limits& manifest);

// The keys `memory`, `cpu`, `tasks` and `open_files` of this map; what is wrong is put at its place there.
void read_limits(shared::MapReader& reader, Limits& limits);

// "500MiB": digits and one of B, KiB, MiB, GiB, TiB; more than nothing.
[[nodiscard]] std::optional<std::uint64_t> size_of(std::string_view text);
// In the largest unit that needs no fraction.
[[nodiscard]] std::string shown_size(std::uint64_t bytes);

}  // namespace tidegate::manifests
