#include "reconciler/release_compare.hpp"

#include "reconciler/release_files.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kMostFiles = 5'000'000;

struct Found {
    struct stat info {};
    std::string target;  // of a link
    bool in_commit = false;
};

using Folder = std::map<std::string, Found>;

Result<Folder> read_folder(int release, int cancel_fd) {
    Folder found;
    TRY(walk_release(release, kMostFiles,
                     [&](const std::string& path, int dir, const std::string& name,
                         const struct stat& info) -> Result<void> {
                         if (found.size() % 256 == 0) TRY(check_cancelled(cancel_fd));
                         auto& entry = found[path];
                         entry.info = info;
                         if (S_ISLNK(info.st_mode)) entry.target = TRY(read_link(dir, name));
                         return {};
                     }));
    return found;
}

// Whether `path` or a folder above it is one of the links.
bool below_link(const std::map<std::string, std::string>& links, const std::string& path) {
    for (auto slash = path.find('/');; slash = path.find('/', slash + 1)) {
        if (links.contains(path.substr(0, slash))) return true;
        if (slash == std::string::npos) return false;
    }
}

// The record's entry of a file that is as in the commit; nullopt where it is not.
Result<std::optional<IntegrityEntry>> as_committed(int release, const Repo& repo, const TreeEntry& entry,
                                                   const Found& found) {
    const std::optional<IntegrityEntry> other;
    const bool link = S_ISLNK(found.info.st_mode);
    if (link != (entry.kind == EntryKind::Symlink)) return other;
    if (link) {
        if (TRY(repo.blob(entry.oid, 1 << 20)) != found.target) return other;
        return IntegrityEntry{entry.path, Origin::Link, hex(found.target), Fingerprint::of(found.info)};
    }
    const bool executable = (found.info.st_mode & S_IXUSR) != 0;
    if (!S_ISREG(found.info.st_mode) || executable != (entry.kind == EntryKind::Executable)) return other;
    if (TRY(repo.blob_size(entry.oid)) != static_cast<std::uint64_t>(found.info.st_size)) return other;
    const Fd fd = TRY(open_beneath(release, entry.path, O_RDONLY | O_NONBLOCK));
    const auto id = entry.oid.str();
    if (TRY(digest_of(fd.get(), Origin::Git, id.size(), escape_foreign(entry.path))) != id) return other;
    return IntegrityEntry{entry.path, Origin::Git, id, Fingerprint::of(found.info)};
}

bool is_attributes(const std::string& path) {
    return path == ".gitattributes" || path.ends_with("/.gitattributes");
}

std::map<std::string, std::string> shared_links_in(const AppRoot& root, const Folder& folder) {
    std::map<std::string, std::string> links;
    for (const auto& [path, found] : folder) {
        if (!S_ISLNK(found.info.st_mode)) continue;
        if (auto target = shared_target(root.path(), path, found.target); !target.empty())
            links.emplace(path, std::move(target));
    }
    return links;
}

}  // namespace

std::string shared_target(const std::string& root, const std::string& path, const std::string& text) {
    std::string_view rest = text;
    if (rest.starts_with('/')) {
        const auto shared = root + "/shared/";
        return rest.starts_with(shared) ? std::string(rest.substr(shared.size())) : std::string();
    }
    // From the link's folder up to the release, to releases/, to ROOT.
    auto ups = std::count(path.begin(), path.end(), '/') + 2;
    for (; ups > 0; --ups) {
        if (!rest.starts_with("../")) return {};
        rest.remove_prefix(3);
    }
    constexpr std::string_view kShared = "shared/";
    return rest.starts_with(kShared) ? std::string(rest.substr(kShared.size())) : std::string();
}

Result<std::map<std::string, std::string>> shared_links_of(const AppRoot& root, const ReleaseId& id) {
    const Fd release = TRY(root.open_release(id));
    return shared_links_in(root, TRY(read_folder(release.get(), -1)));
}

Result<ReleaseComparison> compare_release(const AppRoot& root, const ReleaseId& id, const Repo& repo,
                                          const Oid& commit, const Oid& identity, int cancel_fd) {
    const Fd release = TRY(root.open_release(id));
    auto folder = TRY(read_folder(release.get(), cancel_fd));
    const auto tree = TRY(repo.commit(commit)).tree;
    ReleaseComparison out;
    out.shared_links = shared_links_in(root, folder);
    out.record = {identity, tree, true, true, {}};
    size_t seen = 0;
    for (const auto& entry : TRY(repo.list_tree(tree))) {
        if (++seen % 64 == 0) TRY(check_cancelled(cancel_fd));
        if (entry.kind == EntryKind::Tree || entry.kind == EntryKind::Submodule) continue;
        if (is_attributes(entry.path))
            out.leaves_out =
                out.leaves_out || TRY(repo.blob(entry.oid, 1 << 20)).find("export-") != std::string::npos;
        const auto found = folder.find(entry.path);
        if (below_link(out.shared_links, entry.path)) {
            ++out.linked_away;
        } else if (found == folder.end()) {
            out.missing.push_back(entry.path);
            continue;
        } else if (auto same = TRY(as_committed(release.get(), repo, entry, found->second))) {
            ++out.same;
            out.record.entries.push_back(*std::move(same));
        } else {
            out.changed.push_back(entry.path);
        }
        if (found != folder.end()) found->second.in_commit = true;
    }
    for (const auto& [path, found] : folder)
        if (!found.in_commit && !out.shared_links.contains(path)) ++out.extra;
    std::sort(out.record.entries.begin(), out.record.entries.end(),
              [](const IntegrityEntry& a, const IntegrityEntry& b) { return a.path < b.path; });
    return out;
}

}  // namespace tidegate::reconciler
