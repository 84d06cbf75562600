// Preloaded into a program under test: at the FAULT_AT-th call that changes names or brings something to disk
// (counted over all threads, from 1) the process is killed, or, with FAULT_ERRNO, the call fails with that
// number; with FAULT_FOR_EVER every later one fails, too. FAULT_COUNT names a file that gets the number of calls
// when the program ends. strace's `when=` counts each thread for itself, which a program of several threads
// makes no sweep of; this counts the process.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

std::atomic<long> calls{0};

long number(const char* name) {
    const char* text = getenv(name);
    return text != nullptr ? atol(text) : 0;
}

// True: the call is to fail; errno is set.
bool faulty() {
    static const long at = number("FAULT_AT");
    static const long code = number("FAULT_ERRNO");
    static const bool for_ever = number("FAULT_FOR_EVER") != 0;
    const long now = ++calls;
    if (at == 0 || now < at || (now > at && !for_ever)) return false;
    if (code == 0) kill(getpid(), SIGKILL);
    errno = static_cast<int>(code);
    return true;
}

template <typename Function>
Function real(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

struct AtEnd {
    ~AtEnd() {
        const char* path = getenv("FAULT_COUNT");
        if (path == nullptr) return;
        if (FILE* file = fopen(path, "w")) {
            fprintf(file, "%ld\n", calls.load());
            fclose(file);
        }
    }
} at_end;

}  // namespace

#define FAULT(result, name, arguments, values)                           \
    extern "C" result name arguments noexcept(noexcept(::name values)) { \
        if (faulty()) return -1;                                         \
        static const auto next = real<result(*) arguments>(#name);       \
        return next values;                                              \
    }

FAULT(int, rename, (const char* from, const char* to), (from, to))
FAULT(int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to))
FAULT(int, renameat2, (int a, const char* from, int b, const char* to, unsigned flags),
      (a, from, b, to, flags))
FAULT(int, fsync, (int fd), (fd))
FAULT(int, fdatasync, (int fd), (fd))
FAULT(int, syncfs, (int fd), (fd))
FAULT(int, symlinkat, (const char* to, int dir, const char* name), (to, dir, name))
FAULT(int, mkdirat, (int dir, const char* name, mode_t mode), (dir, name, mode))
FAULT(int, unlinkat, (int dir, const char* name, int flags), (dir, name, flags))
