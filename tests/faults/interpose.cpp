// Faults for tidegated, loaded with LD_PRELOAD: counts the calls that change a file, a link or the disk, over all threads
// of the process, and at the Nth one kills the process or makes the call fail. Children are left alone: they are
// given an environment of their own.
//
//   TIDEGATE_FAULT=CALLS:N:kill           CALLS: names with commas between, or `all`
//   TIDEGATE_FAULT=CALLS:N:after          the call is done, then the process is killed
//   TIDEGATE_FAULT=CALLS:N:28             errno 28, once; `28+` from there on
//   TIDEGATE_FAULT_LOG=FILE               every counted call's name, a line each (appended)
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

struct Plan {
    char calls[256] = "";
    long at = 0;
    bool kill = false;
    bool after = false;
    bool forever = false;
    int code = 0;
    int log = -1;
};

const Plan& plan() {
    static const Plan made = [] {
        Plan plan;
        if (const char* log = getenv("TIDEGATE_FAULT_LOG"))
            plan.log = static_cast<int>(
                syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
        const char* text = getenv("TIDEGATE_FAULT");
        char what[32] = "";
        if (text == nullptr || sscanf(text, "%250[^:]:%ld:%31s", plan.calls, &plan.at, what) != 3)
            return plan;
        plan.kill = strcmp(what, "kill") == 0;
        plan.after = strcmp(what, "after") == 0;
        plan.code = atoi(what);
        plan.forever = strchr(what, '+') != nullptr;
        return plan;
    }();
    return made;
}

bool counts(const char* call) {
    if (plan().calls[0] == '\0') return plan().log >= 0;
    if (strcmp(plan().calls, "all") == 0) return true;
    const char* at = strstr(plan().calls, call);
    const size_t length = strlen(call);
    while (at != nullptr) {
        const bool begins = at == plan().calls || at[-1] == ',';
        if (begins && (at[length] == ',' || at[length] == '\0')) return true;
        at = strstr(at + 1, call);
    }
    return false;
}

[[noreturn]] void die() {
    syscall(SYS_kill, getpid(), SIGKILL);
    _exit(137);
}

// One counted call: whether it is to fail (errno is set), and whether the process dies once it is done.
struct Turn {
    bool fails = false;
    bool dies_after = false;
};

Turn turn(const char* call) {
    static std::atomic<long> count{0};
    if (!counts(call)) return {};
    const long number = ++count;
    if (plan().log >= 0) {
        char line[64];
        const int length = snprintf(line, sizeof line, "%ld %s\n", number, call);
        (void)!syscall(SYS_write, plan().log, line, static_cast<size_t>(length));
    }
    if (plan().at <= 0 || number < plan().at || (number > plan().at && !plan().forever)) return {};
    if (plan().kill) die();
    if (plan().after) return {false, true};
    errno = plan().code;
    return {true, false};
}

template <typename Call, typename... Arguments>
auto through(const char* name, Arguments... arguments) {
    const Turn now = turn(name);
    using Return = decltype(reinterpret_cast<Call>(static_cast<void*>(nullptr))(arguments...));
    if (now.fails) return static_cast<Return>(-1);
    static const auto real = reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
    const auto result = real(arguments...);
    if (now.dies_after) die();
    return result;
}

mode_t mode_of(int flags, va_list& list) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(list, unsigned)) : 0;
}

}  // namespace

extern "C" {

int rename(const char* from, const char* to) noexcept {
    return through<int (*)(const char*, const char*)>("rename", from, to);
}
int renameat(int a, const char* from, int b, const char* to) noexcept {
    return through<int (*)(int, const char*, int, const char*)>("renameat", a, from, b, to);
}
int renameat2(int a, const char* from, int b, const char* to, unsigned flags) noexcept {
    return through<int (*)(int, const char*, int, const char*, unsigned)>("renameat2", a, from, b, to, flags);
}
int symlink(const char* target, const char* name) noexcept {
    return through<int (*)(const char*, const char*)>("symlink", target, name);
}
int symlinkat(const char* target, int dir, const char* name) noexcept {
    return through<int (*)(const char*, int, const char*)>("symlinkat", target, dir, name);
}
int linkat(int a, const char* from, int b, const char* to, int flags) noexcept {
    return through<int (*)(int, const char*, int, const char*, int)>("linkat", a, from, b, to, flags);
}
int unlink(const char* name) noexcept {
    return through<int (*)(const char*)>("unlink", name);
}
int unlinkat(int dir, const char* name, int flags) noexcept {
    return through<int (*)(int, const char*, int)>("unlinkat", dir, name, flags);
}
int mkdir(const char* name, mode_t mode) noexcept {
    return through<int (*)(const char*, mode_t)>("mkdir", name, mode);
}
int mkdirat(int dir, const char* name, mode_t mode) noexcept {
    return through<int (*)(int, const char*, mode_t)>("mkdirat", dir, name, mode);
}
int fsync(int fd) {
    return through<int (*)(int)>("fsync", fd);
}
int fdatasync(int fd) {
    return through<int (*)(int)>("fdatasync", fd);
}
int syncfs(int fd) noexcept {
    return through<int (*)(int)>("syncfs", fd);
}
int ftruncate(int fd, off_t size) noexcept {
    return through<int (*)(int, off_t)>("ftruncate", fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
    return through<int (*)(int, off64_t)>("ftruncate64", fd, size);
}
int fchmod(int fd, mode_t mode) noexcept {
    return through<int (*)(int, mode_t)>("fchmod", fd, mode);
}
int fchownat(int dir, const char* name, uid_t user, gid_t group, int flags) noexcept {
    return through<int (*)(int, const char*, uid_t, gid_t, int)>("fchownat", dir, name, user, group, flags);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
    return through<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64", fd, bytes, size, at);
}
// Only what goes to files: pipes, sockets and terminals are not the disk.
ssize_t write(int fd, const void* bytes, size_t size) {
    struct stat info {};
    if (syscall(SYS_fstat, fd, &info) == 0 && S_ISREG(info.st_mode) && fd != plan().log)
        return through<ssize_t (*)(int, const void*, size_t)>("write", fd, bytes, size);
    return syscall(SYS_write, fd, bytes, size);
}
// Only where a file is created.
int openat(int dir, const char* name, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const mode_t mode = mode_of(flags, list);
    va_end(list);
    if ((flags & O_CREAT) != 0)
        return through<int (*)(int, const char*, int, mode_t)>("openat", dir, name, flags, mode);
    return static_cast<int>(syscall(SYS_openat, dir, name, flags, mode));
}

}  // extern "C"
