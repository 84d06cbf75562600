#include "reconciler/remove_folder.hpp"

#include "reconciler/parallel.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <vector>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kMostNames =
    4096;                         // at the top; more are mostly files, and those of one folder go one by one
constexpr size_t kFewNames = 64;  // below it; fewer are not worth a thread

// What lies two levels below: enough pieces for several threads, and few enough descriptors.
struct Below {
    struct Piece {
        int folder = -1;
        std::string name;
    };
    std::list<Fd> folders;
    std::vector<Piece> pieces;
};

// Whatever cannot be looked at is left to remove_tree(), which says why.
Below two_levels_below(int dir, const std::string& name) {
    Below below;
    constexpr int kHow = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const Fd top(openat(dir, name.c_str(), kHow));
    const auto names = top ? list_dir(top.get()) : Result<std::vector<std::string>>();
    if (!names || names->size() > kMostNames) return below;
    for (const auto& child : *names) {
        Fd folder(openat(top.get(), child.c_str(), kHow));
        if (!folder) continue;
        const auto inner = list_dir(folder.get());
        if (!inner) continue;
        for (const auto& piece : *inner) below.pieces.push_back({folder.get(), piece});
        below.folders.push_back(std::move(folder));
        if (below.folders.size() == kMostNames / 16) break;
    }
    return below;
}

}  // namespace

Result<void> remove_folder(int dir, const std::string& name) {
    const auto below = two_levels_below(dir, name);
    const auto& pieces = below.pieces;
    const auto threads = threads_for(pieces.size(), kFewNames);
    if (threads > 1) {
        const auto chunk = std::max<size_t>(pieces.size() / (threads * 8), 1);
        std::atomic<size_t> next{0};
        in_parallel(threads, [&](size_t) {
            for (auto first = next.fetch_add(chunk); first < pieces.size(); first = next.fetch_add(chunk))
                for (auto at = first; at < std::min(first + chunk, pieces.size()); ++at)
                    (void)remove_tree(pieces[at].folder, pieces[at].name);
        });
    }
    return remove_tree(dir, name);
}

}  // namespace tidegate::reconciler
