#include "reconciler/stage_plan.hpp"

#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <utility>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::uint64_t kWorthReading = 256 << 10;
constexpr size_t kFewContents = 32;  // are looked for one by one; for more an index is made
constexpr size_t kLongestPath = 4096;

std::string key_of(const std::string& digest, bool executable) {
    return executable ? digest + "x" : digest;
}

bool holds(const ShareIndex::Source& file, const std::string& digest, bool executable) {
    return file.digest == digest && ((file.print.mode & S_IXUSR) != 0) == executable;
}

// Missing objects are the mirror's fault: Broken makes the caller fetch it anew.
template <typename T>
Result<T> from_mirror(Result<T> result) {
    if (!result && result.error().kind == ErrorKind::NotFound) result.error().kind = ErrorKind::Broken;
    return result;
}

// Whether a path is, or lies below, one that becomes a link to ROOT/shared.
bool is_shared(const std::set<std::string, std::less<>>& shared, std::string_view path) {
    for (size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
        if (shared.contains(path.substr(0, slash))) return true;
        if (slash == std::string_view::npos) return false;
    }
}

// Files of one folder follow each other: it is judged once for all of them.
Result<void> check_path(const TreeEntry& entry, std::string& good_folder) {
    const auto slash = entry.path.rfind('/');
    const auto folder = std::string_view(entry.path).substr(0, slash == std::string::npos ? 0 : slash);
    const bool known = !folder.empty() && folder == good_folder && entry.path.size() <= kLongestPath;
    auto path = RelPath::parse(known ? std::string_view(entry.path).substr(slash + 1) : entry.path);
    if (!path) return fail(std::move(path.error()).during("reading the release's tree"));
    if (!known) good_folder = folder;
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

std::set<std::string, std::less<>> shared_paths(const StageRequest& request) {
    std::set<std::string, std::less<>> paths;
    for (const auto& path : request.shared.dirs) paths.insert(path.str());
    for (const auto& path : request.shared.files) paths.insert(path.str());
    return paths;
}

class Planner {
  public:
    Planner(const Repo& repo, const StageRequest& request, ShareIndex& index, bool can_reflink)
        : repo_(repo), request_(request), index_(index), can_reflink_(can_reflink) {
        links_.shared = shared_paths(request);
    }

    Result<StagePlan> plan(ReleaseTree tree) {
        plan_.tree = tree.tree;
        plan_.files.reserve(tree.entries.size());
        for (auto& entry : tree.entries) TRY(add(std::move(entry)));
        TRY(check_links(links_));
        look_further();
        for (const auto& [path, target] : links_.targets) plan_.links.push_back({path, target});
        plan_.need.inodes += plan_.links.size();
        if (total_ > request_.limits.bytes)
            return fail(ErrorKind::Invalid,
                        "the release is larger than " + human_bytes(request_.limits.bytes));
        return std::move(plan_);
    }

  private:
    Result<void> add(TreeEntry entry) {
        count_folder(entry.path);
        if (entry.kind == EntryKind::Tree) {
            plan_.folders.push_back(entry.path);
            plan_.need.add_file(kDiskBlock);
            return {};
        }
        if (entry.kind == EntryKind::Symlink) {
            links_.targets[entry.path] = TRY(link_text(repo_, entry));
            return {};
        }
        PlannedFile file{std::move(entry.path), entry.kind == EntryKind::Executable,
                         entry.oid.str(),       0,
                         FileWay::Write,        nullptr};
        share(file, index_.find(file.path, file.digest, file.executable));
        if (file.source == nullptr) file.size = TRY(from_mirror(repo_.blob_size(entry.oid)));
        if (file.size > request_.limits.file_bytes)
            return fail(ErrorKind::Invalid, "a file larger than " + human_bytes(request_.limits.file_bytes) +
                                                ": " + escape_foreign(file.path));
        total_ += file.size;
        if (file.way == FileWay::Write) missing_ += file.size;
        if (file.path == ".gitattributes" || file.path.ends_with("/.gitattributes")) {
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
                share(file, index_.find_anywhere(file.digest, file.executable));
        for (const auto& file : plan_.files) {
            if (file.way == FileWay::HardLink) continue;
            plan_.need.add_file(file.way == FileWay::Write ? file.size : 0);
        }
    }

    // Files of one folder follow each other.
    void count_folder(std::string_view path) {
        const auto slash = path.rfind('/');
        const auto folder = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
        if (folder == last_folder_) return;
        last_folder_ = folder;
        plan_.need.add_file(kDiskBlock);
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
    for (const auto& id : releases) releases_.push_back({id, false, {}, {}, 0, 0, {}});
}

ShareIndex::Release& ShareIndex::read(Release& release) const {
    if (std::exchange(release.read, true)) return release;
    auto record = store_.load(release.id);
    auto folder = root_.open_release(release.id);
    if (!record || !*record || !folder) return release;  // then nothing of it is shared
    release.folder = std::move(*folder);
    release.files.reserve((*record)->entries.size());
    for (auto& entry : (*record)->entries)
        if (entry.origin == Origin::Git)
            release.files.push_back({release.folder.get(), std::move(entry.path), std::move(entry.digest),
                                     entry.print, (*record)->writable});
    return release;
}

const ShareIndex::Source* ShareIndex::find(const std::string& path, const std::string& digest,
                                           bool executable) {
    if (releases_.empty()) return nullptr;
    auto& release = read(releases_.front());
    const auto& files = release.files;
    while (release.next < files.size() && files[release.next].path < path) ++release.next;
    if (release.next < files.size())
        if (const auto& file = files[release.next]; file.path == path && holds(file, digest, executable))
            return &file;
    return by_content(release, digest, executable);
}

const ShareIndex::Source* ShareIndex::find_anywhere(const std::string& digest, bool executable) {
    for (auto& release : releases_)
        if (const auto* found = by_content(read(release), digest, executable)) return found;
    return nullptr;
}

const ShareIndex::Source* ShareIndex::by_content(Release& release, const std::string& digest,
                                                 bool executable) const {
    if (++release.asked <= kFewContents) {
        for (const auto& file : release.files)
            if (holds(file, digest, executable)) return &file;
        return nullptr;
    }
    if (release.by_content.empty()) {
        release.by_content.reserve(release.files.size());
        for (const auto& file : release.files)
            release.by_content.try_emplace(key_of(file.digest, (file.print.mode & S_IXUSR) != 0), &file);
    }
    const auto found = release.by_content.find(key_of(digest, executable));
    return found == release.by_content.end() ? nullptr : found->second;
}

const ShareIndex::Source* ShareIndex::any() {
    for (auto& release : releases_)
        for (const auto& source : read(release).files)
            if (source.print.size > 0) return &source;
    return nullptr;
}

Result<ReleaseTree> list_release(const Repo& repo, const StageRequest& request) {
    ReleaseTree out;
    out.tree = TRY(from_mirror(repo.commit(request.commit))).tree;
    out.entries = TRY(from_mirror(repo.list_tree(out.tree, request.limits.files)));
    std::string good_folder;
    for (const auto& entry : out.entries) TRY(check_path(entry, good_folder));
    const auto shared = shared_paths(request);
    if (!shared.empty())
        std::erase_if(out.entries, [&](const TreeEntry& entry) { return is_shared(shared, entry.path); });
    return out;
}

Result<StagePlan> plan_stage(const Repo& repo, const StageRequest& request, ReleaseTree tree,
                             ShareIndex& index, bool can_reflink) {
    return Planner(repo, request, index, can_reflink).plan(std::move(tree));
}

}  // namespace tidegate::reconciler
