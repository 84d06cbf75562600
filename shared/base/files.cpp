#include "shared/base/files.hpp"

#include "shared/base/handle.hpp"
#include "shared/base/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <thread>

namespace tidegate::shared {

namespace {

std::string temporary_name(const std::string& name) {
    static thread_local unsigned counter = 0;
    return "." + name.substr(0, 200) + "." + std::to_string(getpid()) + "." + std::to_string(gettid()) + "." +
           std::to_string(counter++) + ".tmp";
}

Result<void> check_single_name(const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
        return fail(ErrorKind::Invalid, "not a file name: `" + escape_foreign(name) + "`");
    return {};
}

// Splits "a/b/c" into the folder's path and the name.
std::pair<std::string, std::string> parent_and_name(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// What openat2 does, by hand, for kernels before 5.6.
Result<Fd> open_beneath_by_walk(int dir, const std::string& path, int flags, mode_t mode) {
    Fd here(fcntl(dir, F_DUPFD_CLOEXEC, 3));
    if (!here) return fail_errno("cannot open " + escape_foreign(path));
    const auto parts = split(path, '/');
    for (size_t i = 0; i < parts.size(); ++i) {
        const std::string part(parts[i]);
        if (part.empty() || part == ".") continue;
        if (part == "..") return fail(ErrorKind::Invalid, "path leads outside: " + escape_foreign(path));
        const bool last = i + 1 == parts.size();
        const int step =
            last ? flags | O_NOFOLLOW | O_CLOEXEC : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        Fd next(openat(here.get(), part.c_str(), step, mode));
        if (!next) return fail_errno("cannot open " + escape_foreign(path));
        here = std::move(next);
    }
    return here;
}

}  // namespace

Result<Fd> open_dir(const std::string& path) {
    Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return fail_errno("cannot open the folder " + escape_foreign(path));
    return fd;
}

Result<Fd> open_beneath(int dir, const std::string& path, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    for (int tries = 0; tries < 16; ++tries) {
        Fd fd(static_cast<int>(syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how)));
        if (fd) return fd;
        if (errno == ENOSYS) return open_beneath_by_walk(dir, path, flags, mode);
        if (errno == EXDEV) return fail(ErrorKind::Invalid, "path leads outside: " + escape_foreign(path));
        if (errno == ELOOP)
            return fail(ErrorKind::Invalid, "a link stands in the way: " + escape_foreign(path));
        if (errno != EAGAIN && errno != EINTR) break;
    }
    return fail_errno("cannot open " + escape_foreign(path));
}

Result<std::string> read_fd(int fd, size_t limit, const std::string& name) {
    std::string bytes;
    size_t whole = 0;
    struct stat info {};
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        if (static_cast<std::uint64_t>(info.st_size) > limit)
            return fail(ErrorKind::Invalid,
                        "longer than " + std::to_string(limit) + " bytes: " + escape_foreign(name));
        whole = static_cast<size_t>(info.st_size);
        bytes.reserve(whole + 1);
    }
    char buffer[65536];
    while (true) {
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("cannot read " + escape_foreign(name));
        if (got == 0) return bytes;
        bytes.append(buffer, static_cast<size_t>(got));
        if (bytes.size() > limit)
            return fail(ErrorKind::Invalid,
                        "longer than " + std::to_string(limit) + " bytes: " + escape_foreign(name));
        if (whole > 0 && bytes.size() == whole) return bytes;  // that of /proc is not known
    }
}

Result<std::string> read_file(const std::string& path, size_t limit) {
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return fail_errno("cannot open " + escape_foreign(path));
    return read_fd(fd.get(), limit, path);
}

Result<std::string> read_file_beneath(int dir, const std::string& path, size_t limit) {
    const Fd fd = TRY(open_beneath(dir, path, O_RDONLY | O_NONBLOCK));
    return read_fd(fd.get(), limit, path);
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& name) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_errno("cannot write " + escape_foreign(name));
        bytes.remove_prefix(static_cast<size_t>(put));
    }
    return {};
}

Result<void> write_file_atomic(int dir, const std::string& name, std::string_view bytes, mode_t mode) {
    TRY(check_single_name(name));
    const auto temporary = temporary_name(name);
    ScopeExit cleanup([&] { unlinkat(dir, temporary.c_str(), 0); });
    {
        const Fd fd(
            openat(dir, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!fd) return fail_errno("cannot write " + escape_foreign(name));
        TRY(write_all(fd.get(), bytes, name));
        if (fchmod(fd.get(), mode) != 0) return fail_errno("cannot set the mode of " + escape_foreign(name));
        TRY(sync_fd(fd.get(), name));
    }
    if (renameat(dir, temporary.c_str(), dir, name.c_str()) != 0)
        return fail_errno("cannot write " + escape_foreign(name));
    cleanup.dismiss();
    return sync_fd(dir, name);
}

Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
    const auto [folder, name] = parent_and_name(path);
    const Fd dir = TRY(open_dir(folder));
    return write_file_atomic(dir.get(), name, bytes, mode);
}

Result<void> replace_symlink(int dir, const std::string& name, const std::string& target) {
    TRY(check_single_name(name));
    struct stat info {};
    if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(info.st_mode))
        return fail(ErrorKind::Exists, "not a symbolic link: " + escape_foreign(name));
    const auto temporary = temporary_name(name);
    unlinkat(dir, temporary.c_str(), 0);
    ScopeExit cleanup([&] { unlinkat(dir, temporary.c_str(), 0); });
    if (symlinkat(target.c_str(), dir, temporary.c_str()) != 0)
        return fail_errno("cannot make the link " + escape_foreign(name));
    if (renameat(dir, temporary.c_str(), dir, name.c_str()) != 0)
        return fail_errno("cannot switch the link " + escape_foreign(name));
    cleanup.dismiss();
    return sync_fd(dir, name);
}

Result<std::string> read_link(int dir, const std::string& name) {
    char buffer[PATH_MAX];
    const ssize_t length = readlinkat(dir, name.c_str(), buffer, sizeof buffer);
    if (length < 0 && errno == EINVAL)
        return fail(ErrorKind::Exists, "not a symbolic link: " + escape_foreign(name));
    if (length < 0) return fail_errno("cannot read the link " + escape_foreign(name));
    return std::string(buffer, static_cast<size_t>(length));
}

Result<void> sync_fd(int fd, const std::string& name) {
    if (fsync(fd) != 0) return fail_errno("cannot bring to disk " + escape_foreign(name));
    return {};
}

Result<void> sync_file_system(int fd, const std::string& name) {
    if (syncfs(fd) != 0) return fail_errno("cannot bring to disk the file system of " + escape_foreign(name));
    return {};
}

Result<void> make_dirs(const std::string& path, mode_t mode) {
    if (mkdir(path.c_str(), mode) == 0) return {};  // mostly only the last is missing, if any
    const bool there = errno == EEXIST;
    for (size_t slash = path.find('/', 1); !there; slash = path.find('/', slash + 1)) {
        const auto prefix = path.substr(0, slash);
        if (!prefix.empty() && mkdir(prefix.c_str(), mode) != 0 && errno != EEXIST)
            return fail_errno("cannot make the folder " + escape_foreign(prefix));
        if (slash == std::string::npos) break;
    }
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return fail_errno("cannot make the folder " + escape_foreign(path));
    if (!S_ISDIR(info.st_mode)) return fail(ErrorKind::Exists, "not a folder: " + escape_foreign(path));
    return {};
}

namespace {

Result<void> empty_folder(int folder, const std::string& shown) {
    for (const auto& name : TRY(list_dir(folder)))
        TRY(during("removing " + escape_foreign(shown), remove_tree(folder, name)));
    return {};
}

}  // namespace

Result<void> remove_tree(int dir, const std::string& name) {
    if (unlinkat(dir, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return fail_errno("cannot remove " + escape_foreign(name));
    Fd folder(openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder && errno == EACCES && fchmodat(dir, name.c_str(), 0700, 0) == 0)
        folder.reset(openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return fail_errno("cannot remove " + escape_foreign(name));
    auto emptied = empty_folder(folder.get(), name);
    if (!emptied && emptied.error().kind == ErrorKind::Permission && fchmod(folder.get(), 0700) == 0)
        emptied = empty_folder(folder.get(), name);
    TRY(std::move(emptied));
    if (unlinkat(dir, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
        return fail_errno("cannot remove " + escape_foreign(name));
    return {};
}

Result<void> remove_tree(const std::string& path) {
    const auto [folder, name] = parent_and_name(path);
    TRY(check_single_name(name));
    auto dir = open_dir(folder);
    if (!dir && dir.error().kind == ErrorKind::NotFound) return {};
    if (!dir) return fail(std::move(dir.error()));
    return remove_tree(dir->get(), name);
}

Result<std::vector<std::string>> list_dir(int dir) {
    Fd copy(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!copy) return fail_errno("cannot read a folder");
    const Handle<DIR, closedir> stream(fdopendir(copy.get()));
    if (!stream) return fail_errno("cannot read a folder");
    (void)copy.release();  // closedir closes it
    std::vector<std::string> names;
    while (true) {
        errno = 0;
        const dirent* entry = readdir(stream.get());
        if (entry == nullptr && errno != 0) return fail_errno("cannot read a folder");
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool exists(const std::string& path) {
    struct stat info {};
    return lstat(path.c_str(), &info) == 0;
}

Result<TempDir> TempDir::make(const std::string& prefix, const std::string& parent) {
    const char* configured = std::getenv("TMPDIR");
    const std::string base = !parent.empty()                               ? parent
                             : configured != nullptr && *configured == '/' ? configured
                                                                           : "/tmp";
    std::string path = base + "/" + prefix + ".XXXXXX";
    if (mkdtemp(path.data()) == nullptr)
        return fail_errno("cannot make a temporary folder in " + escape_foreign(base));
    return TempDir(path);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
}

TempDir::~TempDir() {
    if (!path_.empty()) (void)remove_tree(path_);
}

Result<Lock> Lock::take(const std::string& path, Duration patience) {
    Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return fail_errno("cannot open the lock " + escape_foreign(path));
    const auto until = std::chrono::steady_clock::now() + patience;
    // flock has no deadline of its own; between tries the thread rests for a few milliseconds.
    while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("cannot lock " + escape_foreign(path));
        if (std::chrono::steady_clock::now() >= until)
            return fail(ErrorKind::Locked, "held by another process: " + escape_foreign(path),
                        "wait for it to end, or see who holds it: fuser " + shell_quote(path));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return Lock(std::move(fd));
}

Result<std::string> find_program(const std::string& name, const std::string& never_beneath) {
    const char* configured = std::getenv("PATH");
    const std::string path = configured != nullptr ? configured : "/usr/local/bin:/usr/bin:/bin";
    for (const auto folder : split(path, ':')) {
        if (folder.empty() || folder.front() != '/') continue;
        const bool beneath = !never_beneath.empty() && folder.starts_with(never_beneath) &&
                             (folder.size() == never_beneath.size() || folder[never_beneath.size()] == '/');
        if (beneath) continue;
        const auto candidate = std::string(folder) + "/" + name;
        struct stat info {};
        if (stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
            access(candidate.c_str(), X_OK) == 0)
            return candidate;
    }
    return fail(ErrorKind::NotFound, "program not found: " + escape_foreign(name),
                "install it, or add its folder to PATH");
}

}  // namespace tidegate::shared
