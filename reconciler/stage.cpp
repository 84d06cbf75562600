#include "reconciler/stage.hpp"

#include "reconciler/parallel.hpp"
#include "reconciler/release_files.hpp"
#include "reconciler/stage_plan.hpp"
#include "reconciler/stage_write.hpp"
#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kMostFiles = 5'000'000;  // of a release after its build

// Whether files of the index can be cloned into `dir`: asked by doing it once.
bool probe_reflink(int dir, ShareIndex& index) {
    const auto* source = index.any();
    if (source == nullptr) return false;
    const Fd from(openat(source->folder, source->path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    const Fd to(openat(dir, ".probe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const bool can = from && to && ioctl(to.get(), FICLONE, from.get()) == 0;
    unlinkat(dir, ".probe", 0);
    return can;
}

// Folders go to the app's user last: while we write, nobody else is in there (the top is 0700 until then).
Result<void> give_folders(int dir, const Owner& owner, int depth = 0) {
    if (depth > 220) return fail(ErrorKind::Invalid, "folders deeper than 220 levels");
    for (const auto& name : TRY(list_dir(dir))) {
        struct stat info {};
        if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode)) continue;
        const Fd below = TRY(open_beneath(dir, name, O_RDONLY | O_DIRECTORY));
        TRY(give_folders(below.get(), owner, depth + 1));
    }
    if (owner && fchown(dir, owner->uid, owner->gid) != 0)
        return fail_errno("cannot change the owner of a folder");
    return {};
}

Result<void> record_shared_links(int folder, const SharedPaths& shared, IntegrityRecord& record) {
    std::vector<std::string> paths;
    for (const auto& path : shared.dirs) paths.push_back(path.str());
    for (const auto& path : shared.files) paths.push_back(path.str());
    for (const auto& path : paths) {
        const auto target = TRY(read_link(folder, path));
        struct stat info {};
        if (fstatat(folder, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
            return fail_errno("cannot read " + escape_foreign(path));
        record.entries.push_back({path, Origin::Link, hex(target), Fingerprint::of(info)});
    }
    return {};
}

void sort_entries(IntegrityRecord& record) {
    std::sort(record.entries.begin(), record.entries.end(),
              [](const IntegrityEntry& a, const IntegrityEntry& b) { return a.path < b.path; });
}

Result<StageReport> fill_partial(const AppRoot& root, const Repo& repo, const IntegrityStore& store,
                                 const StageRequest& request) {
    const Fd folder = TRY(root.make_partial(request.id));
    ShareIndex index(root, store, request.share_with);
    // The tree is listed while the record of the release before is read.
    Result<ReleaseTree> tree;
    in_parallel(request.share_with.empty() ? 1 : 2, [&](size_t part) {
        if (part == 0)
            tree = list_release(repo, request);
        else
            (void)index.any();
    });
    if (!tree) return fail(std::move(tree.error()));
    const bool can_reflink = probe_reflink(folder.get(), index);
    const auto plan = TRY(plan_stage(repo, request, std::move(*tree), index, can_reflink));
    TRY(check_room(folder.get(), "the release", plan.need, request.limits.spare_bytes));
    const Owner owner = request.has_build && geteuid() == 0 ? root.user() : std::nullopt;
    auto report = TRY(write_planned(repo, request, plan, folder.get(), owner));
    report.missing_shared_files = TRY(root.link_shared(folder.get(), request.shared));
    TRY(record_shared_links(folder.get(), request.shared, report.record));
    report.record.commit = request.identity.value_or(request.commit);
    report.record.tree = plan.tree;
    report.record.writable = request.has_build;
    sort_entries(report.record);
    if (owner) TRY(give_folders(folder.get(), owner));
    if (fchmod(folder.get(), 0755) != 0) return fail_errno("cannot open up the release");
    return report;
}

}  // namespace

Result<StageReport> stage_release(const AppRoot& root, const Repo& repo, const IntegrityStore& store,
                                  const StageRequest& request) {
    if (root.has(request.id))
        return fail(ErrorKind::Exists, "the release is there already: " + root.release_path(request.id));
    // A record that outlived its release must not make the new one look finished before it is.
    TRY(store.forget(request.id));
    auto report = fill_partial(root, repo, store, request);
    if (report) {
        auto published = root.publish(request.id);
        if (published) return report;
        report = fail(std::move(published.error()));
    }
    (void)root.remove_partial(request.id);  // what is left is cleaned by the next tick
    return during("staging " + request.id.str(), std::move(report));
}

namespace {

Result<IntegrityEntry> built_entry(const std::string& path, int dir, const std::string& name,
                                   const struct stat& info) {
    IntegrityEntry entry{path, Origin::Link, "", Fingerprint::of(info)};
    if (S_ISLNK(info.st_mode)) {
        entry.digest = hex(TRY(read_link(dir, name)));
        return entry;
    }
    entry.origin = Origin::Build;
    const Fd fd = TRY(open_beneath(dir, name, O_RDONLY | O_NONBLOCK));
    entry.digest = TRY(digest_of(fd.get(), Origin::Build, 0, escape_foreign(path)));
    return entry;
}

// What a build left: untouched files keep their entry, everything else is hashed.
Result<void> record_build(int folder, IntegrityRecord& record) {
    std::map<std::string, IntegrityEntry> known;
    for (auto& entry : record.entries) known.emplace(entry.path, std::move(entry));
    record.entries.clear();
    const auto visit = [&](const std::string& path, int dir, const std::string& name,
                           const struct stat& info) -> Result<void> {
        const auto found = known.find(path);
        const bool untouched = found != known.end() && found->second.print.matches(Fingerprint::of(info));
        record.entries.push_back(untouched ? std::move(found->second)
                                           : TRY(built_entry(path, dir, name, info)));
        return {};
    };
    TRY(walk_release(folder, kMostFiles, visit));
    sort_entries(record);
    return {};
}

}  // namespace

Result<void> seal_release(const AppRoot& root, const IntegrityStore& store, const ReleaseId& id,
                          IntegrityRecord record, bool built) {
    const auto doing = "finishing the release " + id.str();
    const Fd folder = TRY(root.open_release(id));
    record.built = built;
    if (built) TRY(during(doing, record_build(folder.get(), record)));
    return during(doing, store.save(id, record, &folder));
}

}  // namespace tidegate::reconciler
