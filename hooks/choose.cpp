#include "hooks/choose.hpp"

#include "hooks/config/match.hpp"

#include <algorithm>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kEnoughForALine = 1024;

// The path as the filter's rules see it.
std::string_view seen(const FileFilter& filter, const TreeEntry& entry) {
    return std::string_view(entry.path).substr(filter.folder.size());
}

// Leaves those whose types `match` asks for.
Result<void> keep_types(const Repository& repo, const FileFilter& filter, std::vector<TreeEntry>& entries) {
    if (filter.match == nullptr || !filter.match->asks_types()) return {};
    std::erase_if(entries, [](const TreeEntry& entry) { return !entry.is_file(); });
    std::vector<bool> keep(entries.size());
    std::vector<Oid> oids;
    std::vector<size_t> asked;
    const auto judge = [&](size_t index, std::string_view content) {
        const auto& entry = entries[index];
        keep[index] = filter.match->types(seen(filter, entry), entry.mode == FileMode::Executable, content);
    };
    for (size_t i = 0; i < entries.size(); ++i) {
        if (FileMatch::known_by_name(seen(filter, entries[i]))) {
            judge(i, {});
        } else {
            oids.push_back(entries[i].oid);
            asked.push_back(i);
        }
    }
    if (!oids.empty())
        TRY(read_blobs(repo, oids, kEnoughForALine, [&](size_t index, std::uint64_t, std::string content) {
            judge(asked[index], content);
        }));
    size_t at = 0;
    std::erase_if(entries, [&](const TreeEntry&) { return !keep[at++]; });
    return {};
}

}  // namespace

Result<std::vector<TreeEntry>> chosen(const Repository& repo, const FileFilter& filter,
                                      const std::vector<Change>& changes) {
    std::vector<TreeEntry> entries;
    for (const auto& change : changes)
        if (change.kind != Change::Kind::Deleted && filter.matches(change.entry.path))
            entries.push_back(change.entry);
    TRY(keep_types(repo, filter, entries));
    return entries;
}

Result<size_t> count_chosen(const Repository& repo, const FileFilter& filter,
                            const std::vector<Change>& changes) {
    const bool types = filter.match != nullptr && filter.match->asks_types();
    if (types) return TRY(chosen(repo, filter, changes)).size();
    return static_cast<size_t>(std::count_if(changes.begin(), changes.end(), [&](const Change& change) {
        return filter.matches(change.entry.path);
    }));
}

bool concerns(const Gate& gate, const std::vector<Change>& changes) {
    const auto below = gate.folder + "/";
    return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
        const auto& path = change.entry.path;
        return path.starts_with(below) || std::any_of(gate.affected.begin(), gate.affected.end(),
                                                      [&](const Glob& glob) { return glob.matches(path); });
    });
}

}  // namespace tidegate::hooks
