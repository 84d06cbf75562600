#include "reconciler/stage_plan.hpp"

#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <climits>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kWorthReading = 256 << 10;

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
    Planner(const Repo& repo, const StageRequest& request, ShareIndex& index, bool can_reflink)
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
        look_further();
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
        share(file, index_.find(file.digest, file.executable));
        if (file.source == nullptr) file.size = TRY(from_mirror(repo_.blob_size(entry.oid)));
        if (file.size > request_.limits.file_bytes)
            return fail(ErrorKind::Invalid, "a file larger than " + human_bytes(request_.limits.file_bytes) +
                                                ": " + escape_foreign(entry.path));
        total_ += file.size;
        if (file.way == FileWay::Write) missing_ += file.size;
        if (entry.path == ".gitattributes" || entry.path.ends_with("/.gitattributes")) {
            const auto text = TRY(from_mirror(repo_.blob(entry.oid, 16 << 20)));
            plan_.has_lfs = plan_.has_lfs || text.find("filter=lfs") != std::string::npos;
        }
        plan_.files.push_back(std::move(file));
        return {};
    }

    void share(PlannedFile& file, const ShareIndex::Source* source) {
        file.source = source;
        if (source == nullptr) return;
        file.size = source->print.size;
        if (can_reflink_)
            file.way = FileWay::Reflink;
        else if (!request_.has_build && !source->writable)
            file.way = FileWay::HardLink;
    }

    // Older releases are read only where there is something to win, or the last one has nothing at all.
    void look_further() {
        for (auto& file : plan_.files)
            if (file.way == FileWay::Write && missing_ >= kWorthReading)
                share(file, index_.find(file.digest, file.executable, ShareIndex::Where::Everywhere));
        for (const auto& file : plan_.files) {
            if (file.way == FileWay::Write) plan_.need_bytes += (file.size + kBlock - 1) / kBlock * kBlock;
            if (file.way != FileWay::HardLink) ++plan_.need_inodes;
        }
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
    ShareIndex& index_;
    bool can_reflink_;
    TreeLinks links_;
    StagePlan plan_;
    std::uint64_t total_ = 0;
    std::uint64_t missing_ = 0;
    std::string last_folder_;
};

}  // namespace

ShareIndex::ShareIndex(const AppRoot& root, const IntegrityStore& store,
                       const std::vector<ReleaseId>& releases)
    : root_(root), store_(store) {
    for (const auto& id : releases) releases_.push_back({id, false, {}, {}});
}

const ShareIndex::Release& ShareIndex::read(Release& release) const {
    if (std::exchange(release.read, true)) return release;
    auto record = store_.load(release.id);
    auto folder = root_.open_release(release.id);
    if (!record || !*record || !folder) return release;  // then nothing of it is shared
    release.folder = std::move(*folder);
    release.files.reserve((*record)->entries.size());
    for (auto& entry : (*record)->entries) {
        if (entry.origin != Origin::Git) continue;
        auto key = key_of(entry.digest, (entry.print.mode & S_IXUSR) != 0);
        release.files.try_emplace(std::move(key), Source{release.folder.get(), std::move(entry.path),
                                                         entry.print, (*record)->writable});
    }
    return release;
}

const ShareIndex::Source* ShareIndex::find(const std::string& digest, bool executable, Where where) {
    const auto key = key_of(digest, executable);
    for (auto& release : releases_) {
        const auto& files = read(release).files;
        if (const auto found = files.find(key); found != files.end()) return &found->second;
        if (where == Where::First) break;
    }
    return nullptr;
}

const ShareIndex::Source* ShareIndex::any() {
    for (auto& release : releases_)
        for (const auto& [key, source] : read(release).files)
            if (source.print.size > 0) return &source;
    return nullptr;
}

Result<StagePlan> plan_stage(const Repo& repo, const StageRequest& request, ShareIndex& index,
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
