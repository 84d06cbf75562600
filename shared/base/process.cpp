#include "shared/base/process.hpp"

#include "shared/base/launch.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace tidegate::shared {

namespace {

constexpr Duration kStrayOutput{200};

using SteadyClock = std::chrono::steady_clock;

}  // namespace

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
    auto child = std::make_unique<Child>();
    child->command = std::move(command);
    const Command& job = child->command;

    child->started = SteadyClock::now();
    auto launched = TRY(launch(job));
    child->pid = launched.pid;
    child->pidfd = std::move(launched.pidfd);
    child->id = next_++;
    child->out = std::move(launched.out);
    child->err = std::move(launched.err);
    child->in = std::move(launched.in);
    if (job.timeout.count() > 0) child->deadline = child->started + job.timeout;
    if (job.on_start) job.on_start(child->pid);
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

void open_standard_streams() {
    // open(2) gives the lowest number that is free.
    for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
        if (fd <= STDERR_FILENO) continue;
        close(fd);
        return;
    }
}

void become_subreaper() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

size_t end_orphans(const std::vector<pid_t>& except) {
    size_t ended = 0;
    siginfo_t any{};  // mostly there is no child at all, and /proc is slow
    if (waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return ended;
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
