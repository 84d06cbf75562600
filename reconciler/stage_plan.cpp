#include "reconciler/stage_plan.hpp"

#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <climits>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::uint64_t kBlock = 4096;

std::string key_of(const std::string& digest, bool executable) {
    return executable ? digest + "x" : digest;
}

// Missing objects are the mirror's fault: Broken makes the caller fetch it anew.
template <typename T>
Result<T> from_mirror(Result<T> result) {
    if (!result && result.error().kind == ErrorKind::NotFound) result.error().kind = ErrorKind::Broken;
    return result;
}

std::string human_bytes(std::uint64_t bytes) {
    constexpr std::uint64_t kMega = 1 << 20;
    if (bytes < 10 * kMega) return std::to_string((bytes + 1023) / 1024) + " KiB";
    return std::to_string((bytes + kMega - 1) / kMega) + " MiB";
}

// Whether a path is, or lies below, one that becomes a link to ROOT/shared.
bool is_shared(const std::set<std::string, std::less<>>& shared, std::string_view path) {
    for (size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
        if (shared.contains(path.substr(0, slash))) return true;
        if (slash == std::string_view::npos) return false;
    }
}

Result<void> check_path(const TreeEntry& entry) {
    auto path = RelPath::parse(entry.path);
    if (!path) return fail(std::move(path.error()).during("reading the release's tree"));
    if (entry.kind != EntryKind::Submodule) return {};
    return fail(
        ErrorKind::Unsupported, "a submodule is in the release: " + escape_foreign(entry.path),
        "submodules are not fetched; put its files into the tree (git subtree), or release an archive");
}

Result<void> check_links(const TreeLinks& links) {
    for (const auto& [path, target] : links.targets)
        if (!stays_inside(links, path))
            return fail(ErrorKind::Invalid,
                        "a link leaves the release: " + escape_foreign(path) + " -> " +
                            escape_foreign(target.substr(0, 200)),
                        "make it relative and inside; what outlives releases belongs under `shared`");
    return {};
}

Result<std::string> link_text(const Repo& repo, const TreeEntry& entry) {
    auto target = TRY(from_mirror(repo.blob(entry.oid, 1 << 20)));
    if (!target.empty() && target.size() < PATH_MAX && target.find('\0') == std::string::npos) return target;
    return fail(ErrorKind::Invalid, "not a link's text: " + escape_foreign(entry.path));
}

class Planner {
  public:
    Planner(const Repo& repo, const StageRequest& request, const ShareIndex& index, bool can_reflink)
        : repo_(repo), request_(request), index_(index), can_reflink_(can_reflink) {
        for (const auto& path : request.shared.dirs) links_.shared.insert(path.str());
        for (const auto& path : request.shared.files) links_.shared.insert(path.str());
    }

    Result<StagePlan> plan() {
        const auto commit = TRY(from_mirror(repo_.commit(request_.commit)));
        plan_.tree = commit.tree;
        const auto entries = TRY(from_mirror(repo_.list_tree(commit.tree, request_.limits.files)));
        for (const auto& entry : entries) {
            TRY(check_path(entry));
            if (!is_shared(links_.shared, entry.path)) TRY(add(entry));
        }
        TRY(check_links(links_));
        for (const auto& [path, target] : links_.targets) plan_.links.push_back({path, target});
        plan_.need_inodes += plan_.links.size();
        if (total_ > request_.limits.bytes)
            return fail(ErrorKind::Invalid,
                        "the release is larger than " + human_bytes(request_.limits.bytes));
        return std::move(plan_);
    }

  private:
    Result<void> add(const TreeEntry& entry) {
        count_folder(entry.path);
        if (entry.kind == EntryKind::Tree) {
            plan_.folders.push_back(entry.path);
            ++plan_.need_inodes;
            plan_.need_bytes += kBlock;
            return {};
        }
        if (entry.kind == EntryKind::Symlink) {
            links_.targets[entry.path] = TRY(link_text(repo_, entry));
            return {};
        }
        PlannedFile file{entry.path, entry.kind == EntryKind::Executable, entry.oid.str(), 0, FileWay::Write,
                         nullptr};
        file.source = index_.find(file.digest, file.executable);
        if (file.source != nullptr && can_reflink_)
            file.way = FileWay::Reflink;
        else if (file.source != nullptr && !request_.has_build && !file.source->writable)
            file.way = FileWay::HardLink;
        file.size =
            file.source != nullptr ? file.source->print.size : TRY(from_mirror(repo_.blob_size(entry.oid)));
        if (file.size > request_.limits.file_bytes)
            return fail(ErrorKind::Invalid, "a file larger than " + human_bytes(request_.limits.file_bytes) +
                                                ": " + escape_foreign(entry.path));
        total_ += file.size;
        if (file.way == FileWay::Write) plan_.need_bytes += (file.size + kBlock - 1) / kBlock * kBlock;
        if (file.way != FileWay::HardLink) ++plan_.need_inodes;
        if (entry.path == ".gitattributes" || entry.path.ends_with("/.gitattributes")) {
            const auto text = TRY(from_mirror(repo_.blob(entry.oid, 16 << 20)));
            plan_.has_lfs = plan_.has_lfs || text.find("filter=lfs") != std::string::npos;
        }
        plan_.files.push_back(std::move(file));
        return {};
    }

    // Files of one folder follow each other.
    void count_folder(std::string_view path) {
        const auto slash = path.rfind('/');
        const auto folder = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
        if (folder == last_folder_) return;
        last_folder_ = folder;
        ++plan_.need_inodes;
        plan_.need_bytes += kBlock;
    }

    const Repo& repo_;
    const StageRequest& request_;
    const ShareIndex& index_;
    bool can_reflink_;
    TreeLinks links_;
    StagePlan plan_;
    std::uint64_t total_ = 0;
    std::string last_folder_;
};

}  // namespace

ShareIndex ShareIndex::of(const AppRoot& root, const IntegrityStore& store,
                          const std::vector<ReleaseId>& releases) {
    ShareIndex index;
    for (const auto& id : releases) {
        auto record = store.load(id);
        auto folder = root.open_release(id);
        if (!record || !*record || !folder) continue;  // then nothing of it is shared
        index.folders_.push_back(std::move(*folder));
        for (auto& entry : (*record)->entries) {
            if (entry.origin != Origin::Git) continue;
            const auto key = key_of(entry.digest, (entry.print.mode & S_IXUSR) != 0);
            index.files_.emplace(key, Source{index.folders_.back().get(), std::move(entry.path), entry.print,
                                             (*record)->writable});
        }
    }
    return index;
}

const ShareIndex::Source* ShareIndex::find(const std::string& digest, bool executable) const {
    const auto [first, last] = files_.equal_range(key_of(digest, executable));
    for (auto it = first; it != last; ++it) {
        struct stat info {};
        const auto& source = it->second;
        if (fstatat(source.folder, source.path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && source.print.matches(Fingerprint::of(info)))
            return &source;
    }
    return nullptr;
}

const ShareIndex::Source* ShareIndex::any() const {
    for (const auto& [key, source] : files_)
        if (source.print.size > 0) return &source;
    return nullptr;
}

Result<StagePlan> plan_stage(const Repo& repo, const StageRequest& request, const ShareIndex& index,
                             bool can_reflink) {
    return Planner(repo, request, index, can_reflink).plan();
}

Result<void> check_space(int fd, const StagePlan& plan, std::uint64_t spare) {
    struct statvfs disk {};
    if (fstatvfs(fd, &disk) != 0) return fail_errno("cannot see how much disk is free");
    const std::uint64_t free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
    if (plan.need_bytes + spare > free_bytes)
        return fail(ErrorKind::NoSpace,
                    "the release needs " + human_bytes(plan.need_bytes) + " and " + human_bytes(spare) +
                        " to spare; " + human_bytes(free_bytes) + " are free",
                    "free some disk, or lower `keep`; it is tried again by itself");
    if (disk.f_files != 0 && plan.need_inodes > disk.f_favail)
        return fail(ErrorKind::NoSpace,
                    "the release needs " + std::to_string(plan.need_inodes) + " inodes; " +
                        std::to_string(disk.f_favail) + " are free",
                    "remove small files, or lower `keep`; it is tried again by itself");
    return {};
}

}  // namespace tidegate::reconciler
