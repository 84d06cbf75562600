// Which calls of this process are to fail, and what becomes of one: read from the environment once. See interpose.cpp.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include <atomic>
#include <cerrno>

namespace {

constexpr int kMostFaults = 4;
constexpr long kNapNs = 2'000'000;
constexpr int kNaps = 10'000;  // 20 s

struct Fault {
    char phase[32] = "";
    char calls[200] = "";
    long at = 0;
    enum class How { None, Kill, Half, Error, Term, Cut, Skip, Hang } how = How::None;
    bool for_ever = false;
    int code = 0;
    std::atomic<long> count{0};
};

struct Plan {
    Fault faults[kMostFaults];
    int size = 0;
    int log = -1;
    long process = 0;
};

std::atomic<bool> heeded{false};  // the log says that SIGTERM has come through
thread_local char phase[32] = "";

Fault::How how_of(const char* text) {
    if (strcmp(text, "kill") == 0) return Fault::How::Kill;
    if (strcmp(text, "half") == 0) return Fault::How::Half;
    if (strcmp(text, "term") == 0) return Fault::How::Term;
    if (strncmp(text, "cut", 3) == 0) return Fault::How::Cut;
    if (strcmp(text, "hang") == 0) return Fault::How::Hang;
    if (strncmp(text, "skip", 4) == 0) return Fault::How::Skip;
    return Fault::How::Error;
}

void read_fault(const char* text, Fault& fault) {
    char what[32] = "";
    char where[232] = "";
    if (sscanf(text, "%230[^:]:%ld:%31[^;]", where, &fault.at, what) != 3) return;
    const char* slash = strchr(where, '/');
    if (slash != nullptr)
        snprintf(fault.phase, sizeof fault.phase, "%.*s", static_cast<int>(slash - where), where);
    snprintf(fault.calls, sizeof fault.calls, "%s", slash != nullptr ? slash + 1 : where);
    fault.how = how_of(what);
    fault.code = atoi(what);
    fault.for_ever = strchr(what, '+') != nullptr;
}

Plan& plan() {
    static Plan made;
    static const bool once = [] {
        made.process = syscall(SYS_getpid);
        if (const char* log = getenv("TIDEGATE_FAULT_LOG"))
            made.log = static_cast<int>(
                syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
        const char* text = getenv("TIDEGATE_FAULT");
        while (text != nullptr && *text != '\0' && made.size < kMostFaults) {
            read_fault(text, made.faults[made.size++]);
            text = strchr(text, ';');
            if (text != nullptr) ++text;
        }
        return true;
    }();
    (void)once;
    return made;
}

// A call that is about to be made.
struct Call {
    const char* name;
    char path[256];
    bool allocates;
    bool reads;
};

bool is_database(const Call& call) {
    return strstr(call.path, "/state.db") != nullptr;
}

bool among(const char* names, const char* name) {
    const size_t length = strlen(name);
    for (const char* at = strstr(names, name); at != nullptr; at = strstr(at + 1, name)) {
        const bool begins = at == names || at[-1] == ',';
        if (begins && (at[length] == ',' || at[length] == '\0')) return true;
    }
    return false;
}

bool concerns(const Fault& fault, const Call& call) {
    if (fault.phase[0] != '\0' && strcmp(fault.phase, phase) != 0) return false;
    if (strcmp(fault.calls, "read") == 0) return call.reads;
    if (call.reads) return false;
    if (strcmp(fault.calls, "all") == 0) return true;
    if (strcmp(fault.calls, "alloc") == 0) return call.allocates;
    if (strcmp(fault.calls, "db") == 0) return is_database(call);
    if (strcmp(fault.calls, "files") == 0) return !is_database(call);
    return among(fault.calls, call.name);
}

[[noreturn]] void die() {
    syscall(SYS_kill, getpid(), SIGKILL);
    _exit(137);
}

void nap() {
    const timespec time{0, kNapNs};
    syscall(SYS_nanosleep, &time, nullptr);
}

void terminate() {
    syscall(SYS_kill, getpid(), SIGTERM);
    for (int naps = 0; naps < kNaps && !heeded; ++naps) nap();
    for (int naps = 0; naps < 10; ++naps) nap();  // the log is written a moment before the threads are asked
}

// Copies the disk's image by reference, at this very instant: TIDEGATE_CUT is "IMAGE FOLDER"; copies are numbered.
void cut(long number) {
    static const int from_to[2] = {
        [] {
            char image[256] = "";
            if (const char* text = getenv("TIDEGATE_CUT")) sscanf(text, "%255s", image);
            return static_cast<int>(syscall(SYS_openat, AT_FDCWD, image, O_RDONLY | O_CLOEXEC, 0));
        }(),
        [] {
            char folder[256] = "";
            if (const char* text = getenv("TIDEGATE_CUT")) sscanf(text, "%*s %255s", folder);
            return static_cast<int>(
                syscall(SYS_openat, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
        }()};
    char name[32];
    snprintf(name, sizeof name, "%ld", number);
    const long copy = syscall(SYS_openat, from_to[1], name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    syscall(SYS_ioctl, copy, FICLONE, from_to[0]);
    syscall(SYS_close, copy);
}

// What becomes of a call: whether it fails (errno is set), and whether the process dies in the middle of it.
struct Turn {
    bool fails = false;
    bool halves = false;
    bool skipped = false;
    long number = 0;
};

bool ours() {
    return syscall(SYS_getpid) == plan().process;  // not a child between fork and exec
}

Turn turn(const Call& call) {
    Turn out;
    if (!ours()) return out;
    for (int index = 0; index < plan().size; ++index) {
        Fault& fault = plan().faults[index];
        if (!concerns(fault, call)) continue;
        const long number = ++fault.count;
        if (index == 0) out.number = number;
        if (fault.at <= 0 || number < fault.at || (number > fault.at && !fault.for_ever)) continue;
        switch (fault.how) {
            case Fault::How::Kill: die();
            case Fault::How::Half: out.halves = true; break;
            case Fault::How::Hang:
                while (true) nap();
            case Fault::How::Skip: out.skipped = true; break;
            case Fault::How::Term: terminate(); break;
            case Fault::How::Cut: cut(number); break;
            case Fault::How::Error:
                out.fails = true;
                errno = fault.code;
                break;
            case Fault::How::None: break;
        }
    }
    return out;
}

void note(const Turn& now, const Call& call, long result) {
    if (plan().log < 0 || now.number == 0) return;
    const int kept = errno;
    char line[384];
    const int length =
        snprintf(line, sizeof line, "%ld %s %s %s %s\n", now.number, call.name,
                 result < 0 ? strerrorname_np(kept) : "ok", phase[0] != '\0' ? phase : "-", call.path);
    (void)!syscall(SYS_write, plan().log, line, static_cast<size_t>(length));
    errno = kept;
}

template <typename Real>
Real real_of(const char* name) {
    return reinterpret_cast<Real>(dlsym(RTLD_NEXT, name));
}

}  // namespace
