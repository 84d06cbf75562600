#include "reconciler/drift.hpp"

#include "reconciler/blob_file.hpp"
#include "reconciler/parallel.hpp"
#include "reconciler/release_files.hpp"
#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;
using How = DriftedFile::How;

namespace {

constexpr size_t kMostShown = 1000;
constexpr size_t kFilesOfALook = 256;       // and up to a piece more
constexpr size_t kFilesOfOneThread = 2000;  // fewer are not worth a thread
constexpr mode_t kPermissions = 07777;

// Looks at one file whose fingerprint differs; nullopt when only its times did.
std::optional<How> look_closer(int release, const IntegrityEntry& entry, const struct stat& info) {
    const bool is_link = S_ISLNK(info.st_mode);
    if (is_link != (entry.origin == Origin::Link) || (!is_link && !S_ISREG(info.st_mode)))
        return How::Changed;
    if (is_link) {
        const auto target = read_link(release, entry.path);
        return target && hex(*target) == entry.digest ? std::nullopt : std::optional(How::Changed);
    }
    if (static_cast<std::uint64_t>(info.st_size) != entry.print.size) return How::Changed;
    const auto fd = open_beneath(release, entry.path, O_RDONLY | O_NONBLOCK);
    if (!fd) return How::Changed;
    const auto digest = digest_of(fd->get(), entry.origin, entry.digest.size(), entry.path);
    if (!digest || *digest != entry.digest) return How::Changed;
    if ((info.st_mode & kPermissions) != (entry.print.mode & kPermissions)) return How::Mode;
    return std::nullopt;
}

struct Parent {
    Fd folder;
    std::string name;
};

// The folder of `path`, missing ones made again; no link is followed.
Result<Parent> parent_of(int release, const std::string& path, const Owner& owner) {
    Parent parent;
    parent.folder.reset(fcntl(release, F_DUPFD_CLOEXEC, 3));
    const auto parts = split(path, '/');
    parent.name = parts.back();
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
        const std::string part(parts[i]);
        if (mkdirat(parent.folder.get(), part.c_str(), 0755) == 0) {
            if (owner && geteuid() == 0 &&
                fchownat(parent.folder.get(), part.c_str(), owner->uid, owner->gid, AT_SYMLINK_NOFOLLOW) != 0)
                return fail_errno("cannot change the owner of " + escape_foreign(path));
        } else if (errno != EEXIST) {
            return fail_errno("cannot make the folder of " + escape_foreign(path));
        }
        Fd next(openat(parent.folder.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) return fail_errno("cannot open the folder of " + escape_foreign(path));
        parent.folder = std::move(next);
    }
    return parent;
}

// Put in place by rename: the name gets a file of its own, and another release that shares the old one keeps it. What is
// recorded is what was written: once it has its name, somebody may be changing it, and the next look must find that.
Result<void> mend_one(int release, const Repo& repo, IntegrityEntry& entry, const Owner& owner) {
    const auto shown = escape_foreign(entry.path);
    const auto parent = TRY(parent_of(release, entry.path, owner));
    const int dir = parent.folder.get();
    const std::string temporary = ".tidegate-mend.tmp";
    TRY(remove_tree(dir, temporary));
    ScopeExit undo([&] { unlinkat(dir, temporary.c_str(), 0); });
    struct stat written {};
    if (entry.origin == Origin::Link) {
        written = TRY(write_new_link(dir, temporary, unhex(entry.digest), shown));
    } else {
        const auto oid = TRY(Oid::parse(entry.digest));
        written =
            TRY(write_blob_file(repo, dir, temporary,
                                {oid, entry.print.size, entry.print.mode & kPermissions, owner, shown, -1}));
    }
    struct stat info {};
    if (fstatat(dir, parent.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode))
        TRY(remove_tree(dir, parent.name));
    if (renameat(dir, temporary.c_str(), dir, parent.name.c_str()) != 0)
        return fail_errno("cannot mend " + shown);
    undo.dismiss();
    entry.print = Fingerprint::of(written);
    return {};
}

}  // namespace

std::string Drift::words() const {
    const auto count = [&](How how) {
        return static_cast<size_t>(std::count_if(files.begin(), files.end(),
                                                 [&](const DriftedFile& file) { return file.how == how; }));
    };
    std::vector<std::string> counts;
    const auto say = [&](How how, const char* what) {
        if (const auto n = count(how); n > 0) counts.push_back(count_of(n, "file") + " " + what);
    };
    say(How::Changed, "changed");
    say(How::Missing, "missing");
    say(How::Mode, "with another mode");
    auto text = join(counts, ", ");
    if (more > 0) text += " and " + std::to_string(more) + " more";
    for (size_t i = 0; i < files.size() && i < 3; ++i)
        text += (i == 0 ? ": " : ", ") + escape_foreign(files[i].path);
    return text + (files.size() > 3 ? " …" : "");
}

namespace {

// The folders of a release's files, each opened once for those that follow each other: a name is then one step.
class FolderOf {
  public:
    explicit FolderOf(int release) : release_(release) {}

    // As fstatat(2) of the whole path.
    int look(const std::string& path, struct stat& info) {
        const auto slash = path.rfind('/');
        if (slash == std::string::npos) return fstatat(release_, path.c_str(), &info, AT_SYMLINK_NOFOLLOW);
        const auto folder = std::string_view(path).substr(0, slash);
        if (!opened_ || folder != path_) {
            path_ = folder;
            opened_ = true;
            folder_.reset(openat(release_, path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
            error_ = folder_ ? 0 : errno;
        }
        if (folder_) return fstatat(folder_.get(), path.c_str() + slash + 1, &info, AT_SYMLINK_NOFOLLOW);
        errno = error_;
        return -1;
    }

  private:
    int release_;
    std::string path_;
    bool opened_ = false;
    Fd folder_;
    int error_ = 0;
};

struct Looked {
    Result<void> done;
    Drift drift;
    bool refreshed = false;
};

void note(Drift& drift, DriftedFile file) {
    if (drift.files.size() == kMostShown)
        ++drift.more;
    else
        drift.files.push_back(std::move(file));
}

Result<void> look_at(int release, IntegrityEntry* first, IntegrityEntry* last, Looked& looked,
                     int cancel_fd) {
    FolderOf folders(release);
    size_t seen = 0;
    for (auto* entry = first; entry != last; ++entry) {
        if (++seen % 256 == 0) TRY(check_cancelled(cancel_fd));
        struct stat info {};
        std::optional<How> how;
        if (folders.look(entry->path, info) != 0) {
            if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
                return fail_errno("cannot look at " + escape_foreign(entry->path));
            how = How::Missing;
        } else {
            const auto now = Fingerprint::of(info);
            if (entry->print.matches(now)) continue;
            how = look_closer(release, *entry, info);
            if (!how) {
                entry->print = now;
                looked.refreshed = true;
                continue;
            }
        }
        note(looked.drift, {*how, entry->path, entry->origin != Origin::Build || how == How::Mode});
    }
    return {};
}

}  // namespace

Result<Drift> find_drift(const AppRoot& root, const ReleaseId& id, IntegrityRecord& record, bool& refreshed,
                         int cancel_fd) {
    const Fd release = TRY(root.open_release(id));
    const size_t files = record.entries.size();
    std::vector<Looked> parts(threads_for(files, kFilesOfOneThread));
    auto* entries = record.entries.data();
    in_parallel(parts.size(), [&](size_t i) {
        parts[i].done = look_at(release.get(), entries + files * i / parts.size(),
                                entries + files * (i + 1) / parts.size(), parts[i], cancel_fd);
    });
    Drift drift;
    for (auto& part : parts) {
        TRY(std::move(part.done));
        refreshed = refreshed || part.refreshed;
        drift.more += part.drift.more;
        for (auto& file : part.drift.files) note(drift, std::move(file));
    }
    return drift;
}

Result<Drift> look_for_drift(const AppRoot& root, const ReleaseId& id, const IntegrityStore& store,
                             DriftRounds& rounds, int cancel_fd) {
    bool refreshed = false;
    if (!rounds.all) {
        auto part = TRY(store.part(id, rounds.next, kFilesOfALook));
        if (!part) return Drift{};
        auto drift = TRY(find_drift(root, id, part->record, refreshed, cancel_fd));
        if (drift.none() && !refreshed) {
            rounds.next = part->next;
            return drift;
        }
        rounds.all = true;
        refreshed = false;
    }
    auto record = TRY(store.load(id));
    if (!record) return Drift{};
    auto drift = TRY(find_drift(root, id, *record, refreshed, cancel_fd));
    if (refreshed) (void)store.save(id, *record);
    rounds = {!drift.none(), 0};
    return drift;
}

Result<std::vector<DriftedFile>> mend_drift(const AppRoot& root, const ReleaseId& id, const Repo& repo,
                                            const Drift& drift, IntegrityRecord& record) {
    const Fd release = TRY(root.open_release(id));
    const Owner owner = record.writable ? root.user() : std::nullopt;
    std::vector<DriftedFile> left;
    for (const auto& file : drift.files) {
        const auto entry =
            std::lower_bound(record.entries.begin(), record.entries.end(), file.path,
                             [](const IntegrityEntry& a, const std::string& path) { return a.path < path; });
        const bool known = entry != record.entries.end() && entry->path == file.path;
        if (!known || !file.mendable) {
            left.push_back(file);
            continue;
        }
        if (file.how != How::Mode) {
            TRY(during("mending " + id.str(), mend_one(release.get(), repo, *entry, owner)));
            continue;
        }
        const Fd fd = TRY(open_beneath(release.get(), file.path, O_RDONLY | O_NONBLOCK));
        if (fchmod(fd.get(), entry->print.mode & kPermissions) != 0)
            return fail_errno("cannot mend " + escape_foreign(file.path));
    }
    TRY(sync_file_system(release.get(), root.release_path(id)));
    return left;
}

}  // namespace tidegate::reconciler
