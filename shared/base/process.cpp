#include "shared/base/process.hpp"

#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

extern char** environ;

namespace tidegate::shared {

namespace {

constexpr Duration kStrayOutput{200};

using SteadyClock = std::chrono::steady_clock;

struct Pipe {
    Fd read;
    Fd write;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

void set_nonblocking(const Fd& fd) {
    fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

// Everything the child needs, laid out before the fork: between fork and exec only system calls are allowed.
struct Launch {
    std::string program;
    std::vector<char*> argv;
    std::vector<std::string> env_strings;
    std::vector<char*> envp;
    std::vector<gid_t> groups;
    const Command* command = nullptr;
    int in = -1;
    int out = -1;
    int err = -1;
    int report = -1;
    pid_t parent = -1;
};

enum class Step : int { Group, Streams, Limits, Identity, Directory, Exec };

struct Report {
    Step step;
    int code;
};

[[noreturn]] void report_and_exit(int fd, Step step) {
    const Report report{step, errno};
    (void)!::write(fd, &report, sizeof report);
    _exit(127);
}

[[noreturn]] void become_child(const Launch& launch) {
    const auto& command = *launch.command;
    if (setpgid(0, 0) != 0) report_and_exit(launch.report, Step::Group);
    // Children end with us: a killed daemon must not leave a migration running on its own.
    if (!command.stays_behind) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launch.parent) _exit(127);  // we were killed between fork and prctl
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 1; number < 65; ++number) signal(number, SIG_DFL);
    if (dup2(launch.in, 0) < 0 || dup2(launch.out, 1) < 0 || dup2(launch.err, 2) < 0)
        report_and_exit(launch.report, Step::Streams);
    if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0)
        for (int fd = 3; fd < 4096; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (const auto& limit : command.limits) {
        const struct rlimit value { limit.value, limit.value };
        if (setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0)
            report_and_exit(launch.report, Step::Limits);
    }
    if (command.run_as) {
        if (setgroups(launch.groups.size(), launch.groups.data()) != 0 ||
            setresgid(command.run_as->gid, command.run_as->gid, command.run_as->gid) != 0 ||
            setresuid(command.run_as->uid, command.run_as->uid, command.run_as->uid) != 0)
            report_and_exit(launch.report, Step::Identity);
        if (!command.stays_behind) prctl(PR_SET_PDEATHSIG, SIGKILL);  // cleared by the change of identity
    }
    if (!command.directory.empty() && chdir(command.directory.c_str()) != 0)
        report_and_exit(launch.report, Step::Directory);
    execve(launch.program.c_str(), launch.argv.data(), launch.envp.data());
    report_and_exit(launch.report, Step::Exec);
}

Result<std::string> resolve_program(const Command& command) {
    const auto& name = command.argv.front();
    if (name.find('/') != std::string::npos) return name;
    const auto path = command.env.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
    for (const auto folder : split(path, ':')) {
        if (folder.empty() || folder.front() != '/') continue;
        auto candidate = std::string(folder) + "/" + name;
        if (access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return fail(ErrorKind::NotFound, "program not found: " + escape_foreign(name),
                "install it, or add its folder to PATH");
}

Result<std::vector<gid_t>> groups_of(const RunAs& who) {
    int count = 64;
    std::vector<gid_t> groups(static_cast<size_t>(count));
    if (getgrouplist(who.user.c_str(), who.gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<size_t>(count));
        if (getgrouplist(who.user.c_str(), who.gid, groups.data(), &count) < 0)
            return fail(ErrorKind::Io, "cannot read the groups of user " + escape_foreign(who.user));
    }
    groups.resize(static_cast<size_t>(count));
    return groups;
}

std::string_view doing(Step step) {
    switch (step) {
        case Step::Group: return "cannot start a process group for ";
        case Step::Streams: return "cannot connect the streams of ";
        case Step::Limits: return "cannot set the limits of ";
        case Step::Identity: return "cannot change the user for ";
        case Step::Directory: return "cannot enter the working directory of ";
        case Step::Exec: return "cannot execute ";
    }
    return "cannot start ";
}

}  // namespace

void Environment::pass(const std::vector<std::string>& names) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        const auto name = text.substr(0, equals);
        const bool wanted = std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
            if (pattern.ends_with('*'))
                return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
            return name == pattern;
        });
        if (wanted) values_.insert_or_assign(std::string(name), std::string(text.substr(equals + 1)));
    }
}

std::optional<std::string> Environment::get(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

Environment basic_environment() {
    Environment env;
    env.pass({"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_*", "TZ", "TMPDIR", "TERM"});
    return env;
}

std::string Exit::describe() const {
    if (timed_out) return "timed out after " + human_duration(took);
    if (cancelled) return "cancelled";
    if (signal != 0) {
        const char* name = sigabbrev_np(signal);
        return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
    }
    return "exit " + std::to_string(code);
}

struct Supervisor::Child {
    Id id = 0;
    Command command;
    pid_t pid = -1;
    Fd pidfd;
    Fd in;
    Fd out;
    Fd err;
    size_t input_sent = 0;
    MonoTime started;
    std::optional<MonoTime> deadline;
    std::optional<MonoTime> kill_at;
    std::optional<MonoTime> drop_output_at;  // set once the child has ended
    bool ended = false;
    Exit exit;

    void ask_to_end() {
        if (kill_at || ended) return;
        ::kill(-pid, SIGTERM);
        ::kill(-pid, SIGCONT);
        kill_at = SteadyClock::now() + command.grace;
    }

    void feed() {
        while (in && input_sent < command.input.size()) {
            const auto put =
                ::write(in.get(), command.input.data() + input_sent, command.input.size() - input_sent);
            if (put < 0 && errno == EINTR) continue;
            if (put < 0 && errno == EAGAIN) return;
            if (put < 0) break;  // it does not want the rest
            input_sent += static_cast<size_t>(put);
        }
        in.reset();
    }

    void drain(Fd& fd, Stream stream) {
        char buffer[65536];
        for (int rounds = 0; fd && rounds < 16; ++rounds) {
            const auto got = ::read(fd.get(), buffer, sizeof buffer);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) return fd.reset();
            const std::string_view bytes(buffer, static_cast<size_t>(got));
            if (command.on_output) command.on_output(stream, bytes);
            auto& kept = stream == Stream::Out ? exit.out : exit.err;
            const auto room = command.output_limit - std::min(command.output_limit, kept.size());
            kept += bytes.substr(0, room);
            exit.truncated = exit.truncated || bytes.size() > room;
        }
    }

    void reap() {
        siginfo_t info{};
        if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) != 0 || info.si_pid != pid)
            return;
        ended = true;
        exit.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
        exit.code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        exit.took = std::chrono::duration_cast<Duration>(SteadyClock::now() - started);
        const bool left_running = command.stays_behind && exit.ok();
        if (!left_running) ::kill(-pid, SIGKILL);
        drop_output_at = SteadyClock::now() + kStrayOutput;
    }

    [[nodiscard]] bool done(MonoTime now) const {
        return ended && ((!out && !err) || now >= *drop_output_at);
    }

    [[nodiscard]] std::optional<MonoTime> next_event() const {
        if (ended) return drop_output_at;
        if (kill_at) return kill_at;
        return deadline;
    }

    void look_at_clock(MonoTime now) {
        if (ended) return;
        if (kill_at && now >= *kill_at) {
            ::kill(-pid, SIGKILL);
            kill_at = now + std::chrono::hours(24);
        } else if (!kill_at && deadline && now >= *deadline) {
            exit.timed_out = true;
            ask_to_end();
        }
    }
};

Supervisor::Supervisor() = default;

Supervisor::~Supervisor() {
    for (const auto& child : children_) {
        if (child->ended) continue;
        ::kill(-child->pid, SIGKILL);
        int status = 0;
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
}

Result<Supervisor::Id> Supervisor::start(Command command) {
    if (command.argv.empty()) return fail(ErrorKind::Usage, "no command to run");
    auto child = std::make_unique<Child>();
    child->command = std::move(command);
    const Command& job = child->command;

    Launch launch;
    launch.command = &job;
    launch.program = TRY(resolve_program(job));
    for (const auto& argument : job.argv) launch.argv.push_back(const_cast<char*>(argument.c_str()));
    launch.argv.push_back(nullptr);
    for (const auto& [name, value] : job.env.values()) launch.env_strings.push_back(name + "=" + value);
    for (auto& text : launch.env_strings) launch.envp.push_back(text.data());
    launch.envp.push_back(nullptr);
    if (job.run_as) launch.groups = TRY(groups_of(*job.run_as));

    Pipe report = TRY(make_pipe());
    Pipe out = TRY(make_pipe());
    Pipe err;
    if (!job.merge_streams) err = TRY(make_pipe());
    Pipe in;
    Fd nothing;
    if (job.input_fd) {
        launch.in = *job.input_fd;
    } else if (job.input.empty()) {
        nothing.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
        launch.in = nothing.get();
    } else {
        in = TRY(make_pipe());
        launch.in = in.read.get();
    }
    launch.out = out.write.get();
    launch.err = job.merge_streams ? out.write.get() : err.write.get();
    launch.report = report.write.get();
    launch.parent = getpid();

    child->started = SteadyClock::now();
    const pid_t pid = fork();
    if (pid < 0) return fail_errno("cannot start " + escape_foreign(launch.program));
    if (pid == 0) become_child(launch);
    setpgid(pid, pid);  // both sides do it: whoever comes first
    child->pid = pid;
    child->pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));

    report.write.reset();
    Report failure{};
    ssize_t got = 0;
    do {
        got = ::read(report.read.get(), &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    if (got == static_cast<ssize_t>(sizeof failure)) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        return fail(
            errno_error(std::string(doing(failure.step)) +
                            escape_foreign(failure.step == Step::Directory ? job.directory : launch.program),
                        failure.code));
    }

    child->id = next_++;
    child->out = std::move(out.read);
    child->err = std::move(err.read);
    child->in = std::move(in.write);
    set_nonblocking(child->out);
    if (child->err) set_nonblocking(child->err);
    if (child->in) set_nonblocking(child->in);
    if (job.timeout.count() > 0) child->deadline = child->started + job.timeout;
    if (job.on_start) job.on_start(pid);
    children_.push_back(std::move(child));
    return children_.back()->id;
}

std::vector<Supervisor::Finished> Supervisor::wait(std::optional<MonoTime> until, int wake_fd) {
    std::vector<Finished> finished;
    while (true) {
        const auto now = SteadyClock::now();
        for (auto& child : children_) child->look_at_clock(now);
        for (auto it = children_.begin(); it != children_.end();) {
            if ((*it)->done(now)) {
                finished.push_back({(*it)->id, std::move((*it)->exit)});
                it = children_.erase(it);
            } else {
                ++it;
            }
        }
        if (!finished.empty() || (until && now >= *until) || (children_.empty() && wake_fd < 0))
            return finished;

        std::vector<pollfd> polled;
        std::optional<MonoTime> next = until;
        for (auto& child : children_) {
            if (!child->ended) polled.push_back({child->pidfd.get(), POLLIN, 0});
            if (child->out) polled.push_back({child->out.get(), POLLIN, 0});
            if (child->err) polled.push_back({child->err.get(), POLLIN, 0});
            if (child->in) polled.push_back({child->in.get(), POLLOUT, 0});
            if (child->command.cancel_fd >= 0 && !child->kill_at && !child->ended)
                polled.push_back({child->command.cancel_fd, POLLIN, 0});
            const auto event = child->next_event();
            if (event && (!next || *event < *next)) next = event;
        }
        if (wake_fd >= 0) polled.push_back({wake_fd, POLLIN, 0});
        int wait_ms = -1;
        if (next) {
            const auto left = std::chrono::ceil<Duration>(*next - now).count();
            wait_ms = static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
        }
        const int ready = ::poll(polled.data(), polled.size(), wait_ms);
        if (ready < 0 && errno != EINTR) return finished;
        if (wake_fd >= 0 && ready > 0 && (polled.back().revents & (POLLIN | POLLHUP)) != 0) return finished;
        for (auto& child : children_) {
            child->feed();
            child->drain(child->out, Stream::Out);
            child->drain(child->err, Stream::Err);
            if (child->ended) continue;
            child->reap();
            const bool asked =
                child->command.cancel_fd >= 0 &&
                std::any_of(polled.begin(), polled.end(), [&](const pollfd& p) {
                    return p.fd == child->command.cancel_fd && (p.revents & (POLLIN | POLLHUP)) != 0;
                });
            if (asked && !child->ended && !child->kill_at) {
                child->exit.cancelled = true;
                child->ask_to_end();
            }
        }
    }
}

void Supervisor::end(Id id) {
    for (auto& child : children_) {
        if (child->id != id || child->ended) continue;
        child->exit.cancelled = true;
        child->ask_to_end();
    }
}

void Supervisor::end_all() {
    for (auto& child : children_) end(child->id);
}

size_t Supervisor::running() const {
    return children_.size();
}

Result<Exit> run(const Command& command) {
    Supervisor supervisor;
    TRY(supervisor.start(command));
    while (true) {
        auto finished = supervisor.wait(std::nullopt);
        if (!finished.empty()) return std::move(finished.front().exit);
    }
}

void ignore_sigpipe() {
    signal(SIGPIPE, SIG_IGN);
}

void become_subreaper() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

size_t end_orphans(const std::vector<pid_t>& except) {
    size_t ended = 0;
    std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
    pid_t pid = 0;
    while (children >> pid) {
        if (std::find(except.begin(), except.end(), pid) != except.end()) continue;
        ::kill(pid, SIGKILL);
        int status = 0;
        if (waitpid(pid, &status, 0) == pid) ++ended;
    }
    return ended;
}

}  // namespace tidegate::shared
