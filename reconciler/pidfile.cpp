// `signal: {pidfile: …}`: the file is the app's own, so it is believed in nothing but a number.
#include "reconciler/activation.hpp"
#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr std::int64_t kSlackMs = 2000;  // clocks of files and of processes tick apart

// When the process began, in milliseconds since the epoch; nullopt where it is gone.
std::optional<std::int64_t> began(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    if (!text) return std::nullopt;
    const auto name_end = text->rfind(')');  // a process may call itself ") R 1"
    if (name_end == std::string::npos || name_end + 2 > text->size()) return std::nullopt;
    const auto fields = split(std::string_view(*text).substr(name_end + 2), ' ');
    std::int64_t ticks = 0;  // since the boot, as field 22 of proc(5)
    if (fields.size() < 20 ||
        std::from_chars(fields[19].data(), fields[19].data() + fields[19].size(), ticks).ec != std::errc())
        return std::nullopt;
    timespec boot{};
    timespec real{};
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_REALTIME, &real);
    const auto ms = [](const timespec& time) { return time.tv_sec * 1000 + time.tv_nsec / 1'000'000; };
    return ms(real) - ms(boot) + ticks * 1000 / sysconf(_SC_CLK_TCK);
}

struct Pidfile {
    pid_t pid = 0;
    std::int64_t written = 0;  // milliseconds since the epoch
};

Result<Pidfile> read_pidfile(const std::string& path) {
    const Fd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!fd && errno == ELOOP) return fail(ErrorKind::Denied, "the pid file is a link: " + path);
    if (!fd) return fail_errno("the pid file " + path);
    struct stat facts {};
    if (fstat(fd.get(), &facts) != 0) return fail_errno(path);
    if (!S_ISREG(facts.st_mode)) return fail(ErrorKind::Denied, "the pid file is not a file: " + path);
    const auto text = TRY(read_fd(fd.get(), 64, path));
    const auto number = trim(text);
    Pidfile out;
    const auto end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, out.pid);
    if (parsed.ec != std::errc() || parsed.ptr != end || out.pid <= 1)
        return fail(ErrorKind::Invalid, "no process id is in " + path + ": `" + escape_foreign(number) + "`");
    out.written = facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000;
    return out;
}

}  // namespace

Result<void> signal_pidfile(const std::string& pidfile, int number, const std::optional<RunAs>& owner) {
    const auto read = TRY(read_pidfile(pidfile));
    const auto who = std::to_string(read.pid) + " of " + pidfile;
    // Held from here on: what is judged and what is signalled are one process.
    const Fd process(static_cast<int>(syscall(SYS_pidfd_open, read.pid, 0)));
    if (!process && errno == ESRCH)
        return fail(ErrorKind::NotFound, "process " + who + " is gone",
                    "start the app, or mend its pid file");
    if (!process) return fail_errno("process " + who);
    struct stat facts {};
    const auto since = began(read.pid);
    if (!since || stat(("/proc/" + std::to_string(read.pid)).c_str(), &facts) != 0)
        return fail(ErrorKind::NotFound, "process " + who + " is gone",
                    "start the app, or mend its pid file");
    if (facts.st_uid != (owner ? owner->uid : geteuid()))
        return fail(
            ErrorKind::Denied,
            "process " + who + " belongs to user " + std::to_string(facts.st_uid) + ", not to the app's",
            "name a pid file of the app itself; for another user's service use `signal: {unit: …}`");
    if (*since > read.written + kSlackMs)
        return fail(
            ErrorKind::Denied,
            "process " + who + " began after the file was written: the id was given to another process",
            "start the app, or mend its pid file");
    if (syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0) != 0)
        return fail_errno("signal to process " + who);
    return {};
}

}  // namespace tidegate::reconciler
