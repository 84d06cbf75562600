// A command of a release as a transient service unit of systemd, over D-Bus. The unit is Type=oneshot: its job is
// done when the command has ended and its group is empty; and a command that failed stays known until we forget it,
// so that its result cannot be missed.
#include "reconciler/command_job.hpp"
#include "reconciler/command_properties.hpp"
#include "reconciler/manager_bus.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kService = "org.freedesktop.systemd1.Service";
constexpr int kNames = 3;        // tried, one after the other
constexpr int kReconnects = 50;  // systemd executes itself anew when it is updated
constexpr Duration kReconnect{100};
constexpr Duration kLook{1000};
constexpr Duration kLongTime{std::chrono::hours(24 * 365)};

MonoTime now() {
    return std::chrono::steady_clock::now();
}

std::string random_word() {
    unsigned char bytes[4] = {};
    (void)!getrandom(bytes, sizeof bytes, 0);
    return hex(std::string_view(reinterpret_cast<const char*>(bytes), sizeof bytes));
}

// The steps of systemd's that can fail before our own program begins, by their exit status: systemd.exec(5).
std::string step_of(std::uint32_t status) {
    switch (status) {
        case 200: return "200/CHDIR: the release cannot be entered";
        case 203: return "203/EXEC: tidegate-command cannot be executed there";
        case 209:
        case 222: return std::to_string(status) + ": the standard streams";
        case 216: return "216/GROUP";
        case 217: return "217/USER";
        case 218: return "218/CAPABILITIES";
        case 219: return "219/CGROUP";
        case 226: return "226/NAMESPACE: the view of the file system";
        case 228: return "228/SECCOMP: the filter of system calls";
        default: return "exit " + std::to_string(status);
    }
}

class UnitCommand {
  public:
    explicit UnitCommand(const CommandJob& job) : job_(job) {}

    Result<CommandEnd> run() {
        handover_ = TRY(Handover::make(job_, false));
        program_ = TRY(command_program());
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
        out_.reset(ends[0]);
        Fd far(ends[1]);
        fcntl(out_.get(), F_SETFL, fcntl(out_.get(), F_GETFL) | O_NONBLOCK);
        started_ = now();
        TRY(start(far.get()));
        far.reset();
        handover_->began();
        TRY(wait());
        drain();
        end_.exit.took = std::chrono::duration_cast<Duration>(now() - started_);
        TRY(judge());
        return std::move(end_);
    }

  private:
    Result<void> connect() {
        bus_.emplace(TRY(ManagerBus::connect()));
        return bus_->watch_jobs();
    }

    Result<void> start(int output) {
        TRY(during(job_.what, reachable(connect())));
        auto what = job_.unit;
        for (int tried = 0;; ++tried) {
            if (tried > 0 || job_.probes) what = job_.unit + "." + random_word();
            name_ = unit_name(job_.app, job_.sandbox->deployment, what);
            if (job_.on_unit) job_.on_unit(name_);
            auto job = ask_for(output);
            if (job) {
                path_ = std::move(*job);
                return {};
            }
            if (job.error().kind != ErrorKind::Exists || tried + 1 == kNames)
                return reachable(Result<void>(fail(std::move(job.error()).during(job_.what))));
            // One that failed under this name must not be in the way of the next.
            forget();
        }
    }

    Result<std::string> ask_for(int output) {
        const auto request = TRY(bus_->request("StartTransientUnit"));
        TRY(fill_unit(request.get(), {name_, program_, handover_->far_end(), output}, job_));
        const auto reply = TRY(bus_->call(request.get(), "systemd does not start " + name_));
        const char* path = nullptr;
        if (sd_bus_message_read(reply.get(), "o", &path) < 0)
            return fail(ErrorKind::Transient, "systemd named no job for " + name_);
        return std::string(path);
    }

    // That systemd does not answer is the host's trouble, and no reason to do without a sandbox.
    template <typename T>
    static Result<T> reachable(Result<T> result) {
        if (!result && result.error().kind == ErrorKind::Unsupported)
            result.error().kind = ErrorKind::Transient;
        return result;
    }

    Result<void> wait() {
        auto deadline = started_ + (job_.timeout.count() > 0 ? job_.timeout : kLongTime);
        bool asked = false;  // to end
        int reconnects = 0;
        while (true) {
            std::vector<pollfd> others{{out_ ? out_.get() : -1, POLLIN, 0},
                                       {asked ? -1 : job_.cancel_fd, POLLIN, 0}};
            // The end of the job may have been told while nobody listened.
            const auto heard =
                bus_->hear(others, reconnects == 0 ? deadline : std::min(deadline, now() + kLook));
            drain();
            if (!heard) {
                if (++reconnects > kReconnects) return fail(Error(heard.error()).during(job_.what));
                ::poll(nullptr, 0, static_cast<int>(kReconnect.count()));
                if (!connect()) continue;
            }
            if (const auto result = bus_->ended_job(path_)) result_ = *result;
            if (result_ == "done" || ((reconnects > 0 || !result_.empty()) && !runs())) return {};
            const bool cancelled = others[1].revents != 0;
            if (!cancelled && now() < deadline) continue;
            if (!asked) {
                end_.exit.cancelled = cancelled;
                end_.exit.timed_out = !cancelled;
                (void)signal_all(SIGTERM);
            } else {
                (void)bus_->path_of("StopUnit", {name_, "replace"},
                                    "stopping " + name_);  // by its KillSignal
            }
            deadline = now() + (asked ? kLook : job_.grace);
            asked = true;
        }
    }

    Result<void> signal_all(int number) {
        const auto request = TRY(bus_->request("KillUnit"));
        if (sd_bus_message_append(request.get(), "ssi", name_.c_str(), "all", number) < 0)
            return fail(ErrorKind::Broken, "cannot name the signal for " + name_);
        (void)TRY(bus_->call(request.get(), "signal to " + name_));
        return {};
    }

    [[nodiscard]] bool runs() {
        const auto object = bus_->path_of("GetUnit", {name_}, name_);
        const auto active = object ? bus_->text(*object, kUnit, "ActiveState") : fail(object.error());
        return active && (*active == "activating" || *active == "active" || *active == "deactivating");
    }

    void drain() {
        char buffer[65536];
        while (out_) {
            const auto got = ::read(out_.get(), buffer, sizeof buffer);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) return out_.reset();
            job_.on_output(std::string_view(buffer, static_cast<size_t>(got)));
        }
    }

    // One that ended well is known no more, or inactive; one that failed waits to be asked.
    Result<void> judge() {
        const bool begun = TRY(begun_or_forgotten());
        auto& exit = end_.exit;
        std::uint32_t code = CLD_EXITED;
        std::uint32_t status = 0;
        std::string result = result_.empty() || result_ == "done" ? "success" : "exit-code";
        if (result_ != "done")
            if (const auto object = bus_->path_of("GetUnit", {name_}, name_)) {
                result = bus_->text(*object, kService, "Result").value_or(result);
                code = bus_->number(*object, kService, "ExecMainCode", 'i').value_or(code);
                status = bus_->number(*object, kService, "ExecMainStatus", 'i').value_or(status);
            }
        exit.signal = code == CLD_EXITED || code == 0 ? 0 : static_cast<int>(status);
        exit.code = exit.signal != 0 ? 128 + exit.signal : static_cast<int>(status);
        // "timeout": what a command that ended well had left took its time to die, killed as it was.
        if (exit.code == 0 && result != "success" && !(result == "timeout" && code == CLD_EXITED))
            exit.code = 1;
        if (exit.cancelled || exit.timed_out) {
            forget();
            return {};
        }
        const auto limit = job_.sandbox->limits.memory;
        if (result == "oom-kill")
            end_.why = limit != 0 ? "used more memory than its limit of " + manifests::shown_size(limit)
                                  : "was ended for want of memory on the host";
        else if (limit != 0 && exit.code == 128 + SIGKILL)
            end_.why = exit.describe() + ", as the kernel does to what needs more memory than its limit of " +
                       manifests::shown_size(limit);
        else if (result_ == "canceled")
            end_.why = "was stopped by somebody else (systemctl stop)";
        forget();
        if (begun || exit.code == 0 || exit.signal != 0) return {};
        return fail(ErrorKind::Transient,
                    job_.what + ": systemd cannot set the sandbox up (" + step_of(status) + ")",
                    "journalctl -u " + shell_quote(name_) + "; `sandbox` in tidegated.yaml");
    }

    Result<bool> begun_or_forgotten() {
        auto begun = handover_->begun(job_);
        if (!begun) forget();
        return begun;
    }

    // What an activation that failed left running is ended; then its name is free.
    void forget() {
        if (job_.stays_behind && end_.exit.code != 0) (void)signal_all(SIGKILL);
        (void)bus_->path_of("ResetFailedUnit", {name_}, name_);
    }

    const CommandJob& job_;
    std::optional<Handover> handover_;
    std::optional<ManagerBus> bus_;
    std::string program_;
    std::string name_;
    std::string path_;    // of the job that starts it
    std::string result_;  // of that job
    Fd out_;
    MonoTime started_;
    CommandEnd end_;
};

}  // namespace

Result<CommandEnd> run_as_unit(const CommandJob& job) {
    return UnitCommand(job).run();
}

}  // namespace tidegate::reconciler
