#include "manifests/limits.hpp"

#include "manifests/sections.hpp"

#include <charconv>
#include <iterator>

namespace tidegate::manifests {

using namespace shared;

namespace {

constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
constexpr std::uint64_t kLeastMemory = 1 << 20;
constexpr std::uint64_t kMostCpu = 100'000;

std::uint64_t smaller(std::uint64_t one, std::uint64_t other) {
    if (one == 0 || other == 0) return one + other;
    return one < other ? one : other;
}

// "150%" → 150.
std::optional<std::uint64_t> percent_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, number);
    if (code != std::errc() || rest + 1 != end || *rest != '%' || number < 1 || number > kMostCpu)
        return std::nullopt;
    return number;
}

}  // namespace

Limits lower(const Limits& host, const Limits& manifest) {
    return {smaller(host.memory, manifest.memory), smaller(host.cpu, manifest.cpu),
            smaller(host.tasks, manifest.tasks), smaller(host.open_files, manifest.open_files)};
}

void read_limits(MapReader& reader, Limits& limits) {
    if (const auto text = reader.optional_text("memory")) {
        const auto bytes = size_of(*text);
        if (bytes && *bytes >= kLeastMemory)
            limits.memory = *bytes;
        else
            reader.reject(*reader.any("memory"), quoted(*text) + " is no size of memory",
                          "digits and a unit, at least 1MiB: 512MiB, 2GiB");
    }
    if (const auto text = reader.optional_text("cpu")) {
        if (const auto percent = percent_of(*text))
            limits.cpu = *percent;
        else
            reader.reject(*reader.any("cpu"), quoted(*text) + " is no share of processors",
                          "percent of one processor: 50%, 200%");
    }
    const auto count = [&](std::string_view key, std::int64_t least, std::uint64_t& limit) {
        if (reader.has(key)) limit = static_cast<std::uint64_t>(reader.integer(key, least, least, 1 << 22));
    };
    count("tasks", 1, limits.tasks);
    count("open_files", 16, limits.open_files);
}

std::optional<std::uint64_t> size_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc()) return std::nullopt;
    const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    for (unsigned i = 0; i < std::size(kUnits); ++i)
        if (unit == kUnits[i] && number > 0 && number < (1ULL << 20)) return number << (10 * i);
    return std::nullopt;
}

std::string shown_size(std::uint64_t bytes) {
    unsigned unit = 0;
    for (; unit + 1 < std::size(kUnits) && bytes >= 1024 && bytes % 1024 == 0; ++unit) bytes /= 1024;
    return std::to_string(bytes) + std::string(kUnits[unit]);
}

}  // namespace tidegate::manifests
