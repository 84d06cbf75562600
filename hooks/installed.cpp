#include "hooks/installed.hpp"

#include "shared/base/fd.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <vector>

extern char** environ;

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr std::string_view kMark = "TIDEGATE";
constexpr size_t kLengthDigits = 8;
constexpr size_t kLongestNote = 8192;
constexpr const char* kFollowed = "TIDEGATE_FOLLOWED";  // stops two programs that point at each other

std::string length_text(size_t length) {
    std::string digits(kLengthDigits, '0');
    for (size_t i = kLengthDigits; i > 0 && length > 0; --i, length /= 16)
        digits[i - 1] = "0123456789abcdef"[length % 16];
    return digits;
}

template <typename Number>
bool to_number(std::string_view text, Number& number, int base = 10) {
    const auto end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, base);
    return error == std::errc() && stop == end;
}

std::optional<std::string> read_at_end(int fd, off_t size, size_t skipped, size_t length) {
    if (static_cast<size_t>(size) < skipped + length) return std::nullopt;
    std::string bytes(length, '\0');
    const auto offset = size - static_cast<off_t>(skipped + length);
    if (pread(fd, bytes.data(), length, offset) != static_cast<ssize_t>(length)) return std::nullopt;
    return bytes;
}

std::optional<InstalledNote> parse_note(std::string_view text) {
    InstalledNote note;
    for (const auto line : lines_of(text)) {
        const auto blank = line.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        const auto key = line.substr(0, blank);
        const auto value = line.substr(blank + 1);
        if (key == "origin") note.origin = std::string(value);
        if (key == "size" && !to_number(value, note.size)) return std::nullopt;
        if (key == "mtime" && !to_number(value, note.mtime)) return std::nullopt;
    }
    if (note.origin.empty()) return std::nullopt;
    return note;
}

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// A child that is git's hook: executed as git would, by `sh` where it has no interpreter line.
[[noreturn]] void become_hook(const char* path, char** arguments, int input) {
    if (input >= 0 && dup2(input, STDIN_FILENO) < 0) _exit(126);
    signal(SIGPIPE, SIG_DFL);
    execve(path, arguments, environ);
    if (errno == ENOEXEC) {
        std::vector<char*> shell{const_cast<char*>("sh"), const_cast<char*>(path)};
        for (char** argument = arguments + 1; *argument != nullptr; ++argument) shell.push_back(*argument);
        shell.push_back(nullptr);
        execve("/bin/sh", shell.data(), environ);
    }
    _exit(127);
}

Result<Fd> file_holding(const std::string& bytes) {
    Fd fd(memfd_create("stdin", MFD_CLOEXEC));
    if (!fd) return fail_errno("cannot keep the hook's standard input");
    TRY(write_all(fd.get(), bytes, "the hook's standard input"));
    if (lseek(fd.get(), 0, SEEK_SET) < 0) return fail_errno("cannot rewind the hook's standard input");
    return fd;
}

}  // namespace

std::string to_trailer(const InstalledNote& note) {
    std::string text = "origin " + note.origin + "\nsize " + std::to_string(note.size) + "\nmtime " +
                       std::to_string(note.mtime) + "\n";
    const auto length = text.size();
    return text + length_text(length) + std::string(kMark);
}

std::optional<InstalledNote> read_installed_note(const std::string& path) {
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    const auto tail = read_at_end(fd.get(), status.st_size, 0, kLengthDigits + kMark.size());
    size_t length = 0;
    if (!tail || !tail->ends_with(kMark) ||
        !to_number(std::string_view(*tail).substr(0, kLengthDigits), length, 16) || length > kLongestNote)
        return std::nullopt;
    const auto text = read_at_end(fd.get(), status.st_size, tail->size(), length);
    return text ? parse_note(*text) : std::nullopt;
}

Result<InstalledNote> note_for(const std::string& origin) {
    struct stat status {};
    if (stat(origin.c_str(), &status) != 0) return fail_errno("cannot read " + escape_foreign(origin));
    return InstalledNote{origin, static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim)};
}

void follow_upgrade(char** argv) {
    if (getenv(kFollowed) != nullptr) {
        unsetenv(kFollowed);
        return;
    }
    const auto note = read_installed_note("/proc/self/exe");
    if (!note) return;
    const auto now = note_for(note->origin);
    if (!now || (now->size == note->size && now->mtime == note->mtime)) return;
    setenv(kFollowed, "1", 1);
    execve(note->origin.c_str(), argv, environ);
    unsetenv(kFollowed);
}

Result<int> run_chained(const std::string& hook_path, char** arguments,
                        const std::optional<std::string>& input) {
    const auto path = hook_path + std::string(kChainedSuffix);
    if (access(path.c_str(), X_OK) != 0) return 0;  // git passes over a hook that is not executable, too
    Fd in;
    if (input) in = TRY(file_holding(*input));
    const pid_t pid = fork();
    if (pid < 0) return fail_errno("cannot start " + escape_foreign(path));
    if (pid == 0) become_hook(path.c_str(), arguments, in ? in.get() : -1);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return fail_errno("cannot wait for " + escape_foreign(path));
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (code == 127)
        return fail(ErrorKind::NotFound, "cannot execute " + escape_foreign(path),
                    "its interpreter may be missing; `tidegate uninstall` puts it back as it was");
    return code;
}

}  // namespace tidegate::hooks
