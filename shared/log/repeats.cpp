#include "shared/log/repeats.hpp"

#include <algorithm>

namespace tidegate::shared {

namespace {

constexpr size_t kShownAtFirst = 5;
constexpr size_t kMostKept = 256;
constexpr std::chrono::minutes kLongestGap{60};

}  // namespace

// What has stayed away for twice its gap is over. Too many at once, and all are.
void Repeats::forget(MonoTime now, std::vector<Counted>& over) {
    const bool full = seen_.size() >= kMostKept;
    std::erase_if(seen_, [&](const auto& entry) {
        const Seen& seen = entry.second;
        if (now - seen.last < 2 * seen.gap && !full) return false;
        const bool told = seen.times_shown >= kShownAtFirst;
        if (told || seen.unseen > 0) over.push_back({seen.message, seen.unseen, !full});
        return true;
    });
}

bool Repeats::shows(const std::string& key, std::string_view message, MonoTime now,
                    std::vector<Counted>& over) {
    forget(now, over);
    auto& seen = seen_.try_emplace(key, Seen{{}, {}, std::chrono::minutes(1), 0, 0, std::string(message)})
                     .first->second;
    seen.last = now;
    if (seen.times_shown >= kShownAtFirst) {
        if (now - seen.shown < seen.gap) {
            ++seen.unseen;
            return false;
        }
        if (seen.unseen > 0) over.push_back({seen.message, seen.unseen, false});
        seen.unseen = 0;
        seen.gap = std::min(seen.gap * 2, kLongestGap);
    }
    ++seen.times_shown;
    seen.shown = now;
    return true;
}

}  // namespace tidegate::shared
