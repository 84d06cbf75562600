#include "reconciler/stage.hpp"

#include "reconciler/release_files.hpp"
#include "reconciler/stage_plan.hpp"
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

constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/spec/v1\n";
constexpr size_t kLongestPointer = 1024;
constexpr size_t kMostFiles = 5'000'000;  // of a release after its build

// The folder a file goes into, opened once for all its files: paths come in tree order.
class FolderStack {
  public:
    explicit FolderStack(int top) : top_(top) {}

    // The folder of `path`, and what is left: the name.
    Result<int> enter(const std::string& path, std::string& name) {
        const auto parts = split(path, '/');
        name = parts.back();
        size_t same = 0;
        while (same < open_.size() && same + 1 < parts.size() && open_[same].first == parts[same]) ++same;
        open_.resize(same);
        for (size_t i = same; i + 1 < parts.size(); ++i) TRY(descend(std::string(parts[i]), path));
        return here();
    }

  private:
    [[nodiscard]] int here() const { return open_.empty() ? top_ : open_.back().second.get(); }

    Result<void> descend(const std::string& part, const std::string& path) {
        if (mkdirat(here(), part.c_str(), 0755) != 0 && errno != EEXIST)
            return fail_errno("cannot make the folder of " + escape_foreign(path));
        Fd next(openat(here(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) return fail_errno("cannot open the folder of " + escape_foreign(path));
        if (fchmod(next.get(), 0755) != 0)
            return fail_errno("cannot make the folder of " + escape_foreign(path));
        open_.emplace_back(part, std::move(next));
        return {};
    }

    int top_;
    std::vector<std::pair<std::string, Fd>> open_;
};

// Whether files of the index can be cloned into `dir`: asked by doing it once.
bool probe_reflink(int dir, const ShareIndex& index) {
    const auto* source = index.any();
    if (source == nullptr) return false;
    const Fd from(openat(source->folder, source->path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    const Fd to(openat(dir, ".probe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const bool can = from && to && ioctl(to.get(), FICLONE, from.get()) == 0;
    unlinkat(dir, ".probe", 0);
    return can;
}

class Writer {
  public:
    Writer(const Repo& repo, const StageRequest& request, const StagePlan& plan, int folder, Owner owner)
        : repo_(repo), request_(request), plan_(plan), folders_(folder), owner_(std::move(owner)) {}

    Result<StageReport> write() {
        for (const auto& file : plan_.files) {
            if (++report_.files % 64 == 0) TRY(check_cancelled(request_.cancel_fd));
            std::string name;
            const int dir = TRY(folders_.enter(file.path, name));
            const auto info = TRY(put(dir, name, file));
            record(file.path, Origin::Git, file.digest, info);
        }
        for (const auto& link : plan_.links) {
            std::string name;
            const int dir = TRY(folders_.enter(link.path, name));
            const auto info = TRY(write_new_link(dir, name, link.target, escape_foreign(link.path)));
            record(link.path, Origin::Link, hex(link.target), info);
        }
        for (const auto& path : plan_.folders) {
            std::string name;
            (void)TRY(folders_.enter(path + "/.", name));
        }
        return std::move(report_);
    }

  private:
    void record(const std::string& path, Origin origin, std::string digest, const struct stat& info) {
        report_.record.entries.push_back({path, origin, std::move(digest), Fingerprint::of(info)});
    }

    [[nodiscard]] mode_t mode_of(const PlannedFile& file) const {
        if (request_.has_build) return file.executable ? 0755 : 0644;
        return file.executable ? 0555 : 0444;
    }

    Result<struct stat> put(int dir, const std::string& name, const PlannedFile& file) {
        if (file.way == FileWay::Reflink) {
            auto cloned = clone(dir, name, file);
            if (cloned) return cloned;
            if (cloned.error().kind == ErrorKind::NoSpace) return cloned;
        }
        if (file.way == FileWay::HardLink &&
            linkat(file.source->folder, file.source->path.c_str(), dir, name.c_str(), 0) == 0) {
            struct stat info {};
            if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
                return fail_errno("cannot read " + escape_foreign(file.path));
            ++report_.hard_linked;
            return info;
        }
        return from_objects(dir, name, file);  // also where cloning or linking was refused (too many links)
    }

    Result<struct stat> clone(int dir, const std::string& name, const PlannedFile& file) {
        const auto shown = escape_foreign(file.path);
        const Fd from(
            openat(file.source->folder, file.source->path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        struct stat info {};
        // Looked at again through the descriptor that is cloned: the file may be its user's.
        const bool same =
            from && fstat(from.get(), &info) == 0 && file.source->print.matches(Fingerprint::of(info));
        if (!same) return fail(ErrorKind::Broken, "changed meanwhile: " + shown);
        const Fd to(openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!to) return fail_errno("cannot write " + shown);
        ScopeExit undo([&] { unlinkat(dir, name.c_str(), 0); });
        if (ioctl(to.get(), FICLONE, from.get()) != 0) return fail_errno("cannot clone " + shown);
        if (owner_ && geteuid() == 0 && fchown(to.get(), owner_->uid, owner_->gid) != 0)
            return fail_errno("cannot change the owner of " + shown);
        if (fchmod(to.get(), mode_of(file)) != 0 || fstat(to.get(), &info) != 0)
            return fail_errno("cannot write " + shown);
        undo.dismiss();
        ++report_.reflinked;
        return info;
    }

    Result<struct stat> from_objects(int dir, const std::string& name, const PlannedFile& file) {
        const auto oid = TRY(Oid::parse(file.digest));
        auto content = repo_.blob(oid, request_.limits.file_bytes);
        if (!content) {
            if (content.error().kind == ErrorKind::NotFound) content.error().kind = ErrorKind::Broken;
            return fail(std::move(content.error()).during("writing " + escape_foreign(file.path)));
        }
        if (plan_.has_lfs && content->size() < kLongestPointer && content->starts_with(kLfsPointer))
            return fail(
                ErrorKind::Unsupported, "a Git LFS pointer stands for a file: " + escape_foreign(file.path),
                "its content is not in the repository; commit the file itself, or release an archive");
        ++report_.written;
        report_.bytes_written += content->size();
        return write_new_file(dir, name, *content, mode_of(file), owner_, escape_foreign(file.path));
    }

    const Repo& repo_;
    const StageRequest& request_;
    const StagePlan& plan_;
    FolderStack folders_;
    Owner owner_;
    StageReport report_;
};

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
    const auto index = ShareIndex::of(root, store, request.share_with);
    const bool can_reflink = probe_reflink(folder.get(), index);
    const auto plan = TRY(plan_stage(repo, request, index, can_reflink));
    TRY(check_space(folder.get(), plan, request.limits.spare_bytes));
    const Owner owner = request.has_build && geteuid() == 0 ? root.user() : std::nullopt;
    auto report = TRY(Writer(repo, request, plan, folder.get(), owner).write());
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
    TRY(during(doing, sync_file_system(folder.get(), root.release_path(id))));
    return during(doing, store.save(id, record));
}

}  // namespace tidegate::reconciler
