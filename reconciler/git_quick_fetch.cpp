// A fetch of little that is new, by one question over a connection that is kept. What comes is unpacked and checked by
// git (`--strict`, as `git fetch` has it done), and is only kept by a ref when nothing is missing of it. Whatever goes
// another way leaves the refs as they are, and git fetches.
#include "reconciler/git_remotes.hpp"
#include "reconciler/git_wire.hpp"
#include "reconciler/source.hpp"
#include "reconciler/store_cleaning.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kLongestPack = 4 << 20;  // more is git's, which holds none of it in memory
constexpr size_t kMostHaves = 16;
constexpr size_t kMostCommits = 100;
constexpr size_t kLongestList = 1 << 20;
constexpr std::uint32_t kManyObjects =
    100;  // from there on a pack stays a pack, as with git (fetch.unpackLimit)

// The commits that a store keeps by refs of their own id, whether the refs are packed or not.
std::vector<Oid> kept_commits(const std::string& store) {
    std::vector<std::string> names;
    const std::string below(kCommitRefs);
    if (const auto folder = open_dir(store + "/" + below))
        if (auto loose = list_dir(folder->get())) names = std::move(*loose);
    if (const auto packed = read_file(store + "/packed-refs", kLongestList))
        for (const auto line : lines_of(*packed))
            if (const auto at = line.find(" " + below); at != std::string_view::npos)
                names.emplace_back(line.substr(at + 1 + below.size()));
    std::vector<Oid> out;
    for (const auto& name : names)
        if (auto oid = Oid::parse(name)) out.push_back(std::move(*oid));
    return out;
}

// Commits that are here without their parents.
std::vector<Oid> shallow_commits(const std::string& store) {
    std::vector<Oid> out;
    if (const auto text = read_file(store + "/shallow", kLongestList))
        for (const auto line : lines_of(*text))
            if (auto oid = Oid::parse(trim(line))) out.push_back(std::move(*oid));
    return out;
}

// As git writes it: one that a crash spoils is mended with the whole store.
bool write_shallow(const std::string& store, const std::vector<Oid>& commits) {
    std::string text;
    for (const auto& oid : commits) text += oid.str() + "\n";
    const auto fresh = store + "/shallow.lock";
    const Fd fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    return fd && write_all(fd.get(), text, fresh) &&
           std::rename(fresh.c_str(), (store + "/shallow").c_str()) == 0;
}

// gitformat-pack(5): "PACK", version, number of objects.
std::optional<std::uint32_t> objects_in(std::string_view pack) {
    if (pack.size() < 12 || !pack.starts_with("PACK")) return std::nullopt;
    std::uint32_t count = 0;
    for (const char c : pack.substr(8, 4)) count = count << 8 | static_cast<unsigned char>(c);
    return count;
}

// Every tree and file that `tree` has beyond `before`, which is whole.
bool is_whole(const Repo& objects, const Oid& before, const Oid& tree) {
    const auto changes = objects.diff_trees(before, tree);
    return changes && std::all_of(changes->begin(), changes->end(), [&](const TreeChange& change) {
               return !change.after || change.after->kind == EntryKind::Submodule ||
                      objects.contains(change.after->oid);
           });
}

// `git fetch` asks this by `rev-list --objects --not --all`: nothing is missing between what was here and the commit.
bool is_whole(const Repo& objects, const Oid& commit, bool shallow, const std::vector<Oid>& haves) {
    const auto tip = objects.commit(commit);
    const auto base = objects.commit(haves.front());
    if (!tip || !base || !is_whole(objects, base->tree, tip->tree)) return false;
    if (shallow) return true;
    const auto between = objects.walk(commit, haves, kMostCommits);
    return between && between->size() < kMostCommits &&
           std::all_of(between->begin(), between->end(), [&](const Oid& one) {
               const auto info = objects.commit(one);
               const auto parent =
                   !info || info->parents.empty() ? base : objects.commit(info->parents.front());
               return info && parent && is_whole(objects, parent->tree, info->tree);
           });
}

bool point(Repo& objects, const RefName& ref, const Oid& to) {
    const auto before = objects.resolve(ref);
    return before && (*before == to || objects.update_ref(ref, to, *before, "fetched"));
}

}  // namespace

// The newest first.
std::vector<Oid> GitMirror::had(const Repo& objects, const QuickFetch& what) const {
    std::vector<CommitInfo> found;
    const auto add = [&](const Oid& oid) {
        if (auto info = objects.commit(oid)) found.push_back(std::move(*info));
    };
    if (what.shallow) {
        for (const auto& oid : kept_commits(store_.path())) add(oid);
    } else if (const auto before = objects.resolve(what.local); before && *before) {
        add(**before);
    }
    std::sort(found.begin(), found.end(),
              [](const CommitInfo& a, const CommitInfo& b) { return a.committer_time > b.committer_time; });
    std::vector<Oid> out;
    for (size_t i = 0; i < std::min(found.size(), kMostHaves); ++i) out.push_back(found[i].oid);
    return out;
}

bool GitMirror::unpack(const FetchedPack& fetched, const QuickFetch& what) const {
    const auto count = objects_in(fetched.pack);
    if (!count) return false;
    GitCall call;
    if (*count < kManyObjects)
        call.args = {"unpack-objects", "-q", "--strict"};
    else
        call.args = {"index-pack", "--stdin", "--fix-thin", "--strict"};
    call.git_dir = store_.path();
    call.input = fetched.pack;
    call.timeout = limits_.timeout;
    call.cancel_fd = what.cancel_fd;
    call.config = {"core.bigFileThreshold=8m"};
    call.limits = {{RLIMIT_FSIZE, limits_.pack_bytes}, {RLIMIT_CORE, 0}};
    const auto exit = store_.git().run(call);
    if (exit && exit->ok()) return true;
    const bool refused = exit && !exit->cancelled && !exit->timed_out &&
                         exit->err.find("No space left on device") == std::string::npos;
    // git, which is asked next, must not take for checked what was refused.
    if (refused && !drop_unreferenced(store_) && store_.move_aside()) (void)store_.prepare();
    return false;
}

bool GitMirror::fetch_quickly(const QuickFetch& what) const {
    if (access_.remotes == nullptr) return false;
    FetchWish wish{{what.commit}, {}, {}, what.shallow};
    {
        const auto objects = repo();
        // What lies here without a ref may be half of it: git looks.
        if (!objects || objects->contains(what.commit)) return false;
        wish.haves = had(*objects, what);
        if (what.tag && what.tag->second != what.commit) wish.wants.push_back(what.tag->second);
    }
    if (wish.haves.empty()) return false;  // all of it is to come
    if (what.shallow) wish.shallows = shallow_commits(store_.path());
    const auto answer =
        access_.remotes->ask(url_, fetch_question(wish), access_, kLongestPack, what.cancel_fd);
    const auto fetched = answer ? fetch_answer(*answer) : std::nullopt;
    if (!fetched) return false;
    for (const auto& oid : fetched->shallow) {
        if (!what.shallow || oid != what.commit) return false;  // not a word about what we have
        wish.shallows.push_back(oid);
    }
    if (!fetched->shallow.empty() && !write_shallow(store_.path(), wish.shallows)) return false;
    if (!unpack(*fetched, what)) return false;
    auto objects = repo();
    if (!objects || !is_whole(*objects, what.commit, what.shallow, wish.haves)) return false;
    if (what.tag && !point(*objects, what.tag->first, what.tag->second)) return false;
    return point(*objects, what.local, what.commit);
}

}  // namespace tidegate::reconciler
