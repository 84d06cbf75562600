#include "reconciler/app_root.hpp"

#include "reconciler/remove_folder.hpp"
#include "shared/base/files.hpp"
#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr const char* kCurrent = "current";
constexpr const char* kPrevious = ".current.previous";
const std::string kPartial = ".partial";
const std::string kRemoving = ".removing";

std::string partial_name(const ReleaseId& id) {
    return "." + id.str() + kPartial;
}

std::string removing_name(const ReleaseId& id) {
    return "." + id.str() + kRemoving;
}

bool is_leftover(const std::string& name) {
    return name.starts_with('.') && (name.ends_with(kPartial) || name.ends_with(kRemoving));
}

// Attack 32: whoever may write a folder on the way may put another one in its place.
Result<void> check_folder(const struct stat& info, const std::string& path,
                          const std::optional<RunAs>& user) {
    const bool known = info.st_uid == 0 || info.st_uid == geteuid() || (user && info.st_uid == user->uid);
    if (!known)
        return fail(ErrorKind::Permission,
                    "the folder belongs to another user (uid " + std::to_string(info.st_uid) +
                        "): " + escape_foreign(path),
                    "chown it to root or to the app's user");
    if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0)
        return fail(ErrorKind::Permission, "everybody may write the folder: " + escape_foreign(path),
                    "chmod o-w " + shell_quote(path));
    return {};
}

// The folder of the host's own configuration that the root lies beneath. Links in it are the administrator's;
// they are followed once, and every real folder on the way must be out of other people's reach.
Result<Fd> open_allowed(const std::string& path) {
    const Handle<char, std::free> real(realpath(path.c_str(), nullptr));
    if (!real) return fail_errno("cannot open the folder " + escape_foreign(path));
    const std::string resolved = real.get();
    for (size_t slash = 1; slash != std::string::npos;) {
        slash = resolved.find('/', slash);
        const auto prefix = resolved.substr(0, slash);
        struct stat info {};
        if (lstat(prefix.c_str(), &info) != 0)
            return fail_errno("cannot open the folder " + escape_foreign(prefix));
        TRY(check_folder(info, prefix, std::nullopt));
        if (slash != std::string::npos) ++slash;
    }
    Fd fd(open(resolved.c_str(), kFolder));
    if (!fd) return fail_errno("cannot open the folder " + escape_foreign(path));
    return fd;
}

// `name` in `dir`, made with mode 0755 where it is missing.
Result<Fd> open_child(int dir, const std::string& name, const std::string& path, IfMissing if_missing) {
    Fd fd(openat(dir, name.c_str(), kFolder));
    if (!fd && errno == ENOENT && if_missing == IfMissing::Create) {
        if (mkdirat(dir, name.c_str(), 0755) != 0 && errno != EEXIST)
            return fail_errno("cannot make the folder " + escape_foreign(path));
        TRY(sync_fd(dir, path));
        fd.reset(openat(dir, name.c_str(), kFolder));
    }
    if (fd) return fd;
    if (errno == ELOOP || errno == ENOTDIR)
        return fail(ErrorKind::Denied, "not a folder, or a link stands in its place: " + escape_foreign(path),
                    "below the allowed roots no folder of an app may be a link");
    return fail_errno("cannot open the folder " + escape_foreign(path));
}

Result<Fd> open_checked(int dir, const std::string& name, const std::string& path, IfMissing if_missing,
                        const std::optional<RunAs>& user) {
    Fd fd = TRY(open_child(dir, name, path, if_missing));
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return fail_errno("cannot open the folder " + escape_foreign(path));
    TRY(check_folder(info, path, user));
    return fd;
}

std::string without_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

Result<std::string> allowed_above(const std::string& path, const std::vector<std::string>& allowed) {
    const auto parts = split(path, '/');
    const bool plain = path.size() > 1 && path.front() == '/' && path.size() < PATH_MAX &&
                       std::none_of(parts.begin() + 1, parts.end(), [](std::string_view part) {
                           return part.empty() || part == "." || part == "..";
                       });
    if (!plain || path.find('\0') != std::string::npos)
        return fail(ErrorKind::Invalid, "not a plain absolute path: `" + escape_foreign(path) + "`",
                    "write the app's root as /srv/NAME");
    std::string best;
    for (const auto& entry : allowed) {
        const auto folder = without_slash(entry);
        const bool above = path == folder || path.starts_with(folder == "/" ? folder : folder + "/");
        if (above && folder.size() > best.size()) best = folder;
    }
    if (!best.empty()) return best;
    return fail(ErrorKind::Denied, "the app's root is not beneath an allowed one: " + escape_foreign(path),
                "allowed by this host's `roots`: " + escape_foreign(join(allowed, ", ")));
}

}  // namespace

Result<AppRoot> AppRoot::open(const std::string& given, const std::vector<std::string>& allowed,
                              const std::optional<RunAs>& user, IfMissing if_missing) {
    AppRoot root;
    root.path_ = without_slash(given);
    root.user_ = user;
    const auto above = TRY(allowed_above(root.path_, allowed));
    root.root_ = TRY(open_allowed(above));
    std::string here = above == "/" ? "" : above;
    for (const auto part : split(std::string_view(root.path_).substr(here.size()), '/')) {
        if (part.empty()) continue;
        here += "/" + std::string(part);
        root.root_ = TRY(open_checked(root.root_.get(), std::string(part), here, if_missing, user));
    }
    for (const auto& [name, fd] :
         {std::pair("releases", &root.releases_), std::pair("shared", &root.shared_)}) {
        auto opened = open_checked(root.root_.get(), name, root.path_ + "/" + name, if_missing, user);
        if (opened)
            *fd = std::move(*opened);
        else if (if_missing == IfMissing::Create || opened.error().kind != ErrorKind::NotFound)
            return fail(std::move(opened.error()));
    }
    return root;
}

std::string AppRoot::release_path(const ReleaseId& id) const {
    return path_ + "/releases/" + id.str();
}

Result<std::vector<ReleaseId>> AppRoot::releases() const {
    std::vector<ReleaseId> found;
    if (!releases_) return found;
    for (const auto& name : TRY(list_dir(releases_.get()))) {
        auto id = ReleaseId::parse(name);
        if (id && has(*id)) found.push_back(std::move(*id));
    }
    return found;
}

bool AppRoot::has(const ReleaseId& id) const {
    struct stat info {};
    return fstatat(releases_.get(), id.str().c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(info.st_mode);
}

Result<Fd> AppRoot::open_release(const ReleaseId& id) const {
    Fd fd(openat(releases_.get(), id.str().c_str(), kFolder));
    if (fd) return fd;
    if (errno == ELOOP || errno == ENOTDIR)
        return fail(ErrorKind::Broken, "not a release folder: " + release_path(id),
                    "something else has the release's name; move it away");
    return fail_errno("cannot open the release " + release_path(id));
}

Result<std::optional<ReleaseId>> AppRoot::current() const {
    const auto broken = [&](const std::string& why) {
        return fail(ErrorKind::Broken, escape_foreign(path_) + "/current " + why,
                    "nothing was touched; make it a link to a folder below " + escape_foreign(path_) +
                        "/releases, or remove it");
    };
    auto link = read_link(root_.get(), "current");
    if (!link && link.error().kind == ErrorKind::NotFound) return std::optional<ReleaseId>();
    if (!link && link.error().kind == ErrorKind::Exists) return broken("is not a link");
    if (!link) return fail(std::move(link.error()));
    const auto target = without_slash(*link);
    const auto slash = target.rfind('/');
    const auto folder = slash == std::string::npos ? "." : slash == 0 ? "/" : target.substr(0, slash);
    const auto shown = "leads to " + escape_foreign(target);
    // The folder is compared by what it is, not by how it is written: Capistrano writes absolute links.
    if (!releases_) return broken(shown + ", and there is no folder releases/");
    struct stat there {};
    struct stat ours {};
    if (fstatat(root_.get(), folder.c_str(), &there, 0) != 0) return broken(shown + ", which is not there");
    if (fstat(releases_.get(), &ours) != 0) return fail_errno("cannot read " + escape_foreign(path_));
    if (there.st_dev != ours.st_dev || there.st_ino != ours.st_ino)
        return broken(shown + ", outside of releases/");
    auto id = ReleaseId::parse(target.substr(slash + 1));
    if (!id) return broken(shown + ", which is no release");
    if (!has(*id)) return broken(shown + ", which is not there");
    return std::optional<ReleaseId>(std::move(*id));
}

// Links of switches that were killed between making the link and renaming it.
Result<std::vector<std::string>> AppRoot::clean_half_switches() const {
    std::vector<std::string> removed;
    for (const auto& name : TRY(list_dir(root_.get()))) {
        const bool ours = name.starts_with(".current.") || name.starts_with("..current.previous.");
        if (!ours || !name.ends_with(".tmp")) continue;
        if (!read_link(root_.get(), name)) continue;
        if (unlinkat(root_.get(), name.c_str(), 0) == 0) removed.push_back(name);
    }
    return removed;
}

// The link that is replaced is kept as `.current.previous`: the way back then is one exchange of two names, which needs
// no room on a full disk.
Result<void> AppRoot::switch_to(const ReleaseId& id) const {
    const auto doing = "switching " + escape_foreign(path_) + "/current to " + id.str();
    const auto target = "releases/" + id.str();
    TRY(open_release(id));
    TRY(clean_half_switches());
    const auto now = read_link(root_.get(), kCurrent);
    if (!now && now.error().kind == ErrorKind::NotFound)
        return during(doing, replace_symlink(root_.get(), kCurrent, target));
    if (!now) return fail(Error(now.error()).during(doing));
    if (*now == target) return during(doing, sync_fd(root_.get(), path_));
    const auto spare = read_link(root_.get(), kPrevious);
    if (!spare && spare.error().kind == ErrorKind::Exists)
        return during(doing, replace_symlink(root_.get(), kCurrent, target));
    if (!spare || *spare != target) TRY(during(doing, replace_symlink(root_.get(), kPrevious, target)));
    if (renameat2(root_.get(), kPrevious, root_.get(), kCurrent, RENAME_EXCHANGE) == 0)
        return during(doing, sync_fd(root_.get(), path_));
    if (errno != EINVAL && errno != ENOSYS) return fail_errno(doing);
    return during(doing, replace_symlink(root_.get(), kCurrent, target));  // a file system without it
}

Result<void> AppRoot::remove_current() const {
    const auto link = read_link(root_.get(), "current");
    if (!link && link.error().kind == ErrorKind::NotFound) return {};
    if (!link) return fail(link.error());
    if (unlinkat(root_.get(), "current", 0) != 0 && errno != ENOENT)
        return fail_errno("cannot remove " + escape_foreign(path_) + "/current");
    return sync_fd(root_.get(), path_);
}

Result<void> AppRoot::remove(const ReleaseId& id, const std::vector<ReleaseId>& keep) const {
    const auto running = TRY(current());
    if (running == id || std::find(keep.begin(), keep.end(), id) != keep.end())
        return fail(ErrorKind::Denied, "the release is in use and stays: " + release_path(id));
    TRY(remove_folder(releases_.get(), removing_name(id)));
    if (renameat(releases_.get(), id.str().c_str(), releases_.get(), removing_name(id).c_str()) != 0) {
        if (errno == ENOENT) return {};
        return fail_errno("cannot remove the release " + release_path(id));
    }
    TRY(sync_fd(releases_.get(), path_ + "/releases"));
    return during("removing the release " + release_path(id),
                  remove_folder(releases_.get(), removing_name(id)));
}

Result<std::vector<std::string>> AppRoot::clean_leftovers() const {
    std::vector<std::string> removed;
    for (const auto& name : TRY(list_dir(releases_.get()))) {
        if (!is_leftover(name)) continue;
        TRY(remove_folder(releases_.get(), name));
        removed.push_back(name);
    }
    for (auto& name : TRY(clean_half_switches())) removed.push_back(std::move(name));
    return removed;
}

Result<Fd> AppRoot::make_partial(const ReleaseId& id) const {
    const auto name = partial_name(id);
    TRY(remove_folder(releases_.get(), name));
    // Nobody looks in while it is written.
    if (mkdirat(releases_.get(), name.c_str(), 0700) != 0)
        return fail_errno("cannot make the folder " + escape_foreign(path_) + "/releases/" + name);
    Fd fd(openat(releases_.get(), name.c_str(), kFolder));
    if (!fd) return fail_errno("cannot open the folder " + escape_foreign(path_) + "/releases/" + name);
    return fd;
}

Result<void> AppRoot::remove_partial(const ReleaseId& id) const {
    return remove_folder(releases_.get(), partial_name(id));
}

Result<void> AppRoot::publish(const ReleaseId& id) const {
    const auto from = partial_name(id);
    int code = renameat2(releases_.get(), from.c_str(), releases_.get(), id.str().c_str(), RENAME_NOREPLACE);
    if (code != 0 && errno == EINVAL) {  // a file system without it
        struct stat info {};
        if (fstatat(releases_.get(), id.str().c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
            errno = EEXIST;
        else
            code = renameat(releases_.get(), from.c_str(), releases_.get(), id.str().c_str());
    }
    if (code != 0) return fail_errno("cannot put the release in place: " + release_path(id));
    return {};  // on disk with its files, before its record is
}

}  // namespace tidegate::reconciler
