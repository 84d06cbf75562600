#include "hooks/mover.hpp"

#include "hooks/as_is.hpp"
#include "hooks/checkout_files.hpp"
#include "hooks/index_writer.hpp"
#include "hooks/tree.hpp"
#include "shared/base/files.hpp"

#include <compare>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr size_t kMostChanges = 5000;
constexpr size_t kAside = 1 << 20;  // how much of two large indexes may lie in memory behind us

bool differs(const IndexEntry& a, const IndexEntry& b) {
    return a.mode != b.mode || a.oid != b.oid;
}

// Two indexes walked at once, path by path.
class Walk {
  public:
    Walk(const IndexFile& from, const IndexFile& to) : from_(from), to_(to) {
        has_from_ = from_.next();
        has_to_ = to_.next();
    }
    // The next path: who has it.
    struct Pair {
        const IndexEntry* from = nullptr;
        const IndexEntry* to = nullptr;
    };
    std::optional<Pair> next() {
        if (taken_from_) has_from_ = from_.next();
        if (taken_to_) has_to_ = to_.next();
        if (!has_from_ && !has_to_) return std::nullopt;
        const auto order = !has_from_ ? std::strong_ordering::greater
                           : !has_to_ ? std::strong_ordering::less
                                      : from_.entry().path <=> to_.entry().path;
        taken_from_ = order <= 0;
        taken_to_ = order >= 0;
        return Pair{taken_from_ ? &from_.entry() : nullptr, taken_to_ ? &to_.entry() : nullptr};
    }

  private:
    IndexCursor from_;
    IndexCursor to_;
    bool has_from_ = false;
    bool has_to_ = false;
    bool taken_from_ = false;
    bool taken_to_ = false;
};

// A place in the old index: what lies there goes, what is new comes in its stead.
struct Splice {
    size_t begin = 0;
    size_t end = 0;
    std::string oid;              // raw, of the new entry
    std::optional<size_t> fresh;  // which of the new files
};

struct Changes {
    std::vector<OldFile> gone;  // those of which another kind comes in their place too
    std::vector<NewFile> fresh;
    std::vector<Splice> splices;
};

// nullopt: too many, or of a kind that git writes better.
std::optional<Changes> changes_between(const IndexFile& from, const IndexFile& to) {
    Changes changes;
    Walk walk(from, to);
    size_t at = 12;  // in the old index: where the next new entry goes
    size_t aside = 0;
    while (const auto pair = walk.next()) {
        const auto begin = pair->from == nullptr ? at : pair->from->begin;
        if (pair->from != nullptr) at = pair->from->end;
        if (at - aside > kAside) {
            from.put_aside(aside = at);
            to.put_aside(pair->to == nullptr ? 0 : pair->to->begin);
        }
        if (pair->from != nullptr && pair->to != nullptr && !differs(*pair->from, *pair->to)) continue;
        for (const auto* entry : {pair->from, pair->to}) {
            if (entry == nullptr) continue;
            const bool known = entry->mode == FileMode::File || entry->mode == FileMode::Executable ||
                               entry->mode == FileMode::Link;
            if (!known) return std::nullopt;
        }
        // What changes its content only is written over.
        const bool over = pair->from != nullptr && pair->to != nullptr &&
                          pair->from->mode == pair->to->mode && pair->from->mode != FileMode::Link;
        if (pair->from != nullptr && !over)
            changes.gone.push_back({std::string(pair->from->path), std::string(pair->from->stat)});
        Splice splice{begin, at, {}, std::nullopt};
        if (pair->to != nullptr) {
            splice.oid = pair->to->oid;
            splice.fresh = changes.fresh.size();
            changes.fresh.push_back(
                {pair->to->as_tree_entry(), over ? std::string(pair->from->stat) : std::string(), {}});
        }
        changes.splices.push_back(std::move(splice));
        if (changes.gone.size() + changes.fresh.size() > kMostChanges) return std::nullopt;
    }
    return changes;
}

// The new tree's entries: those that stayed as they lie in the old index.
Result<void> write_index(const std::string& path, const IndexFile& from, const IndexFile& to,
                         const Changes& changes) {
    auto writer = TRY(IndexWriter::begin(path, static_cast<std::uint32_t>(to.size())));
    size_t at = 12;
    for (const auto& splice : changes.splices) {
        writer.copy(from.bytes().substr(at, splice.begin - at));
        at = splice.end;
        if (!splice.fresh) continue;
        const auto& file = changes.fresh[*splice.fresh];
        writer.entry(file.stat, splice.oid, file.entry.path);
    }
    writer.copy(from.bytes().substr(at, from.entries_end() - at));
    writer.cache_tree(to.cache_tree());
    return writer.finish();
}

}  // namespace

Result<bool> move_checkout(const PrivateRepo& own, const Repository& repo, const IndexFile& from,
                           const IndexFile& to) {
    if (repo.sha256 || !to.tree() || to.intent_to_add()) return false;
    if (from.version() != 2 || !from.tree() || from.intent_to_add() || from.flagged() ||
        !from.unmerged().empty())
        return false;
    auto changes = changes_between(from, to);
    if (!changes || !checks_out_as_is(repo, to)) return false;
    const auto root = TRY(open_dir(own.checkout));
    if (!TRY(remove_files(root.get(), changes->gone))) return false;
    if (!TRY(write_files(root.get(), repo, changes->fresh))) return false;
    TRY(write_index(own.git_dir + "/index", from, to, *changes));
    return true;
}

}  // namespace tidegate::hooks
