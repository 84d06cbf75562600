// Faults for tidegated, loaded with LD_PRELOAD: counts the calls that change a file, a link or the disk, over all threads
// of the process, and at the Nth one kills the process or makes the call fail. Children are left alone: they are
// given an environment of their own.
//
//   TIDEGATE_FAULT=[PHASE/]CALLS:N:HOW[;…]   up to four faults, each counting for itself
//     PHASE   only calls of the thread that is in this phase, from its beginning in the log to the next one's
//     CALLS   `all`; `db`: on state.db and its log; `files`: all but those; `alloc`: what needs room on the disk;
//             `read`: opening for reading (not in `all`); or names of calls with commas between
//     HOW     kill      the process is killed instead of the call
//             half      half of a write is done, any other call as a whole, then the process is killed
//             28        the call fails with errno 28, once; `28+` from there on
//             term      the process gets SIGTERM, and the call goes on when it has been heeded
//             hang      the call never returns
//             skip      the call is not made and succeeds; `skip+` from there on
//             cut       a rigged disk is copied as it is (TIDEGATE_CUT), and the call goes on; `cut+` from there on
//   TIDEGATE_CLOCK=SECONDS                   the time of day is so far from the true one
//   TIDEGATE_FAULT_LOG=FILE                  every counted call, a line each (appended): "N call result phase path"
#include "fault_plan.hpp"

namespace {

// `real()` does the call, `half()` half of it.
template <typename Real, typename Half>
auto perform(const Call& call, Real real, Half half) -> decltype(real()) {
    const Turn now = turn(call);
    if (now.fails) {
        note(now, call, -1);
        return static_cast<decltype(real())>(-1);
    }
    if (now.skipped) return 0;
    if (now.halves) {
        (void)half();
        die();
    }
    const auto result = real();
    note(now, call, static_cast<long>(result));
    return result;
}
template <typename Real>
auto perform(const Call& call, Real real) -> decltype(real()) {
    return perform(call, real, real);
}

Call named(const char* name, const char* path, bool allocates = false, bool reads = false) {
    Call call{name, "", allocates, reads};
    snprintf(call.path, sizeof call.path, "%s", path != nullptr ? path : "");
    return call;
}

Call on_fd(const char* name, int fd, bool allocates = false) {
    Call call{name, "", allocates, false};
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    (void)!syscall(SYS_readlink, link, call.path, sizeof call.path - 1);
    return call;
}

// On a disk, that is; a file in memory (memfd_create) knows nothing of a full one.
bool is_file(int fd) {
    struct stat info {};
    return fd != plan().log && syscall(SYS_fstat, fd, &info) == 0 &&
           (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) && strncmp(on_fd("", fd).path, "/memfd:", 7) != 0;
}

bool is_device(const char* path) {
    return path == nullptr || strncmp(path, "/proc/", 6) == 0 || strcmp(path, "/dev/null") == 0 ||
           strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0 ||
           strcmp(path, "/dev/tty") == 0;
}

int open_at(const char* name, int dir, const char* path, int flags, mode_t mode) {
    const auto real = [=] { return static_cast<int>(syscall(SYS_openat, dir, path, flags, mode)); };
    if (is_device(path)) return real();
    const bool creates = (flags & O_CREAT) != 0;
    const bool changes = creates || (flags & O_TRUNC) != 0 || (flags & O_ACCMODE) != O_RDONLY;
    return perform(named(name, path, creates, !changes), real);
}

mode_t mode_of(int flags, va_list& list) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE
               ? static_cast<mode_t>(va_arg(list, unsigned))
               : 0;
}

// "… phase begins … phase=stage …" and its form in JSON: from here on this thread is in that phase.
void listen(const char* text, size_t size) {
    char line[1024];
    snprintf(line, sizeof line, "%.*s", static_cast<int>(size), text);
    if (strstr(line, "asked to end") != nullptr) heeded = true;
    if (strstr(line, "deployment ended") != nullptr) phase[0] = '\0';
    if (strstr(line, "phase begins") == nullptr) return;
    const char* at = strstr(line, "phase=");
    if (at != nullptr) sscanf(at, "phase=%31[a-z-]", phase);
}

}  // namespace

// What is passed on as it is: the name, its parameters, the arguments, the path that it is about.
#define THROUGH(result, name, parameters, arguments, call)             \
    result name parameters {                                           \
        static const auto real = real_of<result(*) parameters>(#name); \
        return perform(call, [=] { return real arguments; });          \
    }

extern "C" {

THROUGH(int, rename, (const char* from, const char* to) noexcept, (from, to), named("rename", to))
THROUGH(int, renameat, (int a, const char* from, int b, const char* to) noexcept, (a, from, b, to),
        named("renameat", to))
THROUGH(int, renameat2, (int a, const char* from, int b, const char* to, unsigned flags) noexcept,
        (a, from, b, to, flags), named("renameat2", to))
THROUGH(int, symlink, (const char* target, const char* name) noexcept, (target, name),
        named("symlink", name, true))
THROUGH(int, symlinkat, (const char* target, int dir, const char* name) noexcept, (target, dir, name),
        named("symlinkat", name, true))
THROUGH(int, link, (const char* from, const char* to) noexcept, (from, to), named("link", to, true))
THROUGH(int, linkat, (int a, const char* from, int b, const char* to, int flags) noexcept,
        (a, from, b, to, flags), named("linkat", to, true))
THROUGH(int, unlink, (const char* name) noexcept, (name), named("unlink", name))
THROUGH(int, unlinkat, (int dir, const char* name, int flags) noexcept, (dir, name, flags),
        named("unlinkat", name))
THROUGH(int, remove, (const char* name) noexcept, (name), named("remove", name))
THROUGH(int, rmdir, (const char* name) noexcept, (name), named("rmdir", name))
THROUGH(int, mkdir, (const char* name, mode_t mode) noexcept, (name, mode), named("mkdir", name, true))
THROUGH(int, mkdirat, (int dir, const char* name, mode_t mode) noexcept, (dir, name, mode),
        named("mkdirat", name, true))
THROUGH(int, fsync, (int fd), (fd), on_fd("fsync", fd))
THROUGH(int, fdatasync, (int fd), (fd), on_fd("fdatasync", fd))
THROUGH(int, syncfs, (int fd) noexcept, (fd), on_fd("syncfs", fd))
THROUGH(int, ftruncate, (int fd, off_t size) noexcept, (fd, size), on_fd("ftruncate", fd))
THROUGH(int, ftruncate64, (int fd, off64_t size) noexcept, (fd, size), on_fd("ftruncate64", fd))
THROUGH(int, truncate, (const char* name, off_t size) noexcept, (name, size), named("truncate", name))
THROUGH(int, chmod, (const char* name, mode_t mode) noexcept, (name, mode), named("chmod", name))
THROUGH(int, fchmod, (int fd, mode_t mode) noexcept, (fd, mode), on_fd("fchmod", fd))
THROUGH(int, fchmodat, (int dir, const char* name, mode_t mode, int flags) noexcept, (dir, name, mode, flags),
        named("fchmodat", name))
THROUGH(int, chown, (const char* name, uid_t user, gid_t group) noexcept, (name, user, group),
        named("chown", name))
THROUGH(int, lchown, (const char* name, uid_t user, gid_t group) noexcept, (name, user, group),
        named("lchown", name))
THROUGH(int, fchown, (int fd, uid_t user, gid_t group) noexcept, (fd, user, group), on_fd("fchown", fd))
THROUGH(int, fchownat, (int dir, const char* name, uid_t user, gid_t group, int flags) noexcept,
        (dir, name, user, group, flags), named("fchownat", name))
THROUGH(int, utime, (const char* name, const struct utimbuf* times) noexcept, (name, times),
        named("utime", name))
THROUGH(int, utimes, (const char* name, const struct timeval times[2]) noexcept, (name, times),
        named("utimes", name))
THROUGH(int, utimensat, (int dir, const char* name, const struct timespec times[2], int flags) noexcept,
        (dir, name, times, flags), named("utimensat", name))
THROUGH(int, futimens, (int fd, const struct timespec times[2]) noexcept, (fd, times), on_fd("futimens", fd))
THROUGH(ssize_t, copy_file_range, (int a, off64_t* from, int b, off64_t* to, size_t size, unsigned flags),
        (a, from, b, to, size, flags), on_fd("copy_file_range", b, true))

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
    const auto some = [=](size_t count) { return syscall(SYS_pwrite64, fd, bytes, count, at); };
    return perform(
        on_fd("pwrite64", fd, true), [=] { return some(size); }, [=] { return some(size / 2); });
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
    return pwrite64(fd, bytes, size, at);
}
// Only what goes to files: pipes, sockets and terminals are not the disk.
ssize_t write(int fd, const void* bytes, size_t size) {
    const auto some = [=](size_t count) { return syscall(SYS_write, fd, bytes, count); };
    if (!is_file(fd)) return some(size);
    return perform(
        on_fd("write", fd, true), [=] { return some(size); }, [=] { return some(size / 2); });
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
    const auto real = [=] { return syscall(SYS_writev, fd, parts, count); };
    if (!is_file(fd)) return real();
    return perform(on_fd("writev", fd, true), real);
}
ssize_t sendfile(int to, int from, off_t* at, size_t size) noexcept {
    const auto real = [=] { return syscall(SYS_sendfile, to, from, at, size); };
    if (!is_file(to)) return real();
    return perform(on_fd("sendfile", to, true), real);
}
int ioctl(int fd, unsigned long request, ...) noexcept {
    va_list list;
    va_start(list, request);
    void* argument = va_arg(list, void*);
    va_end(list);
    const auto real = [=] { return static_cast<int>(syscall(SYS_ioctl, fd, request, argument)); };
    if (request != FICLONE && request != FICLONERANGE) return real();
    return perform(on_fd("ficlone", fd, true), real);
}

int openat(int dir, const char* name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at("openat", dir, name, flags, mode);
}
int openat64(int dir, const char* name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at("openat", dir, name, flags, mode);
}
int open(const char* name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at("open", AT_FDCWD, name, flags, mode);
}
int open64(const char* name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t mode = mode_of(flags, list);
    va_end(list);
    return open_at("open", AT_FDCWD, name, flags, mode);
}

// Another time of day: TIDEGATE_CLOCK seconds from the true one.
int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
    static const long offset = [] {
        const char* text = getenv("TIDEGATE_CLOCK");
        return text != nullptr ? atol(text) : 0;
    }();
    const auto code = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
    if (code == 0 && clock == CLOCK_REALTIME) time->tv_sec += offset;
    return code;
}

size_t fwrite(const void* bytes, size_t size, size_t count, FILE* file) {
    static const auto real = real_of<size_t (*)(const void*, size_t, size_t, FILE*)>("fwrite");
    const size_t written = real(bytes, size, count, file);
    if (file == stderr) listen(static_cast<const char*>(bytes), size * count);
    return written;
}

}  // extern "C"
