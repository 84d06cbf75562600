// tidegate-command: becomes a command of a release. It is started as the app's user already, by systemd in the sandbox
// of a unit or by the daemon itself, and links nothing: it starts for every command and every probe.
#include "reconciler/command_frame.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace tidegate::reconciler;

namespace {

constexpr int kRounds = 10'000;  // what is ended may fork meanwhile

struct Frame {
    std::string text;  // what the pointers lead into
    std::vector<char*> argv;
    std::vector<char*> env;
    std::vector<rlimit> limits;
    std::vector<int> resources;
    const char* folder = nullptr;
    const char* path = "/usr/local/bin:/usr/bin:/bin";
    bool no_privileges = false;
    long watch_ms = 0;
};

int answer_fd = -1;  // the socket; gone when the command begins

[[noreturn]] void give_up(CommandStep step) {
    const CommandFault fault{step, errno};
    (void)!write(answer_fd, &fault, sizeof fault);
    _exit(127);
}

// The two descriptors that come with the first byte; the frame is the first.
bool receive(int (&fds)[2]) {
    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof fds)];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    ssize_t got = 0;
    do {
        got = recvmsg(STDIN_FILENO, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    if (got != 1 || head == nullptr || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(sizeof fds))
        return false;
    memcpy(fds, CMSG_DATA(head), sizeof fds);
    return true;
}

bool read_all(int fd, std::string& text) {
    struct stat facts {};
    if (fstat(fd, &facts) != 0) return false;
    text.resize(static_cast<size_t>(facts.st_size));
    for (size_t at = 0; at < text.size();) {
        const auto got = pread(fd, text.data() + at, text.size() - at, static_cast<off_t>(at));
        if (got <= 0) return false;
        at += static_cast<size_t>(got);
    }
    return true;
}

void parse(Frame& frame) {
    for (size_t at = 0; at < frame.text.size();) {
        char* record = frame.text.data() + at;
        char* value = record + 1;
        switch (*record) {
            case kArgument: frame.argv.push_back(value); break;
            case kVariable:
                frame.env.push_back(value);
                if (strncmp(value, "PATH=", 5) == 0) frame.path = value + 5;
                break;
            case kFolder: frame.folder = value; break;
            case kNoPrivileges: frame.no_privileges = true; break;
            case kWatch: frame.watch_ms = strtol(value, nullptr, 10); break;
            case kLimit: {
                char* end = nullptr;
                frame.resources.push_back(static_cast<int>(strtol(value, &end, 10)));
                const rlim_t most = strtoull(end + 1, nullptr, 10);
                frame.limits.push_back({most, most});
                break;
            }
            default: break;
        }
        at += 1 + strlen(value) + 1;
    }
    frame.argv.push_back(nullptr);
    frame.env.push_back(nullptr);
}

// A shell of root's that started `tidegated --once` must not be spoken to through its terminal.
void leave_terminal() {
    const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) return;
    ioctl(terminal, TIOCNOTTY);
    close(terminal);
}

void lower_limits(const Frame& frame) {
    for (size_t i = 0; i < frame.limits.size(); ++i) {
        const auto resource = static_cast<__rlimit_resource_t>(frame.resources[i]);
        rlimit now{};
        rlimit wanted = frame.limits[i];
        // One that is lower already stays: it cannot be raised.
        if (getrlimit(resource, &now) == 0 && now.rlim_max < wanted.rlim_max) wanted.rlim_max = now.rlim_max;
        if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
        if (setrlimit(resource, &wanted) != 0) give_up(CommandStep::Limits);
    }
}

[[noreturn]] void become(const Frame& frame) {
    if (frame.folder != nullptr && chdir(frame.folder) != 0) give_up(CommandStep::Folder);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 1; number < 65; ++number) signal(number, SIG_DFL);
    std::vector<std::string> candidates;
    const std::string_view name = frame.argv.front();
    if (name.find('/') != std::string_view::npos) {
        candidates.emplace_back(name);
    } else {
        const std::string_view path = frame.path;
        for (size_t at = 0; at <= path.size();) {
            const auto end = path.find(':', at) == std::string_view::npos ? path.size() : path.find(':', at);
            const auto folder = path.substr(at, end - at);
            if (folder.starts_with('/')) candidates.push_back(std::string(folder) + "/" + std::string(name));
            at = end + 1;
        }
    }
    lower_limits(frame);
    int code = ENOENT;
    for (const auto& candidate : candidates) {
        execve(candidate.c_str(), frame.argv.data(), frame.env.data());
        if (errno != ENOENT && errno != ENOTDIR) code = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    }
    errno = code;
    give_up(name.find('/') == std::string_view::npos && code == ENOENT ? CommandStep::Program
                                                                       : CommandStep::Start);
}

std::vector<pid_t> children() {
    std::vector<pid_t> found;
    const auto path = "/proc/self/task/" + std::to_string(getpid()) + "/children";
    FILE* list = fopen(path.c_str(), "re");
    if (list == nullptr) return found;
    for (int pid = 0; fscanf(list, "%d", &pid) == 1;) found.push_back(pid);
    fclose(list);
    return found;
}

// What our children leave when they end comes to us (PR_SET_CHILD_SUBREAPER), whatever session it went into.
void end_descendants() {
    for (int round = 0; round < kRounds; ++round) {
        const auto left = children();
        for (const pid_t pid : left) kill(pid, SIGKILL);
        if (left.empty() || waitpid(-1, nullptr, 0) < 0) return;
    }
}

[[noreturn]] void end_as(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    const int number = WTERMSIG(status);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    sigset_t all;
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    kill(getpid(), number);
    _exit(128 + number);
}

// Stays until the command has ended, and then ends whatever it started and left.
[[noreturn]] void watch(const Frame& frame, pid_t parent) {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, number);
    sigprocmask(SIG_SETMASK, &signals, nullptr);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);  // a killed daemon: one that we can answer
    if (getppid() != parent) _exit(127);
    const pid_t self = getpid();
    const pid_t child = fork();
    if (child < 0) give_up(CommandStep::Start);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self) _exit(127);
        become(frame);
    }
    close(answer_fd);
    bool asked = false;
    while (true) {
        const timespec grace{frame.watch_ms / 1000, frame.watch_ms % 1000 * 1'000'000};
        const int number = asked ? sigtimedwait(&signals, nullptr, &grace) : sigwaitinfo(&signals, nullptr);
        if (number < 0 && errno == EINTR) continue;
        // The daemon is gone, or those who were asked do not end.
        if (number < 0 || number == SIGUSR1) kill(child, SIGKILL);
        // Our group was asked, too; what left it was not.
        if (number == SIGTERM || number == SIGINT || number == SIGHUP) {
            for (const pid_t pid : children())
                if (getpgid(pid) != getpgrp()) kill(pid, number);
            asked = true;
        }
        int status = 0;
        for (pid_t ended = 0;
             (ended = waitpid(-1, &status, number < 0 || number == SIGUSR1 ? 0 : WNOHANG)) > 0;) {
            if (ended != child) continue;
            end_descendants();
            end_as(status);
        }
    }
}

}  // namespace

int main() {
    const pid_t parent = getppid();
    int fds[2] = {-1, -1};
    if (!receive(fds)) {
        fputs("tidegate-command is started by tidegated, for the commands of a release\n", stderr);
        return 2;
    }
    // From here on nobody of the same user reads what we hold but who may read the command itself.
    answer_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    const char ready = kReady;
    if (answer_fd < 0 || write(answer_fd, &ready, 1) != 1) return 127;
    Frame frame;
    if (!read_all(fds[0], frame.text) || dup2(fds[1], STDIN_FILENO) < 0) give_up(CommandStep::Frame);
    close(fds[0]);
    close(fds[1]);
    parse(frame);
    if (frame.argv.size() < 2) give_up(CommandStep::Frame);
    leave_terminal();
    if (frame.no_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(CommandStep::Limits);
    if (frame.watch_ms > 0) watch(frame, parent);
    become(frame);
}
